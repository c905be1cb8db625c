"""What Stripe's words mean for us; the rest is the contract suite's and the document's."""

import contextlib
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from providers.adapters.stripe import MOST_PAGES, STATUSES, Stripe
from providers.contract import (
    Balance,
    CancelResult,
    CannotTell,
    Declined,
    Duplicate,
    Found,
    Misconfigured,
    NotAccepted,
    NotFound,
    OutcomeUnknown,
    PayoutInstruction,
    PayoutStatus,
    ProviderError,
    ThinEvent,
    VerifiedWebhook,
    WebhookRejected,
)
from providers.registry import BY_CODE
from tests.providers.contract import instruction_for

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH"
FACTS = {
    "key": "0190b5f0-1111-5222-8333-444455556666", "reference": "WD-7K2M-9QXA", "attempt_number": 1, "amount": 245_000,
    "currency": "EUR", "method": "stripe", "account": "acct_1Nv0FGQ9RKHgCVdK/usba_61RK8s66TdXwZ2aB",
    "holder_name": "A. Klaassen",
}  # fmt: skip
PAYOUT, NAMED = PayoutInstruction(**FACTS), PayoutInstruction(**FACTS, provider_reference="obp_1")


def payment(**changes):
    return {
        "id": "obp_1", "object": "v2.money_management.outbound_payment", "status": "posted", "cancelable": False,
        "amount": {"value": 245_000, "currency": "eur"}, "created": "2026-11-22T11:00:00.000Z",
        "from": {"financial_account": "fa_1", "debited": {"value": 245_000, "currency": "eur"}},
        "metadata": {"key": PAYOUT.key, "reference": PAYOUT.reference},
        "status_transitions": {"posted_at": "2026-11-22T11:05:00.000Z"},
    } | changes  # fmt: skip


def page(*payments, following=None):
    return httpx.Response(200, json={"data": list(payments), "next_page_url": following, "previous_page_url": None})


def stripe(answer=None) -> Stripe:
    return Stripe(
        code="stripe", capabilities=BY_CODE["stripe"].capabilities, base_url="https://stripe.example", api_key="sk_1",
        financial_account="fa_1", webhook_secrets=(SECRET, "whsec_older"),
        transport=httpx.MockTransport(answer or (lambda _: None)),
    )  # fmt: skip


def answering(body, status=200) -> Stripe:
    return stripe(lambda _: httpx.Response(status, json=body))


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("processing", PayoutStatus.PENDING),
        ("posted", PayoutStatus.PAID),
        ("failed", PayoutStatus.FAILED),
        ("canceled", PayoutStatus.CANCELLED),
        ("returned", PayoutStatus.RETURNED),
        ("cancelled", PayoutStatus.UNKNOWN),
        ("Posted", PayoutStatus.UNKNOWN),
        ("in_orbit", PayoutStatus.UNKNOWN),
    ],
)
def test_a_status_means_what_the_document_says(status, meaning):
    receipt = answering(payment(status=status)).get_status(NAMED)
    assert receipt.agrees_with(PAYOUT)
    assert (receipt.status, receipt.raw_status, receipt.provider_reference) == (meaning, status, "obp_1")


