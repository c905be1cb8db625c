"""One withdrawal all the way over HTTP: the platform asks, a person approves, the provider says that it paid."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from backoffice import settings as product
from backoffice.accounts.models import User
from backoffice.audit.actors import Machine
from backoffice.audit.models import AuditEntry
from backoffice.platform import clients, signing
from backoffice.platform.models import ApiClient
from ledger.models import Entry
from providers.models import WebhookDelivery
from tests.faults.topology import Topology
from withdrawals.models import Withdrawal
from withdrawals.states import Move, State

pytestmark = [pytest.mark.real_workers]

PASSWORD = "a password of the journey"


def text_of(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class Platform:
    """The gaming platform: signs what it sends."""

    def __init__(self, topology: Topology, client: ApiClient) -> None:
        self.topology, self.client = topology, client

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        raw = b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        signed = signing.headers(
            self.client.key_id, self.client.secret, method=method, path=path, body=raw, now=timezone.now(),
            key=named.get("Idempotency-Key", ""),
        )  # fmt: skip
        answer = httpx.request(
            method,
            self.topology.web(path),
            content=raw,
            headers={"Content-Type": "application/json", **signed, **named},
            trust_env=False,
        )
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture
def platform(topology: Topology) -> Platform:
    made = clients.add_client(name="Casino", actor=Machine("journey"), now=timezone.now())
    return Platform(topology, made)


@pytest.fixture
def desk(topology: Topology, settings: Any) -> Iterator[httpx.Client]:
    """The operator's browser, signed in by the form."""
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS  # the running product knows no cheap one
    user = User.objects.create_user("dana@staff.example", "Dana Kovac", PASSWORD)
    user.groups.add(Group.objects.get(name="Operator"))
    with httpx.Client(base_url=topology.web(""), trust_env=False) as browser:
        page = browser.get("/sign-in/")
        fields = {"username": user.email, "password": PASSWORD, "csrfmiddlewaretoken": csrf_of(page)}
        assert browser.post("/sign-in/", data=fields).headers["Location"] == "/start/"
        yield browser


def csrf_of(page: httpx.Response) -> str:
    return hidden(page, "csrfmiddlewaretoken")


def hidden(page: httpx.Response, name: str) -> str:
    field = next(field for field in re.findall(r"<input[^>]*>", page.text) if f'name="{name}"' in field)
    found = re.search(r'value="([^"]*)"', field)
    assert found is not None
    return found[1]


def told(platform: Platform) -> str:
    """A player with a verified identity and a past, who asks for money to a new account; its reference."""
    now = timezone.now()
    month_ago, player = text_of(now - timedelta(days=30)), "/api/v1/players/journey"
    platform("PUT", player, {
        "name": "Elena Marković", "email": "elena@example.org", "country": "HR", "registered_at": month_ago,
        "verification": {"state": "verified", "level": 3, "decided_at": month_ago, "expires_on": "2090-01-01"},
    })  # fmt: skip
    money = {"currency": "EUR", "occurred_at": month_ago}
    platform("POST", f"{player}/deposits", {"id": "d-1", "amount": "900.00", "instrument": "card-e", **money})
    platform("POST", f"{player}/plays", [
        {"id": "g-1", "kind": "stake", "amount": "900.00", **money},
        {"id": "g-2", "kind": "win", "amount": "950.00", **money},
    ])  # fmt: skip
    bank = {"method": "iban", "account": "DE89370400440532013000", "holder_name": "Elena Marković", "owned": True}
    platform("PUT", f"{player}/destinations/bank", bank)
    asked = {"player_id": "journey", "destination_id": "bank", "amount": "180.00", "currency": "EUR"}
    return str(platform("POST", "/api/v1/withdrawals", asked, Idempotency_Key="journey-1")["ref"])


def approve(desk: httpx.Client, ref: str) -> None:
    """As a person does: from the queue to the withdrawal to the question to the answer."""
    assert ref in desk.get("/withdrawals/").text
    assert desk.get(f"/withdrawals/{ref}/?view=needs-decision").status_code == 200
    sheet = desk.get(f"/withdrawals/{ref}/approve/")
    assert sheet.status_code == 200, sheet.text
    fields = {name: hidden(sheet, name) for name in ("csrfmiddlewaretoken", "version", "token")}
    answer = desk.post(f"/withdrawals/{ref}/approve/", data={**fields, "reason": "known_player"})
    assert answer.status_code == 302, answer.text


def test_from_the_platforms_request_to_the_providers_report(
    topology: Topology, platform: Platform, desk: httpx.Client
) -> None:
    ref = told(platform)
    withdrawal = Withdrawal.objects.get(ref=ref)
    topology.wait(lambda: topology.states([withdrawal]) == [State.UNDER_REVIEW], 20, "a person to be asked")
    assert platform("GET", f"/api/v1/withdrawals/{ref}")["status"] == "under_review"

    approve(desk, ref)
    topology.settle([withdrawal])

    answer = platform("GET", f"/api/v1/withdrawals/{ref}")
    assert answer["status"] == "completed"
    booked = Entry.objects.filter(reference=ref).order_by("pk").values_list("kind", flat=True)
    assert list(booked) == ["reserve", "to_transit", "settle"]
    balance = platform("GET", "/api/v1/players/journey/balance")["balances"]
    assert balance == [{"currency": "EUR", "withdrawable": "770.00", "bonus": "0.00", "held": "0.00"}]

    moves = {entry.action: entry for entry in AuditEntry.objects.filter(subject_id=ref, step__isnull=False)}
    assert moves[Move.APPROVE].actor_name == "Dana Kovac"
    assert moves[Move.COMPLETE].data["source"] == "webhook"
    webhook = WebhookDelivery.objects.get(verified=True, outcome="applied")
    assert (webhook.http_status, ref in bytes(webhook.body).decode()) == (202, True)
    topology.prove([withdrawal])
