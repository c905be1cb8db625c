"""Bad input × field: always a documented problem that names the field, never a row, never a crash."""

import json
import re
from typing import Any

import pytest

from fraud.activity import Deposit, Login, Play
from kyc.models import Player, Verification
from ledger.models import Entry
from tests.platform.conftest import Signed, hours_ago, problem
from withdrawals.models import Destination, Withdrawal

pytestmark = pytest.mark.django_db

NOW = hours_ago(1)
GOOD: dict[str, tuple[str, str, dict[str, Any]]] = {
    "player": ("PUT", "/api/v1/players/p-1", {"name": "Dana Kovač"}),
    "deposit": (
        "POST",
        "/api/v1/players/p-1/deposits",
        {"id": "d-1", "amount": "5.00", "currency": "EUR", "occurred_at": NOW},
    ),
    "play": (
        "POST",
        "/api/v1/players/p-1/plays",
        {"id": "g-1", "kind": "stake", "amount": "5.00", "currency": "EUR", "occurred_at": NOW},
    ),
    "login": ("POST", "/api/v1/players/p-1/logins", {"id": "l-1", "occurred_at": NOW, "ip": "203.0.113.7"}),
    "destination": (
        "PUT",
        "/api/v1/players/p-1/destinations/bank",
        {"method": "iban", "account": "DE89370400440532013000", "holder_name": "Dana Kovač"},
    ),
    "withdrawal": (
        "POST",
        "/api/v1/withdrawals",
        {"player_id": "p-1", "destination_id": "bank", "amount": "5.00", "currency": "EUR"},
    ),
}
BAD_AMOUNTS = [
    0, 5, 5.0, -1, True, None, [], {}, "", "-1", "-0", "+1", "1e3", "NaN", "Infinity", "1_000", "１２", "1,000.00",
    "1.000,00", "10000000000000000000", "9223372036854775808", "1" * 78, "1.00\n", " 1", "1 ", "01", ".5", "1.",
    "1.0.0", "0x10", "\ud800", "1\x00", "0", "0.00",
]  # fmt: skip
BAD_CURRENCIES = [None, 1, "", "eur", "ＥＵＲ", "EURO", "HRK", "XXX", "EUR\n", "E\x00R", "EUREUR"]
BAD_TIMES = [
    None, 0, 1795348800, "", "now", "2026-11-22", "2026-11-22T12:00:00", "2026-02-30T12:00:00Z", "1999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00", "2099-01-01T00:00:00Z", "2026-11-22T25:00:00Z", "2026-11-22T12:00:00+99:00",
    "２０２６-11-22T12:00:00Z", "2026-11-22T12:00:00Z\n",
]  # fmt: skip
BAD_IDS = [None, 1, "", " ", "a b", "a/b", "a" * 65, "-a", "a\x00", "é", "\ud800", "a\n", "../x", "a\u202e"]
BAD_TEXTS = ["a\x00b", "a\nb", "a\u202eb", "\ud800", "a\u200bb", "a\x1b[0m", 5, True, [], {}, "x" * 300]
LATER = "2099-01-01T00:00:00Z"
NO_TIMES = [time for time in BAD_TIMES if time != LATER]
REQUEST, AMOUNT, CURRENCY = "invalid_request", "invalid_amount", "invalid_currency"
# What is sent × where × the code of the refusal.
BAD_FIELDS: list[tuple[str, str, str, list[Any]]] = [
    ("player", "name", REQUEST, BAD_TEXTS),
    ("player", "name", "invalid_player", ["", "  "]),
    ("player", "email", REQUEST, BAD_TEXTS),
    ("player", "email", "invalid_player", ["nobody", "a@b@c"]),
    ("player", "phone", REQUEST, BAD_TEXTS),
    ("player", "city", REQUEST, BAD_TEXTS),
    ("player", "country", REQUEST, ["hr", "HRV", "H1", "", 1, "ＨＲ"]),
    ("player", "birth_date", REQUEST, ["2199-01-01", "2026-13-01", "1899-01-01", "31.12.1990", 0, "", True]),
    ("player", "registered_at", REQUEST, [time for time in NO_TIMES if time is not None]),
    ("player", "self_excluded", REQUEST, ["yes", 1, 0, "true"]),
    ("player", "verification", REQUEST, [[], "verified", {}, {"state": "verified"}]),
    ("deposit", "amount", AMOUNT, BAD_AMOUNTS),
    ("deposit", "currency", CURRENCY, BAD_CURRENCIES),
    ("deposit", "occurred_at", REQUEST, NO_TIMES),
    ("deposit", "occurred_at", "invalid_time", [LATER]),
    ("deposit", "id", REQUEST, BAD_IDS),
    ("deposit", "instrument", REQUEST, BAD_TEXTS),
    ("deposit", "instrument", "card_number", ["4111111111111111"]),
    ("play", "amount", AMOUNT, BAD_AMOUNTS),
    ("play", "currency", CURRENCY, BAD_CURRENCIES),
    ("play", "kind", REQUEST, [None, "", "Stake", "gift", 1, "stake\n"]),
    ("play", "occurred_at", REQUEST, NO_TIMES),
    ("play", "id", REQUEST, BAD_IDS),
    (
        "login",
        "ip",
        REQUEST,
        [None, "", "localhost", "1.2.3", "1.2.3.4.5", "01.2.3.4", "fe80::1%eth0", 16909060, "1.2.3.4\n"],
    ),
    ("login", "country", REQUEST, ["hr", "HRV", 1]),
    ("login", "device", REQUEST, BAD_TEXTS),
    ("login", "occurred_at", REQUEST, NO_TIMES),
    ("destination", "method", REQUEST, [None, "", "cheque", "IBAN", 1]),
    ("destination", "account", REQUEST, [*BAD_TEXTS, None, ""]),
    ("destination", "account", "invalid_iban", ["DE88370400440532013000"]),
    ("destination", "holder_name", REQUEST, [*BAD_TEXTS, None, ""]),
    ("destination", "owned", REQUEST, ["yes", 1, None]),
    ("withdrawal", "amount", AMOUNT, BAD_AMOUNTS),
    ("withdrawal", "currency", CURRENCY, BAD_CURRENCIES),
    ("withdrawal", "player_id", REQUEST, BAD_IDS),
    ("withdrawal", "destination_id", REQUEST, BAD_IDS),
]
TABLE = [(what, field, code, value) for what, field, code, values in BAD_FIELDS for value in values]
# Words of the validator that say what is wrong in its own language instead of what to do.
NOT_A_SENTENCE = re.compile(r"pattern|should|match|function|\^")


