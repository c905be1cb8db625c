"""What Hyperswitch's words mean for us; the rest is the contract suite's and the document's."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.adapters.hyperswitch import LOOK_BACK, STATUSES, Hyperswitch
from providers.contract import (
    CancelResult,
    CannotTell,
    Declined,
    Duplicate,
    Found,
    Misconfigured,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PayoutInstruction,
    PayoutStatus,
    ProviderError,
    VerifiedWebhook,
    WebhookRejected,
)
from providers.registry import BY_CODE

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = "a payment response hash key"
ID = "187282ab-40ef-47a9-9206-5099ba31e432"  # the document's own example, longer than it allows
PAYOUT = PayoutInstruction(
    key="0190b5f0-1111-5222-8333-444455556666", reference="WD-7K2M-9QXA", attempt_number=1, amount=245_000,
    currency="EUR", method="iban", account="NL91ABNA0417164300", holder_name="A. Klaassen", country="NL",
)  # fmt: skip


def payout(**changes):
    return {
        "payout_id": ID, "merchant_id": "M1", "merchant_order_reference_id": PAYOUT.key, "amount": 245_000,
        "currency": "EUR", "status": "success", "metadata": {"reference": PAYOUT.reference}, "error_code": None,
    } | changes  # fmt: skip


def listed(*payouts):
    return {"size": len(payouts), "data": list(payouts)}


def webhook(data=None, **changes):
    content = {"type": "payout_details", "object": payout() if data is None else data}
    return {"merchant_id": "M1", "event_id": "evt_1", "event_type": "payout_success", "content": content} | changes


def hyperswitch(answer=None) -> Hyperswitch:
    return Hyperswitch(
        code="hyperswitch", capabilities=BY_CODE["hyperswitch"].capabilities, base_url="https://hyperswitch.example",
        api_key="key", merchant_id="M1", hash_keys=(KEY, "an older one"),
        transport=httpx.MockTransport(answer or (lambda _: None)),
    )  # fmt: skip


def told(body) -> VerifiedWebhook:
    return VerifiedWebhook(event_id="1", body=json.dumps(body).encode())


# Every status of the document, and some that are none.
MEANINGS = {
    "success": PayoutStatus.PAID,
    "failed": PayoutStatus.FAILED,
    "cancelled": PayoutStatus.CANCELLED,
    "initiated": PayoutStatus.PENDING,
    "expired": PayoutStatus.CANCELLED,
    "reversed": PayoutStatus.RETURNED,
    "pending": PayoutStatus.PENDING,
    "ineligible": PayoutStatus.FAILED,
    "requires_creation": PayoutStatus.HELD,
    "requires_confirmation": PayoutStatus.HELD,
    "requires_payout_method_data": PayoutStatus.HELD,
    "requires_fulfillment": PayoutStatus.HELD,
    "requires_vendor_account_creation": PayoutStatus.HELD,
    "Success": PayoutStatus.UNKNOWN,
    "succeeded": PayoutStatus.UNKNOWN,
    "requires_something": PayoutStatus.UNKNOWN,
}


@pytest.mark.parametrize(("status", "meaning"), MEANINGS.items())
def test_a_status_means_what_the_document_says(status, meaning):
    (event,) = hyperswitch().parse_webhook(told(webhook(payout(status=status))))
    assert (event.receipt.status, event.receipt.raw_status) == (meaning, status)
    assert event.receipt.agrees_with(PAYOUT)
    assert event.receipt.provider_reference == ID


def test_no_status_is_left_out():
    assert STATUSES.keys() <= MEANINGS.keys()


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "IR_04", Declined),
        (400, "IR_06", Declined),
        (400, "IR_16", Declined),
        (400, "IR_20", Declined),
        (400, "IR_30", Declined),
        (400, "IR_39", Declined),
        (400, "IR_41", OutcomeUnknown),  # a connector was asked
        (400, "CE_01", OutcomeUnknown),
        (402, "CE_00", OutcomeUnknown),
        (422, "IR_05", Declined),
        (422, "HE_00", OutcomeUnknown),
        (400, "HE_01", Duplicate),
        (422, "HE_01", Duplicate),
        (400, "", OutcomeUnknown),  # nobody knows whose no it is
        (401, "IR_01", Misconfigured),
        (403, "IR_22", Misconfigured),
        (404, "IR_02", Misconfigured),
        (404, "HE_02", Misconfigured),
        (404, "", OutcomeUnknown),
        (405, "IR_03", OutcomeUnknown),
        (429, "", OutcomeUnknown),
        (429, "IR_16", OutcomeUnknown),
        (500, "HE_00", OutcomeUnknown),
        (500, "HE_03", OutcomeUnknown),
        (501, "IR_00", OutcomeUnknown),
        (503, "", OutcomeUnknown),
        (504, "CE_00", OutcomeUnknown),
        (302, "", OutcomeUnknown),
    ],
)
@pytest.mark.parametrize("shape", ["bare", "wrapped"])
def test_an_error_is_what_may_be_done_about_it(status, code, error, shape):
    body = {"error_type": "invalid_request", "message": "NL91ABNA0417164300 is wrong", "code": code}
    with pytest.raises(ProviderError) as caught:
        answer = body if shape == "bare" else {"error": body}
        hyperswitch(lambda _: httpx.Response(status, json=answer)).create_payout(PAYOUT)
    assert type(caught.value) is error
    assert "NL91" not in caught.value.words
    if isinstance(caught.value, Declined):
        assert caught.value.for_provider_reasons is (code in ("IR_20", "IR_30", "IR_39"))


def test_nothing_left_when_there_is_no_connection():
    def refuse(_):
        raise httpx.ConnectError("refused")

    with pytest.raises(NotSent):
        hyperswitch(refuse).create_payout(PAYOUT)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error": "no"}', b'{"error": {"code": 4}}', b"<html>"])
def test_a_refusal_that_cannot_be_read_is_none(body):
    with pytest.raises(OutcomeUnknown):
        hyperswitch(lambda _: httpx.Response(400, content=body)).create_payout(PAYOUT)


@pytest.mark.parametrize(
    ("amount", "currency"), [(245_000, "EUR"), (245_000, "JPY"), (245_001, "KWD"), (2**53 + 1, "EUR")]
)
def test_a_payout_is_confirmed_and_fulfilled_at_once_and_its_amount_is_in_the_lowest_denomination(amount, currency):
    asked = []

    def answer(request):
        asked.append(json.loads(request.content))
        return httpx.Response(200, json=payout(amount=amount, currency=currency, status="initiated"))

    wanted = replace(PAYOUT, amount=amount, currency=currency)
    assert hyperswitch(answer).create_payout(wanted).agrees_with(wanted)
    (body,) = asked
    assert (body["amount"], body["currency"]) == (amount, currency)
    assert (body["confirm"], body["auto_fulfill"], body["payout_type"]) == (True, True, "bank")
    assert (body["merchant_order_reference_id"], body["metadata"]) == (PAYOUT.key, {"reference": PAYOUT.reference})
    assert body["payout_method_data"] == {
        "bank": {"iban": "NL91ABNA0417164300", "bank_country_code": "NL", "account_holder_name": "A. Klaassen"}
    }


def test_one_that_is_found_in_the_list_is_asked_for_afresh():
    asked = []

    def answer(request):
        asked.append((request.method, str(request.url.copy_with(scheme="https", host="x"))))
        if request.method == "POST":
            body = json.loads(request.content)
            assert body["merchant_order_reference_id"] == PAYOUT.key
            assert datetime.fromisoformat(body["start_time"]) < datetime.now(UTC) - LOOK_BACK / 2
            return httpx.Response(200, json=listed(payout(status="pending")))
        return httpx.Response(200, json=payout(status="success"))

    found = hyperswitch(answer).probe(PAYOUT)
    assert isinstance(found, Found) and found.receipt.status is PayoutStatus.PAID
    assert asked == [("POST", "https://x/payouts/list"), ("GET", f"https://x/payouts/{ID}?force_sync=true")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (listed(payout(), payout(payout_id="other")), "there are several payouts under one reference"),
        (listed(payout(merchant_order_reference_id="somebody else's")), "the answer cannot be read"),
        (listed(payout(), payout(merchant_order_reference_id=None)), "the answer cannot be read"),
        ({"size": 0}, "the answer cannot be read"),
        (listed({}), "the answer cannot be read"),
        ([], "the answer cannot be read"),
    ],
)
def test_a_list_that_is_not_of_the_one_payout_tells_nothing(body, words):
    provider = hyperswitch(lambda _: httpx.Response(200, json=body))
    probed = provider.probe(PAYOUT)
    assert isinstance(probed, CannotTell) and probed.words == words
    with pytest.raises(OutcomeUnknown):
        provider.get_status(PAYOUT)
    assert provider.cancel(PAYOUT) is CancelResult.UNKNOWN


def test_an_empty_list_is_not_found_and_one_that_stands_twice_is_one():
    assert hyperswitch(lambda _: httpx.Response(200, json=listed())).probe(PAYOUT) == NotFound()

    def answer(request):
        return httpx.Response(200, json=listed(payout(), payout()) if request.method == "POST" else payout())

    assert isinstance(hyperswitch(answer).probe(PAYOUT), Found)


def test_a_failure_is_told_by_the_connectors_code_and_never_in_its_prose():
    data = payout(status="failed", error_code="account_closed", error_message="NL91ABNA0417164300 is closed")
    (event,) = hyperswitch().parse_webhook(told(webhook(data, event_type="payout_failed")))
    assert (event.receipt.reason_code, event.receipt.reason_words) == ("account_closed", "account closed")


def signed(body: bytes, key: str = KEY) -> str:
    return hmac.new(key.encode(), body, hashlib.sha512).hexdigest()


def test_the_signature_is_the_published_one():
    """HMAC-SHA512 of RFC 4231, test case 2: the key is taken as text, the digest written in hexadecimal."""
    body, digest = b"what do ya want for nothing?", (
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
    )  # fmt: skip
    provider = hyperswitch()
    provider._keys = ("Jefe",)
    assert isinstance(provider.verify_webhook({"x-webhook-signature-512": digest}, body, NOW), VerifiedWebhook)


def test_only_the_very_bytes_under_a_key_of_ours_are_believed_however_old():
    body = b'{"data": 1}'
    for key in (KEY, "an older one"):
        found = hyperswitch().verify_webhook({"x-webhook-signature-512": signed(body, key)}, body, NOW)
        assert isinstance(found, VerifiedWebhook) and found.body == body
    for headers, sent in (
        ({"x-webhook-signature-512": signed(body)}, b'{"data":1}'),
        ({"x-webhook-signature-512": signed(body, "another")}, body),
        ({"x-webhook-signature-512": signed(body).upper()}, body),
        ({"x-webhook-signature-512": hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()}, body),
        ({"x-webhook-signature-512": "é"}, body),
        ({"x-webhook-signature-512": ""}, body),
        ({}, body),
    ):
        assert isinstance(hyperswitch().verify_webhook(headers, sent, NOW), WebhookRejected)


def test_another_merchants_event_is_refused_and_another_kind_of_event_reports_nothing():
    with pytest.raises(WebhookRejected):
        hyperswitch().parse_webhook(told(webhook(merchant_id="M2")))
    assert hyperswitch().parse_webhook(told(webhook(event_type="refund_succeeded"))) == []


def test_a_payout_that_is_not_ours_is_read_all_the_same():
    data = payout(merchant_order_reference_id=None, metadata=None, description="by hand\nin their dashboard")
    (event,) = hyperswitch().parse_webhook(told(webhook(data)))
    assert (event.receipt.key, event.receipt.reference) == ("", "")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["success", "failed"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(payout())), inner, max_size=4),
    max_leaves=12,
)


READER = hyperswitch()


@given(_json)
def test_no_body_does_more_than_be_refused(data):
    bodies = [webhook(data), webhook(content=data), data]
    if isinstance(data, dict):
        bodies.append(webhook(payout() | data))
    for body in bodies:
        try:
            events = READER.parse_webhook(told(body))
        except WebhookRejected:
            continue
        assert all(
            event.receipt.status is not PayoutStatus.PAID or event.receipt.raw_status == "success" for event in events
        )


@given(_json, st.sampled_from([200, 400, 404, 422, 500]))
def test_no_answer_does_more_than_be_unknown(data, status):
    provider = hyperswitch(lambda _: httpx.Response(status, json=data))
    for ask in (provider.create_payout, provider.get_status):
        try:
            receipt = ask(PAYOUT)
        except ProviderError:
            continue
        assert receipt.status is not PayoutStatus.PAID or receipt.raw_status == "success"
    assert isinstance(provider.probe(PAYOUT), Found | NotFound | CannotTell)