def test_the_reason_and_the_time_are_those_of_the_status():
    returned = payment(
        status="returned",
        status_details={"returned": {"reason": "payout_method_closed"}},
        status_transitions={"posted_at": "2026-11-22T11:05:00.000Z", "returned_at": "2026-11-22T11:50:00.000Z"},
    )
    receipt = answering(returned).get_status(NAMED)
    assert (receipt.reason_code, receipt.reason_words) == ("payout_method_closed", "payout method closed")
    assert receipt.occurred_at == datetime(2026, 11, 22, 11, 50, tzinfo=UTC)
    receipt = answering(payment(status="processing", status_transitions=None)).get_status(NAMED)
    assert (receipt.reason_code, receipt.occurred_at) == ("", datetime(2026, 11, 22, 11, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("status", "kind", "code", "error"),
    [
        (401, "", "invalid_api_key", Misconfigured),
        (403, "", "forbidden", Misconfigured),
        (400, "", "invalid_fields", Declined),
        (400, "insufficient_funds", "insufficient_funds", Declined),
        (402, "insufficient_funds", "insufficient_funds", Declined),
        (409, "", "delivery_option_not_available", Declined),
        (400, "quota_exceeded", "recipient_count_limit_exceeded", Declined),
        (400, "a_type_of_later", "to_recipient_not_found", Declined),
        (400, "feature_not_enabled", "storer_capability_missing", Misconfigured),
        (403, "feature_not_enabled", "recipient_feature_not_active", Declined),
        (400, "feature_not_enabled", "a_code_of_later", Declined),
        (400, "idempotency_error", "whatever", Duplicate),
        (409, "", "idempotency_error", Duplicate),
        (409, "", "idempotency_conflict", OutcomeUnknown),
        (409, "", "another_conflict", OutcomeUnknown),
        (424, "", "external_dependency_failed", OutcomeUnknown),
        (429, "", "insufficient_funds", NotAccepted),
        (500, "", "api_error", OutcomeUnknown),
        (500, "insufficient_funds", "insufficient_funds", OutcomeUnknown),
        (503, "", "api_error", OutcomeUnknown),
    ],
)
def test_an_error_is_what_may_be_done_about_it(status, kind, code, error):
    body = {"error": {"code": code, "message": "m"} | ({"type": kind} if kind else {})}
    with pytest.raises(error) as caught:
        answering(body, status).create_payout(PAYOUT)
    if isinstance(caught.value, Declined):
        theirs = code in ("insufficient_funds", "delivery_option_not_available")
        assert caught.value.for_provider_reasons is theirs


@pytest.mark.parametrize("status", [302, 400, 402, 404, 422])
@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"error": "no"}', b'{"error": {"code": 7}}'])
def test_what_is_not_stripes_is_no_no(status, content):
    with pytest.raises(OutcomeUnknown):
        stripe(lambda _: httpx.Response(status, content=content)).create_payout(PAYOUT)


@pytest.mark.parametrize(("currency", "amount"), [("EUR", 245_000), ("JPY", 5_000), ("KWD", 12_345)])
def test_the_amount_is_in_the_smallest_unit_of_one_currency_and_nothing_is_exchanged(currency, amount):
    asked = []

    def answer(request):
        asked.append(request)
        return httpx.Response(200, json=payment(amount={"value": amount, "currency": currency.lower()}))

    instruction = PayoutInstruction(**FACTS | {"amount": amount, "currency": currency})
    assert stripe(answer).create_payout(instruction).agrees_with(instruction)
    small = currency.lower()
    assert json.loads(asked[0].content) == {
        "amount": {"value": amount, "currency": small},
        "from": {"financial_account": "fa_1", "currency": small},
        "to": {"recipient": "acct_1Nv0FGQ9RKHgCVdK", "payout_method": "usba_61RK8s66TdXwZ2aB", "currency": small},
        "metadata": {"key": PAYOUT.key, "reference": PAYOUT.reference},
        "recipient_notification": {"setting": "none"},
    }
    headers = asked[0].headers
    assert (headers["idempotency-key"], headers["authorization"]) == (PAYOUT.key, "Bearer sk_1")
    assert headers["stripe-version"] == "2025-12-15.preview"


class TestLookingForOurKey:
    def test_it_is_looked_for_among_its_recipients_on_every_page(self):
        asked = []

        def answer(request):
            asked.append(dict(request.url.params))
            if "page" in request.url.params:
                return page(payment())
            other = payment(metadata={"key": "another"}, id="obp_0", status=7)  # unread: it is not ours
            following = "https://elsewhere.example/v2/money_management/outbound_payments?page=abc%3D&limit=9"
            return page(other, payment(metadata=None), following=following)

        found = stripe(answer).probe(PAYOUT)
        assert isinstance(found, Found) and found.receipt.agrees_with(PAYOUT)
        first, second = asked
        assert (first["recipient"], first["limit"]) == ("acct_1Nv0FGQ9RKHgCVdK", "100")
        age = datetime.now(UTC) - datetime.fromisoformat(first["created_gte"])
        assert age >= BY_CODE["stripe"].capabilities.idempotency_window
        assert second == first | {"page": "abc="}

    def test_two_under_one_key_are_not_chosen_from(self):
        assert isinstance(stripe(lambda _: page(payment(), payment(id="obp_2"))).probe(PAYOUT), CannotTell)
        with pytest.raises(OutcomeUnknown):
            stripe(lambda _: page(payment(), payment(id="obp_2"))).get_status(PAYOUT)

    def test_a_list_without_end_tells_nothing(self):
        asked = []

        def answer(request):
            asked.append(request)
            return page(payment(), following="/v2/money_management/outbound_payments?page=again")

        assert isinstance(stripe(answer).probe(PAYOUT), CannotTell)
        assert len(asked) == MOST_PAGES

    @pytest.mark.parametrize("body", [{}, {"data": []}, {"data": [7], "next_page_url": None}, [], {"data": {}}])
    def test_an_answer_that_is_no_list_tells_nothing(self, body):
        assert isinstance(answering(body).probe(PAYOUT), CannotTell)

    def test_none_is_none(self):
        assert stripe(lambda _: page()).probe(PAYOUT) == NotFound()

    def test_once_it_has_a_name_there_it_is_asked_for_by_that(self):
        paths = []

        def answer(request):
            paths.append(request.url.path)
            return httpx.Response(200, json=payment())

        assert isinstance(stripe(answer).probe(NAMED), Found)
        assert paths == ["/v2/money_management/outbound_payments/obp_1"]
        assert answering({"error": {"code": "not_found", "message": "m"}}, 404).probe(NAMED) == NotFound()
        assert isinstance(answering({"error": {"code": "other", "message": "m"}}, 400).probe(NAMED), CannotTell)


