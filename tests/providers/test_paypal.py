"""What PayPal says means what its document and its own answers have; the rest is in the suite of the contract."""

import base64
import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15
from hypothesis import given
from hypothesis import strategies as st

from providers.adapters.paypal import BATCH_STATUSES, STATUSES, PayPal
from providers.contract import (
    CancelResult,
    CannotTell,
    Declined,
    Duplicate,
    Found,
    Misconfigured,
    NotAccepted,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PayoutInstruction,
    PayoutStatus,
    VerifiedWebhook,
    WebhookRejected,
)
from providers.http import recording
from providers.registry import BY_CODE
from tests.providers.contract import instruction_for
from tests.sandbox_process import API_KEY

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PAYOUT = PayoutInstruction(
    key="0190b5f0-1111-5222-8333-444455556666", reference="WD-7K2M-9QXA", attempt_number=1, amount=245_000,
    currency="EUR", method="paypal", account="ada@example.com", holder_name="A. Klaassen",
)  # fmt: skip
NAMED = replace(PAYOUT, provider_reference="5UXD2E8A7EBQJ")
LINK = "https://api.paypal.com/v1/payments/payouts/5UXD2E8A7EBQJ"
WEBHOOK_ID = "1JE4291016473214C"
KEYS, OTHER_KEYS = RSA.generate(1024), RSA.generate(1024)


def item(**changes):
    return {
        "payout_item_id": "8AELMXH8UB2P8", "payout_batch_id": "5UXD2E8A7EBQJ", "sender_batch_id": PAYOUT.key,
        "transaction_status": "SUCCESS", "time_processed": "2026-11-22T11:59:00Z",
        "payout_item": {
            "amount": {"currency": "EUR", "value": "2450.00"}, "receiver": "ada@example.com",
            "sender_item_id": PAYOUT.reference,
        },
    } | changes  # fmt: skip


def batch(status="SUCCESS", **changes):
    header = {"payout_batch_id": "5UXD2E8A7EBQJ", "batch_status": status}
    header["sender_batch_header"] = {"sender_batch_id": PAYOUT.key}
    return {"batch_header": header, "items": [item(**changes)]}


def let_in(request):
    return httpx.Response(200, json={"access_token": "A21AA", "token_type": "Bearer", "expires_in": 32_400})


def paypal(answer=None, sign_in=let_in) -> PayPal:
    def both(request):
        return sign_in(request) if request.url.path.endswith("/oauth2/token") else answer(request)

    return PayPal(
        code="paypal", capabilities=BY_CODE["paypal"].capabilities, base_url="https://paypal.example",
        client_id="client", api_key="secret", webhook_id=WEBHOOK_ID,
        certificates=(OTHER_KEYS.public_key().export_key().decode(), KEYS.public_key().export_key().decode()),
        transport=httpx.MockTransport(both),
    )  # fmt: skip


def told(body) -> VerifiedWebhook:
    return VerifiedWebhook(event_id="1", body=json.dumps(body).encode())


def answered(status, body=None, **headers):
    return lambda _: httpx.Response(status, json=body or {}, headers=headers)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [*STATUSES.items(), ("NEW", PayoutStatus.UNKNOWN), ("success", PayoutStatus.UNKNOWN), ("", PayoutStatus.UNKNOWN)],
)
def test_a_status_of_the_item_means_what_the_document_says(status, meaning):
    event = {"event_type": "PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "resource": item(transaction_status=status)}
    (found,) = paypal().parse_webhook(told(event))
    assert found.receipt.status is meaning
    assert found.receipt.agrees_with(PAYOUT)


@pytest.mark.parametrize(
    ("of_batch", "of_item", "meaning"),
    [
        *(("SUCCESS", status, meaning) for status, meaning in STATUSES.items()),
        *((status, "", meaning) for status, meaning in BATCH_STATUSES.items()),
        ("DENIED", "PENDING", PayoutStatus.FAILED),
        ("CANCELED", "PENDING", PayoutStatus.CANCELLED),
        ("DENIED", "SUCCESS", PayoutStatus.PAID),  # a batch never takes back what its item says of money
        ("DENIED", "NEW", PayoutStatus.UNKNOWN),
        ("NEW", "", PayoutStatus.UNKNOWN),
    ],
)
def test_a_batch_speaks_only_where_its_item_does_not(of_batch, of_item, meaning):
    found = paypal(answered(200, batch(of_batch, transaction_status=of_item))).probe(NAMED)
    assert isinstance(found, Found) and found.receipt.status is meaning


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(status, meaning) for status, meaning in BATCH_STATUSES.items()] + [("NEW", PayoutStatus.UNKNOWN)],
)
def test_the_answer_to_a_create_is_about_the_batch(status, meaning):
    body = {"batch_header": batch(status)["batch_header"]}
    assert paypal(answered(201, body)).create_payout(PAYOUT).status is meaning