@pytest.fixture(autouse=True)
def _player(player: Player) -> None:
    """There is somebody whom the input is about."""


def send(api: Signed, what: str, **changes: Any) -> Any:
    method, path, body = GOOD[what]
    return api(method, path, {**body, **changes}, Idempotency_Key="key-1")


def rows() -> tuple[int, ...]:
    return tuple(
        model.objects.count() for model in (Deposit, Play, Login, Destination, Withdrawal, Verification, Entry)
    )


@pytest.mark.parametrize("what", GOOD)
def test_the_good_body_is_taken(api: Signed, what: str) -> None:
    send(api, "destination")
    assert send(api, what).status_code in (200, 201)


@pytest.mark.parametrize(
    ("what", "field", "code", "value"), TABLE, ids=[f"{w}.{f}={ascii(v)[:24]}" for w, f, _c, v in TABLE]
)
def test_bad_input_names_its_field_and_changes_nothing(
    api: Signed, what: str, field: str, code: str, value: Any
) -> None:
    before = rows()
    refused = send(api, what, **{field: value})
    status, told, named = problem(refused)
    assert (status, told) == (400, code)
    assert named == field or (field == "verification" and named.startswith("verification."))
    detail = refused.json()["detail"]
    assert detail.endswith(".")
    assert not NOT_A_SENTENCE.search(detail), detail
    assert rows() == before


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        (
            "amount",
            "12,50",
            'Send the amount with a point before the decimals and no other separator, such as "2450.00".',
        ),
        ("amount", "abc", 'The amount must be a plain decimal number in a string, such as "2450.00".'),
        ("amount", "-5", "The amount cannot be negative: send it without a sign."),
        ("amount", 5.5, 'Send the amount as a string, such as "25.00".'),
        (
            "amount",
            "1" + "0" * 30,
            "The amount may have 18 digits before the point and 18 after it, and no zeros in front of the number.",
        ),
        ("currency", "eur", "Send the currency in capitals: EUR."),
        ("currency", "{0}", "Unknown currency '{0}': send an ISO 4217 code in capitals, such as EUR."),
    ],
)
def test_a_refusal_says_the_rule_and_the_way_out(api: Signed, field: str, value: Any, sentence: str) -> None:
    assert send(api, "withdrawal", **{field: value}).json()["detail"] == f"{field}: {sentence}"


@pytest.mark.parametrize("what", GOOD)
@pytest.mark.parametrize("field", ["state", "approved_by", "player", "required_approvals", "is_staff", "pk", "x" * 999])
def test_a_field_that_is_not_known_is_refused(api: Signed, what: str, field: str) -> None:
    before = rows()
    assert problem(send(api, what, **{field: 1}))[:2] == (400, "invalid_request")
    assert rows() == before


@pytest.mark.parametrize("what", [what for what in GOOD if what != "player"])
def test_every_required_field_is_required(api: Signed, what: str) -> None:
    method, path, body = GOOD[what]
    for field in body:
        less = {name: value for name, value in body.items() if name != field}
        refused = api(method, path, less, Idempotency_Key="key-1")
        assert problem(refused) == (400, "invalid_request", field)


