"""What Adyen's words mean for us; the rest is the contract suite's and the document's."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.adapters.adyen import STATUSES, Adyen
from providers.contract import (
    Declined,
    Duplicate,
    Misconfigured,
    NotAccepted,
    OutcomeUnknown,
    PayoutInstruction,
    PayoutStatus,
    VerifiedWebhook,
    WebhookRejected,
)
from providers.registry import BY_CODE

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
PAYOUT = PayoutInstruction(
    key="0190b5f0-1111-5222-8333-444455556666", reference="WD-7K2M-9QXA", attempt_number=1, amount=245_000,
    currency="EUR", method="iban", account="NL91ABNA0417164300", holder_name="A. Klaassen",
)  # fmt: skip


def transfer(**changes):
    return {
        "id": "1W1UG35U8A9J5ZLG", "status": "booked", "reason": "approved", "reference": PAYOUT.key,
        "referenceForBeneficiary": PAYOUT.reference, "amount": {"value": 245_000, "currency": "EUR"},
        "balanceAccount": {"id": "BA1"}, "category": "bank",
    } | changes  # fmt: skip


def adyen(answer=None) -> Adyen:
    return Adyen(
        code="adyen", capabilities=BY_CODE["adyen"].capabilities, base_url="https://adyen.example", api_key="key",
        balance_account="BA1", hmac_keys=(KEY,), transport=httpx.MockTransport(answer or (lambda _: None)),
    )  # fmt: skip


def told(body) -> VerifiedWebhook:
    return VerifiedWebhook(event_id="1", body=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "tracking", "meaning"),
    [
        *((status, "", meaning) for status, meaning in STATUSES.items()),
        ("booked", "accepted", PayoutStatus.SENT),
        ("booked", "credited", PayoutStatus.PAID),
        ("failed", "credited", PayoutStatus.FAILED),
        ("chargeback", "", PayoutStatus.UNKNOWN),
        ("undefined", "", PayoutStatus.UNKNOWN),
        ("Booked", "credited", PayoutStatus.UNKNOWN),
    ],
)
def test_a_status_means_what_the_document_says(status, tracking, meaning):
    data = transfer(status=status) | ({"tracking": {"type": "confirmation", "status": tracking}} if tracking else {})
    (event,) = adyen().parse_webhook(told({"type": "balancePlatform.transfer.updated", "data": data}))
    assert event.receipt.status is meaning
    assert event.receipt.agrees_with(PAYOUT)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, "00_401", Misconfigured),
        (403, "00_403", Misconfigured),
        (422, "30_112", Declined),
        (422, "notEnoughBalance", Declined),
        (422, "704", Duplicate),
        (429, "00_429", NotAccepted),
        (500, "10_000", OutcomeUnknown),
        (503, "10_000", OutcomeUnknown),
        (302, "", OutcomeUnknown),
    ],
)
def test_an_error_is_what_may_be_done_about_it(status, code, error):
    body = {"type": "t", "title": "t", "detail": "d", "status": status, "errorCode": code}
    with pytest.raises(error) as caught:
        adyen(lambda _: httpx.Response(status, json=body)).create_payout(PAYOUT)
    if isinstance(caught.value, Declined):
        assert caught.value.for_provider_reasons is (code == "notEnoughBalance")


def test_the_reason_of_a_failure_is_told_in_words_and_of_a_success_not():
    data = transfer(status="failed", reason="counterpartyAccountClosed")
    (event,) = adyen().parse_webhook(told({"type": "balancePlatform.transfer.updated", "data": data}))
    assert (event.receipt.reason_code, event.receipt.reason_words) == (
        "counterpartyAccountClosed", "counterparty account closed",
    )  # fmt: skip
    (event,) = adyen().parse_webhook(told({"type": "balancePlatform.transfer.updated", "data": transfer()}))
    assert (event.receipt.reason_code, event.receipt.reason_words) == ("", "")


def signed(body: bytes, key: str = KEY) -> str:
    return base64.b64encode(hmac.digest(bytes.fromhex(key), body, hashlib.sha256)).decode()


def test_only_the_very_bytes_under_a_key_of_ours_are_believed():
    body = b'{"data": 1}'
    found = adyen().verify_webhook({"hmacsignature": signed(body)}, body, NOW)
    assert isinstance(found, VerifiedWebhook) and found.body == body
    for headers, sent in (
        ({"hmacsignature": signed(body)}, b'{"data":1}'),
        ({"hmacsignature": signed(body, "00" * 32)}, body),
        ({"hmacsignature": "é"}, body),
        ({"hmacsignature": ""}, body),
        ({}, body),
    ):
        assert isinstance(adyen().verify_webhook(headers, sent, NOW), WebhookRejected)


def test_another_balance_accounts_transfer_is_refused_and_another_kind_of_event_reports_nothing():
    data = transfer(balanceAccount={"id": "BA2"})
    with pytest.raises(WebhookRejected):
        adyen().parse_webhook(told({"type": "balancePlatform.transfer.updated", "data": data}))
    assert adyen().parse_webhook(told({"type": "balancePlatform.report.created", "data": transfer()})) == []


def test_a_card_is_paid_by_its_token():
    asked = []

    def answer(request):
        asked.append(json.loads(request.content))
        return httpx.Response(202, json=transfer(status="received"))

    card = PayoutInstruction(
        key=PAYOUT.key, reference=PAYOUT.reference, attempt_number=1, amount=245_000, currency="EUR", method="card",
        account="tok_visa_4242_abcdefgh", holder_name="A. Klaassen",
    )  # fmt: skip
    adyen(answer).create_payout(card)
    assert asked[0]["category"] == "card"
    assert asked[0]["counterparty"]["card"]["cardIdentification"] == {"storedPaymentMethodId": card.account}


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["booked", "credited"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(transfer())), inner, max_size=4),
    max_leaves=12,
)


@given(_json)
def test_no_body_does_more_than_be_refused(data):
    with_parts = [{"type": "balancePlatform.transfer.updated", "data": data}, data]
    if isinstance(data, dict):
        with_parts.append({"type": "balancePlatform.transfer.updated", "data": transfer() | data})
    for body in with_parts:
        try:
            events = adyen().parse_webhook(told(body))
        except WebhookRejected:
            continue
        assert all(
            event.receipt.status is not PayoutStatus.PAID or event.receipt.raw_status == "credited" for event in events
        )
