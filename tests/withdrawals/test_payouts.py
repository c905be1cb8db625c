"""Paying against the real sandbox provider over HTTP: every story ends as told, and is paid at most once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from providers import gateway
from providers.adapters import sandbox as adapter
from providers.models import CallOutcome, ProviderCall, Verb, WebhookDelivery
from tests.sandbox_process import SandboxProcess
from tests.withdrawals.paying import ask, creates, findings_of, hear, live, nothing_is_in_breach, pay, state_of
from withdrawals.models import PayoutAttempt, Withdrawal
from withdrawals.operations import asking, payouts, receipts
from withdrawals.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_to_believe")]

S = State


@dataclass(frozen=True)
class Story:
    """How a payout of a magic amount ends: our state, what was really paid, what was found, how often it was sent."""

    number: int
    after: State
    paid_times: int
    findings: frozenset[str] = frozenset()
    sent: int = 1


STORIES = (
    Story(901, S.FAILED, 0),
    Story(902, S.APPROVED, 0, frozenset({"waiting_for_funds"}), sent=2),
    Story(903, S.COMPLETED, 1),
    Story(904, S.COMPLETED, 1, sent=2),
    Story(905, S.FAILED, 0),
    Story(906, S.COMPLETED, 1, sent=2),
    Story(907, S.COMPLETED, 1, sent=3),
    Story(908, S.COMPLETED, 1),
    Story(909, S.COMPLETED, 1),
    Story(910, S.PROCESSING, 0),
    Story(911, S.PROCESSING, 0),
    Story(912, S.RETURNED, 1),
    Story(913, S.COMPLETED, 1, frozenset({"failed_after_paid"})),
    Story(914, S.COMPLETED, 1),
    Story(915, S.COMPLETED, 1),
    Story(916, S.COMPLETED, 1),
    Story(917, S.COMPLETED, 1),
    Story(918, S.OUTCOME_UNKNOWN, 0, frozenset({"unmapped_status"})),
    Story(919, S.COMPLETED, 1, frozenset({"amount_differs"})),
    Story(920, S.COMPLETED, 1),
    Story(921, S.COMPLETED, 1),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.number))
def test_every_magic_amount_ends_as_told(
    story: Story,
    sandbox: SandboxProcess,
    approved: Callable[..., Withdrawal],
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    if story.number in (908, 920):  # silent, or invisible, for a while: nothing is to be believed before that
        settings.PROVIDER_SETTLE_TIME = timedelta(seconds=2)
    if story.number == 908:  # our patience is shorter than its silence
        monkeypatch.setattr(adapter, "CREATE_TIMEOUT", httpx.Timeout(0.1))
    withdrawal = approved(10_000 + story.number)
    live(sandbox, withdrawal, rounds=4)
    if story.number == 908:
        sandbox.wait_until(lambda: sandbox.payouts(withdrawal.ref))
    for _step in range(5):
        payout = sandbox.payouts(withdrawal.ref)
        if not payout or payout[0]["status"] in ("paid", "held", "in_orbit", "returned", "failed"):
            break
        sandbox.advance(0.2)
    sandbox.advance(30)
    live(sandbox, withdrawal)
    told = sandbox.oracle(withdrawal.ref)
    assert (state_of(withdrawal), told["paid_times"], findings_of(withdrawal)) == (
        story.after,
        story.paid_times,
        story.findings,
    )
    assert told["accepted"] <= 1
    assert len(creates(withdrawal)) == story.sent
    nothing_is_in_breach(sandbox)


def test_a_held_payout_arrives_when_the_provider_lets_it_go(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved(10_911)
    assert live(sandbox, withdrawal, rounds=2) == S.PROCESSING
    sandbox.push(withdrawal.ref)
    assert live(sandbox, withdrawal) == S.COMPLETED
    nothing_is_in_breach(sandbox)


def test_asking_alone_is_enough(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    withdrawal = approved(10_915)
    pay(withdrawal)
    sandbox.wait_for(withdrawal.ref, "paid")
    assert sandbox.webhooks(withdrawal.ref) == []
    assert live(sandbox, withdrawal, webhooks=False) == S.COMPLETED
    nothing_is_in_breach(sandbox)


def test_a_payout_that_never_ends_is_a_persons_after_the_plan(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved(10_910)
    pay(withdrawal)
    for tries in range(1, 40):
        Withdrawal.objects.filter(pk=withdrawal.pk).update(step_tries=tries)
        ask(withdrawal)
        if Withdrawal.objects.get(pk=withdrawal.pk).next_step_at is None:
            break
    assert tries == len(asking.PLAN["accepted"]) + 1
    assert findings_of(withdrawal) == {"no_final_answer"}


# -- what stands in the way ---------------------------------------------------------------------------


# -- another provider --------------------------------------------------------------------------------


# -- the provider says it has no such payout ------------------------------------------------------------


# -- somebody was faster ---------------------------------------------------------------------------------


def test_the_webhook_overtakes_our_own_answer(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    withdrawal = approved(10_916)
    attempt = payouts.start(withdrawal.pk, now=timezone.now())
    assert attempt is not None
    answer = gateway.create_payout(attempt.provider, payouts.instruction_for(attempt), now=timezone.now())
    sandbox.wait_for(withdrawal.ref, "paid")
    hear(sandbox, withdrawal)
    assert state_of(withdrawal) == S.COMPLETED
    receipts.apply(attempt, answer, now=timezone.now(), source="answer")
    assert state_of(withdrawal) == S.COMPLETED
    assert findings_of(withdrawal) == set()
    nothing_is_in_breach(sandbox)


def test_nothing_is_sent_for_an_attempt_that_was_paid_meanwhile(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved()
    attempt = payouts.start(withdrawal.pk, now=timezone.now())
    assert attempt is not None
    gateway.create_payout(attempt.provider, payouts.instruction_for(attempt), now=timezone.now())
    sandbox.wait_for(withdrawal.ref, "paid")
    hear(sandbox, withdrawal)
    assert payouts.send(PayoutAttempt.objects.get(pk=attempt.pk), clock=timezone.now) is False
    assert state_of(withdrawal) == S.COMPLETED
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1


def test_forged_webhooks_for_a_live_payout_change_nothing(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved(10_910)
    pay(withdrawal)
    for kind in ("bad_signature", "other_key", "stale", "reserialised", "amount", "currency", "reference", "account"):
        sandbox.act(withdrawal.ref, "forge", kind=kind)
    hear(sandbox, withdrawal)
    assert state_of(withdrawal) == S.PROCESSING
    assert findings_of(withdrawal) == {"amount_differs", "reference_differs"}
    refused = WebhookDelivery.objects.filter(verified=False)
    assert {row.http_status for row in refused} == {401}
    assert refused.count() == 4
    nothing_is_in_breach(sandbox)


def test_the_log_of_calls_says_what_happened(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    withdrawal = approved(10_903)
    assert settings.PROVIDERS["northgate"]["base_url"] == sandbox.base_url
    live(sandbox, withdrawal, webhooks=False)
    outcomes = list(ProviderCall.objects.order_by("pk").values_list("verb", "outcome"))
    assert outcomes[0] == (Verb.CREATE, CallOutcome.UNKNOWN)
    assert set(outcomes[1:]) == {(Verb.PROBE, CallOutcome.ANSWERED)}
