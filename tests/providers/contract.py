"""The suite that every registered provider must pass, against the sandbox process over real HTTP.

Written against the contract alone: a new entry in the registry runs through it by being there.
"""

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from providers import registry
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
    NotSent,
    OutcomeUnknown,
    PayoutInstruction,
    PayoutReceipt,
    PayoutStatus,
    ThinEvent,
    WebhookRejected,
)

_numbers = itertools.count(1)
# Who documents that a 503 means that nothing was created; of anybody else's nothing can be concluded.
BELIEVED_503 = {"northgate", "volta"}
# Of a webhook about a paid payout; the others name the event.
KINDS = {
    "adyen": "balancePlatform.transfer.updated",
    "hyperswitch": "payout_success",
    "paypal": "PAYMENT.PAYOUTS-ITEM.SUCCEEDED",
    "stripe": "v2.money_management.outbound_payment.posted",
}
# Whose destinations are names of their own.
ACCOUNTS = {"paypal": "ada@example.com", "stripe": "acct_1Nv0FGQ9RKHgCVdK/usba_61RK8s66TdXwZ2aB"}
# Who refuses a repeat and names the payout, where the others answer as the first time.
REFUSES_REPEATS = {"paypal"}
# Who answers a create without saying how the payout itself stands.
ANSWERS_WITHOUT_STATE = {"paypal"}
# Who has fewer words than the story: how a payout is shown that was sent, and one that was cancelled.
SENT_AS = {"paypal": PayoutStatus.PENDING}
CANCELLED_AS = {"paypal": PayoutStatus.RETURNED}
# Who does not count what happens to a payout, so that the time of it puts it in order.
COUNTS_NOTHING = {"paypal"}
# Whose events name no account: they are signed for one address of ours, by this setting.
SIGNED_FOR = {"paypal": {"webhook_id": "ANOTHERWEBHOOK001"}}
# Whose document knows no 429; where nothing protects a repeat, nothing is concluded from one.
UNDOCUMENTED_429 = {"hyperswitch"}
# Who keeps no float of ours: that a connector lacks our money is told as any failure there, which is no certain no.
WITHOUT_FLOAT = {"hyperswitch"}
# Who says neither that a payout has left nor in which order things happened to it.
UNORDERED = {"hyperswitch"}
# Who knows no payout that is held: it is under way like any other.
HOLDS_NOTHING = {"stripe"}
# Whose webhooks say only which payout something happened to: what counts is what asking says then.
THIN = {"stripe"}


def unavailable(code: str) -> type[Exception]:
    return NotAccepted if code in BELIEVED_503 else OutcomeUnknown


def as_held(code: str) -> PayoutStatus:
    return PayoutStatus.PENDING if code in HOLDS_NOTHING else PayoutStatus.HELD


def too_many(code: str) -> type[Exception]:
    return OutcomeUnknown if code in UNDOCUMENTED_429 else NotAccepted


def no_float(code: str) -> type[Exception]:
    return OutcomeUnknown if code in WITHOUT_FLOAT else Declined


def expected(error, code: str):
    """What differs between providers is a function of the code above."""
    return error(code) if error in (unavailable, too_many, no_float, as_held) else error


def is_idempotent(code: str) -> bool:
    return registry.BY_CODE[code].capabilities.idempotency != "none"


def instruction_for(code: str, amount: int = 50_000, **changes) -> PayoutInstruction:
    """A payout that the provider can make, under a fresh key; amounts in minor units."""
    method, limits = next(iter(registry.BY_CODE[code].capabilities.pays.items()))
    number = next(_numbers)
    return PayoutInstruction(
        **{
            "key": f"8d3f0e2c-0000-5000-8000-{number:012}",
            "reference": f"WD-{number:04}-TEST",
            "attempt_number": 1,
            "amount": amount,
            "currency": next(iter(limits)),
            "method": method,
            "account": ACCOUNTS.get(code, "DE89370400440532013000"),
            "holder_name": "Ada Lovelace",
            "country": "DE",
        }
        | changes
    )


