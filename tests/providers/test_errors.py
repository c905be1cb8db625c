"""What each thing that can happen to a request means. Only an explicit no is a no."""

from dataclasses import replace

import httpx
import pytest

from providers.adapters.sandbox import Sandbox
from providers.contract import (
    LONGEST_REFERENCE,
    CancelResult,
    CannotTell,
    Declined,
    Duplicate,
    Misconfigured,
    NotAccepted,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PayoutInstruction,
)
from providers.http import CREATE_TIMEOUT, QUERY_TIMEOUT, recording
from providers.registry import BY_CODE
from withdrawals.models import PayoutAttempt, Withdrawal

INSTRUCTION = PayoutInstruction(
    key="0190b5f0-1111-5222-8333-444455556666",
    reference="WD-7K2M-9QXA",
    attempt_number=1,
    amount=245_000,
    currency="EUR",
    method="iban",
    account="DE89370400440532013000",
    holder_name="Ada Lovelace",
)
PAYOUT = {
    "id": "po_1", "reference": INSTRUCTION.reference, "idempotency_key": INSTRUCTION.key, "amount": 245_000,
    "currency": "EUR", "status": "pending", "reason": None, "sequence": 0,
    "updated_at": "2026-11-22T10:00:00+00:00",
}  # fmt: skip


def adapter(answer) -> Sandbox:
    def handle(request: httpx.Request) -> httpx.Response:
        handle.requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    handle.requests = []
    made = Sandbox(
        code="northgate",
        capabilities=BY_CODE["northgate"].capabilities,
        base_url="https://provider.example",
        api_key="key",
        account="northgate",
        webhook_secrets=("whsec_c2VjcmV0",),
        transport=httpx.MockTransport(handle),
    )
    made.requests = handle.requests
    return made


def problem(status: int, code: str = "some_reason", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": "Ada Lovelace's account"}, headers=headers)


@pytest.mark.parametrize(
    ("happened", "error"),
    [
        (httpx.ConnectError("refused"), NotSent),
        (httpx.ConnectTimeout("slow"), NotSent),
        (httpx.PoolTimeout("busy"), NotSent),
        (httpx.WriteTimeout("slow"), OutcomeUnknown),
        (httpx.WriteError("reset"), OutcomeUnknown),
        (httpx.ReadTimeout("slow"), OutcomeUnknown),
        (httpx.ReadError("reset"), OutcomeUnknown),
        (httpx.RemoteProtocolError("gone"), OutcomeUnknown),
        (httpx.DecodingError("gzip"), OutcomeUnknown),
        (httpx.CloseError("odd"), OutcomeUnknown),
        (httpx.UnsupportedProtocol("ftp"), Misconfigured),
        (httpx.InvalidURL("no"), Misconfigured),
        (problem(400), Declined),
        (problem(402), Declined),
        (problem(404), Declined),
        (problem(422), Declined),
        (problem(401), Misconfigured),
        (problem(403), Misconfigured),
        (problem(429), NotAccepted),
        (problem(503), NotAccepted),
        (problem(409), OutcomeUnknown),
        (problem(409, "request_in_progress"), OutcomeUnknown),
        (problem(409, "duplicate_payout", location="/v1/payouts/po_9"), Duplicate),
        (problem(405), OutcomeUnknown),
        (problem(408), OutcomeUnknown),
        (problem(410), OutcomeUnknown),
        (problem(500), OutcomeUnknown),
        (problem(502), OutcomeUnknown),
        (problem(504), OutcomeUnknown),
        (httpx.Response(301, headers={"location": "https://elsewhere.example/"}), OutcomeUnknown),
        (httpx.Response(307, headers={"location": "https://elsewhere.example/"}), OutcomeUnknown),
        (httpx.Response(200, text="<html>maintenance</html>"), OutcomeUnknown),
        (httpx.Response(200, content=b""), OutcomeUnknown),
        (httpx.Response(201, content=b'{"id": "po_'), OutcomeUnknown),
        (httpx.Response(201, content=b"[" * 100_000), OutcomeUnknown),
        (httpx.Response(201, content=b"\xff\xfe"), OutcomeUnknown),
        (httpx.Response(201, json=[]), OutcomeUnknown),
        (httpx.Response(201, json=PAYOUT | {"amount": "245000"}), OutcomeUnknown),
        (httpx.Response(201, json=PAYOUT | {"amount": 245000.0}), OutcomeUnknown),
        (httpx.Response(201, json=PAYOUT | {"amount": True}), OutcomeUnknown),
        (httpx.Response(201, json=PAYOUT | {"id": ""}), OutcomeUnknown),
        (httpx.Response(201, json=PAYOUT | {"id": "r" * 121}), OutcomeUnknown),
        (httpx.Response(201, json=PAYOUT | {"status": None}), OutcomeUnknown),
        (httpx.Response(201, json=PAYOUT | {"updated_at": "2026-11-22T10:00:00"}), OutcomeUnknown),
        (httpx.Response(204), OutcomeUnknown),
    ],
)
def test_a_create_that_goes_wrong(happened, error):
    provider = adapter(happened)
    with pytest.raises(error) as caught:
        provider.create_payout(INSTRUCTION)
    assert type(caught.value) is error
    assert len(provider.requests) == 1  # nothing was repeated or followed
    assert "Ada" not in str(caught.value)


def test_a_good_answer_is_a_receipt():
    provider = adapter(httpx.Response(201, json=PAYOUT))
    assert provider.create_payout(INSTRUCTION).agrees_with(INSTRUCTION)
    (request,) = provider.requests
    assert request.headers["idempotency-key"] == INSTRUCTION.key
    assert request.headers["authorization"] == "Bearer key"
    assert request.headers["merchant-account"] == "northgate"


def test_the_longest_reference_fits_what_stores_it():
    receipt = adapter(httpx.Response(201, json=PAYOUT | {"id": "r" * LONGEST_REFERENCE})).create_payout(INSTRUCTION)
    assert len(receipt.provider_reference) == LONGEST_REFERENCE
    for model in (PayoutAttempt, Withdrawal):
        assert model._meta.get_field("provider_reference").max_length == LONGEST_REFERENCE


def test_a_repeat_is_identical_to_the_byte():
    provider = adapter(httpx.Response(201, json=PAYOUT))
    provider.create_payout(INSTRUCTION), provider.create_payout(INSTRUCTION)
    first, again = provider.requests
    assert first.content == again.content


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        (None, None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("9" * 20, None),
    ],
)
def test_retry_after_is_read_with_care(told, seconds):
    headers = {"retry-after": told.encode()} if told else {}
    with pytest.raises(NotAccepted) as caught:
        adapter(httpx.Response(429, headers=headers)).create_payout(INSTRUCTION)
    assert caught.value.retry_after == seconds


