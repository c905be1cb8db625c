"""Which webhooks are believed, and that reading them never raises anything but WebhookRejected."""

import base64
import hashlib
import hmac
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.adapters.sandbox import Sandbox
from providers.contract import PayoutStatus, VerifiedWebhook, WebhookRejected
from providers.registry import BY_CODE

SECRET = "whsec_" + base64.b64encode(b"ours").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"ours until yesterday").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"theirs").decode()
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
DATA = {
    "id": "po_1", "reference": "WD-7K2M-9QXA", "idempotency_key": "k", "amount": 245_000, "currency": "EUR",
    "status": "paid", "reason": None, "sequence": 1, "updated_at": "2026-11-22T10:00:00+00:00",
}  # fmt: skip
EVENT = {"id": "evt_1", "type": "payout.paid", "account": "northgate", "data": DATA}
BODY = json.dumps(EVENT).encode()

PROVIDER = Sandbox(
    code="northgate",
    capabilities=BY_CODE["northgate"].capabilities,
    base_url="https://provider.example",
    api_key="key",
    account="northgate",
    webhook_secrets=(SECRET, OLD_SECRET),
)


def headers(body=BODY, *, secret=SECRET, event_id="evt_1", at=NOW, **changes):
    timestamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256)
    signature = "v1," + base64.b64encode(digest).decode()
    made = {"webhook-id": event_id, "webhook-timestamp": timestamp, "webhook-signature": signature}
    return made | {name.replace("_", "-"): value for name, value in changes.items()}


def signature(**changes):
    return headers(**changes)["webhook-signature"]


@pytest.mark.parametrize(
    ("given_headers", "body"),
    [
        (headers(), BODY),
        (headers(secret=OLD_SECRET), BODY),
        (headers(webhook_signature=f"{signature(secret=OTHER_SECRET)} {signature()}"), BODY),
        (headers(webhook_signature=f"v1a,AAAA {signature()}"), BODY),
        (headers(at=NOW - timedelta(seconds=300)), BODY),
        (headers(at=NOW + timedelta(seconds=300)), BODY),
        (headers(b"\xff\xfe\x00"), b"\xff\xfe\x00"),  # signed is signed; reading it is another matter
    ],
)
def test_believed(given_headers, body):
    assert PROVIDER.verify_webhook(given_headers, body, NOW) == VerifiedWebhook(event_id="evt_1", body=body)


@pytest.mark.parametrize(
    ("given_headers", "body"),
    [
        ({}, BODY),
        (headers(webhook_signature=""), BODY),
        (headers(webhook_signature="v1,"), BODY),
        (headers(webhook_signature="v1," + base64.b64encode(bytes(32)).decode()), BODY),
        (headers(webhook_signature=signature().removeprefix("v1,")), BODY),
        (headers(webhook_signature=signature().replace("v1,", "v2,")), BODY),
        (headers(webhook_signature=signature()[:-2]), BODY),
        (headers(webhook_signature=f"{signature()},{signature()}"), BODY),  # the header was sent twice
        (headers(webhook_signature="v1,é"), BODY),
        (headers(webhook_signature="v1,\udcff"), BODY),
        (headers(secret=OTHER_SECRET), BODY),
        (headers(), BODY[:-1]),
        (headers(), BODY + b" "),
        (headers(), BODY.replace(b"245000", b"245001")),
        (headers(), json.dumps(EVENT, separators=(",", ":")).encode()),
        (headers(), b"\xff\xfe"),
        (headers(), b""),
        (headers(at=NOW - timedelta(seconds=301)), BODY),
        (headers(at=NOW + timedelta(seconds=301)), BODY),
        (headers(webhook_timestamp=str(int(NOW.timestamp()) + 1)), BODY),  # not what was signed
        (headers(webhook_timestamp="1795341600,1795341600"), BODY),
        (headers(webhook_timestamp="soon"), BODY),
        (headers(webhook_timestamp="-1"), BODY),
        (headers(webhook_timestamp="٣" * 10), BODY),
        (headers(webhook_timestamp="9" * 5000), BODY),
        (headers(webhook_id="evt_2"), BODY),
        (headers(event_id=""), BODY),
        (headers(event_id="evt_1,evt_1"), BODY),
        (headers(event_id="evt 1"), BODY),
        (headers(event_id="e" * 129), BODY),
        (headers(event_id="evt_\x00"), BODY),
    ],
)
def test_not_believed(given_headers, body):
    assert isinstance(PROVIDER.verify_webhook(given_headers, body, NOW), WebhookRejected)


def read(body: bytes):
    return PROVIDER.parse_webhook(VerifiedWebhook(event_id="evt_1", body=body))


def test_a_good_body_is_one_event():
    (event,) = read(BODY)
    assert (event.event_id, event.kind) == ("evt_1", "payout.paid")
    assert (event.receipt.status, event.receipt.amount, event.receipt.currency) == ("paid", 245_000, "EUR")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"[" * 100_000,
        b'{"type": NaN}',
        BODY[:-1],
        BODY.replace(b'"amount": 245000', b'"amount": 245000, "amount": 1'),
        BODY.replace(b"245000", b"2450.00"),
        BODY.replace(b"245000", b"9" * 30),
        BODY.replace(b"245000", b"9" * 5000),
        BODY.replace(b'"northgate"', b'"volta"'),
        BODY.replace(b'"po_1"', b'"\\u0000"'),
        BODY.replace(b"2026-11-22T10:00:00+00:00", b"yesterday"),
        json.dumps(EVENT | {"data": None}).encode(),
        json.dumps({"type": "payout.paid", "account": "northgate"}).encode(),
    ],
)
def test_a_body_that_makes_no_sense_is_rejected(body):
    with pytest.raises(WebhookRejected):
        read(body)


@pytest.mark.parametrize("status", ["PAID", "Paid", "paid ", "settled", "success", "unknown", "in_orbit", "0"])
def test_a_status_that_was_not_agreed_is_unknown(status):
    (event,) = read(json.dumps(EVENT | {"data": DATA | {"status": status}}).encode())
    assert event.receipt.status is PayoutStatus.UNKNOWN


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_rejected(body):
    with suppress(WebhookRejected):
        read(body)


@given(st.dictionaries(st.sampled_from([*DATA, "extra"]), json_values, max_size=3))
def test_paid_is_never_made_of_something_else(changes):
    try:
        (event,) = read(json.dumps(EVENT | {"data": DATA | changes}).encode())
    except WebhookRejected:
        return
    assert (event.receipt.status is PayoutStatus.PAID) is ((DATA | changes)["status"] == "paid")
    assert type(event.receipt.amount) is int


@given(
    st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()),
    st.binary(max_size=100),
)
def test_any_headers_are_answered(given_headers, body):
    assert isinstance(PROVIDER.verify_webhook(given_headers, body, NOW), WebhookRejected)
