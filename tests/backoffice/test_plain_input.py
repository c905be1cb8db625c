"""NUL characters: PostgreSQL cannot hold them, so no page may pass one on."""

import json
from typing import Any

import pytest
from django.test import Client

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from tests.factories.withdrawals import make_withdrawal
from withdrawals.states import State

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    [
        "/audit/?x=%00", "/audit/?%00=x", "/audit/?q=a&q=%00", "/withdrawals/?q=%00", "/withdrawals/?%00",
        "/sign-in/?next=%00",
    ],
)  # fmt: skip
def test_in_the_address(client_for: Any, compliance: User, address: str) -> None:
    response = client_for(compliance).get(address)
    assert response.status_code == 400
    assert "no keyboard types" in response.content.decode()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("path", ["/withdrawals/%00/", "/%00", "/static/%00.css", "/flagged/WD%00/"])
def test_in_the_path_it_finds_nothing(client_for: Any, compliance: User, path: str) -> None:
    assert client_for(compliance).get(path).status_code == 404


def test_in_a_form(client_for: Any, operator: User) -> None:
    withdrawal = make_withdrawal(State.UNDER_REVIEW)
    form = {"version": withdrawal.version, "token": "a\x00b"}
    assert client_for(operator).post(f"/withdrawals/{withdrawal.ref}/approve/", form).status_code == 400
    assert not withdrawal.decisions.exists()


@pytest.mark.parametrize("name", ["sid", "csrf", "other"])
def test_in_a_cookie(name: str) -> None:
    response = Client().get("/withdrawals/", headers={"Cookie": f'{name}="aaaaaaaaaaaa\\000"'})
    assert response.status_code == 400
    assert "Content-Security-Policy" in response.headers


def test_machines_are_refused_in_their_own_form() -> None:
    for address in ("/api/v1/notifications?ref=%00", "/api/v1/%00"):
        response = Client().get(address)
        assert response.headers["Content-Type"] == "application/problem+json"
        assert json.loads(response.content)["status"] in (401, 404)


def test_everything_else_passes(client_for: Any, operator: User) -> None:
    assert client_for(operator).get("/withdrawals/?q=%E2%82%AC%01").status_code == 200
