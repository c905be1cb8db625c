"""Claims: one person decides at a time, and nobody waits for somebody who left."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.expressions import RawSQL

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from backoffice.ui.paging import Listing
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from withdrawals import queries
from withdrawals.exceptions import ClaimedByOther, IllegalMove, NotAllowed
from withdrawals.models import Claim, Withdrawal
from withdrawals.operations import claims, decisions
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db

LATER = NOW + settings.CLAIM_TIME


def review(**facts: object) -> Withdrawal:
    return make_withdrawal(State.UNDER_REVIEW, **facts)


def actions_of(withdrawal: Withdrawal) -> list[str]:
    claimed = AuditEntry.objects.filter(subject_id=withdrawal.ref, action__in=["claim", "take_over"])
    return list(claimed.order_by("seq").values_list("action", flat=True))


def test_a_claim_keeps_others_out_until_it_runs_out(operator: User, senior: User) -> None:
    withdrawal = review()
    claim = claims.claim(withdrawal, user=operator, now=NOW)
    assert (claim.since, claim.until) == (NOW, LATER)
    with pytest.raises(ClaimedByOther, match="Dana Kovac"):
        claims.claim(withdrawal, user=senior, now=LATER - timedelta(seconds=1))
    assert claims.claim(withdrawal, user=senior, now=LATER).owner == senior
    withdrawal = Withdrawal.objects.get(pk=withdrawal.pk)
    assert claims.owner_of(withdrawal, now=LATER) == senior
    assert claims.owner_of(withdrawal, now=LATER + settings.CLAIM_TIME) is None


def test_renewing_one_s_own_claim_is_no_news(operator: User) -> None:
    withdrawal = review()
    claims.claim(withdrawal, user=operator, now=NOW)
    renewed = claims.claim(withdrawal, user=operator, now=NOW + timedelta(minutes=1))
    assert (renewed.since, renewed.until) == (NOW, LATER + timedelta(minutes=1))
    assert actions_of(withdrawal) == ["claim"]


@pytest.mark.parametrize("state", [State.CANCELLED, State.PROCESSING])
def test_what_waits_for_no_decision_is_nobody_s(state: State, operator: User, senior: User) -> None:
    withdrawal = make_withdrawal(state, by=operator)
    with pytest.raises(NotAllowed):
        claims.claim(withdrawal, user=operator, now=NOW)
    with pytest.raises(IllegalMove):
        claims.take_over(withdrawal, user=senior, now=NOW, reason="Dana went home")
    assert not Claim.objects.exists()


def test_only_who_may_decide_claims_or_takes_over(operator: User, finance: User, fraud_analyst: User) -> None:
    withdrawal = review()
    for user in (finance, fraud_analyst):
        with pytest.raises(NotAllowed):
            claims.claim(withdrawal, user=user, now=NOW)
        with pytest.raises(NotAllowed):
            claims.take_over(withdrawal, user=user, now=NOW, reason="I want it")
    decisions.decide(withdrawal, Move.APPROVE, actor=operator, now=NOW, version=withdrawal.version, key="k")
    with pytest.raises(NotAllowed):
        claims.claim(withdrawal, user=operator, now=NOW)
    assert not Claim.objects.exists()


def test_taking_over_says_from_whom_and_why(operator: User, senior: User) -> None:
    withdrawal = review()
    claims.claim(withdrawal, user=operator, now=NOW)
    claims.take_over(withdrawal, user=senior, now=NOW, reason="Dana went home")
    entry = AuditEntry.objects.get(subject_id=withdrawal.ref, action="take_over")
    assert (entry.actor_user, entry.reason, entry.data) == (senior, "Dana went home", {"from": "Dana Kovac"})
    assert Claim.objects.get().owner == senior


def test_letting_go_gives_up_only_one_s_own(operator: User, senior: User) -> None:
    withdrawal = review()
    claims.claim(withdrawal, user=operator, now=NOW)
    claims.let_go(withdrawal, user=senior)
    assert Claim.objects.exists()
    claims.let_go(withdrawal, user=operator)
    assert not Claim.objects.exists()


def test_next_is_the_most_urgent_that_nobody_has(operator: User, senior: User) -> None:
    second, first = review(now=NOW), review(now=NOW - timedelta(hours=1))
    assert claims.next_for(operator, now=NOW) == first
    assert claims.next_for(senior, now=NOW) == second
    assert claims.next_for(senior, now=LATER) == first


def test_next_skips_what_is_decided_and_what_one_approved(operator: User, senior: User) -> None:
    decided = review(now=NOW - timedelta(hours=3))
    decisions.decide(decided, Move.APPROVE, actor=senior, now=NOW, version=decided.version, key="k")
    make_withdrawal(State.SECOND_APPROVAL, amount=1_200_000, by=operator, now=NOW - timedelta(hours=2))
    free = review()
    assert claims.next_for(operator, now=NOW) == free


def of_every_kind(*, by: list[User]) -> list[Withdrawal]:
    """What differs in who can say yes to it."""
    return [
        review(),
        review(amount=1_200_000),
        review(risk=(70, "high"), is_flagged=True),
        review(risk=(70, "high")),
        review(risk=(40, "medium"), is_flagged=True),
        *(make_withdrawal(State.SECOND_APPROVAL, amount=1_200_000, by=person) for person in by),
    ]


@pytest.mark.parametrize(("role", "number"), [("Operator", 3), ("Senior", 4), ("Fraud", 3), ("Compliance", 0)])
def test_what_is_offered_is_what_one_can_decide(make_staff: Any, role: str, number: int) -> None:
    me, other = make_staff(role, "Me"), make_staff("Operator", "Somebody Else")
    rows = of_every_kind(by=[other, me] if role == "Senior" else [other])
    offered = set(claims.workable(me, now=NOW).rows)
    assert offered == {row for row in rows if claims.can_decide(row, me)}
    assert len(offered) == number


def test_a_personal_ceiling_keeps_second_approvals_from_one(make_staff: Any, operator: User) -> None:
    low = make_staff("Senior", "Low Ceiling", approval_limit=1_000_000)
    row = make_withdrawal(State.SECOND_APPROVAL, amount=1_200_000, by=operator)
    assert not claims.can_decide(row, low) and not claims.workable(low, now=NOW).rows.exists()


def test_next_goes_on_after_the_present_one_and_begins_again(operator: User) -> None:
    first, middle, last = (review(now=NOW - timedelta(hours=hours)) for hours in (3, 2, 1))
    assert claims.next_for(operator, now=NOW, after=middle) == last
    assert claims.next_for(operator, now=NOW, after=last) == first


def test_next_is_none_when_the_queue_is_clear(operator: User) -> None:
    assert claims.next_for(operator, now=NOW) is None


@pytest.mark.django_db(transaction=True)
def test_people_who_ask_at_once_get_different_ones(operator: User, senior: User) -> None:
    for _number in range(2):
        review()
    barrier, got = threading.Barrier(2), []

    def ask(user: User) -> None:
        barrier.wait(30)
        got.append(claims.next_for(user, now=NOW))
        connection.close()

    threads = [threading.Thread(target=ask, args=(user,)) for user in (operator, senior)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({withdrawal.pk for withdrawal in got if withdrawal}) == 2


@pytest.mark.django_db(transaction=True)
def test_what_is_claimed_while_one_is_looking_is_passed_over(operator: User, senior: User) -> None:
    first, second = review(), review()
    # Slow enough for somebody else to claim between the look-up's snapshot and its lock.
    napping = queries.review_queue().annotate(nap=RawSQL("(SELECT 1 FROM pg_sleep(0.4))", ())).filter(nap=1)
    looking, got = threading.Event(), []

    def ask() -> None:
        looking.set()
        got.append(claims.next_for(senior, now=NOW, listing=Listing(napping, claims.BY_URGENCY)))
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    looking.wait(30)
    time.sleep(0.2)
    claims.claim(first, user=operator, now=NOW)
    thread.join()
    assert [withdrawal.pk for withdrawal in got if withdrawal] == [second.pk]
    assert Claim.objects.get(withdrawal=first).owner == operator


@pytest.mark.django_db(transaction=True)
def test_a_crowd_never_gets_the_same_one(make_staff: Any) -> None:
    crowd = [make_staff("Operator", f"Member {n}") for n in range(6)]
    for _number in range(12):
        review()
    errors = []
    for _round in range(12):
        Claim.objects.all().delete()
        barrier, got = threading.Barrier(6), []

        def ask(user: User, barrier: threading.Barrier = barrier, got: list[Any] = got) -> None:
            barrier.wait(30)
            try:
                got.append(claims.next_for(user, now=NOW))
            except Exception as error:
                errors.append(error)
            connection.close()

        threads = [threading.Thread(target=ask, args=(user,)) for user in crowd]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = [withdrawal.pk for withdrawal in got if withdrawal]
        assert len(found) == len(set(found)) == Claim.objects.count() > 1
    assert errors == []
