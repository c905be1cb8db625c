"""What must be true for a move besides who makes it. Conditions answer; require_… functions refuse.

Superusers do not exist and machines are exempt only where it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings

from backoffice.audit.actors import Actor, Machine
from withdrawals import policy, reasons
from withdrawals.exceptions import IllegalMove, NotAllowed
from withdrawals.permissions import staff
from withdrawals.states import HoldKind, Move, State

if TYPE_CHECKING:
    from withdrawals.lifecycle import Lifecycle

# Made by two people: one proposes, and somebody makes it who decided nothing on this withdrawal before.
BY_SOMEONE_ELSE = (Move.CANCEL, Move.COMPLETE, Move.FAIL)
# How a payout ended, said by hand: by nobody who approved it.
SETTLING = (Move.COMPLETE, Move.FAIL)
# What one person proposes and another seconds, by the permission that either of them needs.
SECONDED_WITH: dict[str, tuple[Move, ...]] = {
    "withdrawals.settle_withdrawal": SETTLING,
    "withdrawals.cancel_withdrawal": (Move.CANCEL,),
    "withdrawals.reject_withdrawal": (Move.REJECT,),
    "withdrawals.freeze_withdrawal": (Move.RELEASE,),
}
# Not while the money may be out already: they would pay it again, or give it back although it was paid.
ONLY_UNDISPUTED = (
    Move.CLEAR,
    Move.DECLINE,
    Move.APPROVE,
    Move.ENDORSE,
    Move.CONFIRM,
    Move.REJECT,
    Move.CANCEL,
    Move.START_PAYOUT,
)


LONGEST_MESSAGE = 200


def one_approval_is_enough(subject: Lifecycle) -> bool:
    return subject.approvals_needed <= 1


def checks_demand_nobody(subject: Lifecycle) -> bool:
    return subject.approvals_needed == 0


def not_frozen(subject: Lifecycle) -> bool:
    return subject.hold_kind != HoldKind.LEGAL


def law_allows_cancelling(subject: Lifecycle) -> bool:
    """Whether the player's jurisdiction lets what was asked for go back into play."""
    return subject.player.jurisdiction.upper() not in settings.NO_CANCEL_JURISDICTIONS


def require_same_fingerprint(subject: Lifecycle) -> None:
    """What is confirmed or paid must be what was approved."""
    if subject.fingerprint != subject.fingerprint_now():
        raise IllegalMove("What was approved has changed since. The approval no longer counts.")


def require_undisputed(subject: Lifecycle, move: Move) -> None:
    """An open finding that money may have gone out already stops whatever would move it again."""
    if move in ONLY_UNDISPUTED and subject.money_may_be_out():
        raise IllegalMove(
            "A provider says that this money went out already. The finding about it must be closed first."
        )


def takes_two(subject: Lifecycle, move: Move, actor: Actor) -> bool:
    """Whether a person's decision for this move must first be seconded by somebody else."""
    if isinstance(actor, Machine):
        return False
    if move in BY_SOMEONE_ELSE:
        return True
    if move == Move.RELEASE:
        return subject.hold_kind == HoldKind.LEGAL
    if move != Move.REJECT or not policy.takes_two(subject.reference_amount):
        return False
    approvers = subject.approver_ids()
    already_two = subject.state == State.SECOND_APPROVAL and bool(approvers) and actor.pk not in approvers
    return not already_two


def may_second(subject: Lifecycle, move: Move, actor: Actor, proposer_id: int | None) -> bool:
    """Whether this person can be the second of two for a move that somebody proposed."""
    if isinstance(actor, Machine) or proposer_id in (None, actor.pk):
        return False
    if move in SETTLING and proposer_id in subject.approver_ids():
        return False
    return move not in BY_SOMEONE_ELSE or actor.pk not in subject.decider_ids()


def require_second_person(subject: Lifecycle, move: Move, actor: Actor, facts: Mapping[str, Any]) -> None:
    """A move for two people needs another one who proposed it (``proposed_by``, a staff id)."""
    if takes_two(subject, move, actor) and not may_second(subject, move, actor, facts.get("proposed_by")):
        raise NotAllowed("This takes two people: somebody else must propose it, and you must not have decided before.")


def require_freezer(subject: Lifecycle, actor: Actor) -> None:
    if not staff("withdrawals.freeze_withdrawal")(subject, actor):
        raise NotAllowed("Only compliance may use a legal hold.")


def require_wake_up(kind: str, wake_at: datetime | None) -> None:
    """A hold has a kind and, unless it is a legal one, a time at which it ends."""
    if kind not in HoldKind.values:
        raise IllegalMove(f"There is no hold of the kind {kind!r}.")
    if kind != HoldKind.LEGAL and wake_at is None:
        raise IllegalMove("A hold needs a time at which it wakes up.")


def may_approve_unexplained(actor: Actor) -> bool:
    """Whether this person may approve money that does not tie out."""
    return staff("withdrawals.confirm_withdrawal")(None, actor)  # type: ignore[arg-type]


def require_explained(unexplained: int, actor: Actor) -> None:
    """Money that the statement cannot explain leaves with a senior's word only."""
    if unexplained and not may_approve_unexplained(actor):
        raise IllegalMove("Only a senior may approve this: part of the money is unexplained.")


def require_reader(kind: str, player_message: str) -> None:
    """A message reaches the player only while it waits for them: any other hold reads as a review."""
    if player_message and kind != HoldKind.PLAYER:
        raise IllegalMove("Only a hold that waits for the player can carry a message to the player.")
    _require_plain(player_message)


def require_sayable(reason: str, player_message: str) -> None:
    """A rejection is told in a person's own words only for a reason that warns nobody, and as plain text."""
    if player_message and not reasons.may_be_reworded(reason):
        raise IllegalMove("What the player reads of this reason cannot be changed.")
    _require_plain(player_message)


def _require_plain(player_message: str) -> None:
    """What somebody typed goes to the platform, and from there into mails and pages that are not ours."""
    if player_message and (len(player_message) > LONGEST_MESSAGE or not reasons.PLAIN.fullmatch(player_message)):
        raise IllegalMove(
            f"A message to the player is plain text without links, of at most {LONGEST_MESSAGE} characters."
        )


def require_evidence(actor: Actor, facts: Mapping[str, Any]) -> None:
    """A person settles by hand only with evidence."""
    if not isinstance(actor, Machine) and not str(facts.get("evidence", "")).strip():
        raise NotAllowed("Settling by hand needs evidence of what happened to the money.")


def require_silence(subject: Lifecycle, actor: Actor, *, now: datetime) -> None:
    """A person calls a payout unpaid only when no call to the provider can still be under way."""
    if isinstance(actor, Machine):
        return
    sent_at = subject.live_attempt.sent_at
    if sent_at is not None and now - sent_at < settings.PROVIDER_SETTLE_TIME:
        raise IllegalMove("It was sent a moment ago. Wait until the provider had time to show it.")


def require_same_reference(subject: Lifecycle, actor: Actor, provider_reference: str) -> None:
    """What a person types as the provider's reference must not contradict what the provider said."""
    known = subject.live_attempt.provider_reference
    if not isinstance(actor, Machine) and known not in ("", provider_reference):
        raise IllegalMove(f"The provider's own reference is {known}. Nothing was done.")
