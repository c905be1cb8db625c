"""Screening: run the checks, keep what they said, and clear, refer or decline."""

from datetime import datetime

from django.db import transaction

from backoffice.audit.actors import SCREENING
from backoffice.audit.record import record
from fraud.states import HIGHEST_SCORE, level_of
from kyc.models import Player
from withdrawals import checks, policy
from withdrawals.checks.outcome import Outcome, Severity
from withdrawals.exceptions import IllegalMove
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import CheckResult, Withdrawal
from withdrawals.operations import work
from withdrawals.states import UNDECIDED, Move, State

BATCH = 20
HOUSE_LIMIT = "The house’s limit is used up"


def screen_due(*, clock: work.Clock) -> int:
    """Screen what is requested and due, in batches."""
    return work.work_off([State.REQUESTED], lambda pk: screen(pk, now=clock()), clock=clock, batch=BATCH)


def screen(pk: int, *, now: datetime) -> Withdrawal | None:
    """Screen one withdrawal; return it as it then stands, or None if it was no longer requested."""
    with transaction.atomic():
        withdrawal = locked(pk)
        if withdrawal.state != State.REQUESTED:
            return None
        outcomes = checks.run_all(withdrawal, now=now)
        return _decide(withdrawal, outcomes, _keep(withdrawal, outcomes, now=now), now=now)


def screen_again(pk: int, *, now: datetime) -> None:
    """Run the checks of an undecided withdrawal once more, so that a person decides by what is true now.

    Moves nothing. What was approved of the old facts no longer counts: the fingerprint covers the checks.
    """
    with transaction.atomic():
        withdrawal = locked(pk)
        if withdrawal.state not in UNDECIDED:
            return
        outcomes = checks.run_all(withdrawal, now=now)
        asked = _keep(withdrawal, outcomes, now=now)
        record(
            subject_type=SUBJECT_TYPE,
            subject_id=withdrawal.ref,
            action="screen_again",
            actor=SCREENING,
            data={"codes": _codes(outcomes), "policy": asked.words},
            at=now,
        )


def locked(pk: int) -> Withdrawal:
    """Return a withdrawal under its player's lock and its own, taken in the order that everybody takes them."""
    player_id = Withdrawal.objects.values_list("player_id", flat=True).get(pk=pk)
    Player.objects.select_for_update().only("pk").get(pk=player_id)
    return Withdrawal.objects.select_for_update(of=("self",)).select_related("player", "destination").get(pk=pk)


def _keep(withdrawal: Withdrawal, outcomes: list[Outcome], *, now: datetime) -> policy.Requirement:
    """Keep what the checks said, and what policy asks for after it."""
    withdrawal.check_results.filter(is_current=True).update(is_current=False)
    CheckResult.objects.bulk_create(
        CheckResult(
            withdrawal=withdrawal,
            code=outcome.code,
            version=outcome.version,
            outcome=outcome.outcome,
            title=outcome.title,
            short=outcome.short,
            sentence=outcome.sentence,
            points=outcome.points,
            evidence=outcome.evidence,
            at=now,
        )
        for outcome in outcomes
    )
    score = min(sum(outcome.points for outcome in outcomes), HIGHEST_SCORE)
    level = "high" if any(outcome.hold for outcome in outcomes) else level_of(score)
    concerns = [outcome for outcome in outcomes if outcome.severity >= Severity.REVIEW]
    asked = policy.requirement(reference_amount=withdrawal.reference_amount, risk_level=level, all_passed=not concerns)
    # Not state and not money: what the queue shows, and how many approvals policy asks for.
    Withdrawal.objects.filter(pk=withdrawal.pk).update(
        risk_score=score,
        risk_level=level,
        is_flagged=any(outcome.code.startswith(("fraud.", "destination.shared")) for outcome in concerns),
        why=[outcome.short for outcome in concerns] or [asked.short],
        required_approvals=asked.approvals,
    )
    return asked


def _codes(outcomes: list[Outcome]) -> list[str]:
    return [outcome.code for outcome in outcomes if outcome.severity >= Severity.REVIEW]


def _decide(withdrawal: Withdrawal, outcomes: list[Outcome], asked: policy.Requirement, *, now: datetime) -> Withdrawal:
    worst, codes = max(outcome.severity for outcome in outcomes), _codes(outcomes)
    hard = [code for code in codes if code in policy.HARD_REFUSALS]
    if worst == Severity.DECLINE and hard:
        return Withdrawal.advance(withdrawal.pk, Move.DECLINE, actor=SCREENING, now=now, reason=hard[0], codes=codes)
    if asked.approvals == 0:
        try:
            return Withdrawal.advance(withdrawal.pk, Move.CLEAR, actor=SCREENING, now=now, policy=asked.words)
        except IllegalMove as refusal:  # the house's limit, which only the database counts for all at once
            Withdrawal.objects.filter(pk=withdrawal.pk).update(required_approvals=1, why=[HOUSE_LIMIT])
            return Withdrawal.advance(
                withdrawal.pk, Move.REFER, actor=SCREENING, now=now, codes=["limits.house"], policy=refusal.sentence
            )
    return Withdrawal.advance(withdrawal.pk, Move.REFER, actor=SCREENING, now=now, codes=codes, policy=asked.words)
