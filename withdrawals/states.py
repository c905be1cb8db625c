"""The states and moves of a withdrawal, their words, icons and tones. One row each, nowhere else."""

from dataclasses import dataclass
from enum import StrEnum

from django.db import models


class State(models.TextChoices):
    REQUESTED = "requested", "Requested"
    UNDER_REVIEW = "under_review", "Under review"
    SECOND_APPROVAL = "second_approval", "Second approval"
    ON_HOLD = "on_hold", "On hold"
    APPROVED = "approved", "Approved"
    PROCESSING = "processing", "Processing"
    OUTCOME_UNKNOWN = "outcome_unknown", "Outcome unknown"
    COMPLETED = "completed", "Completed"
    REJECTED = "rejected", "Rejected"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"
    RETURNED = "returned", "Returned"


class Move(StrEnum):
    """The names of the moves; each is a method of withdrawals.lifecycle.Lifecycle."""

    OPEN = "open"
    CLEAR = "clear"
    REFER = "refer"
    DECLINE = "decline"
    APPROVE = "approve"
    ENDORSE = "endorse"
    CONFIRM = "confirm"
    DISAGREE = "disagree"
    REJECT = "reject"
    HOLD = "put_on_hold"
    RELEASE = "release"
    RECALL = "recall"
    CANCEL = "cancel"
    START_PAYOUT = "start_payout"
    REROUTE = "reroute"
    LOSE_TRACK = "lose_track"
    FIND_AGAIN = "find_again"
    COMPLETE = "complete"
    FAIL = "fail"
    TAKE_BACK = "take_back"


class HoldKind(models.TextChoices):
    PLAYER = "player", "Waiting for the player"
    INTERNAL = "internal", "Internal"
    PROVIDER = "provider", "Waiting for the provider"
    LEGAL = "legal", "Legal"


class WaitReason(models.TextChoices):
    """Why an approved withdrawal is not being paid right now; the label is what lists show."""

    PAUSED = "paused", "paused"
    GLOBAL_STOP = "global_stop", "all stopped"
    NO_ROUTE = "no_route", "no provider"
    WAITING_FOR_FUNDS = "waiting_for_funds", "no funds"
    PROVIDER_NOT_REACHED = "provider_not_reached", "not reached"

    @property
    def words(self) -> str:
        return _WAITS[self]


_WAITS = {
    WaitReason.PAUSED: "It waits: a provider that can pay it is paused.",
    WaitReason.GLOBAL_STOP: "It waits: all payouts are stopped.",
    WaitReason.NO_ROUTE: "It waits: no provider can pay it now.",
    WaitReason.WAITING_FOR_FUNDS: "It waits: every provider that can pay it lacks our money.",
    WaitReason.PROVIDER_NOT_REACHED: "It waits: the provider was not reached and nothing was sent.",
}

