"""A signature table: what is changed after signing is found out, and nothing else gets in."""

import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from backoffice.platform import signing
from backoffice.platform.models import ApiClient
from kyc.models import Player
from tests.platform.conftest import SECRET, Signed, problem

pytestmark = pytest.mark.django_db

PATH = "/api/v1/players/p-1/withdrawals?limit=5"


def test_the_scheme_is_the_documented_one() -> None:
    expected = hmac.new(b"secret", b'1795348800\nPOST\n/api/v1/x?a=1\n{"b":2}', hashlib.sha256).hexdigest()
    made = signing.signature("secret", timestamp="1795348800", method="POST", path="/api/v1/x?a=1", body=b'{"b":2}')
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
    "timestamp fraction": {"X-Timestamp": f"{time.time()}"},
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
