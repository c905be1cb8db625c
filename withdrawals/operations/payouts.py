"""Paying: commit the intention, call the provider outside any transaction, apply what it says.

Nothing is ever sent again on an unknown outcome. Errors have one meaning each (providers.contract);
whatever the meaning, the withdrawal is re-read under its lock before anything happens to it.
Another provider is tried only after a certain "not sent" or a refusal for the provider's own reasons;
the same provider, after one that moved nothing, under the same key.
"""

import dataclasses
import hashlib
import json
import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from backoffice.audit.actors import PAYOUTS
from backoffice.crash import crash_point
from providers import gateway, routing
from providers.contract import (
    Declined,
    Duplicate,
    Misconfigured,
    NotAccepted,
    NotSent,
    OutcomeUnknown,
    PayoutInstruction,
    ProviderError,
)
from withdrawals import due
from withdrawals.exceptions import MoveRefused
from withdrawals.models import PayoutAttempt, Withdrawal
from withdrawals.operations import findings, receipts, screening, validity, work
from withdrawals.states import Move, State

logger = logging.getLogger(__name__)

# The answer code of an attempt whose request never left.
NOT_REACHED = "not_sent"
# The answer code of an attempt of which the provider says that it did nothing.
NOT_ACCEPTED = "not_accepted"
# What providers answer for their own reasons, in our words.
_REFUSALS = {"insufficient_float": "our balance there is too small"}

# After a try that certainly moved nothing, the next one waits this long, doubling with every attempt.
RETRY_GAP = timedelta(seconds=2)
LONGEST_RETRY_GAP = timedelta(minutes=10)
# What waits for something that nobody announces is looked at again after this long at most.
LONGEST_WAIT = timedelta(minutes=5)
# A provider that refused for its own reasons (our float there is too small) is left alone for this long.
FUNDING_TIME = timedelta(minutes=10)


def pay_due(*, clock: work.Clock) -> int:
    """Pay what is approved and due, one after the other."""
    due.waits_no_longer().update(next_step_at=clock(), wait_reason="")
    return work.work_off([State.APPROVED], lambda pk: pay(pk, clock=clock), clock=clock, batch=1)


def pay(pk: int, *, clock: work.Clock) -> None:
    """Start one payout and send it, unless something stands in the way."""
    attempt = start(pk, now=clock())
    if attempt is not None:
        send(attempt, clock=clock)


def start(pk: int, *, now: datetime) -> PayoutAttempt | None:
    """Commit the attempt with its key and entry T; return it, or None when it may not be paid now.

    What stands in the way is a typed wait reason (paused, global_stop, waiting_for_funds, no_route) or,
    when what was approved no longer holds, a recall.
    """
    with transaction.atomic():
        withdrawal = screening.locked(pk)
        if withdrawal.state != State.APPROVED:
            return None
        if (objection := _objection_to(withdrawal, now=now)) is not None:
            Withdrawal.advance(pk, Move.RECALL, actor=PAYOUTS, now=now, reason=objection.code, words=objection.sentence)
            if objection.is_news:
                screening.screen_again(pk, now=now)
            return None
        choice = _choose(withdrawal, now=now)
        if choice.provider is None:
            _wait(withdrawal, choice.wait_reason, now=now)
            return None
        Withdrawal.advance(pk, Move.START_PAYOUT, actor=PAYOUTS, now=now, provider=choice.provider, trace=choice.why)
        attempt = withdrawal.live_attempt
        attempt.become("sending", request_hash=digest_of(instruction_for(attempt)))
    return attempt


