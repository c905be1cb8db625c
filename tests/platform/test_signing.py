"""A signature table: what is changed after signing is found out, and nothing else gets in."""

import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from backoffice.platform import signing
from backoffice.platform.models import ApiClient, ReceivedSignature
from kyc.models import Player
from tests.platform.conftest import SECRET, Signed, problem
from withdrawals.models import Destination

pytestmark = pytest.mark.django_db

PATH = "/api/v1/players/p-1/withdrawals?limit=5"


def test_the_scheme_is_the_documented_one() -> None:
    expected = hmac.new(b"secret", b'1795348800\nPOST\n/api/v1/x?a=1\nk-1\n{"b":2}', hashlib.sha256).hexdigest()
    made = signing.signature(
        "secret", timestamp="1795348800", method="POST", path="/api/v1/x?a=1", key="k-1", body=b'{"b":2}'
    )
    assert made == expected


def test_a_signed_request_gets_in(api: Signed, player: Player) -> None:
    assert api("GET", PATH).status_code == 200


CHANGES: dict[str, Any] = {
    "no key": {"X-Key-Id": None},
    "no timestamp": {"X-Timestamp": None},
    "no signature": {"X-Signature": None},
    "unknown key": {"X-Key-Id": "nobody"},
    "key of another": {"X-Key-Id": "sportsbook"},
    "key with NUL": {"X-Key-Id": "casino\x00"},
    "key not ascii": {"X-Key-Id": "casinö"},
    "key in capitals": {"X-Key-Id": "CASINO"},
    "timestamp words": {"X-Timestamp": "now"},
    "timestamp of another time": {"X-Timestamp": f"{time.time()}"[:-1]},
    "timestamp without decimals": {"X-Timestamp": f"{int(time.time())}."},
    "timestamp too fine": {"X-Timestamp": f"{time.time():.7f}"},
    "timestamp negative": {"X-Timestamp": "-1"},
    "timestamp huge": {"X-Timestamp": "9" * 40},
    "timestamp other digits": {"X-Timestamp": "１７９５３４８８００"},
    "signature empty": {"X-Signature": ""},
    "signature short": {"X-Signature": "0" * 63},
    "signature long": {"X-Signature": "0" * 65},
    "signature zeros": {"X-Signature": "0" * 64},
    "signature not hexadecimal": {"X-Signature": "g" * 64},
    "signature not ascii": {"X-Signature": "é" * 64},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_wrong_header_does_not_get_in(
    api: Signed, other_api: Signed, player: Player, change: dict[str, str | None]
) -> None:
    headers = {**api.headers("GET", PATH, b""), **change}
    given = {name: value for name, value in headers.items() if value is not None}
    assert problem(api.send("GET", PATH, b"", given)) == (401, "unauthorized", "")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", PATH, b""),
        ("GET", "/api/v1/players/p-2/withdrawals?limit=5", b""),
        ("GET", "/api/v1/players/p-1/withdrawals?limit=6", b""),
        ("GET", "/api/v1/players/p-1/withdrawals", b""),
        ("GET", PATH, b"{}"),
    ],
)
def test_the_signature_covers_method_path_query_and_body(
    api: Signed, player: Player, method: str, path: str, body: bytes
) -> None:
    response = api.send("GET", path, body, api.headers(method, PATH, b""))
    assert response.status_code == 401


def test_whole_seconds_are_taken(api: Signed, player: Player) -> None:
    timestamp = str(int(time.time()))
    made = signing.signature(api.client.secret, timestamp=timestamp, method="GET", path=PATH, body=b"")
    headers = {"X-Key-Id": "casino", "X-Timestamp": timestamp, "X-Signature": made}
    assert api.send("GET", PATH, b"", headers).status_code == 200


# -- what was captured on its way ------------------------------------------------------------------

REQUEST = json.dumps({"player_id": "p-1", "destination_id": "bank", "amount": "25.00", "currency": "EUR"}).encode()


def test_the_signature_covers_the_idempotency_key(api: Signed, player: Player, destination: str) -> None:
    headers = api.headers("POST", "/api/v1/withdrawals", REQUEST, "k1")
    assert api.send("POST", "/api/v1/withdrawals", REQUEST, headers, Idempotency_Key="k2").status_code == 401
    assert api.send("POST", "/api/v1/withdrawals", REQUEST, headers).status_code == 401
    assert api.send("POST", "/api/v1/withdrawals", REQUEST, headers, Idempotency_Key="k1").status_code == 201