def by_repeat_alone(code: str) -> bool:
    """Whether the provider finds nothing by our key, so that the very same request is all there is to ask with."""
    return registry.BY_CODE[code].capabilities.lookup == "by_repeat_create"


def known_as(code: str, instruction: PayoutInstruction, reference: str | None) -> PayoutInstruction:
    """The instruction as it is asked about: by our key, or where that finds nothing by the provider's reference."""
    return dataclasses.replace(instruction, provider_reference=reference) if by_repeat_alone(code) else instruction


def repeated(provider, instruction: PayoutInstruction) -> str | None:
    """The payout that the very same request once more turns out to be."""
    try:
        return provider.create_payout(instruction).provider_reference
    except Duplicate as duplicate:
        return duplicate.provider_reference


def place_of(code: str, receipt: PayoutReceipt):
    """What puts receipts of one payout in order."""
    return receipt.occurred_at if code in COUNTS_NOTHING else receipt.sequence


def nothing_there(code: str, probe) -> bool:
    """Whether the probe answers as it must about what never arrived; who cannot look it up must not guess."""
    return isinstance(probe, CannotTell) if by_repeat_alone(code) else probe == NotFound()


@pytest.fixture(params=[registered.code for registered in registry.KNOWN])
def code(request) -> str:
    return request.param


@pytest.fixture
def provider(sandbox, code):
    return registry.provider(code)


def verified(provider, sent):
    """What the provider makes of a webhook that the sandbox sent."""
    headers = {name.lower(): value for name, value in sent["headers"].items()}
    return provider.verify_webhook(headers, sent["body"].encode(), datetime.now(UTC))


def receipt_of(provider, event):
    """What an event says, or what asking says about it."""
    return provider.look_up(event.provider_reference) if isinstance(event, ThinEvent) else event.receipt