def test_what_left_another_financial_account_is_not_ours():
    elsewhere = payment(**{"from": {"financial_account": "fa_2"}})
    with pytest.raises(Declined) as caught:
        answering(elsewhere).look_up("obp_1")
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("kind", "code", "result"),
    [
        ("already_canceled", "outbound_payment_already_canceled", CancelResult.TOO_LATE),
        ("not_cancelable", "outbound_payment_not_cancelable", CancelResult.TOO_LATE),
        ("", "not_found", CancelResult.UNKNOWN),
    ],
)
def test_a_cancellation_that_is_refused(kind, code, result):
    assert answering({"error": {"type": kind, "code": code, "message": "m"}}, 400).cancel(NAMED) is result


def test_the_balance_is_told_by_currency():
    money = {
        "available": {"eur": {"value": 500, "currency": "eur"}, "usd": {"value": 7, "currency": "usd"}},
        "inbound_pending": {"eur": {"value": 9, "currency": "eur"}},
        "outbound_pending": {"eur": {"value": 30, "currency": "eur"}},
    }
    euro, dollar = answering({"balance": money}).balance()
    assert euro == Balance("EUR", 500, 30, euro.as_of)
    assert (dollar.currency, dollar.available, dollar.pending) == ("USD", 7, 0)


BODY = b'{"id":"evt_1"}'
STAMP = 1795348800  # NOW
# Made once by hand, with openssl dgst -sha256 -hmac over "1795348800." and the body.
GOLDEN = "ae76cee1ecd994b050487ea542d574b058f1c4e052e76ba46b1b1eef696e2d92"


def by_hand(body=BODY, stamp=STAMP, secret=SECRET) -> str:
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def test_the_golden_signature_holds():
    assert NOW.timestamp() == STAMP
    found = stripe().verify_webhook({"stripe-signature": f"t={STAMP},v1={GOLDEN}"}, BODY, NOW)
    assert isinstance(found, VerifiedWebhook) and found.body == BODY


@pytest.mark.parametrize(
    "header",
    [
        f"t={STAMP},v1={by_hand(secret='whsec_older')}",  # while keys are changed
        f"t={STAMP},v1={'0' * 64},v1={by_hand()}",
        f"t={STAMP},v0=old,v1={by_hand()}",
        f"v1={by_hand()},t={STAMP}",
    ],
)
def test_any_of_the_signatures_by_any_of_the_secrets_will_do(header):
    assert isinstance(stripe().verify_webhook({"stripe-signature": header}, BODY, NOW), VerifiedWebhook)


@pytest.mark.parametrize(
    ("header", "body", "now"),
    [
        (f"t={STAMP},v1={by_hand()}", b'{"id": "evt_1"}', NOW),
        (f"t={STAMP},v1={by_hand(secret='whsec_other')}", BODY, NOW),
        (f"t={STAMP},v1={by_hand(secret=SECRET.removeprefix('whsec_'))}", BODY, NOW),
        (f"t={STAMP},v0={by_hand()}", BODY, NOW),  # a scheme that proves nothing
        (f"t={STAMP + 1},v1={by_hand()}", BODY, NOW),
        (f"t={STAMP},v1={by_hand()}", BODY, NOW + timedelta(seconds=301)),
        (f"t={STAMP},v1={by_hand()}", BODY, NOW - timedelta(seconds=301)),
        (f"t={STAMP},t={STAMP},v1={by_hand()}", BODY, NOW),
        (f"t=,v1={by_hand()}", BODY, NOW),
        (f"t=１,v1={by_hand()}", BODY, NOW),
        (f"v1={by_hand()}", BODY, NOW),
        (f"t={STAMP},v1=é", BODY, NOW),
        (f"t={STAMP},v1=", BODY, NOW),
        (f"t={STAMP}", BODY, NOW),
        ("", BODY, NOW),
    ],
)
def test_everything_else_is_refused(header, body, now):
    assert isinstance(stripe().verify_webhook({"stripe-signature": header}, body, now), WebhookRejected)