DEEP = b"[" * 100_000
BODIES = {
    "empty": b"",
    "not JSON": b"amount=5",
    "cut": b'{"name": "x"',
    "two documents": b"{}{}",
    "not UTF-8": b'{"name": "\xff"}',
    "UTF-16": json.dumps({"name": "x"}).encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "equal keys": b'{"name": "x", "name": "y"}',
    "equal keys, escaped": b'{"name": "x", "n\\u0061me": "y"}',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": -Infinity}',
    "huge number": b'{"name": ' + b"9" * 5_000 + b"}",
    "huge exponent": b'{"name": 1e400}',
    "nested": DEEP,
    "nested objects": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "array": b"[]",
    "string": b'"name"',
    "null": b"null",
    "number": b"1",
    "surrogate key": b'{"\\ud800": 1}',
    "surrogate": b'{"name": "\\ud800"}',
    "NUL in a key": b'{"na\\u0000me": "x"}',
    "NUL": b'{"name": "a\\u0000b"}',
    "raw NUL": b'{"name": "a\x00b"}',
}


@pytest.mark.parametrize("raw", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("what", GOOD)
def test_a_body_that_is_no_such_document_is_refused(api: Signed, what: str, raw: bytes) -> None:
    method, path, _body = GOOD[what]
    before = rows()
    status, code, _field = problem(api(method, path, raw, Idempotency_Key="key-1"))
    assert (status, code) in ((400, "invalid_json"), (400, "invalid_request"))
    assert rows() == before


def test_ten_megabytes_are_too_large(api: Signed) -> None:
    method, path, _body = GOOD["player"]
    refused = api(method, path, b'{"name": "' + b"x" * 10 * 1024 * 1024 + b'"}')
    assert problem(refused) == (413, "too_large", "")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_only_json_is_read(api: Signed, content_type: str) -> None:
    method, path, body = GOOD["player"]
    raw = json.dumps(body).encode()
    refused = api(method, path, raw, Content_Type=content_type)
    assert problem(refused) == (415, "unsupported_media_type", "")


@pytest.mark.parametrize("player_id", ["a b", "a" * 65, "%00", "%F0%9F%92%A9", "-1"])
def test_a_path_holds_an_id(api: Signed, player_id: str) -> None:
    refused = api("PUT", f"/api/v1/players/{player_id}".replace(" ", "%20"), {"name": "x"})
    assert problem(refused) == (400, "invalid_request", "player_id")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/players/nobody/balance"),
        ("GET", "/api/v1/players/nobody/withdrawals"),
        ("POST", "/api/v1/notifications/9223372036854775807/resend"),
        ("GET", "/api/v1/nothing"),
        ("GET", "/api/v1/"),
        ("GET", "/api/v1/players/"),
        ("POST", "/api/v1/withdrawals/WD-0000-0000/approve"),
    ],
)
def test_what_is_not_there_is_not_found(api: Signed, method: str, path: str) -> None:
    assert problem(api(method, path))[:2] == (404, "not_found")


@pytest.mark.parametrize("key", ["0", "-1", "9223372036854775808", "x", "1" * 5_000, "%00"])
def test_a_notification_has_a_whole_number(api: Signed, key: str) -> None:
    refused = api("POST", f"/api/v1/notifications/{key}/resend")
    assert problem(refused) == (400, "invalid_request", "notification_id")


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS", "GET"])
def test_another_method_is_answered_with_the_right_one(api: Signed, method: str) -> None:
    refused = api(method, "/api/v1/players/p-1")
    assert problem(refused) == (405, "method_not_allowed", "")
    assert refused.headers["Allow"] == "PUT"


def test_every_wrong_field_is_listed(api: Signed) -> None:
    refused = send(api, "deposit", amount=5, currency="eur", more=1).json()
    assert {error["field"] for error in refused["errors"]} == {"amount", "currency", "more"}


def test_a_wrong_field_in_a_list_is_named_with_its_place(api: Signed) -> None:
    method, path, body = GOOD["deposit"]
    refused = api(method, path, [body, {**body, "id": "d-2", "amount": "x"}])
    assert problem(refused) == (400, "invalid_amount", "1.amount")
    refused = api(method, path, [body, {**body, "id": "d-2", "amount": "0.001"}])
    assert problem(refused) == (400, "invalid_amount", "1.amount")


@pytest.mark.parametrize("length", [0, 501])
def test_a_list_has_one_to_five_hundred(api: Signed, length: int) -> None:
    method, path, body = GOOD["login"]
    refused = api(method, path, [{**body, "id": f"l-{n}"} for n in range(length)])
    assert problem(refused)[:2] == (400, "invalid_request")