class TestPayouts:
    def test_the_key_the_reference_and_the_amount_travel(self, sandbox, provider, code):
        instruction = instruction_for(code, 123_456)
        receipt = provider.create_payout(instruction)
        assert receipt.agrees_with(instruction)
        assert receipt.status is PayoutStatus.PENDING
        (line,) = sandbox.oracle(instruction.reference)["stmt"]
        assert (line["provider"], line["idem_key"], line["provider_ref"]) == (
            code, instruction.key, receipt.provider_reference,
        )  # fmt: skip
        assert (line["amount"], line["currency"]) == (123_456, instruction.currency)

    def test_a_repeat_under_the_same_key_is_the_same_payout_where_the_capabilities_say_so(
        self, sandbox, provider, code
    ):
        instruction = instruction_for(code)
        first = provider.create_payout(instruction).provider_reference
        assert (repeated(provider, instruction) == first) is is_idempotent(code)
        if code in REFUSES_REPEATS:
            with pytest.raises(Duplicate):
                provider.create_payout(instruction)
        assert sandbox.oracle(instruction.reference)["accepted"] == (1 if is_idempotent(code) else 2)

    def test_another_amount_under_the_same_key_is_a_duplicate_or_a_second_payout(self, sandbox, provider, code):
        instruction = instruction_for(code, 50_000)
        first = provider.create_payout(instruction)
        other = instruction_for(code, 60_000, key=instruction.key)
        if not is_idempotent(code):
            assert provider.create_payout(other).agrees_with(other)
            return
        with pytest.raises(Duplicate) as caught:
            provider.create_payout(other)
        assert caught.value.provider_reference in (None, first.provider_reference)  # not everybody tells

    def test_of_two_payouts_under_one_key_none_is_taken_for_the_one(self, sandbox, provider, code):
        if is_idempotent(code):
            sandbox.faults(idempotency_off=True)
        instruction = instruction_for(code)
        made = [provider.create_payout(instruction).provider_reference for _ in range(2)]
        answer = provider.probe(instruction)
        assert isinstance(answer, CannotTell)
        if not is_idempotent(code):  # of the others it is the provider's fault, and none of our making
            assert sorted(receipt.provider_reference for receipt in answer.several) == sorted(made)
        with pytest.raises(OutcomeUnknown):
            provider.get_status(instruction)

    def test_status_by_key_and_by_the_providers_id_agree(self, sandbox, provider, code):
        instruction = instruction_for(code)
        reference = provider.create_payout(instruction).provider_reference
        sandbox.wait_for(instruction.reference, "paid")
        by_key = provider.get_status(known_as(code, instruction, reference))
        by_id = provider.get_status(
            instruction_for(code, key=instruction.key, reference=instruction.reference, provider_reference=reference)
        )
        assert by_key == by_id
        assert by_key.status is PayoutStatus.PAID

    def test_a_probe_finds_what_arrived_and_nothing_else(self, sandbox, provider, code):
        instruction = instruction_for(code)
        assert nothing_there(code, provider.probe(instruction))
        asked = known_as(code, instruction, "nothing")
        assert provider.probe(asked) == NotFound()
        with pytest.raises(Declined) as caught:
            provider.get_status(asked)
        assert caught.value.status == 404
        assert sandbox.oracle(instruction.reference)["accepted"] == 0  # asking pays nothing
        reference = provider.create_payout(instruction).provider_reference
        assert isinstance(provider.probe(known_as(code, instruction, reference)), Found)

    def test_a_probe_that_gets_no_answer_cannot_tell(self, sandbox, provider, code):
        sandbox.faults(query_unavailable=1)
        assert isinstance(provider.probe(known_as(code, instruction_for(code), "nothing")), CannotTell)

    def test_cancel_is_accepted_or_too_late(self, sandbox, provider, code):
        held = instruction_for(code, 50_911)
        held = known_as(code, held, provider.create_payout(held).provider_reference)
        assert provider.cancel(held) is CancelResult.ACCEPTED
        assert provider.get_status(held).status is CANCELLED_AS.get(code, PayoutStatus.CANCELLED)
        assert provider.cancel(held) is CancelResult.TOO_LATE
        assert provider.cancel(instruction_for(code)) is CancelResult.UNKNOWN

    def test_the_balance_is_our_float_in_minor_units(self, sandbox, provider, code):
        if not provider.capabilities.balance:
            with pytest.raises(Misconfigured):
                provider.balance()
            return
        sandbox.set_balance(code, "EUR", 1_000_000)
        (balance,) = provider.balance()
        assert isinstance(balance, Balance)
        assert (balance.currency, balance.available, balance.pending) == ("EUR", 1_000_000, 0)


class TestErrors:
    @pytest.mark.parametrize(
        ("switch", "error", "accepted"),
        [
            ({"drop_after_accept": 1}, OutcomeUnknown, 1),
            ({"drop_before_accept": 1}, OutcomeUnknown, 0),
            ({"error_after_accept": 1}, OutcomeUnknown, 1),
            ({"malformed": 1}, OutcomeUnknown, 1),
            ({"unavailable_after_accept": 1}, unavailable, 1),
            ({"create_unavailable": 1}, unavailable, 0),
            ({"too_many": 1}, too_many, 0),
            ({"unauthorised": True}, Misconfigured, 0),
        ],
    )
    def test_a_fault_becomes_its_error(self, sandbox, provider, code, switch, error, accepted):
        sandbox.faults(**switch)
        instruction = instruction_for(code)
        with pytest.raises(expected(error, code)):
            provider.create_payout(instruction)
        assert sandbox.oracle(instruction.reference)["accepted"] == accepted

    def test_refused_connections_mean_not_sent(self, sandbox, provider, code):
        sandbox.faults(refuse_connections=True)

        def is_closed():
            try:
                httpx.get(f"{sandbox.base_url}/health", trust_env=False)
            except httpx.ConnectError:
                return True
            except httpx.TransportError:
                return False

        try:
            sandbox.wait_until(is_closed)
            with pytest.raises(NotSent):
                provider.create_payout(instruction_for(code))
        finally:
            sandbox.faults(refuse_connections=False)
            sandbox.wait_until(lambda: not is_closed())