# What may be decided for many at once, and the kind of the job that does it.
BULK = {Move.APPROVE: "bulk_approve", Move.HOLD: "bulk_hold", Move.REJECT: "bulk_reject"}
UNDECIDED = (State.UNDER_REVIEW, State.SECOND_APPROVAL)
WITH_PROVIDER = (State.PROCESSING, State.OUTCOME_UNKNOWN)
CLOSED = (State.COMPLETED, State.REJECTED, State.CANCELLED, State.FAILED, State.RETURNED)
OPEN = tuple(state for state in State if state not in CLOSED)
# Where the reserved money went back to the player's balance.
RELEASED = (State.REJECTED, State.CANCELLED, State.FAILED)
# What counts towards a player's limits: asked for and not refused, cancelled, failed or returned.
COUNTED = (*OPEN, State.COMPLETED)


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown: word, icon of the sprite, tone, and one line of help; who acts while it lasts, and how
    long that usually is."""

    label: str
    icon: str
    tone: str
    help: str
    acts: str = ""
    takes: str = ""

    @property
    def slug(self) -> str:
        """Where the page of all statuses explains it."""
        return self.label.lower().replace(" ", "-")


LOOKS: dict[State, Look] = {
    State.REQUESTED: Look(
        "Requested",
        "out",
        "neutral",
        "Received, money reserved, checks running.",
        acts="The checks, by themselves",
        takes="seconds",
    ),
    State.UNDER_REVIEW: Look(
        "Under review",
        "eye",
        "info",
        "A person must decide.",
        acts="An operator or a specialist",
        takes="until its due time",
    ),
    State.SECOND_APPROVAL: Look(
        "Second approval",
        "two",
        "second",
        "One person approved; a different one must confirm.",
        acts="A senior who decided nothing on it before",
        takes="until its due time",
    ),
    State.ON_HOLD: Look(
        "On hold",
        "pause",
        "attn",
        "It waits; nothing is paid until it is released or decided.",
        acts="Whoever it waits for; then whoever may release it",
        takes="until its wake-up time",
    ),
    State.APPROVED: Look(
        "Approved",
        "check",
        "success",
        "Decided; goes to a provider next.",
        acts="The payout workers, by themselves",
        takes="seconds; longer while a provider is paused",
    ),
    State.PROCESSING: Look(
        "Processing",
        "spin",
        "info",
        "A provider has it, or is about to.",
        acts="The provider",
        takes="minutes by card or wallet, up to 3 working days by bank",
    ),
    State.OUTCOME_UNKNOWN: Look(
        "Outcome unknown",
        "help",
        "attn",
        "The provider gave no clear answer; it is asked, never paid again.",
        acts="We ask the provider; finance or a senior settles it by hand",
        takes="minutes, until the provider answers",
    ),
    State.COMPLETED: Look(
        "Completed",
        "okc",
        "success",
        "The provider confirmed payment.",
        acts="Nobody",
        takes="for good, unless the bank sends it back",
    ),
    State.REJECTED: Look(
        "Rejected",
        "x",
        "danger",
        "Refused by decision; money back in the balance.",
        acts="Nobody",
        takes="for good",
    ),
    State.CANCELLED: Look(
        "Cancelled",
        "xc",
        "neutral",
        "Withdrawn before it was sent; money back in the balance.",
        acts="Nobody",
        takes="for good",
    ),
    State.FAILED: Look(
        "Failed",
        "xc",
        "danger",
        "Definitely not paid; money back in the balance.",
        acts="The player may ask again",
        takes="for good",
    ),
    State.RETURNED: Look(
        "Returned",
        "undo",
        "attn",
        "Paid, then sent back by the bank or provider.",
        acts="Finance",
        takes="for good; the money is given back or sent anew",
    ),
}


@dataclass(frozen=True, slots=True)
class MoveLook:
    """How a move is written: the button, the past form for the timeline, and the icon.

    ``did`` is what a person did to it, for a sentence; ``by_person`` the past form where a person does by hand
    what the provider's answer does otherwise.
    """

    label: str
    past: str
    icon: str
    did: str = ""
    by_person: str = ""

    def told(self, *, by_person: bool) -> str:
        """Return the past form as a heading."""
        return (by_person and self.by_person) or self.past


MOVE_LOOKS: dict[Move, MoveLook] = {
    Move.OPEN: MoveLook("Request", "Requested", "out"),
    Move.CLEAR: MoveLook("Clear", "Approved automatically", "check"),
    Move.REFER: MoveLook("Refer", "Sent to review", "eye"),
    Move.DECLINE: MoveLook("Decline", "Declined by the checks", "x"),
    Move.APPROVE: MoveLook("Approve", "Approved", "check", "approved it"),
    Move.ENDORSE: MoveLook("Approve (first of two)", "Approved, first of two", "two", "approved it first"),
    Move.CONFIRM: MoveLook("Confirm", "Confirmed by a second person", "check", "confirmed it"),
    Move.DISAGREE: MoveLook("Disagree", "Sent back to review by the second person", "undo", "sent it back to review"),
    Move.REJECT: MoveLook("Reject", "Rejected", "x", "rejected it"),
    Move.HOLD: MoveLook("Hold", "Put on hold", "pause", "put it on hold"),
    Move.RELEASE: MoveLook("Release", "Released from hold", "eye", "released it from hold"),
    Move.RECALL: MoveLook("Recall", "Approval recalled", "undo", "recalled it"),
    Move.CANCEL: MoveLook("Cancel", "Cancelled", "xc", "cancelled it"),
    Move.START_PAYOUT: MoveLook("Start payout", "Sent to the provider", "spin"),
    Move.REROUTE: MoveLook("Reroute", "Not paid by this provider, back for another", "spin"),
    Move.LOSE_TRACK: MoveLook("Lose track", "Outcome unknown", "help"),
    Move.FIND_AGAIN: MoveLook("Find again", "Found at the provider", "spin"),
    Move.COMPLETE: MoveLook("Mark as paid", "Paid", "okc", "marked it as paid", "Marked as paid"),
    Move.FAIL: MoveLook("Mark as not paid", "Failed", "xc", "marked it as not paid", "Marked as not paid"),
    Move.TAKE_BACK: MoveLook("Take back", "Returned by the bank or provider", "undo"),
}