def test_a_batch_that_was_denied_is_told_as_a_whole():
    header = batch("DENIED")["batch_header"] | {"amount": {"currency": "EUR", "value": "2450.00"}}
    event = {"event_type": "PAYMENT.PAYOUTSBATCH.DENIED", "resource": {"batch_header": header}}
    (found,) = paypal().parse_webhook(told(event))
    assert (found.receipt.status, found.receipt.key, found.receipt.amount) == ("failed", PAYOUT.key, 245_000)
    for kind in ("PAYMENT.PAYOUTSBATCH.SUCCESS", "PAYMENT.PAYOUTSBATCH.PROCESSING", "PAYMENT.SALE.COMPLETED"):
        assert paypal().parse_webhook(told(event | {"event_type": kind})) == []


TAKEN = {"field": "SENDER_BATCH_ID", "issue": "Batch with given sender_batch_id already exists"}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"name": "VALIDATION_ERROR", "details": [{"field": "items[0].receiver", "issue": "invalid"}]}, Declined),
        (400, {"name": "INVALID_REQUEST"}, Declined),
        (400, {"name": "NON_HOLDING_CURRENCY"}, Declined),
        (422, {"name": "INSUFFICIENT_FUNDS"}, Declined),
        (422, {"name": "RECEIVER_ACCOUNT_INVALID"}, Declined),
        (400, {"name": "USER_BUSINESS_ERROR", "details": [TAKEN]}, Duplicate),
        (400, {"name": "USER_BUSINESS_ERROR"}, OutcomeUnknown),  # its name covers a used key as well
        (400, {"name": "PREVIOUS_REQUEST_IN_PROGRESS"}, OutcomeUnknown),
        (409, {"name": "RESOURCE_CONFLICT"}, OutcomeUnknown),
        (400, {"name": "REQUEST_TIMEOUT_EXCEEDED"}, OutcomeUnknown),
        (401, {"name": "AUTHENTICATION_FAILURE"}, Misconfigured),
        (403, {"name": "SENDER_RESTRICTED"}, Misconfigured),
        (429, {"name": "RATE_LIMIT_REACHED"}, NotAccepted),
        (403, {"name": "RATE_LIMIT_REACHED"}, NotAccepted),
        (500, {"name": "INTERNAL_SERVER_ERROR"}, OutcomeUnknown),
        (500, {"name": "USER_BUSINESS_ERROR", "details": [TAKEN]}, OutcomeUnknown),
        (503, {"name": "SERVICE_UNAVAILABLE"}, OutcomeUnknown),
        (302, {}, OutcomeUnknown),
    ],
)
def test_an_error_is_what_may_be_done_about_it(status, body, error):
    with pytest.raises(error) as caught:
        paypal(answered(status, body)).create_payout(PAYOUT)
    if isinstance(caught.value, Declined):
        ours = body["name"] in ("INSUFFICIENT_FUNDS", "NON_HOLDING_CURRENCY")
        assert caught.value.for_provider_reasons is ours