def send(attempt: PayoutAttempt, *, clock: work.Clock, repeated: bool = False) -> bool:
    """Call the provider and apply its answer.

    ``repeated``: the very same request under its own key once more. That this one moved nothing says
    nothing of the first, so only a definite answer counts then, and a refusal only if the provider said
    before that it has no such payout. Returns whether it may have arrived.
    """
    if not _is_still_to_send(attempt, repeated=repeated):
        return False
    instruction = instruction_for(attempt)
    if digest_of(instruction) != attempt.request_hash:
        _move(attempt, Move.LOSE_TRACK, now=clock(), words="the request no longer equals the one that was sent")
        return False
    crash_point("dispatch.before_call")
    try:
        receipt = gateway.create_payout(attempt.provider, instruction, now=clock())
    except (NotSent, NotAccepted, Misconfigured) as error:
        if isinstance(error, Misconfigured):
            routing.pause(attempt.provider, actor=PAYOUTS, reason=f"Set-up refused: {error.words}", now=clock())
        if not repeated:
            _back_for_another_try(attempt, error, now=clock())
        return False
    except Declined as error:
        crash_point("dispatch.after_accept_before_commit")
        if repeated and attempt.not_found_count == 0:
            findings.report_repeat_refused(attempt, error.words, now=clock())
        else:
            receipts.apply_refusal(attempt, error, now=clock())
    except Duplicate as error:
        _adopt(attempt, error, repeated=repeated, now=clock())
    except OutcomeUnknown as error:
        _move(attempt, Move.LOSE_TRACK, now=clock(), words=error.words)
    else:
        crash_point("dispatch.after_accept_before_commit")
        receipts.apply(attempt, receipt, now=clock(), source="answer")
    crash_point("dispatch.after_commit_before_ack")
    return True


def _adopt(attempt: PayoutAttempt, known: Duplicate, *, repeated: bool, now: datetime) -> None:
    """Our earlier request arrived after all: have it read, by the provider's own name for it if that was told."""
    if known.provider_reference:
        unnamed = PayoutAttempt.objects.filter(pk=attempt.pk, provider_reference="")
        unnamed.update(provider_reference=known.provider_reference)
    elif repeated:
        return  # asking at once would be told the same
    Withdrawal.objects.filter(pk=attempt.withdrawal_id).update(next_step_at=now)


def instruction_for(attempt: PayoutAttempt) -> PayoutInstruction:
    """Return what is asked of the provider; the same attempt always gives the same instruction."""
    withdrawal = attempt.withdrawal
    destination = withdrawal.destination
    return PayoutInstruction(
        key=str(attempt.key),
        reference=withdrawal.ref,
        attempt_number=attempt.number,
        amount=attempt.amount,
        currency=attempt.currency,
        method=withdrawal.method,
        account=destination.account,
        holder_name=destination.holder_name,
        country=destination.country,
        provider_reference=attempt.provider_reference or None,
    )


def digest_of(instruction: PayoutInstruction) -> str:
    """Return what tells whether a repeated request is the very same one."""
    facts = dataclasses.asdict(instruction) | {"provider_reference": None}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def objection_now(pk: int, *, now: datetime) -> validity.Objection | None:
    """Return what forbids paying this withdrawal now, if anything does."""
    with transaction.atomic():
        return _objection_to(screening.locked(pk), now=now)


def _objection_to(withdrawal: Withdrawal, *, now: datetime) -> validity.Objection | None:
    if withdrawal.fingerprint != withdrawal.fingerprint_now():
        return validity.Objection(validity.CHANGED, "What was approved has changed since.", is_news=True)
    return validity.objection_to(withdrawal, now=now)


def _is_still_to_send(attempt: PayoutAttempt, *, repeated: bool) -> bool:
    """Whether nobody has ended or taken over the attempt while this process slept."""
    states = ("sending", "unknown") if repeated else ("sending",)
    return PayoutAttempt.objects.filter(pk=attempt.pk, state__in=states).exists()


