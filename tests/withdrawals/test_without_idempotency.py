"""A provider that pays again whenever it is asked again: what has no clear answer is asked about, and then people's."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from backoffice.accounts.models import User
from providers import registry, routing
from providers.contract import OutcomeUnknown
from tests.sandbox_process import SandboxProcess
from tests.withdrawals.paying import ask, creates, findings_of, live, nothing_is_in_breach, pay, state_of
from withdrawals.models import Finding, Withdrawal
from withdrawals.operations import asking, decisions, due_decisions, payouts, proposals
from withdrawals.states import Move, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("alone")]

S = State
CODE = "hyperswitch"


@pytest.fixture
def alone(quick_to_believe: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that pays by this provider only."""
    monkeypatch.setattr(routing, "PROVIDERS", (registry.BY_CODE[CODE],))


def ask_for_hours(withdrawal: Withdrawal) -> None:
    """Ask as often as anybody could, past every settling time."""
    for hour in range(1, 8):
        asking.ask(withdrawal.pk, clock=lambda hour=hour: timezone.now() + timedelta(hours=hour))


@dataclass(frozen=True)
class Story:
    """How a payout of a magic amount ends: our state, what was really paid, what was found. Each is sent once."""

    number: int
    after: State
    paid_times: int
    findings: frozenset[str] = frozenset()


NOT_FOUND = frozenset({"not_found"})
STORIES = (
    Story(901, S.FAILED, 0),
    Story(902, S.OUTCOME_UNKNOWN, 0, NOT_FOUND),  # it says no more than that a connector failed
    Story(903, S.COMPLETED, 1),
    Story(904, S.OUTCOME_UNKNOWN, 0, NOT_FOUND),
    Story(906, S.OUTCOME_UNKNOWN, 0, NOT_FOUND),
    Story(907, S.OUTCOME_UNKNOWN, 0, NOT_FOUND),
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
    Story(921, S.COMPLETED, 1),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.number))
def test_every_magic_amount_ends_as_told_and_is_sent_once(
    story: Story, sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved(10_000 + story.number)
    live(sandbox, withdrawal, rounds=4)
    sandbox.advance(0.2)
    sandbox.advance(30)
    live(sandbox, withdrawal, rounds=6)
    told = sandbox.oracle(withdrawal.ref)
    assert (state_of(withdrawal), told["paid_times"], findings_of(withdrawal)) == (
        story.after, story.paid_times, story.findings,
    )  # fmt: skip
    assert told["accepted"] <= 1
    assert len(creates(withdrawal)) == 1
    nothing_is_in_breach(sandbox)


@pytest.mark.parametrize("fault", ["drop_after_accept", "error_after_accept", "unavailable_after_accept", "malformed"])
def test_what_arrived_without_a_clear_answer_is_found_and_not_sent_again(
    fault: str, sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    sandbox.faults(**{fault: 1.0, "query_unavailable": 1.0, "webhook_lost": 1.0})
    withdrawal = approved()
    assert live(sandbox, withdrawal, rounds=6) == S.OUTCOME_UNKNOWN
    sandbox.faults(**{fault: 0, "query_unavailable": 0})
    assert live(sandbox, withdrawal) == S.COMPLETED
    told = sandbox.oracle(withdrawal.ref)
    assert (len(creates(withdrawal)), told["accepted"], told["paid_times"]) == (1, 1, 1)
    nothing_is_in_breach(sandbox)


@pytest.mark.parametrize("fault", ["drop_before_accept", "create_unavailable", "too_many"])
def test_what_is_not_found_is_declared_not_paid_by_two_people_and_by_nobody_else(
    fault: str, sandbox: SandboxProcess, approved: Callable[..., Withdrawal], senior: User, finance: User
) -> None:
    sandbox.faults(**{fault: 1.0})
    withdrawal = approved()
    pay(withdrawal)
    sandbox.faults(**{fault: 0})  # a second try would be taken
    assert live(sandbox, withdrawal, rounds=6) == S.OUTCOME_UNKNOWN
    ask_for_hours(withdrawal)
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.OUTCOME_UNKNOWN, NOT_FOUND)
    assert len(creates(withdrawal)) == 1
    current = Withdrawal.objects.get(pk=withdrawal.pk)
    facts = {"evidence": "Their closed statement of that day has no such payout."}
    proposal = decisions.decide(
        current, Move.FAIL, actor=senior, key="1", version=current.version, reason="provider_denies", facts=facts,
        now=timezone.now(),
    )  # fmt: skip
    due_decisions.apply_due_decisions(now=timezone.now() + 2 * settings.UNDO_TIME)
    assert state_of(withdrawal) == S.OUTCOME_UNKNOWN
    proposals.second(proposal, actor=finance, now=timezone.now())
    due_decisions.apply_due_decisions(now=timezone.now() + 2 * settings.UNDO_TIME)
    assert state_of(withdrawal) == S.FAILED
    assert sandbox.oracle(withdrawal.ref)["accepted"] == 0
    nothing_is_in_breach(sandbox)


def test_not_found_means_nothing_before_the_visibility_delay(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], settings: Any
) -> None:
    settings.PROVIDER_SETTLE_TIME = timedelta(minutes=1)
    sandbox.faults(drop_after_accept=1.0, visibility_delay=30, webhook_lost=1.0)
    withdrawal = approved()
    pay(withdrawal)
    for _question in range(3):
        ask(withdrawal)
    assert withdrawal.attempts.get().not_found_count == 0
    sandbox.advance(31)
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert (len(creates(withdrawal)), findings_of(withdrawal)) == (1, set())