@pytest.mark.parametrize(
    ("inside", "beside", "named"),
    [
        ([{"href": LINK}], [], "5UXD2E8A7EBQJ"),  # as PayPal answers
        ([], [{"href": LINK + "?page=1"}], "5UXD2E8A7EBQJ"),  # as the document has it
        ([], [], None),
        ([], [{"href": "https://developer.paypal.com/docs/api/"}], None),
        ([], [{"href": LINK + "/../../elsewhere"}], None),
        ([{"href": "https://elsewhere.example/v1/payments/payouts/" + "X" * 31}], [], None),
        ([{"href": 5}], [], None),
    ],
)
def test_a_used_key_names_its_batch_and_no_address_of_the_answer_is_called(inside, beside, named):
    asked = []

    def answer(request):
        asked.append(request.url.host)
        details = [TAKEN | {"link": inside}]
        return httpx.Response(400, json={"name": "USER_BUSINESS_ERROR", "details": details, "links": beside})

    with pytest.raises(Duplicate) as caught:
        paypal(answer).create_payout(PAYOUT)
    assert caught.value.provider_reference == named
    assert asked == ["paypal.example"]


@pytest.mark.parametrize(
    ("amount", "currency", "value"),
    [
        (245_000, "EUR", "2450.00"), (5, "EUR", "0.05"), (2**53 + 1, "EUR", "90071992547409.93"),
        (1_500, "JPY", "1500"), (1_500, "KWD", "1.500"),
    ],
)  # fmt: skip
def test_an_amount_has_the_decimals_of_its_currency(amount, currency, value):
    asked = []

    def answer(request):
        asked.append(json.loads(request.content))
        return httpx.Response(201, json={"batch_header": batch("PENDING")["batch_header"]})

    paypal(answer).create_payout(replace(PAYOUT, amount=amount, currency=currency))
    (sent,) = asked[0]["items"]
    assert sent["amount"] == {"currency": currency, "value": value}
    assert (sent["sender_item_id"], sent["receiver"]) == (PAYOUT.reference, PAYOUT.account)
    assert asked[0]["sender_batch_header"] == {"sender_batch_id": PAYOUT.key}
    sent_back = item(payout_item=sent)
    event = {"event_type": "PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "resource": sent_back}
    (found,) = paypal().parse_webhook(told(event))
    assert (found.receipt.amount, found.receipt.currency) == (amount, currency)


@pytest.mark.parametrize("value", ["2450.001", "2,450.00", "-1.00", "1e3", "", 2450, None, "٢٤٥٠.00"])
def test_what_is_no_amount_is_not_guessed(value):
    wrong = item(payout_item=item()["payout_item"] | {"amount": {"currency": "EUR", "value": value}})
    with pytest.raises(WebhookRejected):
        paypal().parse_webhook(told({"event_type": "PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "resource": wrong}))


def test_without_paypals_own_name_for_it_nothing_is_asked_and_nothing_is_sent():
    def answer(request):
        raise AssertionError("nothing may be sent")

    provider = paypal(answer, sign_in=answer)
    assert isinstance(provider.probe(PAYOUT), CannotTell)
    assert provider.cancel(PAYOUT) is CancelResult.UNKNOWN
    with pytest.raises(OutcomeUnknown):
        provider.get_status(PAYOUT)
    assert paypal(answered(404)).probe(NAMED) == NotFound()


class Gate:
    """Lets in who has the newest token, and counts what came."""

    def __init__(self, good=("t1",)):
        self.signed_in, self.calls, self.good = 0, [], good

    def sign_in(self, request):
        self.signed_in += 1
        assert request.headers["authorization"] == "Basic " + base64.b64encode(b"client:secret").decode()
        assert request.content == b"grant_type=client_credentials"
        return httpx.Response(200, json={"access_token": f"t{self.signed_in}", "expires_in": 32_400})

    def answer(self, request):
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.calls.append(token)
        if token not in self.good:
            return httpx.Response(401, json={"name": "AUTHENTICATION_FAILURE"})
        header = batch("PENDING")["batch_header"]
        return httpx.Response(201, json={"batch_header": header}) if request.method == "POST" else answered(404)(None)


def test_a_token_is_kept_and_renewed_once_when_it_is_refused():
    gate = Gate(good=("t1",))
    provider = paypal(gate.answer, sign_in=gate.sign_in)
    provider.create_payout(PAYOUT)
    provider.probe(NAMED)
    assert (gate.signed_in, gate.calls) == (1, ["t1", "t1"])
    gate.good = ("t2",)
    provider.create_payout(PAYOUT)
    assert (gate.signed_in, gate.calls) == (2, ["t1", "t1", "t1", "t2"])
    gate.good = ()
    with pytest.raises(Misconfigured):
        provider.create_payout(PAYOUT)
    assert (gate.signed_in, gate.calls[4:]) == (3, ["t2", "t3"])


def test_a_token_at_its_end_is_not_used_any_more():
    gate = Gate(good=("t1", "t2"))

    def short(request):
        return httpx.Response(200, json=gate.sign_in(request).json() | {"expires_in": 60})

    provider = paypal(gate.answer, sign_in=short)
    provider.create_payout(PAYOUT)
    provider.create_payout(PAYOUT)
    assert gate.calls == ["t1", "t2"]


def broken(request):
    raise httpx.ReadTimeout("no answer")


@pytest.mark.parametrize(
    ("sign_in", "error"),
    [
        (answered(401, {"error": "invalid_client"}), Misconfigured),
        (answered(400, {"error": "unsupported_grant_type"}), Misconfigured),
        (answered(429), NotAccepted),
        (answered(500), NotSent),
        (answered(200, {"access_token": "a\r\nb", "expires_in": 5}), NotSent),
        (answered(200, {"access_token": "a", "expires_in": "5"}), NotSent),
        (broken, NotSent),
    ],
)
def test_who_is_not_signed_in_has_sent_nothing(sign_in, error):
    def answer(request):
        raise AssertionError("nothing may be sent")

    with recording() as exchanges, pytest.raises(error):
        paypal(answer, sign_in=sign_in).create_payout(PAYOUT)
    assert exchanges == []


GOLDEN = b'{"id":"WH-1","event_type":"PAYMENT.PAYOUTS-ITEM.SUCCEEDED"}'


def signed(body=GOLDEN, keys=KEYS, at="2026-11-22T12:00:00Z", webhook_id=WEBHOOK_ID, **changes):
    message = f"b2a60e6c-1|{at}|{webhook_id}|{zlib.crc32(body)}".encode()
    return {
        "paypal-transmission-id": "b2a60e6c-1", "paypal-transmission-time": at,
        "paypal-transmission-sig": base64.b64encode(pkcs1_15.new(keys).sign(SHA256.new(message))).decode(),
        "paypal-auth-algo": "SHA256withRSA", "paypal-cert-url": "https://elsewhere.example/cert",
    } | changes  # fmt: skip


def test_a_webhook_is_believed_by_a_certificate_of_ours_alone():
    found = paypal().verify_webhook(signed(), GOLDEN, NOW)
    assert isinstance(found, VerifiedWebhook) and (found.event_id, found.body) == ("b2a60e6c-1", GOLDEN)
    assert isinstance(paypal().verify_webhook(signed(keys=OTHER_KEYS), GOLDEN, NOW), VerifiedWebhook)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (signed(), GOLDEN + b" "),
        (signed(keys=RSA.generate(1024)), GOLDEN),
        (signed(webhook_id="ANOTHERWEBHOOK001"), GOLDEN),
        (signed(at="2026-11-22T11:54:59Z"), GOLDEN),
        (signed(at="2026-11-22T12:05:01Z"), GOLDEN),
        (signed(at="2026-11-22T12:00:00"), GOLDEN),  # no zone
        (signed(at="yesterday"), GOLDEN),
        (signed(**{"paypal-transmission-id": "b2a60e6c-2"}), GOLDEN),
        (signed(**{"paypal-transmission-id": ""}), GOLDEN),
        (signed(**{"paypal-transmission-time": "2026-11-22T12:00:01Z"}), GOLDEN),
        (signed(**{"paypal-auth-algo": "MD5withRSA"}), GOLDEN),
        (signed(**{"paypal-transmission-sig": "é"}), GOLDEN),
        (signed(**{"paypal-transmission-sig": ""}), GOLDEN),
        (signed(**{"paypal-transmission-sig": "AAAA"}), GOLDEN),
        ({}, GOLDEN),
    ],
)
def test_anything_else_is_refused(headers, body):
    assert isinstance(paypal().verify_webhook(headers, body, NOW), WebhookRejected)


def test_an_hour_more_or_less_in_its_zone_is_the_same_moment():
    headers = signed(at="2026-11-22T13:00:00+01:00")
    assert isinstance(paypal().verify_webhook(headers, GOLDEN, NOW + timedelta(minutes=4)), VerifiedWebhook)


@pytest.mark.parametrize(
    ("note", "error"),
    [
        ("ERRPYO001", Misconfigured), ("ERRPYO002", Misconfigured), ("ERRPYO003", Misconfigured),
        ("ERRPYO005", Declined), ("ERRPYO006", OutcomeUnknown), ("ERRPYO010", Declined), ("ERRPYO012", Misconfigured),
        ("ERRPYO035", NotAccepted), ("ERRPYO036", OutcomeUnknown), ("ERRPYO038", Declined),
        ("ERRPYO039", OutcomeUnknown), ("POSPYO001", None),
    ],
)  # fmt: skip
def test_paypals_own_test_values_work_in_the_sandbox(sandbox, note, error):
    def noted(request):
        if request.url.path.endswith("/payouts"):
            body = json.loads(request.content)
            body["items"][0]["note"] = note
            headers = {name: value for name, value in request.headers.items() if name != "content-length"}
            request = httpx.Request("POST", request.url, headers=headers, json=body)
        return wire.handle_request(request)

    payout = instruction_for("paypal")
    with httpx.HTTPTransport() as wire:
        provider = PayPal(
            code="paypal", capabilities=BY_CODE["paypal"].capabilities, base_url=f"{sandbox.base_url}/paypal",
            client_id="paypal", api_key=API_KEY, webhook_id=WEBHOOK_ID, certificates=(),
            transport=httpx.MockTransport(noted),
        )  # fmt: skip
        if error is None:
            assert provider.create_payout(payout).status is PayoutStatus.PENDING
        else:
            with pytest.raises(error):
                provider.create_payout(payout)
        closed = provider.probe(replace(payout, provider_reference="ERRPYO015"))
    assert isinstance(closed, CannotTell)
    assert sandbox.oracle(payout.reference)["accepted"] == (error is None)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["SUCCESS", "PENDING"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(item())), inner, max_size=4),
    max_leaves=12,
)


@given(_json)
def test_no_body_does_more_than_be_refused(resource):
    bodies = [{"event_type": "PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "resource": resource}, resource]
    bodies.append({"event_type": "PAYMENT.PAYOUTSBATCH.DENIED", "resource": {"batch_header": resource}})
    if isinstance(resource, dict):
        bodies.append({"event_type": "PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "resource": item() | resource})
    for body in bodies:
        try:
            events = paypal().parse_webhook(told(body))
        except WebhookRejected:
            continue
        assert all(
            event.receipt.status is not PayoutStatus.PAID or event.receipt.raw_status == "SUCCESS" for event in events
        )


@given(_json, st.sampled_from([200, 201, 400, 422, 500]))
def test_no_answer_raises_anything_else(body, status):
    provider = paypal(lambda request: httpx.Response(status, json=body))
    assert isinstance(provider.probe(NAMED), CannotTell | Found)
    assert provider.cancel(NAMED) in CancelResult
    with pytest.raises((Declined, OutcomeUnknown)):
        provider.create_payout(PAYOUT)