PAID, PENDING = PayoutStatus.PAID, PayoutStatus.PENDING


class TestMagicAmounts:
    @pytest.mark.parametrize(
        ("number", "answer", "later"),
        [
            (901, Declined, None),
            (902, no_float, None),
            (903, OutcomeUnknown, PAID),
            (904, OutcomeUnknown, None),
            (905, OutcomeUnknown, PayoutStatus.FAILED),
            (906, unavailable, None),
            (907, too_many, None),
            (908, PENDING, PAID),
            (909, OutcomeUnknown, PAID),
            (910, PENDING, PENDING),
            (911, as_held, as_held),
            (912, PENDING, PayoutStatus.RETURNED),
            (913, PENDING, PayoutStatus.FAILED),
            (914, PENDING, PAID),
            (915, PENDING, PAID),
            (916, PENDING, PAID),
            (917, PENDING, PAID),
            (918, PENDING, PayoutStatus.UNKNOWN),
            (919, PENDING, PAID),
            (920, PENDING, PAID),
            (921, Duplicate, PAID),
            (922, PENDING, PAID),
        ],
    )
    def test_the_answer_and_what_asking_says_later(self, sandbox, provider, code, number, answer, later):
        instruction = instruction_for(code, 50_000 + number)
        answer, later = expected(answer, code), expected(later, code)
        if isinstance(answer, PayoutStatus):
            said = provider.create_payout(instruction).status
            assert said is (PENDING if code in ANSWERS_WITHOUT_STATE else answer)
        else:
            with pytest.raises(answer):
                provider.create_payout(instruction)
        if later is None:
            assert nothing_there(code, provider.probe(instruction))
        else:
            asked = known_as(code, instruction, repeated(provider, instruction) if by_repeat_alone(code) else None)
            sandbox.wait_until(
                lambda: isinstance(found := provider.probe(asked), Found) and found.receipt.status is later
            )
            assert sandbox.oracle(instruction.reference)["accepted"] == 1

    def test_an_empty_float_is_the_providers_reason_and_a_closed_account_is_not(self, sandbox, provider, code):
        for number, for_provider_reasons in ((901, False), (902, True)):
            if number == 902 and code in WITHOUT_FLOAT:
                continue
            with pytest.raises(Declined) as caught:
                provider.create_payout(instruction_for(code, 50_000 + number))
            assert caught.value.for_provider_reasons is for_provider_reasons

    def test_429_carries_the_seconds_to_wait_where_it_is_believed(self, sandbox, provider, code):
        with pytest.raises(too_many(code)) as caught:
            provider.create_payout(instruction_for(code, 50_907))
        if code not in UNDOCUMENTED_429:
            assert caught.value.retry_after == 1