def _choose(withdrawal: Withdrawal, *, now: datetime) -> routing.Choice:
    """Choose rather another provider than the one just not reached, rather the same that said it did nothing.

    None that refused lately.
    """
    last = withdrawal.attempts.order_by("number").last()
    refused = {attempt.provider: "declined it lately" for attempt in _refused_lately(withdrawal, now=now)}
    rather_not: dict[str, str] = {}
    if last is not None and last.answer_code == NOT_REACHED:
        rather_not = {last.provider: "was not reached just now"}
    elif last is not None and last.answer_code == NOT_ACCEPTED:
        rather_not = {code: "comes after the one tried last" for code in withdrawal.routes if code != last.provider}
    choice = _route(withdrawal, exclude=refused | rather_not, now=now)
    return choice if choice.provider else _route(withdrawal, exclude=refused, now=now)


def stands_in_the_way(withdrawal: Withdrawal, *, now: datetime) -> list[str]:
    """Return what keeps each provider from paying now, a sentence each; empty when one of them could."""
    refused = {attempt.provider: f"refused: {_refusal(attempt)}" for attempt in _refused_lately(withdrawal, now=now)}
    choice = _route(withdrawal, exclude=refused, now=now)
    return [] if choice.provider else choice.why


def _refusal(attempt: PayoutAttempt) -> str:
    return _REFUSALS.get(attempt.answer_code, attempt.answer_code.replace("_", " "))


def _refused_lately(withdrawal: Withdrawal, *, now: datetime) -> list[PayoutAttempt]:
    """Attempts that a provider refused for its own reasons, which a little later it may not have any more."""
    return list(withdrawal.attempts.filter(state="failed", created_at__gt=now - FUNDING_TIME).order_by("number"))


def _wait(withdrawal: Withdrawal, reason: str, *, now: datetime) -> None:
    if reason == "no_route" and _refused_lately(withdrawal, now=now):
        reason = "waiting_for_funds"
    if reason == "waiting_for_funds":
        findings.report_no_funds(withdrawal, now=now)
    gap = work.gap_after(withdrawal.step_tries, longest=LONGEST_WAIT)
    Withdrawal.objects.filter(pk=withdrawal.pk).update(wait_reason=reason, next_step_at=now + gap)


def _route(withdrawal: Withdrawal, *, exclude: dict[str, str], now: datetime) -> routing.Choice:
    return routing.choose(
        method=withdrawal.method,
        currency=withdrawal.currency,
        amount=withdrawal.amount - withdrawal.fee,
        country=withdrawal.destination.country,
        allowed=withdrawal.routes,
        exclude=exclude,
        now=now,
    )


def _back_for_another_try(attempt: PayoutAttempt, error: ProviderError, *, now: datetime) -> None:
    """Nothing was sent: back to approved, to be tried again after a gap that grows with every attempt."""
    gap, code = RETRY_GAP * 2 ** min(attempt.number - 1, 10), NOT_REACHED
    if isinstance(error, NotAccepted):
        gap, code = max(gap, timedelta(seconds=error.retry_after or 0)), NOT_ACCEPTED
    # In one transaction: the row must not be due in between.
    with transaction.atomic():
        Withdrawal.objects.select_for_update(of=("self",)).only("pk").get(pk=attempt.withdrawal_id)
        if not _is_still_to_send(attempt, repeated=False):
            return  # the provider has it after all, and said so by another way
        if _move(attempt, Move.REROUTE, now=now, words=error.words, code=code, outcome="not_sent"):
            Withdrawal.objects.filter(pk=attempt.withdrawal_id).update(
                next_step_at=now + min(gap, LONGEST_RETRY_GAP), wait_reason="provider_not_reached"
            )


def _move(attempt: PayoutAttempt, move: Move, *, now: datetime, words: str, code: str = "", **facts: Any) -> bool:
    """Make a machine's move unless the provider's own message was faster; return whether it was made."""
    try:
        with transaction.atomic():
            Withdrawal.advance(attempt.withdrawal_id, move, actor=PAYOUTS, now=now, words=words, **facts)
            PayoutAttempt.objects.filter(pk=attempt.pk).update(answer=words[:200], answer_code=code)
    except MoveRefused as refusal:
        logger.info("%s of %s was overtaken: %s", move, attempt.withdrawal.ref, refusal.sentence)
        return False
    return True