@pytest.fixture
def closed_door(sandbox: SandboxProcess) -> Iterator[Callable[[], None]]:
    """Connections are refused until this is called."""

    def answers() -> bool:
        try:
            httpx.get(f"{sandbox.base_url}/health", trust_env=False)
        except httpx.TransportError:
            return False
        return True

    def open_it() -> None:
        sandbox.faults(refuse_connections=False)
        sandbox.wait_until(answers)

    sandbox.faults(refuse_connections=True)
    sandbox.wait_until(lambda: not answers())
    yield open_it
    open_it()


def test_what_never_left_is_sent_under_its_own_key(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], closed_door: Callable[[], None]
) -> None:
    withdrawal = approved()
    pay(withdrawal)
    assert state_of(withdrawal) == S.APPROVED
    closed_door()
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert (len(creates(withdrawal)), len(set(creates(withdrawal)))) == (2, 1)
    assert sandbox.oracle(withdrawal.ref)["accepted"] == 1
    nothing_is_in_breach(sandbox)


def test_what_a_worker_left_behind_before_sending_is_peoples_and_not_sent(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved()
    assert payouts.start(withdrawal.pk, now=timezone.now()) is not None
    ask_for_hours(withdrawal)
    payouts.pay_due(clock=timezone.now)
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.OUTCOME_UNKNOWN, NOT_FOUND)
    assert creates(withdrawal) == []


def send_again(withdrawal: Withdrawal) -> None:
    """What nothing of ours does."""
    with suppress(OutcomeUnknown):
        registry.provider(CODE).create_payout(payouts.instruction_for(withdrawal.attempts.get()))


@pytest.mark.parametrize("number", [903, 910])
def test_two_payouts_under_our_key_are_a_finding_and_none_is_taken_for_the_one(
    number: int, sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    sandbox.faults(webhook_lost=1.0)
    withdrawal = approved(10_000 + number)
    pay(withdrawal)
    send_again(withdrawal)
    for _question in range(3):
        ask(withdrawal)
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.OUTCOME_UNKNOWN, {"second_payout"})
    finding = Finding.objects.get(withdrawal=withdrawal)
    assert finding.stops_payouts
    assert finding.data["provider_reference"] not in ("", withdrawal.attempts.get().provider_reference)
    assert len(creates(withdrawal)) == 1


def test_one_of_two_that_failed_gives_nothing_back(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    sandbox.faults(webhook_lost=1.0, drop_after_accept=1.0)
    withdrawal = approved(10_910)
    pay(withdrawal)
    sandbox.push(withdrawal.ref, "failed")
    send_again(withdrawal)
    sandbox.push(withdrawal.ref, "paid")
    ask_for_hours(withdrawal)
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.OUTCOME_UNKNOWN, {"second_payout"})


def test_a_second_payout_that_only_its_webhook_tells_of_is_a_finding(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved()
    pay(withdrawal)
    send_again(withdrawal)
    live(sandbox, withdrawal)
    sandbox.wait_until(lambda: sandbox.oracle(withdrawal.ref)["paid_times"] == 2)
    live(sandbox, withdrawal)
    assert "second_payout" in findings_of(withdrawal)
    assert len(creates(withdrawal)) == 1


def test_failed_is_no_proof_while_nobody_knows_what_arrived(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    sandbox.faults(drop_after_accept=1.0, webhook_lost=1.0)
    withdrawal = approved(10_910)
    pay(withdrawal)
    sandbox.push(withdrawal.ref, "failed", "E0001")
    ask_for_hours(withdrawal)
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.OUTCOME_UNKNOWN, {"failed_while_unknown"})
    assert len(creates(withdrawal)) == 1
