"""Signing in and out: who gets in, what is written down, and that a session ends when it is ended."""

import re

import pytest
from django.test import Client

from backoffice.accounts.models import StaffSession, User
from backoffice.audit.models import AuditEntry

pytestmark = pytest.mark.django_db

PASSWORD = "a password"


def sign_in(client: Client, email: str, password: str = PASSWORD, **fields: str):
    return client.post("/sign-in/", {"username": email, "password": password, **fields})


def written(user: User) -> list[str]:
    entries = AuditEntry.objects.filter(subject_type="staff", subject_id=str(user.pk)).order_by("pk")
    return [entry.action for entry in entries]


def test_the_right_password_opens_and_is_written_down(operator: User) -> None:
    client = Client()
    answer = sign_in(client, operator.email.upper())
    assert (answer.status_code, answer["Location"]) == (302, "/start/")
    assert client.get("/withdrawals/").status_code == 200
    assert written(operator) == ["sign_in"]
    entry = AuditEntry.objects.get(action="sign_in")
    assert entry.actor_name == operator.name


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("dana.kovac@staff.example", "another password"),
        ("dana.kovac@staff.example", ""),
        ("nobody@staff.example", PASSWORD),
        ("", ""),
    ],
)
def test_a_wrong_one_opens_nothing(operator: User, email: str, password: str) -> None:
    client = Client()
    assert sign_in(client, email, password).status_code == 200
    assert client.get("/withdrawals/")["Location"].startswith("/sign-in/")
    assert "sign_in" not in written(operator)
    assert not StaffSession.objects.exists()


def test_a_refusal_does_not_say_which_part_was_wrong(operator: User) -> None:
    pages = [
        re.sub(r"[A-Za-z0-9]{64}", "token", sign_in(Client(), email, "wrong").text.replace(email, "e-mail"))
        for email in (operator.email, "nobody@staff.example")
    ]
    assert pages[0] == pages[1]
    assert "E-mail and password do not go together" in pages[0]


def test_whoever_has_left_does_not_get_in(operator: User) -> None:
    User.objects.filter(pk=operator.pk).update(is_active=False)
    assert sign_in(Client(), operator.email).status_code == 200
    assert not StaffSession.objects.exists()


def test_after_signing_out_the_session_is_worth_nothing(operator: User) -> None:
    client = Client()
    sign_in(client, operator.email)
    session = client.cookies["sid"].value
    answer = client.post("/sign-out/")
    assert answer["Location"] == "/sign-in/"
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    thief = Client()
    thief.cookies["sid"] = session
    assert thief.get("/withdrawals/")["Location"].startswith("/sign-in/")


def test_a_link_does_not_sign_out(operator: User) -> None:
    client = Client()
    sign_in(client, operator.email)
    assert client.get("/sign-out/").status_code == 405
    assert client.get("/withdrawals/").status_code == 200


def test_a_session_that_was_planted_is_not_taken_over(operator: User) -> None:
    client = Client()
    client.cookies["sid"] = "planted"
    sign_in(client, operator.email)
    assert client.cookies["sid"].value != "planted"


@pytest.mark.parametrize(
    ("wanted", "lands"), [("/audit/", "/audit/"), ("https://evil.example/", "/start/"), ("//evil.example/", "/start/")]
)
def test_where_it_goes_on_is_a_page_of_ours(operator: User, wanted: str, lands: str) -> None:
    assert sign_in(Client(), operator.email, next=wanted)["Location"] == lands