def test_the_reason_of_a_refusal_is_the_providers_code():
    with pytest.raises(Declined) as caught:
        adapter(problem(422, "account_closed")).create_payout(INSTRUCTION)
    assert (caught.value.code, caught.value.status) == ("account_closed", 422)
    assert caught.value.words == "answered 422: account closed"
    with pytest.raises(Declined) as caught:
        adapter(httpx.Response(422, text="<html>")).create_payout(INSTRUCTION)
    assert caught.value.code == "422"


@pytest.mark.parametrize(
    "happened",
    [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), problem(500), problem(404), problem(401)],
)
def test_a_question_without_an_answer_is_neither_yes_nor_no(happened):
    assert isinstance(adapter(happened).probe(INSTRUCTION), CannotTell)
    assert adapter(happened).cancel(INSTRUCTION) is CancelResult.UNKNOWN


def test_only_an_empty_list_is_not_found():
    assert adapter(httpx.Response(200, json={"data": []})).probe(INSTRUCTION) == NotFound()
    assert isinstance(adapter(httpx.Response(200, json={})).probe(INSTRUCTION), CannotTell)
    two = httpx.Response(200, json={"data": [PAYOUT, PAYOUT]})
    assert isinstance(adapter(two).probe(INSTRUCTION), CannotTell)


def test_a_reference_cannot_leave_its_place_in_the_path():
    provider = adapter(httpx.Response(200, json=PAYOUT))
    provider.get_status(replace(INSTRUCTION, provider_reference="../balance?x=1"))
    assert provider.requests[0].url.raw_path == b"/v1/payouts/..%2Fbalance%3Fx%3D1"


def test_the_recording_keeps_templates_and_no_personal_data():
    with recording() as exchanges, pytest.raises(OutcomeUnknown):
        adapter(problem(500)).create_payout(INSTRUCTION)
    (exchange,) = exchanges
    assert (exchange.method, exchange.path, exchange.status) == ("POST", "/v1/payouts", 500)
    with recording() as exchanges, pytest.raises(NotSent):
        adapter(httpx.ConnectError("refused")).create_payout(INSTRUCTION)
    assert exchanges[0].status is None


def test_a_create_waits_longer_than_a_question():
    assert (CREATE_TIMEOUT.connect, CREATE_TIMEOUT.write, CREATE_TIMEOUT.pool, CREATE_TIMEOUT.read) == (
        3,
        10,
        5,
        30,
    )
    assert QUERY_TIMEOUT.read == 10


def test_an_instruction_does_not_show_the_player_when_printed():
    assert "Ada" not in repr(INSTRUCTION)
    assert "DE89" not in repr(INSTRUCTION)
