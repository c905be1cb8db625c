"""An unknown outcome: nothing is sent again, and when "no such payout" is believed."""

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from backoffice.audit.actors import PAYOUTS
from providers.registry import BY_CODE
from tests.sandbox_process import SandboxProcess
from tests.withdrawals.paying import (
    ask,
    creates,
    findings_of,
    live,
    nothing_is_in_breach,
    pay,
    state_of,
)
from withdrawals.models import Withdrawal
from withdrawals.operations import asking, payouts
from withdrawals.states import Move, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_to_believe")]

S = State


@pytest.mark.parametrize("fault", ["drop_after_accept", "error_after_accept", "malformed"])
def test_nothing_is_sent_again_while_the_outcome_is_unknown(
    fault: str, sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    sandbox.faults(**{fault: 1.0, "query_unavailable": 1.0, "webhook_lost": 1.0})
    withdrawal = approved()
    assert live(sandbox, withdrawal, rounds=8) == S.OUTCOME_UNKNOWN
    assert len(creates(withdrawal)) == 1
    assert withdrawal.attempts.count() == 1
    sandbox.faults(**{fault: 0, "query_unavailable": 0})
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert len(creates(withdrawal)) == 1
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1
    nothing_is_in_breach(sandbox)


def soon() -> datetime:
    """A clock past the settle time."""
    return timezone.now() + timedelta(seconds=1)


def lost(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> Withdrawal:
    """A withdrawal whose create vanished: no reply, nothing accepted."""
    sandbox.faults(drop_before_accept=1.0)
    withdrawal = approved()
    pay(withdrawal)
    assert state_of(withdrawal) == S.OUTCOME_UNKNOWN
    return withdrawal


def test_not_found_means_nothing_before_the_settle_time(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], settings: Any
) -> None:
    settings.PROVIDER_SETTLE_TIME = timedelta(minutes=1)
    withdrawal = lost(sandbox, approved)
    for _question in range(5):
        ask(withdrawal)
    assert len(creates(withdrawal)) == 1
    assert withdrawal.attempts.get().not_found_count == 0


def test_not_found_twice_repeats_the_same_key_once_and_no_other(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = lost(sandbox, approved)
    asking.ask(withdrawal.pk, clock=soon)
    assert len(creates(withdrawal)) == 1
    asking.ask(withdrawal.pk, clock=soon)
    assert len(creates(withdrawal)) == 2
    for hour in range(1, 6):
        asking.ask(withdrawal.pk, clock=lambda hour=hour: timezone.now() + timedelta(hours=hour))
    assert len(set(creates(withdrawal))) == 1
    assert len(creates(withdrawal)) == 2
    assert state_of(withdrawal) == S.OUTCOME_UNKNOWN
    assert findings_of(withdrawal) == {"not_found"}
    assert sandbox.oracle(withdrawal.ref)["accepted"] == 0
    nothing_is_in_breach(sandbox)


def test_a_repeat_that_never_left_is_made_again(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    withdrawal = lost(sandbox, approved)
    asking.ask(withdrawal.pk, clock=soon)
    sandbox.faults(drop_before_accept=0, create_unavailable=1.0)
    asking.ask(withdrawal.pk, clock=soon)
    sandbox.faults(create_unavailable=0)
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert len(set(creates(withdrawal))) == 1
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1


def test_no_repeat_where_the_provider_does_not_promise_it_is_safe(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], monkeypatch: pytest.MonkeyPatch
) -> None:
    northgate = BY_CODE["northgate"]
    careful = dataclasses.replace(northgate.capabilities, may_repeat=False)
    monkeypatch.setitem(BY_CODE, "northgate", dataclasses.replace(northgate, capabilities=careful))
    withdrawal = lost(sandbox, approved)
    for _question in range(3):
        asking.ask(withdrawal.pk, clock=soon)
    assert len(creates(withdrawal)) == 1
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.OUTCOME_UNKNOWN, {"not_found"})


def test_a_payout_that_the_provider_had_and_lost_is_never_sent_again(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved(10_910)
    pay(withdrawal)
    sandbox.reset()
    for _question in range(4):
        asking.ask(withdrawal.pk, clock=lambda: timezone.now() + timedelta(hours=1))
    assert len(creates(withdrawal)) == 1
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.OUTCOME_UNKNOWN, {"vanished"})


def test_a_worker_that_slept_finds_its_attempt_taken_over(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved()
    attempt = payouts.start(withdrawal.pk, now=timezone.now())
    assert attempt is not None
    Withdrawal.advance(withdrawal.pk, Move.FAIL, actor=PAYOUTS, now=timezone.now())
    payouts.send(attempt, clock=timezone.now)
    assert creates(withdrawal) == []
    assert sandbox.oracle(withdrawal.ref)["accepted"] == 0
