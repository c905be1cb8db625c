"""Paying: commit the intention, call the provider outside any transaction, apply what it says.

Nothing is ever sent again on an unknown outcome. Errors have one meaning each (providers.contract);
whatever the meaning, the withdrawal is re-read under its lock before anything happens to it.
"""

import dataclasses
import hashlib
import json
import logging
from datetime import datetime, timedelta

from django.db import transaction

from backoffice.audit.actors import PAYOUTS
from backoffice.crash import crash_point
from kyc import queries as kyc
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
from withdrawals.exceptions import MoveRefused
from withdrawals.models import PayoutAttempt, Withdrawal
from withdrawals.operations import receipts, work
from withdrawals.states import Move, State

logger = logging.getLogger(__name__)

# After a try that certainly moved nothing, the next one waits this long, doubling with every attempt.
RETRY_GAP = timedelta(seconds=2)
LONGEST_RETRY_GAP = timedelta(minutes=10)


def pay_due(*, clock: work.Clock) -> int:
    """Pay what is approved and due, one after the other."""
    return work.work_off([State.APPROVED], lambda pk: pay(pk, clock=clock), clock=clock, batch=1)


def pay(pk: int, *, clock: work.Clock) -> None:
    """Start one payout and send it, unless something stands in the way."""
    attempt = start(pk, now=clock())
    if attempt is not None:
        send(attempt, clock=clock)


def start(pk: int, *, now: datetime) -> PayoutAttempt | None:
    """Commit the attempt with its key and entry T; return it, or None when it may not be paid now.

    What stands in the way is a typed wait reason (paused, global_stop, no_route) or, when what was
    approved no longer holds, a recall.
    """
    with transaction.atomic():
        withdrawal = (
            Withdrawal.objects.select_for_update(of=("self",)).select_related("player", "destination").get(pk=pk)
        )
        if withdrawal.state != State.APPROVED:
            return None
        if (changed := _what_changed(withdrawal, now=now)) is not None:
            Withdrawal.advance(pk, Move.RECALL, actor=PAYOUTS, now=now, reason=changed)
            return None
        choice = routing.choose(
            method=withdrawal.method,
            currency=withdrawal.currency,
            amount=withdrawal.amount,
            allowed=withdrawal.routes,
            exclude=_refused_by(withdrawal),
        )
        if choice.provider is None:
            Withdrawal.objects.filter(pk=pk).update(wait_reason=choice.wait_reason)
            return None
        Withdrawal.advance(pk, Move.START_PAYOUT, actor=PAYOUTS, now=now, provider=choice.provider, trace=choice.why)
        attempt = withdrawal.live_attempt
        attempt.become("sending", request_hash=digest_of(instruction_for(attempt)))
    return attempt


def send(attempt: PayoutAttempt, *, clock: work.Clock, repeated: bool = False) -> None:
    """Call the provider and apply its answer.

    ``repeated``: the very same request under its own key once more. That this one moved nothing says
    nothing of the first, so only a definite answer counts then.
    """
    instruction = instruction_for(attempt)
    if digest_of(instruction) != attempt.request_hash:
        _move(attempt, Move.LOSE_TRACK, now=clock(), words="the request no longer equals the one that was sent")
        return
    crash_point("dispatch.before_call")
    try:
        receipt = gateway.create_payout(attempt.provider, instruction, now=clock())
    except (NotSent, NotAccepted, Misconfigured) as error:
        if isinstance(error, Misconfigured):
            routing.pause(attempt.provider, actor=PAYOUTS, reason=f"Set-up refused: {error.words}", now=clock())
        if not repeated:
            _back_for_another_try(attempt, error, now=clock())
    except Declined as error:
        crash_point("dispatch.after_accept_before_commit")
        receipts.apply_refusal(attempt, error, now=clock())
    except Duplicate:
        # Our earlier request arrived after all: read it and adopt it.
        Withdrawal.objects.filter(pk=attempt.withdrawal_id).update(next_step_at=clock())
    except OutcomeUnknown as error:
        _move(attempt, Move.LOSE_TRACK, now=clock(), words=error.words)
    else:
        crash_point("dispatch.after_accept_before_commit")
        receipts.apply(attempt, receipt, now=clock(), source="answer")
    crash_point("dispatch.after_commit_before_ack")


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


def _what_changed(withdrawal: Withdrawal, *, now: datetime) -> str | None:
    if withdrawal.fingerprint != withdrawal.fingerprint_now():
        return "changed_since_approval"
    if not kyc.standing_of(withdrawal.player, on=now.date()).ok:
        return "identity_no_longer_valid"
    return None


def _refused_by(withdrawal: Withdrawal) -> list[str]:
    """Providers that refused this withdrawal for good; one that was not reached may be tried again."""
    return list(withdrawal.attempts.filter(state="failed").values_list("provider", flat=True))


def _back_for_another_try(attempt: PayoutAttempt, error: ProviderError, *, now: datetime) -> None:
    """Nothing was sent: back to approved, to be tried again after a gap that grows with every attempt."""
    if not _move(attempt, Move.REROUTE, now=now, words=error.words, outcome="not_sent"):
        return
    gap = min(RETRY_GAP * 2 ** min(attempt.number - 1, 10), LONGEST_RETRY_GAP)
    if isinstance(error, NotAccepted) and error.retry_after:
        gap = timedelta(seconds=error.retry_after)
    Withdrawal.objects.filter(pk=attempt.withdrawal_id, state=State.APPROVED).update(
        next_step_at=now + gap, wait_reason="provider_not_reached"
    )


def _move(attempt: PayoutAttempt, move: Move, *, now: datetime, words: str, **facts: str) -> bool:
    """Make a machine's move unless the provider's own message was faster; return whether it was made."""
    try:
        with transaction.atomic():
            Withdrawal.advance(attempt.withdrawal_id, move, actor=PAYOUTS, now=now, words=words, **facts)
            PayoutAttempt.objects.filter(pk=attempt.pk).update(answer=words[:200])
    except MoveRefused as refusal:
        logger.info("%s of %s was overtaken: %s", move, attempt.withdrawal.ref, refusal.sentence)
        return False
    return True
