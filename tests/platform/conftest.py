"""Two clients of the API that sign, and players that have money."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from backoffice.platform import signing
from backoffice.platform.models import ApiClient
from kyc.models import Player
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import fund

SECRET = "a-secret-of-thirty-two-characters-at-least"


@dataclass
class Signed:
    """A client of the API: signs and sends, and returns Django's response."""

    client: ApiClient

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        key = headers.get("Idempotency_Key", "")
        return self.send(method, path, raw, self.headers(method, path, raw, key), **headers)

    def headers(self, method: str, path: str, raw: bytes, key: str = "") -> dict[str, str]:
        return signing.headers(
            self.client.key_id, self.client.secret, method=method, path=path, key=key, body=raw, now=datetime.now(UTC)
        )

    def send(self, method: str, path: str, raw: bytes, signature: dict[str, str], **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content_type = named.pop("Content-Type", "application/json")
        return Client().generic(method, path, raw, content_type, headers={**signature, **named})

    def withdraw(self, player: str, amount: str = "25.00", key: str = "key-1", **fields: Any) -> Any:
        body = {"player_id": player, "destination_id": "bank", "amount": amount, "currency": "EUR", **fields}
        return self("POST", "/api/v1/withdrawals", body, Idempotency_Key=key)


def make_client(key_id: str, *, secret: str = "", **fields: Any) -> ApiClient:
    client = ApiClient(key_id=key_id, created_at=datetime.now(UTC), **{"name": key_id, **fields})
    client.give_secrets(secret or f"{SECRET}-{key_id}", f"notify-{SECRET}-{key_id}")
    client.save()
    return client


def hours_ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


@pytest.fixture
def api(db: None) -> Signed:
    return Signed(make_client("casino"))


@pytest.fixture
def other_api(db: None) -> Signed:
    return Signed(make_client("sportsbook"))


@pytest.fixture
def player(db: None) -> Player:
    """A verified player with 100.00 EUR."""
    player = PlayerFactory(external_id="p-1", verified=True)
    fund(player, 10_000)
    return player


@pytest.fixture
def destination(api: Signed, player: Player) -> str:
    body = {"method": "iban", "account": "DE89370400440532013000", "holder_name": player.name, "owned": True}
    assert api("PUT", "/api/v1/players/p-1/destinations/bank", body).status_code == 200
    return "bank"


def problem(response: Any) -> tuple[int, str, str]:
    """Return status, code and field of a refusal, which must have the form of one."""
    assert response.headers["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert body["status"] == response.status_code
    assert set(body) == {"type", "title", "status", "detail", "code", "field", "errors"}
    assert body["type"].endswith(body["code"])
    assert body["detail"]
    return body["status"], body["code"], body["field"]
