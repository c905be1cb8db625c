"""The state is the queue: leases, growing gaps, poison, fairness, and a bounded number of messages."""

import itertools
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from backoffice.accounts.models import User
from kyc.models import Player
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal, open_withdrawal
from withdrawals import due, tasks
from withdrawals.models import Withdrawal
from withdrawals.operations import holds, work
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db

S = State


def ticking(start: datetime = NOW, *, seconds: float = 0.01) -> Callable[[], datetime]:
    ticks = itertools.count()
    return lambda: start + timedelta(seconds=seconds * next(ticks))


def test_a_row_is_one_worker_s_until_its_lease_ends() -> None:
    withdrawal = open_withdrawal()
    assert work.take([S.REQUESTED], now=NOW, most=10) == [withdrawal.pk]
    almost = NOW + work.FIRST_GAP - timedelta(microseconds=1)
    assert work.take([S.REQUESTED], now=almost, most=10) == []
    assert work.take([S.REQUESTED], now=NOW + work.FIRST_GAP, most=10) == [withdrawal.pk]


def test_gaps_double_up_to_an_hour() -> None:
    open_withdrawal()
    gaps, now = [], NOW
    for _try in range(14):
        assert len(work.take([S.REQUESTED], now=now, most=1)) == 1
        due = Withdrawal.objects.get().next_step_at
        gaps.append((due - now).total_seconds())
        now = due
    assert gaps[:5] == [5, 10, 20, 40, 80]
    assert gaps[-1] == 3600


def test_a_move_sets_the_next_time_and_begins_the_count_again(operator: User) -> None:
    withdrawal = open_withdrawal()
    work.take([S.REQUESTED], now=NOW, most=1)
    from backoffice.audit.actors import SCREENING

    Withdrawal.advance(withdrawal.pk, Move.REFER, actor=SCREENING, now=NOW)
    withdrawal.refresh_from_db()
    assert (withdrawal.next_step_at, withdrawal.step_tries) == (None, 0)
    Withdrawal.advance(withdrawal.pk, Move.APPROVE, actor=operator, now=NOW)
    withdrawal.refresh_from_db()
    assert (withdrawal.next_step_at, withdrawal.step_tries) == (NOW, 0)


def test_the_longest_due_come_first_and_other_states_are_left_alone(operator: User) -> None:
    late, later = (open_withdrawal(now=NOW - timedelta(minutes=minutes)) for minutes in (2, 1))
    make_withdrawal(S.APPROVED, by=operator, now=NOW - timedelta(hours=1))
    assert work.take([S.REQUESTED], now=NOW, most=1) == [late.pk]
    assert work.take([S.REQUESTED], now=NOW, most=9) == [later.pk]


def test_a_poison_row_rests_longer_each_time_and_stops_nobody() -> None:
    poison, *others = (open_withdrawal(now=NOW - timedelta(minutes=minutes)) for minutes in (9, 2, 1))
    seen: list[int] = []

    def step(pk: int) -> None:
        seen.append(pk)
        if pk == poison.pk:
            raise RuntimeError("this one never works")

    for second in range(0, 120, 2):
        work.work_off([S.REQUESTED], step, clock=ticking(NOW + timedelta(seconds=second)), batch=20)
        Withdrawal.objects.filter(pk__in=[other.pk for other in others]).update(next_step_at=None)
    assert seen.count(poison.pk) == 5
    assert [seen.count(other.pk) for other in others] == [1, 1]


def test_a_task_makes_room_after_its_budget() -> None:
    for _number in range(5):
        open_withdrawal()
    done = work.work_off([S.REQUESTED], lambda _pk: None, clock=ticking(seconds=1), batch=1)
    assert done == work.BUDGET.total_seconds() - 1
    assert Withdrawal.objects.filter(step_tries=0).count() == 5 - done


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_take_the_same_row() -> None:
    for _number in range(30):
        open_withdrawal()
    barrier, taken = threading.Barrier(3), []

    def take() -> None:
        barrier.wait(30)
        while keys := work.take([S.REQUESTED], now=NOW, most=2):
            taken.extend(keys)
        connection.close()

    threads = [threading.Thread(target=take) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 30


# -- the sweep ------------------------------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to the broker, by name."""
    names: list[str] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, **_options: names.append(name))
    return names


