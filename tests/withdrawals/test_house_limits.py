"""A limit of the house under parallel approvals: the lock in the database keeps it, row locks alone do not."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection

from backoffice.accounts.models import User
from tests.conftest import NOW
from tests.factories.withdrawals import make_clean_player, make_withdrawal, open_withdrawal
from withdrawals.models import Decision, Limit, Withdrawal
from withdrawals.operations import decisions, due_decisions, screening
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db(transaction=True)

AMOUNT, CAP = 18_000, 36_000
AT_ONCE, ROUNDS, SECONDS = 4, 200, 8
DUE = NOW + settings.UNDO_TIME


@pytest.fixture
def two_fit() -> Limit:
    Limit.objects.all().delete()
    return Limit.objects.create(scope="house", period="day", cap_amount=CAP, effect="block")


@pytest.fixture
def waiting(operator: User, two_fit: Limit) -> list[Withdrawal]:
    return [make_withdrawal(State.UNDER_REVIEW, amount=AMOUNT) for _number in range(AT_ONCE)]


@contextmanager
def four_workers() -> Iterator[Callable[[list[int]], None]]:
    """Yield what applies four decisions in four threads at the same moment; the threads keep their connections."""
    barrier = threading.Barrier(AT_ONCE)

    def apply(pk: int) -> None:
        barrier.wait(30)
        due_decisions.apply_decision(pk, now=DUE)

    def close(_number: int) -> None:
        barrier.wait(30)
        connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield lambda keys: list(pool.map(apply, keys)) and None
        list(pool.map(close, range(AT_ONCE)))


def rounds(withdrawals: list[Withdrawal], operator: User, *, most: int, seconds: float) -> list[int]:
    """Approve all at once, again and again; return how many were approved in each round."""
    approved, until = [], time.monotonic() + seconds
    with four_workers() as apply_all:
        for number in range(most):
            if time.monotonic() > until:
                break
            kept = [decide(withdrawal, operator, key=f"{number}-{withdrawal.pk}") for withdrawal in withdrawals]
            apply_all(kept)
            through = Withdrawal.objects.filter(state=State.APPROVED)
            approved.append(len(through))
            for withdrawal in through:
                Withdrawal.advance(withdrawal.pk, Move.RECALL, actor=screening.SCREENING, now=NOW, reason="new_fact")
    return approved


def decide(withdrawal: Withdrawal, operator: User, *, key: str) -> int:
    """Keep a decision as decide() does, without its friendly look at the limits."""
    version = Withdrawal.objects.values_list("version", flat=True).get(pk=withdrawal.pk)
    return Decision.objects.create(
        withdrawal=withdrawal, move=Move.APPROVE, actor=operator, key=key, version=version,
        status=Decision.Status.WAITING, decided_at=NOW, effective_at=DUE,
    ).pk  # fmt: skip


def test_no_round_passes_the_limit(waiting: list[Withdrawal], operator: User) -> None:
    approved = rounds(waiting, operator, most=ROUNDS, seconds=SECONDS)
    print(f"\n{len(approved)} rounds of {AT_ONCE} approvals at once; {CAP // AMOUNT} fit")
    assert set(approved) == {CAP // AMOUNT}
    assert len(approved) >= 20
    ended = Decision.objects.exclude(status=Decision.Status.APPLIED)
    assert {decision.status for decision in ended} == {Decision.Status.OVERTAKEN}
    assert all("limit" in decision.words for decision in ended)


def test_row_locks_alone_do_not_keep_it(waiting: list[Withdrawal], operator: User) -> None:
    table = "withdrawals_withdrawal"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER withdrawal_house_limits")
    try:
        approved = rounds(waiting, operator, most=40, seconds=5)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER withdrawal_house_limits")
    exceeded = sum(count > CAP // AMOUNT for count in approved)
    print(f"\nwithout the lock {exceeded} of {len(approved)} rounds passed the limit")
    assert exceeded > 0


def test_a_full_limit_ends_a_decision_with_words(waiting: list[Withdrawal], operator: User) -> None:
    for number, withdrawal in enumerate(waiting[:3]):
        decision = due_decisions.apply_decision(decide(withdrawal, operator, key=str(number)), now=DUE)
        assert decision is not None
    assert decision.status == Decision.Status.OVERTAKEN
    assert decision.words == "Cannot approve: the limit of the house for 24 hours is €360.00."


def test_the_database_s_own_refusal_has_words_too(waiting: list[Withdrawal], operator: User) -> None:
    Limit.objects.update(cap_amount=AMOUNT - 1)
    with pytest.raises(decisions.IllegalMove, match="the house would pass its limit"):
        Withdrawal.advance(waiting[0].pk, Move.APPROVE, actor=operator, now=NOW)
    assert Withdrawal.objects.get(pk=waiting[0].pk).state == State.UNDER_REVIEW


def test_the_automatic_lane_hands_over_to_a_person_when_the_limit_is_full(
    two_fit: Limit,
) -> None:
    Limit.objects.update(cap_amount=AMOUNT - 1)
    withdrawal = open_withdrawal(player=make_clean_player(), amount=AMOUNT)
    screened = screening.screen(withdrawal.pk, now=NOW)
    assert screened is not None
    assert (screened.state, screened.required_approvals, screened.why) == (
        State.UNDER_REVIEW,
        1,
        ["The house’s limit is used up"],
    )
