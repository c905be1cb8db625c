"""What a player may read about a withdrawal. The only sentences that leave this product for players.

They are made of the state, the kind of hold and the reason's own player text, never of checks, notes
or scores; holds of any other kind than the player's read as being in review.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from withdrawals import reasons
from withdrawals.states import UNDECIDED, HoldKind, Move, State

if TYPE_CHECKING:
    from withdrawals.models import Withdrawal

_PLAIN: dict[str, str] = {
    State.REQUESTED: "We have your request.",
    State.APPROVED: "Approved; it is being sent.",
    State.PROCESSING: "Being paid.",
    State.OUTCOME_UNKNOWN: "Being paid, taking longer than usual.",
    State.FAILED: "Could not be paid. The money is back in your balance.",
    State.RETURNED: "Your bank or payment provider sent it back; we will tell you what happens next.",
}
# By the list of their own move: a code such as "other" stands in several lists.
_HOLDS = {reason.code: reason.player_text for reason in reasons.BY_MOVE[Move.HOLD]}
_REJECTIONS = {reason.code: reason.player_text for reason in reasons.BY_MOVE[Move.REJECT]}
_CANCELLATIONS = {reason.code: reason.player_text for reason in reasons.BY_MOVE[Move.CANCEL]}


@dataclass(frozen=True, slots=True)
class Situation:
    """What is needed of a withdrawal at one version, now or in the past. ``at`` is when it got there."""

    state: str
    at: datetime
    destination: str
    hold_kind: str = ""
    reason: str = ""
    wake_at: datetime | None = None
    player_message: str = ""
    # By when a person should have decided, and whether that is over.
    due_at: datetime | None = None
    is_late: bool = False


def situation_of(withdrawal: Withdrawal, *, now: datetime) -> Situation:
    """Return what the sentences need of a withdrawal as it stands now; it comes with its destination."""
    return Situation(
        state=withdrawal.state,
        at=withdrawal.closed_at or withdrawal.requested_at,
        destination=withdrawal.destination.label,
        hold_kind=withdrawal.hold_kind,
        reason=withdrawal.reason,
        wake_at=withdrawal.wake_at,
        player_message=withdrawal.player_message,
        due_at=withdrawal.due_at,
        is_late=withdrawal.due_at < now,
    )


def status_of(state: str, hold_kind: str) -> str:
    """Return the state as the platform is told it; only a hold that asks the player something shows."""
    if state == State.ON_HOLD and hold_kind != HoldKind.PLAYER:
        return State.UNDER_REVIEW.value
    return State(state).value


def sentence(situation: Situation) -> str:
    """Return one or two sentences for the player."""
    if situation.state == State.ON_HOLD:
        return _on_hold(situation)
    if situation.state in UNDECIDED:
        return _in_review(situation)
    if situation.state == State.COMPLETED:
        return f"Paid on {_day(situation.at)} to {situation.destination}."
    if situation.state == State.REJECTED:
        own = situation.player_message if reasons.may_be_reworded(situation.reason) else ""
        return f"Declined. {own or _REJECTIONS.get(situation.reason) or reasons.NEUTRAL}"
    if situation.state == State.CANCELLED:
        return f"{_CANCELLATIONS.get(situation.reason, 'Cancelled.')} The money is back in your balance."
    return _PLAIN[situation.state]


def in_general(state: State) -> str:
    """Return what is said of a state when nothing is known of the one withdrawal."""
    known = {
        State.ON_HOLD: "We need an answer from you.",
        State.COMPLETED: "Paid, on the day and to the account that we can name.",
        State.REJECTED: f"Declined. {reasons.NEUTRAL}",
        State.CANCELLED: "Cancelled. The money is back in your balance.",
    }
    return known.get(state) or _PLAIN.get(state) or "We are looking at your request."


def _on_hold(situation: Situation) -> str:
    if situation.hold_kind != HoldKind.PLAYER:
        return _in_review(situation)
    asked = _HOLDS.get(situation.reason) or "We need an answer from you."
    by = f"Please reply by {_day(situation.wake_at)}." if situation.wake_at else ""
    return " ".join(part for part in (asked, situation.player_message, by) if part)


def _in_review(situation: Situation) -> str:
    if situation.is_late:
        return "We are looking at your request. It takes longer than usual; you need not do anything."
    if situation.due_at is None:
        return "We are looking at your request."
    local = timezone.localtime(situation.due_at)
    return f"We are looking at your request; you hear from us by {_day(local)}, {local:%H:%M %Z}."


def _day(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local.day} {local:%B %Y}"