def event(**changes):
    return {
        "id": "evt_1", "object": "v2.core.event", "type": "v2.money_management.outbound_payment.posted",
        "created": "2026-11-22T11:05:00.000Z", "livemode": False,
        "related_object": {"id": "obp_1", "type": "v2.money_management.outbound_payment", "url": "/v2/x"},
    } | changes  # fmt: skip


def parsed(body):
    return stripe().parse_webhook(VerifiedWebhook(event_id="1", body=json.dumps(body).encode()))


def test_an_event_names_the_payment_and_nothing_else_is_taken_from_it():
    kind = "v2.money_management.outbound_payment.posted"
    assert parsed(event(status="posted")) == [ThinEvent(event_id="1", kind=kind, provider_reference="obp_1")]
    later = "v2.money_management.outbound_payment.of_later"
    assert parsed(event(type=later))[0].kind == later
    for other in ("v2.money_management.outbound_payment_quote.created", "v2.core.event_destination.ping"):
        assert parsed(event(type=other)) == []


@pytest.mark.parametrize(
    "related",
    [
        None,
        {},
        {"id": "obp_1"},
        {"id": "fa_1", "type": "v2.money_management.financial_account"},
        {"id": "", "type": "v2.money_management.outbound_payment"},
        {"id": 7, "type": "v2.money_management.outbound_payment"},
        {"id": "o" * 121, "type": "v2.money_management.outbound_payment"},
    ],
)
def test_an_event_about_nothing_is_refused(related):
    with pytest.raises(WebhookRejected):
        parsed(event(related_object=related))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["posted", "failed", "eur"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(payment())), inner, max_size=4),
    max_leaves=12,
)


@hypothesis(deadline=None)  # what is tried is what it does, not on how busy a machine
@given(_json)
def test_no_body_does_more_than_be_refused(data):
    bodies = [data, {"data": [data], "next_page_url": None}, {"balance": data}, event(related_object=data)]
    if isinstance(data, dict):
        bodies += [payment() | data, event() | data, {"data": [payment() | data], "next_page_url": None}]
    current: list = []
    adapter = stripe(lambda _: httpx.Response(200, json=current[-1]))
    for body in bodies:
        current.append(body)
        with contextlib.suppress(WebhookRejected):
            assert all(type(one) is ThinEvent for one in parsed(body))
        with contextlib.suppress(ProviderError):
            adapter.balance()
        for asked in (NAMED, PAYOUT):
            with contextlib.suppress(ProviderError):
                receipt = adapter.get_status(asked)
                assert (receipt.status is PayoutStatus.PAID) is (receipt.raw_status == "posted")
        assert isinstance(adapter.probe(PAYOUT), Found | NotFound | CannotTell)


def test_the_sandbox_hands_its_list_out_in_pages(sandbox, monkeypatch):
    monkeypatch.setattr("providers.adapters.stripe.PAGE", 2)
    adapter = Stripe(
        code="stripe", capabilities=BY_CODE["stripe"].capabilities, base_url=f"{sandbox.base_url}/stripe",
        api_key="sandbox-test-key", financial_account="stripe", webhook_secrets=(),
    )  # fmt: skip
    made = [instruction_for("stripe") for _ in range(5)]
    for one in made:
        adapter.create_payout(one)
    for one in made:
        found = adapter.probe(one)
        assert isinstance(found, Found) and found.receipt.agrees_with(one)
    elsewhere = "acct_another0/usba_61RK8s66TdXwZ2aB"
    assert adapter.probe(instruction_for("stripe", key=made[0].key, account=elsewhere)) == NotFound()


def test_every_status_has_a_row_above():
    assert set(STATUSES) == {"processing", "posted", "failed", "canceled", "returned"}