class TestWebhooks:
    def sent(self, sandbox, provider, code, number=0):
        instruction = instruction_for(code, 50_000 + number)
        instruction = known_as(code, instruction, provider.create_payout(instruction).provider_reference)
        return instruction, sandbox.wait_until(lambda: sandbox.webhooks(instruction.reference))

    def test_a_good_one_reports_what_asking_says(self, sandbox, provider, code):
        instruction, (sent, *_) = self.sent(sandbox, provider, code)
        (event,) = provider.parse_webhook(verified(provider, sent))
        assert event.kind == KINDS.get(code, "payout.paid")
        assert receipt_of(provider, event) == provider.get_status(instruction)
        assert isinstance(event, ThinEvent) is (code in THIN)

    def test_sequences_put_a_disordered_story_in_order(self, sandbox, provider, code):
        instruction, _ = self.sent(sandbox, provider, code, 914)
        sandbox.wait_for(instruction.reference, "paid")
        receipts = [
            receipt_of(provider, provider.parse_webhook(verified(provider, sent))[0])
            for sent in sandbox.webhooks(instruction.reference)
        ]
        if code in THIN:  # the order of the webhooks does not matter
            assert {receipt.status for receipt in receipts} == {PAID}
            return
        before = PENDING if code in UNORDERED else SENT_AS.get(code, PayoutStatus.SENT)
        assert [receipt.status for receipt in receipts] == [PAID, PAID, before, before]
        paid, again, sent, sent_again = [place_of(code, receipt) for receipt in receipts]
        if code in UNORDERED:  # then the product alone keeps a paid payout paid
            assert paid is again is sent is sent_again is None
        else:
            assert paid == again > sent == sent_again

    def test_917_is_refused_once_and_then_believed(self, sandbox, provider, code):
        _, sent = self.sent(sandbox, provider, code, 917)
        assert [isinstance(verified(provider, one), WebhookRejected) for one in sent] == [True, False]

    def test_an_undocumented_status_is_unknown(self, sandbox, provider, code):
        _, (sent, *_) = self.sent(sandbox, provider, code, 918)
        (event,) = provider.parse_webhook(verified(provider, sent))
        receipt = receipt_of(provider, event)
        assert (receipt.status, receipt.raw_status) == (PayoutStatus.UNKNOWN, "in_orbit")

    @pytest.mark.parametrize("kind", ["bad_signature", "other_key", "stale", "reserialised"])
    def test_a_forgery_for_a_payout_in_flight_is_refused(self, sandbox, provider, code, kind):
        instruction = instruction_for(code, 50_910)
        provider.create_payout(instruction)
        sandbox.act(instruction.reference, "forge", kind=kind)
        (sent,) = sandbox.webhooks(instruction.reference)
        refused = kind != "stale" or provider.capabilities.signs_time
        assert isinstance(verified(provider, sent), WebhookRejected) is refused

    def test_the_same_event_again_has_the_same_id_and_another_another(self, sandbox, provider, code):
        instruction, _ = self.sent(sandbox, provider, code, 914)
        sandbox.wait_for(instruction.reference, "paid")
        ids = [verified(provider, sent).event_id for sent in sandbox.webhooks(instruction.reference)]
        assert ids[0] == ids[1] != ids[2] == ids[3]

    def test_another_accounts_event_is_refused_though_it_is_signed(self, sandbox, provider, code, settings):
        instruction = instruction_for(code, 50_910)
        provider.create_payout(instruction)
        sandbox.act(instruction.reference, "forge", kind="account")
        (sent,) = sandbox.webhooks(instruction.reference)
        if code in SIGNED_FOR:
            settings.PROVIDERS[code] |= SIGNED_FOR[code]
            assert isinstance(verified(registry.provider(code), sent), WebhookRejected)
            return
        if code in THIN:  # it names the payout alone, and asking says the truth of that
            (event,) = provider.parse_webhook(verified(provider, sent))
            assert receipt_of(provider, event) == provider.get_status(instruction)
            return
        with pytest.raises(WebhookRejected):
            provider.parse_webhook(verified(provider, sent))


class TestCapabilities:
    def test_no_provider_is_registered_that_cannot_be_asked(self, code):
        capabilities = registry.BY_CODE[code].capabilities
        # By repeating only where a repeat is safe: else an unknown outcome would stay one.
        assert capabilities.lookup == "by_our_reference" or (by_repeat_alone(code) and capabilities.may_repeat)
        assert capabilities.pays
        if capabilities.may_repeat:
            assert capabilities.idempotency != "none"
            assert capabilities.idempotency_window > timedelta(0)
