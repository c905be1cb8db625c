"""The second person of a proposed decision: agrees, and it waits out its undo time, or declines."""

from datetime import datetime

from django.db import transaction

from backoffice.accounts.models import User
from backoffice.accounts.preferences import undo_time
from withdrawals import guards
from withdrawals.exceptions import IllegalMove, NeedsReason, NotAllowed
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations.decisions import end, record_step
from withdrawals.states import Move

LONGEST_WORDS = 300


def may_second(decision: Decision, withdrawal: Withdrawal, user: User) -> bool:
    """Whether this person could agree to what somebody else proposed, or decline it."""
    move = Move(decision.move)
    proposed = decision.status == Decision.Status.PROPOSED and move in withdrawal.moves_for(user)
    return proposed and guards.may_second(withdrawal, move, user, decision.actor_id)


def second(decision: Decision, *, actor: User, now: datetime) -> Decision:
    """Agree to what somebody else proposed; it then waits out its undo time. Raises NotAllowed, IllegalMove."""
    with transaction.atomic():
        current = _open_proposal(decision, actor)
        if Move(current.move) not in current.withdrawal.moves_for(current.actor):
            raise IllegalMove(f"{current.actor.name} may no longer propose this. Decline it and propose it anew.")
        current.facts = {**current.facts, "proposed_by": current.actor_id}
        current.proposed_by, current.actor = current.actor, actor
        current.status, current.effective_at = Decision.Status.WAITING, now + undo_time(actor)
        current.save()
        record_step(current, "second", now=now)
    return current


def decline(decision: Decision, *, actor: User, now: datetime, why: str) -> Decision:
    """Say no to what somebody else proposed; it ends, and anybody may decide anew.

    Raises as second(), and NeedsReason without a sentence that says why.
    """
    if not why.strip():
        raise NeedsReason("Declining a proposal needs a reason.")
    with transaction.atomic():
        current = _open_proposal(decision, actor)
        current.words = f"{actor.name} declined it: {why.strip().rstrip('.')}"[: LONGEST_WORDS - 1] + "."
        end(current, Decision.Status.DECLINED, now=now)
        record_step(current, "decline_proposal", now=now, actor=actor)
    return current


def _open_proposal(decision: Decision, actor: User) -> Decision:
    # Not joined to the person: the row that waited for its lock would be gone once its person is another one.
    current = Decision.objects.select_for_update(of=("self",)).select_related("withdrawal").get(pk=decision.pk)
    if current.status != Decision.Status.PROPOSED:
        raise IllegalMove("This proposal is no longer open.")
    if not may_second(current, current.withdrawal, actor):
        raise NotAllowed("You cannot be the second person for this proposal.")
    return current
