"""Many approvals at once: which of them may be, what they come to, and each decided once, by whoever was first."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from backoffice.jobs import operations as jobs
from backoffice.jobs import queries as job_queries
from backoffice.jobs.models import Job, JobItem
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination, make_withdrawal
from withdrawals import due, queries, verification
from withdrawals.exceptions import IllegalMove, NotAllowed
from withdrawals.models import CheckResult, Decision, Limit, Withdrawal
from withdrawals.operations import bulk, claims, decisions, due_decisions, proposals
from withdrawals.states import BULK, Move, State

pytestmark = pytest.mark.django_db

S = State
Outcome = JobItem.Outcome
DUE = NOW + settings.UNDO_TIME


def clock() -> Any:
    return NOW


def review(**facts: Any) -> Withdrawal:
    return make_withdrawal(S.UNDER_REVIEW, **facts)


def start(*rows: Withdrawal, user: User, token: str = "t", title: str = "Approve") -> Job:
    return bulk.start({row.ref: row.version for row in rows}, title=title, user=user, token=token, now=NOW)


def outcomes(job: Job) -> dict[str, tuple[str, str]]:
    return {item.subject: (item.outcome, item.words) for item in job.items.order_by("pk")}


def why_not(row: Withdrawal, user: User) -> str:
    reason = bulk.left_out(queries.withdrawals().get(pk=row.pk), user=user, now=NOW)
    return reason.sentence if reason else ""


# Which may be ----------------------------------------------------------------------------------------------------


def test_what_nothing_speaks_against_may_be_approved_with_others(operator: User) -> None:
    assert why_not(review(), operator) == ""
    assert why_not(review(amount=180_000, why=("Over €1,000.00",)), operator) == ""  # policy, not a concern


def test_each_reason_leaves_one_out_in_words(operator: User, senior: User, fraud_analyst: User) -> None:
    claimed, decided, paid = review(), review(), make_withdrawal(S.COMPLETED, by=senior)
    claims.claim(claimed, user=senior, now=NOW)
    decisions.decide(decided, Move.APPROVE, actor=senior, now=NOW, version=decided.version, key="k")
    held = make_withdrawal(S.ON_HOLD, by=senior)
    with_concern = review()
    CheckResult.objects.create(
        withdrawal=with_concern, code="destination.new", outcome="review", title="New payout details", at=NOW
    )
    found = {
        "Marta Keller has it.": claimed,
        "Already decided.": decided,
        "Already decided: Completed.": paid,
        "On hold.": held,
        "Needs two approvals.": review(amount=1_200_000),
        "Not yours to decide.": review(risk=(72, "high")),
        "Needs a reason of its own: medium risk.": review(risk=(45, "medium")),
        "Has a concern: New payout details.": with_concern,
    }
    assert {why_not(row, operator): row for row in found.values()} == found
    assert why_not(make_withdrawal(S.SECOND_APPROVAL, by=operator), senior) == "Needs two approvals."


def test_a_ceiling_of_one_s_own_leaves_out_what_is_above_it(make_staff: Any) -> None:
    capped = make_staff("Operator", "Newly Hired", approval_limit=10_000)
    assert why_not(review(amount=18_000), capped) == "Above your limit."
    assert why_not(review(amount=9_000), capped) == ""


def test_a_concern_that_came_up_since_is_seen(operator: User) -> None:
    row = review()
    make_destination(PlayerFactory(), account=row.destination.account)
    assert why_not(row, operator).startswith("New concern: The facts changed since the checks")


def test_identity_that_is_no_longer_valid_is_seen(operator: User) -> None:
    row = review(player=PlayerFactory())
    assert why_not(row, operator).startswith("Cannot be approved: Cannot approve: the player’s identity")


def test_the_preview_adds_up_what_is_picked_and_nothing_else(operator: User) -> None:
    first, second, unchecked, other = review(), review(amount=64_000), review(amount=99_000), review(risk=(72, "high"))
    reais = review(amount=70_000, currency="BRL")
    rows = queries.withdrawals().order_by("pk")
    seen = bulk.preview(rows, user=operator, now=NOW, without={unchecked.ref})
    assert [row.ref for row in seen.picked] == [first.ref, second.ref, reais.ref]
    assert seen.totals == {"EUR": 82_000, "BRL": 70_000}
    assert sum(seen.by_provider.values()) == 152_000
    assert [line.withdrawal.ref for line in seen.offered] == [first.ref, second.ref, unchecked.ref, reais.ref]
    assert seen.reasons == {"Not yours to decide": 1} and seen.rest[0].withdrawal.ref == other.ref


def test_all_of_them_together_count_against_the_house_s_limit(operator: User) -> None:
    Limit.objects.create(scope="house", period=Limit.Period.DAY, cap_amount=30_000, effect="block")
    review(), review()
    rows = list(queries.withdrawals().order_by("pk"))
    assert bulk.preview(rows[:1], user=operator, now=NOW).objection == ""
    both = bulk.preview(rows, user=operator, now=NOW)
    assert both.house[0].this == 36_000 and "limit of the house" in both.objection


def test_what_changed_since_the_preview_is_said_by_name(operator: User, senior: User) -> None:
    same, claimed, moved, gone = review(), review(), review(), review()
    seen = {row.ref: row.version for row in (same, claimed, moved, gone)}
    claims.claim(claimed, user=senior, now=NOW)
    Withdrawal.advance(
        moved.pk, Move.HOLD, actor=senior, now=NOW, reason="waiting_document", kind="player", wake_at=DUE
    )
    Withdrawal.advance(moved.pk, Move.RELEASE, actor=senior, now=NOW, reason="document_received")
    rows = queries.withdrawals().exclude(pk=gone.pk)
    assert bulk.changes(seen, bulk.preview(rows, user=operator, now=NOW)) == [
        f"{claimed.ref}: Marta Keller has it.",
        f"{moved.ref}: it moved on and came back to review.",
        f"{gone.ref}: no longer in the list.",
    ]


# The job ---------------------------------------------------------------------------------------------------------


def test_each_is_decided_alone_and_waits_its_undo_time(operator: User) -> None:
    first, second = review(), review(amount=64_000)
    job = start(first, second, user=operator)
    assert bulk.work_off(clock=clock) == 2
    job.refresh_from_db()
    assert (job.state, job.ended_at) == (Job.State.DONE, NOW)
    assert outcomes(job) == {first.ref: (Outcome.DONE, ""), second.ref: (Outcome.DONE, "")}
    made = Decision.objects.order_by("pk")
    assert [(one.withdrawal_id, one.key, one.version) for one in made] == [
        (first.pk, f"t:{first.ref}", first.version), (second.pk, f"t:{second.ref}", second.version)
    ]  # fmt: skip
    assert {one.status for one in made} == {Decision.Status.WAITING}
    due_decisions.apply_due_decisions(now=DUE)
    assert set(Withdrawal.objects.values_list("state", flat=True)) == {S.APPROVED}
    started = AuditEntry.objects.get(subject_type="job", action="bulk_approve")
    assert (started.subject_id, started.actor_user, started.data["subjects"]) == (
        str(job.pk), operator, [first.ref, second.ref],
    )  # fmt: skip


def test_a_form_sent_twice_is_one_job(operator: User, senior: User) -> None:
    row = review()
    assert start(row, user=operator) == start(row, user=operator)
    assert Job.objects.count() == JobItem.objects.count() == 1
    with pytest.raises(IllegalMove, match="somebody else"):
        start(row, user=senior)


def test_what_was_learnt_meanwhile_leaves_one_out_and_the_others_go_on(operator: User, senior: User) -> None:
    claimed, moved, changed, good = review(), review(), review(), review()
    job = start(claimed, moved, changed, good, user=operator)
    claims.claim(claimed, user=senior, now=NOW)
    Withdrawal.advance(
        moved.pk, Move.HOLD, actor=senior, now=NOW, reason="waiting_document", kind="player", wake_at=DUE
    )
    Withdrawal.advance(moved.pk, Move.RELEASE, actor=senior, now=NOW, reason="document_received")
    make_destination(PlayerFactory(), account=changed.destination.account)
    bulk.work_off(clock=clock)
    found = outcomes(job)
    assert found[claimed.ref] == (Outcome.REFUSED, "Marta Keller has it.")
    assert found[moved.ref][1].startswith("This withdrawal changed since you opened it.")
    assert found[changed.ref][1].startswith("The facts changed since the checks")
    assert found[good.ref] == (Outcome.DONE, "")
    assert Decision.objects.get().withdrawal == good
    # The checks were run again, so that whoever opens it sees what came up.
    assert changed.check_results.filter(is_current=True, code="destination.shared").exists()


def test_a_fault_in_one_stops_no_other(operator: User) -> None:
    bad, good = review(), review()
    job = start(bad, good, user=operator)
    JobItem.objects.filter(subject=bad.ref).update(facts={})
    bulk.work_off(clock=clock)
    assert outcomes(job)[bad.ref] == (Outcome.REFUSED, "A fault stopped this one. Nothing of it was done.")
    assert outcomes(job)[good.ref] == (Outcome.DONE, "")


def test_who_may_start_one(operator: User, senior: User, support: User, fraud_analyst: User, settings: Any) -> None:
    settings.BULK_LIMIT = 1
    first, second = review(), review()
    for user in (support, fraud_analyst):
        with pytest.raises(NotAllowed, match="may decide withdrawals"):
            start(first, user=user)
    with pytest.raises(NotAllowed, match="at most 1 at once"):
        start(first, second, user=operator)
    with pytest.raises(IllegalMove, match="Nothing is left"):
        start(user=operator)
    assert not Job.objects.exists()
    assert start(first, second, user=senior).items.count() == 2


def test_undo_all_takes_back_what_can_be_and_counts_the_rest(operator: User, senior: User) -> None:
    rows = [review() for _ in range(3)]
    job = start(*rows, user=operator)
    bulk.work_off(clock=clock)
    due_decisions.apply_decision(Decision.objects.earliest("pk").pk, now=DUE)
    with pytest.raises(NotAllowed):
        bulk.undo_all(job, actor=senior, now=NOW)
    assert bulk.undo_all(job, actor=operator, now=NOW) == (2, 1)
    assert sorted(Decision.objects.values_list("status", flat=True)) == ["applied", "undone", "undone"]
    assert AuditEntry.objects.filter(subject_type="job", action="undo_all", actor_user=operator).count() == 1
    assert bulk.undo_all(job, actor=operator, now=NOW) == (0, 1)


def test_undo_all_goes_past_what_a_colleague_agreed_to(operator: User, senior: User) -> None:
    """A large rejection is proposed; who agrees to it makes it their own, and nobody else takes it back."""
    versions = {row.ref: row.version for row in (review(amount=2_000_000) for _ in range(3))}
    said = bulk.Said("terms_not_met")
    job = bulk.start(versions, Move.REJECT, title="Reject", user=operator, token="t", now=NOW, said=said)
    bulk.work_off(clock=clock)
    first = Decision.objects.earliest("pk")
    proposals.second(first, actor=senior, now=NOW)
    assert bulk.undo_all(job, actor=operator, now=NOW) == (2, 1)
    assert Decision.objects.get(pk=first.pk).status == Decision.Status.WAITING
    assert Decision.objects.filter(status=Decision.Status.UNDONE).count() == 2


def test_a_cancelled_job_leaves_the_rest_undecided(operator: User) -> None:
    first, second = review(), review()
    job = start(first, second, user=operator)
    jobs._one(BULK[Move.APPROVE], lambda item: "", clock=clock)
    assert jobs.cancel(job, actor=operator, now=NOW) == 1
    assert bulk.work_off(clock=clock) == 0
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert [item[0] for item in outcomes(job).values()] == [Outcome.DONE, Outcome.CANCELLED]
    assert jobs.cancel(job, actor=operator, now=NOW) == 0


def test_the_sweep_finds_a_job_whose_worker_died(operator: User) -> None:
    row = review()
    assert "decide_bulk" not in due.due_steps(now=NOW)
    job = start(row, user=operator)

    def dies(_item: JobItem) -> str:
        raise SystemExit

    with pytest.raises(SystemExit):
        jobs.work_off(BULK[Move.APPROVE], dies, clock=clock)
    assert "decide_bulk" in due.due_steps(now=NOW)
    bulk.work_off(clock=clock)
    assert outcomes(job) == {row.ref: (Outcome.DONE, "")}
    assert "decide_bulk" not in due.due_steps(now=NOW)


def test_how_long_it_may_still_take_is_told_after_a_tenth(operator: User) -> None:
    job = start(*(review() for _ in range(11)), user=operator)
    later = NOW + timedelta(seconds=10)
    jobs._one(BULK[Move.APPROVE], lambda item: "", clock=clock)
    assert job_queries.progress_of(job, now=later).left is None
    jobs._one(BULK[Move.APPROVE], lambda item: "", clock=clock)
    progress = job_queries.progress_of(job, now=later)
    assert (progress.done, progress.total, progress.left) == (2, 11, timedelta(seconds=45))


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_decide_each_of_them_once(operator: User, senior: User) -> None:
    rows = [review() for _ in range(6)]
    mine, theirs = start(*rows, user=operator, token="a"), start(*rows[::-1], user=senior, token="b")
    barrier = threading.Barrier(3)

    def run() -> None:
        barrier.wait(30)
        bulk.work_off(clock=clock)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bulk.work_off(clock=clock)
    assert Decision.objects.count() == 6
    assert sorted(Decision.objects.values_list("withdrawal_id", flat=True)) == [row.pk for row in rows]
    done = JobItem.objects.filter(outcome=Outcome.DONE)
    assert sorted(done.values_list("subject", flat=True)) == sorted(row.ref for row in rows)
    lost = JobItem.objects.filter(outcome=Outcome.REFUSED)
    assert set(lost.values_list("words", flat=True)) == {"Already decided."} and lost.count() == 6
    assert {job.state for job in Job.objects.filter(pk__in=[mine.pk, theirs.pk])} == {Job.State.DONE}
    due_decisions.apply_due_decisions(now=DUE)
    connection.check_constraints()
    assert [breach for breach in verification.check() if breach.count] == []


# Holding and rejecting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("move", [Move.HOLD, Move.REJECT])
def test_what_keeps_from_approving_does_not_keep_from_the_rest(operator: User, senior: User, move: Move) -> None:
    def reason(row: Withdrawal) -> str:
        found = bulk.left_out(queries.withdrawals().get(pk=row.pk), move, user=operator, now=NOW)
        return found.sentence if found else ""

    concerned, claimed = review(risk=(72, "high")), review()
    claims.claim(claimed, user=senior, now=NOW)
    assert reason(concerned) == ""
    assert reason(claimed) == "Marta Keller has it."
    assert reason(make_withdrawal(S.COMPLETED, by=senior)) == "Already decided: Completed."


def test_who_may_not_reject_starts_nothing(finance: User) -> None:
    row = review()
    with pytest.raises(NotAllowed):
        bulk.start({row.ref: row.version}, Move.REJECT, title="Reject", user=finance, token="t", now=NOW)


def test_a_hold_of_many_is_written_down_as_what_it_is(operator: User) -> None:
    row = review()
    said = bulk.Said("waiting_colleague", "", {"kind": "internal", "wake_at": (NOW + timedelta(hours=2)).isoformat()})
    job = bulk.start({row.ref: row.version}, Move.HOLD, title="Hold", user=operator, token="t", now=NOW, said=said)
    assert due.due_steps(now=NOW) == ["decide_bulk"]
    assert bulk.work_off(clock=clock) == 1
    assert AuditEntry.objects.filter(subject_type="job").values_list("action", flat=True).get() == "bulk_hold"
    assert outcomes(job) == {row.ref: (Outcome.DONE, "")}