def test_a_request_that_changes_something_is_taken_once(api: Signed, player: Player, destination: str) -> None:
    path = "/api/v1/players/p-1/destinations/bank"
    owned, disowned = (
        json.dumps(
            {"method": "iban", "account": "DE89370400440532013000", "holder_name": player.name, "owned": owned}
        ).encode()
        for owned in (True, False)
    )
    captured = api.headers("PUT", path, owned)
    assert api.send("PUT", path, owned, captured).status_code == 200
    assert api("PUT", path, disowned).status_code == 200

    assert problem(api.send("PUT", path, owned, captured)) == (409, "replayed", "")
    assert Destination.objects.get().owned is False


def test_a_retry_signed_anew_gets_the_first_answer(api: Signed, player: Player, destination: str) -> None:
    first, again = (api.send("POST", "/api/v1/withdrawals", REQUEST, api.headers(
        "POST", "/api/v1/withdrawals", REQUEST, "k1"), Idempotency_Key="k1") for _ in range(2))  # fmt: skip
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_reading_again_is_no_replay(api: Signed, player: Player) -> None:
    headers = api.headers("GET", PATH, b"")
    assert [api.send("GET", PATH, b"", headers).status_code for _ in range(2)] == [200, 200]
    assert not ReceivedSignature.objects.exists()


def test_signatures_are_remembered_while_they_would_be_valid(api: Signed, player: Player) -> None:
    now = datetime.now(UTC)
    for seconds in (0, 599, 700):
        ReceivedSignature.objects.create(
            client=api.client, signature=f"{seconds:064}", at=now - timedelta(seconds=seconds)
        )
    assert signing.forget_signatures(now=now) == 1
    assert {int(row.signature) for row in ReceivedSignature.objects.all()} == {0, 599}


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_gets_in(api: Signed, player: Player, destination: str) -> None:
    headers = api.headers("POST", "/api/v1/withdrawals", REQUEST, "k1")

    def send(_: int) -> int:
        try:
            return int(api.send("POST", "/api/v1/withdrawals", REQUEST, headers, Idempotency_Key="k1").status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, range(4))) == [201, 409, 409, 409]


# -- the clock -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (290, 200), (-290, 200), (310, 401), (-310, 401)])
def test_the_clock_may_be_five_minutes_off(api: Signed, player: Player, seconds: int, status: int) -> None:
    timestamp = str(int(time.time()) + seconds)
    made = signing.signature(api.client.secret, timestamp=timestamp, method="GET", path=PATH, body=b"")
    headers = {"X-Key-Id": "casino", "X-Timestamp": timestamp, "X-Signature": made}
    response = api.send("GET", PATH, b"", headers)
    assert response.status_code == status
    if status == 401:
        assert "seconds off" in response.json()["detail"]


def test_a_key_that_was_withdrawn_does_not_get_in(api: Signed, player: Player) -> None:
    ApiClient.objects.update(is_active=False)
    assert problem(api("GET", PATH)) == (401, "unauthorized", "")


def test_a_wrong_key_and_a_wrong_signature_read_the_same(api: Signed, player: Player) -> None:
    headers = api.headers("GET", PATH, b"")
    unknown = api.send("GET", PATH, b"", {**headers, "X-Key-Id": "nobody"})
    wrong = api.send("GET", PATH, b"", {**headers, "X-Signature": "0" * 64})
    assert unknown.content == wrong.content


def test_a_session_of_staff_does_not_get_in(api: Signed, client_for: Any, operator: Any, player: Player) -> None:
    assert client_for(operator).get(PATH).status_code == 401


def test_the_body_is_limited_before_it_is_read(api: Signed, player: Player) -> None:
    body = json.dumps({"name": "x" * (256 * 1024)}).encode()
    assert problem(api("PUT", "/api/v1/players/p-1", body)) == (413, "too_large", "")


def test_secrets_are_not_repeated(api: Signed, player: Player) -> None:
    assert SECRET.encode() not in api("GET", PATH).content
