"""Asking: following a payout that is with a provider until it has arrived, failed or come back.

Asking in itself moves no money and may be repeated at will. The one thing it may lead to besides a move is
repeating the very same request under its own key, where the provider declares that a repeat is safe: once,
when it said twice, after its settling time, that it has no such payout; or, at a provider that finds
nothing by our key, as the only way to ask, and then only while the payout may still be made.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Greatest

from backoffice.audit.actors import PAYOUTS
from providers import gateway, routing
from providers.contract import CannotTell, Found, NotFound
from providers.models import ProviderCall
from withdrawals import nudge
from withdrawals.models import Decision, PayoutAttempt, Withdrawal
from withdrawals.operations import findings, payouts, receipts, work
from withdrawals.states import WITH_PROVIDER, Move, State

_DAYS = [timedelta(days=1)] * 7
_LATER = [timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), *_DAYS]
# After each fruitless question the next gap; at the end of the plan a person takes over.
PLAN: dict[str, list[timedelta]] = {
    "accepted": _LATER,
    "sending": [timedelta(seconds=s) for s in (10, 20, 40)] + [timedelta(minutes=2), timedelta(minutes=10), *_LATER],
    "unknown": [timedelta(seconds=s) for s in (10, 30)] + [timedelta(minutes=2), timedelta(minutes=10), *_LATER],
}
CONSISTENT_ANSWERS = 2
# Somebody who opens an unknown outcome has the provider asked, but not again within this time.
ASKED_JUST_NOW = timedelta(seconds=30)


def ask_due(*, clock: work.Clock) -> int:
    """Ask about what is due: with a provider, or paid and then contradicted."""
    states = [*WITH_PROVIDER, State.COMPLETED]
    return work.work_off(states, lambda pk: ask(pk, clock=clock), clock=clock, batch=1)


def ask_at_once(withdrawal: Withdrawal, *, now: datetime) -> bool:
    """Have the provider asked about an unknown outcome, unless it was asked just now.

    Return whether it is asked.
    """
    if withdrawal.state != State.OUTCOME_UNKNOWN:
        return False
    keys = [str(key) for key in withdrawal.attempts.filter(state__in=PayoutAttempt.LIVE).values_list("key", flat=True)]
    if ProviderCall.objects.filter(key__in=keys, at__gt=now - ASKED_JUST_NOW).exists():
        return False
    later = Q(next_step_at__gt=now) | Q(next_step_at=None)
    # It takes no step of the plan: looking often must not bring its end nearer.
    Withdrawal.objects.filter(later, pk=withdrawal.pk, state=State.OUTCOME_UNKNOWN).update(
        next_step_at=now, step_tries=Greatest(F("step_tries") - 1, 0)
    )
    nudge.after_commit("ask")
    return True


def ask_when_seen(withdrawal: Withdrawal, *, now: datetime) -> None:
    """Have it asked because somebody looks at it; but nothing is ever sent again for that."""
    if withdrawal.state == State.OUTCOME_UNKNOWN and not is_asked_by_repeating(withdrawal.live_attempt):
        ask_at_once(withdrawal, now=now)


def ask(pk: int, *, clock: work.Clock) -> None:
    """Ask the provider once about a withdrawal that it has or had, and apply the answer."""
    withdrawal = Withdrawal.objects.select_related("player", "destination").get(pk=pk)
    attempt = withdrawal.attempts.filter(state__in=PayoutAttempt.LIVE).first()
    if attempt is None:
        return
    answer = gateway.probe(attempt.provider, payouts.instruction_for(attempt), now=clock())
    _plan_next(withdrawal, attempt, now=clock())
    if isinstance(answer, Found):
        receipts.apply(attempt, answer.receipt, now=clock(), source="poll")
    elif isinstance(answer, CannotTell) and answer.several:
        _several(attempt, answer, now=clock())
    elif withdrawal.state == State.COMPLETED:
        return
    elif isinstance(answer, NotFound):
        _not_found(attempt, clock=clock)
    elif attempt.state == "unknown" and is_asked_by_repeating(attempt):
        _repeat(attempt, clock=clock)
    elif isinstance(answer, CannotTell) and _silent_for_long(attempt, now=clock()):
        _lose_track(withdrawal, words=answer.words, now=clock())


def _plan_next(withdrawal: Withdrawal, attempt: PayoutAttempt, *, now: datetime) -> None:
    plan, asked = PLAN.get(attempt.state, []), max(withdrawal.step_tries - 1, 0)
    waiting = Withdrawal.objects.filter(pk=withdrawal.pk, version=withdrawal.version)
    if asked < len(plan):
        waiting.update(next_step_at=now + work.scaled(plan[asked]))
        return
    waiting.update(next_step_at=None)
    if plan:
        findings.report_silence(attempt, now=now)


def _not_found(attempt: PayoutAttempt, *, clock: work.Clock) -> None:
    now = clock()
    if not _settled(attempt, now=now):
        return
    if attempt.provider_reference:
        # It had the payout and now has not: two answers that disagree.
        _lose_track(attempt.withdrawal, words="the provider no longer knows this payout", now=now)
        findings.report_vanished(attempt, now=now)
        return
    answers = attempt.not_found_count + 1
    if answers < CONSISTENT_ANSWERS:
        _count(attempt, answers)
    elif answers == CONSISTENT_ANSWERS and _may_repeat(attempt, now=now):
        # Counted afterwards: whoever dies in between leaves it to be repeated, under the same key.
        if payouts.send(attempt, clock=clock, repeated=True):
            _count(attempt, answers, sent_at=now)
    else:
        _lose_track(attempt.withdrawal, words="the provider has no such payout", now=now)
        findings.report_not_found(attempt, now=now)


def is_asked_by_repeating(attempt: PayoutAttempt) -> bool:
    """Whether nothing but the very same request tells how the payout stands: the provider has not named it yet."""
    by_repeating = routing.capabilities_of(attempt.provider).lookup == "by_repeat_create"
    return by_repeating and not attempt.provider_reference


def _repeat(attempt: PayoutAttempt, *, clock: work.Clock) -> None:
    """Ask by the very same request, which finds the payout or makes it now.

    So not while a call may be under way, not after the key's time, not while people settle it by hand, and
    not when it could no longer be paid.
    """
    now = clock()
    undecided = [Decision.Status.PROPOSED, Decision.Status.WAITING]
    being_settled = attempt.withdrawal.decisions.filter(status__in=undecided).exists()
    if being_settled or not _settled(attempt, now=now) or not _may_repeat(attempt, now=now):
        return
    if (objection := payouts.objection_now(attempt.withdrawal_id, now=now)) is not None:
        findings.report_not_repeated(attempt, objection.sentence, now=now)
        return
    # Before the request: nobody may call it unpaid by hand until this one, too, has had its time.
    PayoutAttempt.objects.filter(pk=attempt.pk).update(sent_at=now)
    payouts.send(attempt, clock=clock, repeated=True)


def _may_repeat(attempt: PayoutAttempt, *, now: datetime) -> bool:
    capabilities = routing.capabilities_of(attempt.provider)
    return capabilities.may_repeat and now - _first_used_at(attempt) < capabilities.idempotency_window


def _several(attempt: PayoutAttempt, answer: CannotTell, *, now: datetime) -> None:
    """More than one payout under our key: which of them counts, and what became of the others, people find out."""
    _lose_track(attempt.withdrawal, words=answer.words, now=now)
    others = [one for one in answer.several if one.provider_reference != attempt.provider_reference]
    findings.report(attempt, "second_payout", others[-1], now=now)


def _first_used_at(attempt: PayoutAttempt) -> datetime:
    """When the attempt's key was first sent: an attempt that moved nothing hands it on to the next."""
    return PayoutAttempt.objects.filter(key=attempt.key).values_list("created_at", flat=True).earliest("created_at")


def _count(attempt: PayoutAttempt, answers: int, **columns: datetime) -> None:
    PayoutAttempt.objects.filter(pk=attempt.pk).update(not_found_count=answers, **columns)


def _settled(attempt: PayoutAttempt, *, now: datetime) -> bool:
    """Whether a "no such payout" may be believed: nothing can be under way to the provider any more."""
    wait = max(settings.PROVIDER_SETTLE_TIME, routing.capabilities_of(attempt.provider).visibility_delay)
    return attempt.sent_at is not None and now - attempt.sent_at >= wait


def _silent_for_long(attempt: PayoutAttempt, *, now: datetime) -> bool:
    return attempt.state == "sending" and _settled(attempt, now=now)


def _lose_track(withdrawal: Withdrawal, *, words: str, now: datetime) -> None:
    current = Withdrawal.objects.get(pk=withdrawal.pk)
    if current.state == State.PROCESSING:
        Withdrawal.advance(current.pk, Move.LOSE_TRACK, actor=PAYOUTS, now=now, version=current.version, words=words)