def test_a_sweep_over_nothing_sends_nothing(sent: list[str]) -> None:
    tasks.sweep()
    assert sent == []


def test_a_sweep_over_5000_due_rows_sends_one_message_for_each_step(sent: list[str]) -> None:
    withdrawal = open_withdrawal(now=timezone.now())
    backlog(withdrawal.player, 5_000)
    assert Withdrawal.objects.filter(next_step_at__lte=timezone.now()).count() > 5_000
    sent.clear()
    tasks.sweep()
    assert sent == ["withdrawals.screen"]
    # Every row is still there to be taken, each by one worker at a time.
    assert len(work.take([S.REQUESTED], now=timezone.now(), most=20)) == 20


def backlog(player: Player, count: int) -> None:
    """Rows that are due and have nothing else: the sweep looks at no more than that."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "INSERT INTO withdrawals_withdrawal (state, version, next_step_at, step_tries, reason, hold_kind,"
            " required_approvals, fingerprint, provider, provider_reference, wait_reason, ref, player_id,"
            " destination_id, method, amount, fee, currency, requested_at, due_at, source, intake_key,"
            " request_digest, risk_level, is_flagged, has_new_details, why, routes, player_message)"
            " SELECT 'requested', 0, now() - interval '1 hour', 0, '', '', 1, '', '', '', '', 'WD-' || n, player_id,"
            " destination_id, method, amount, 0, currency, now(), now(), 'backlog', n::text, '', '', false,"
            " false, '[]', '[]', ''"
            " FROM withdrawals_withdrawal, generate_series(1, %s) n WHERE player_id = %s",
            [count, player.pk],
        )
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def test_each_kind_of_work_gets_a_turn_in_every_sweep(sent: list[str], operator: User) -> None:
    """Whatever the backlog of one step is, the others are announced beside it."""
    early = timezone.now() - timedelta(minutes=5)
    screen = open_withdrawal(now=early)
    backlog(screen.player, 500)
    make_withdrawal(S.APPROVED, by=operator, now=early)
    make_withdrawal(S.PROCESSING, by=operator, now=early)
    sent.clear()
    tasks.sweep()
    assert sent == ["withdrawals.ask", "withdrawals.pay", "withdrawals.screen"]


# -- holds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "state", "reason"),
    [
        ("internal", S.UNDER_REVIEW, "time_is_up"),
        ("provider", S.UNDER_REVIEW, "time_is_up"),
        ("player", S.CANCELLED, "expired"),
    ],
)
def test_a_hold_ends_at_its_time(kind: str, state: State, reason: str, operator: User) -> None:
    withdrawal = make_withdrawal(S.UNDER_REVIEW)
    wake_at = NOW + timedelta(days=1)
    hold: dict[str, Any] = {"reason": "waiting_document", "kind": kind, "wake_at": wake_at}
    Withdrawal.advance(withdrawal.pk, Move.HOLD, actor=operator, now=NOW, **hold)
    assert "wake" not in due.due_steps(now=wake_at - timedelta(seconds=1))
    assert "wake" in due.due_steps(now=wake_at)
    assert holds.wake_due(clock=ticking(wake_at)) == 1
    withdrawal.refresh_from_db()
    assert (withdrawal.state, withdrawal.reason) == (state, reason)


def test_a_legal_hold_never_ends_by_itself(compliance: User) -> None:
    withdrawal = make_withdrawal(S.UNDER_REVIEW)
    hold: dict[str, Any] = {"reason": "legal", "kind": "legal", "wake_at": NOW + timedelta(days=1)}
    Withdrawal.advance(withdrawal.pk, Move.HOLD, actor=compliance, now=NOW, **hold)
    holds.wake_due(clock=ticking(NOW + timedelta(days=2)))
    withdrawal.refresh_from_db()
    assert withdrawal.state == S.ON_HOLD
