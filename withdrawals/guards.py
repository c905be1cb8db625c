"""What must be true for a move besides who makes it. Conditions answer; require_… functions refuse.

Superusers do not exist and machines are exempt only where it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backoffice.audit.actors import Actor, Machine
from withdrawals.exceptions import IllegalMove, NotAllowed
from withdrawals.permissions import staff
from withdrawals.states import HoldKind, Move, State

if TYPE_CHECKING:
    from withdrawals.lifecycle import Lifecycle

# House currency, minor units: from here on a rejection needs two people, like an approval.
FOUR_EYES_REJECTION = 1_000_000


def one_approval_is_enough(subject: Lifecycle) -> bool:
    return subject.required_approvals <= 1


def checks_demand_nobody(subject: Lifecycle) -> bool:
    return subject.required_approvals == 0


def not_frozen(subject: Lifecycle) -> bool:
    return subject.hold_kind != HoldKind.LEGAL


def require_same_fingerprint(subject: Lifecycle) -> None:
    """What is confirmed or paid must be what was approved."""
    if subject.fingerprint != subject.fingerprint_now():
        raise IllegalMove("What was approved has changed since. The approval no longer counts.")


def takes_two(subject: Lifecycle, move: Move, actor: Actor) -> bool:
    """Whether a person's decision for this move must first be seconded by somebody else."""
    if isinstance(actor, Machine):
        return False
    if move in (Move.CANCEL, Move.COMPLETE, Move.FAIL):
        return True
    if move == Move.RELEASE:
        return subject.hold_kind == HoldKind.LEGAL
    return move == Move.REJECT and not _two_already_looked(subject, actor)


def require_second_person(actor: Actor, facts: Mapping[str, Any]) -> None:
    """A person's act needs another person who proposed it (``proposed_by``, a staff id)."""
    if isinstance(actor, Machine):
        return
    if facts.get("proposed_by") in (None, actor.pk):
        raise NotAllowed("This takes two people: somebody else must have proposed it.")


def require_two_for_large_rejection(subject: Lifecycle, actor: Actor, facts: Mapping[str, Any]) -> None:
    """Above the band two people must agree: an approver and this one, or a proposer and this one."""
    if not _two_already_looked(subject, actor):
        require_second_person(actor, facts)


def _two_already_looked(subject: Lifecycle, actor: Actor) -> bool:
    amount = subject.reference_amount
    if amount is not None and amount < FOUR_EYES_REJECTION:
        return True
    approvers = subject.approver_ids()
    return subject.state == State.SECOND_APPROVAL and bool(approvers) and actor.pk not in approvers  # type: ignore[union-attr]


def require_freezer(subject: Lifecycle, actor: Actor) -> None:
    if not staff("withdrawals.freeze_withdrawal")(subject, actor):
        raise NotAllowed("Only compliance may use a legal hold.")


def require_evidence(actor: Actor, facts: Mapping[str, Any]) -> None:
    """A person settles by hand only with evidence, and as the second of two people."""
    if isinstance(actor, Machine):
        return
    require_second_person(actor, facts)
    if not str(facts.get("evidence", "")).strip():
        raise NotAllowed("Settling by hand needs evidence of what happened to the money.")
