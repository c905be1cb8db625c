"""Webhooks that say only that something happened, through the product's own operations: it asks, and applies that.

Stripe's are such; the sandbox speaks as Stripe does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from backoffice.accounts.models import User
from providers import gateway, registry, routing
from providers.contract import PayoutInstruction
from providers.models import ProviderCall, Verb, WebhookDelivery
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination
from tests.sandbox_process import SandboxProcess
from tests.withdrawals.paying import findings_of, hear, live, nothing_is_in_breach, pay, state_of
from withdrawals.models import Finding, Withdrawal
from withdrawals.operations import inbox, work
from withdrawals.pages import unknown
from withdrawals.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_to_believe")]

S = State
ACCOUNT = "acct_1Nv0FGQ9RKHgCVdK/usba_61RK8s66TdXwZ2aB"


@pytest.fixture
def by_stripe(
    approved: Callable[..., Withdrawal], monkeypatch: pytest.MonkeyPatch, quick_to_believe: None
) -> Callable[..., Withdrawal]:
    """Make an approved withdrawal that Stripe pays, as the only provider of the installation."""
    monkeypatch.setattr(routing, "PROVIDERS", (registry.BY_CODE["stripe"],))

    def make(amount: int = 18_000) -> Withdrawal:
        player = PlayerFactory(verified=True)
        destination = make_destination(player, method="stripe", account=ACCOUNT)
        return approved(amount, player=player, destination=destination)

    return make


def heard(sandbox: SandboxProcess, withdrawal: Withdrawal, number: int = 1) -> str:
    """Wait for so many webhooks, apply what there is and nothing else; return the state."""
    sandbox.wait_until(lambda: len(sandbox.webhooks(withdrawal.ref)) >= number)
    hear(sandbox, withdrawal)
    return state_of(withdrawal)


def receive(sandbox: SandboxProcess, reference: str) -> WebhookDelivery:
    (letter,) = sandbox.wait_until(lambda: sandbox.webhooks(reference))
    received = gateway.receive_webhook("stripe", letter["headers"], letter["body"].encode(), timezone.now())
    assert received.http_status == 202
    assert received.delivery is not None
    return received.delivery


def test_it_is_asked_and_completed_though_the_webhook_says_nothing(
    sandbox: SandboxProcess, by_stripe: Callable[..., Withdrawal]
) -> None:
    withdrawal = by_stripe()
    pay(withdrawal)
    assert state_of(withdrawal) == S.PROCESSING
    sandbox.wait_for(withdrawal.ref, "paid")
    assert heard(sandbox, withdrawal) == S.COMPLETED
    assert b"18000" not in bytes(WebhookDelivery.objects.get().body)
    assert WebhookDelivery.objects.get().outcome == "applied"
    assert list(ProviderCall.objects.values_list("verb", flat=True).order_by("pk")) == [Verb.CREATE, Verb.STATUS]
    sandbox.send_back(withdrawal.ref)
    assert heard(sandbox, withdrawal, 2) == S.RETURNED
    assert findings_of(withdrawal) == set()
    nothing_is_in_breach(sandbox)


def test_a_lost_answer_is_made_good_by_the_webhook_alone(
    sandbox: SandboxProcess, by_stripe: Callable[..., Withdrawal]
) -> None:
    withdrawal = by_stripe(10_903)
    pay(withdrawal)
    attempt = withdrawal.attempts.get()
    assert (state_of(withdrawal), attempt.provider_reference) == (S.OUTCOME_UNKNOWN, "")
    sandbox.wait_for(withdrawal.ref, "paid")
    assert heard(sandbox, withdrawal) == S.COMPLETED
    nothing_is_in_breach(sandbox)


def test_what_was_paid_and_came_back_before_we_asked_is_both(
    sandbox: SandboxProcess, by_stripe: Callable[..., Withdrawal]
) -> None:
    withdrawal = by_stripe()
    pay(withdrawal)
    sandbox.wait_for(withdrawal.ref, "paid")
    sandbox.send_back(withdrawal.ref)
    assert heard(sandbox, withdrawal, 2) == S.RETURNED
    nothing_is_in_breach(sandbox)


def test_while_the_provider_cannot_be_asked_the_webhook_waits(
    sandbox: SandboxProcess, by_stripe: Callable[..., Withdrawal]
) -> None:
    withdrawal = by_stripe()
    pay(withdrawal)
    sandbox.wait_for(withdrawal.ref, "paid")
    sandbox.faults(query_unavailable=1)
    delivery = receive(sandbox, withdrawal.ref)
    now = timezone.now()
    inbox.apply_delivery(delivery.pk, now=now)
    delivery.refresh_from_db()
    assert delivery.applied_at is None
    assert delivery.apply_after >= now + inbox.FIRST_REST
    assert state_of(withdrawal) == S.PROCESSING
    sandbox.faults(query_unavailable=0)
    inbox.apply_delivery(delivery.pk, now=delivery.apply_after)
    assert state_of(withdrawal) == S.COMPLETED


def test_slow_answers_make_room_for_others(sandbox: SandboxProcess, by_stripe: Callable[..., Withdrawal]) -> None:
    withdrawal = by_stripe()
    pay(withdrawal)
    sandbox.wait_for(withdrawal.ref, "paid")
    sandbox.send_back(withdrawal.ref)
    for letter in sandbox.webhooks(withdrawal.ref):
        gateway.receive_webhook("stripe", letter["headers"], letter["body"].encode(), timezone.now())
    applied, start = WebhookDelivery.objects.exclude(applied_at=None), timezone.now()
    assert inbox.apply_due(clock=lambda: start + work.BUDGET * applied.count()) == 1
    assert inbox.apply_due(clock=timezone.now) == 1


def test_a_payment_that_nobody_here_asked_for_is_found(sandbox: SandboxProcess) -> None:
    made_by_hand = PayoutInstruction(
        key="by-hand", reference="WD-0000-HAND", attempt_number=1, amount=77_000, currency="EUR", method="stripe",
        account=ACCOUNT, holder_name="Ada Lovelace",
    )  # fmt: skip
    registry.provider("stripe").create_payout(made_by_hand)
    sandbox.wait_for("WD-0000-HAND", "paid")
    delivery = receive(sandbox, "WD-0000-HAND")
    inbox.apply_delivery(delivery.pk, now=delivery.received_at)
    assert Finding.objects.count() == 0
    inbox.apply_delivery(delivery.pk, now=delivery.received_at + inbox.SECOND_LOOK)
    finding = Finding.objects.get()
    assert (finding.kind, finding.data["amount"], finding.data["status"]) == ("unknown_reference", 77_000, "paid")


def test_one_that_the_provider_does_not_know_is_looked_at_twice_and_left(
    sandbox: SandboxProcess, by_stripe: Callable[..., Withdrawal]
) -> None:
    withdrawal = by_stripe()
    pay(withdrawal)
    sandbox.wait_for(withdrawal.ref, "paid")
    delivery = receive(sandbox, withdrawal.ref)
    sandbox.reset()
    inbox.apply_delivery(delivery.pk, now=delivery.received_at)
    delivery.refresh_from_db()
    assert (delivery.applied_at, delivery.apply_after) == (None, delivery.received_at + inbox.SECOND_LOOK)
    inbox.apply_delivery(delivery.pk, now=delivery.apply_after)
    delivery.refresh_from_db()
    assert delivery.outcome == "not ours"
    assert (state_of(withdrawal), Finding.objects.count()) == (S.PROCESSING, 0)


def test_paid_after_the_money_was_given_back_is_found(
    sandbox: SandboxProcess, by_stripe: Callable[..., Withdrawal]
) -> None:
    withdrawal = by_stripe(10_910)
    pay(withdrawal)
    sandbox.push(withdrawal.ref, "failed")
    assert heard(sandbox, withdrawal) == S.FAILED
    sandbox.push(withdrawal.ref, "paid")
    assert heard(sandbox, withdrawal, 2) == S.FAILED
    assert findings_of(withdrawal) == {"paid_after_release"}


def test_a_forged_one_changes_nothing(sandbox: SandboxProcess, by_stripe: Callable[..., Withdrawal]) -> None:
    withdrawal = by_stripe(10_910)
    pay(withdrawal)
    for kind in ("bad_signature", "other_key", "stale", "amount", "account", "unknown_event"):
        sandbox.act(withdrawal.ref, "forge", kind=kind)
    assert heard(sandbox, withdrawal, 6) == S.PROCESSING
    assert findings_of(withdrawal) == set()


def test_whoever_settles_it_reads_what_came_of_it(
    sandbox: SandboxProcess, by_stripe: Callable[..., Withdrawal], finance: User
) -> None:
    withdrawal = by_stripe(10_918)
    pay(withdrawal)
    sandbox.wait_for(withdrawal.ref, "in_orbit")
    assert heard(sandbox, withdrawal) == S.OUTCOME_UNKNOWN
    said = [one.detail for one in unknown.said_about(withdrawal.attempts.get(), finance)]
    assert "“v2.money_management.outbound_payment.updated” · applied" in said


@dataclass(frozen=True)
class Story:
    """How a payout of a magic amount ends when Stripe pays it, as far as that differs from paid once and sent once."""

    number: int
    after: State = S.COMPLETED
    paid_times: int = 1
    findings: frozenset[str] = frozenset()
    sent: int = 1


STORIES = (
    Story(901, S.FAILED, 0),
    Story(902, S.APPROVED, 0, frozenset({"waiting_for_funds"})),
    Story(904, sent=2),
    Story(905, S.FAILED, 0),
    Story(906, sent=2),
    Story(907, sent=3),
    Story(909),
    Story(910, S.PROCESSING, 0),
    Story(911, S.PROCESSING, 0),
    Story(914),
    Story(915),
    Story(916),
    Story(917),
    Story(918, S.OUTCOME_UNKNOWN, 0, frozenset({"unmapped_status"})),
    Story(919),  # the webhook names no amount that could differ
    Story(920),
    Story(921),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.number))
def test_every_magic_amount_ends_as_told(
    story: Story, sandbox: SandboxProcess, by_stripe: Callable[..., Withdrawal], settings: Any
) -> None:
    if story.number == 920:  # invisible for a while: nothing is to be believed before that
        settings.PROVIDER_SETTLE_TIME = timedelta(seconds=2)
    withdrawal = by_stripe(10_000 + story.number)
    live(sandbox, withdrawal, rounds=4)
    sandbox.advance(30)
    live(sandbox, withdrawal)
    told = sandbox.oracle(withdrawal.ref)
    assert (state_of(withdrawal), told["paid_times"]) == (story.after, story.paid_times)
    assert findings_of(withdrawal) == story.findings
    assert ProviderCall.objects.filter(verb=Verb.CREATE).exclude(path="").count() == story.sent
    nothing_is_in_breach(sandbox)
