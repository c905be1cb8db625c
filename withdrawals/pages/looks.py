"""The words, keys and buttons of each decision: one row per move."""

from dataclasses import dataclass

from withdrawals.states import Move


@dataclass(frozen=True, slots=True)
class Look:
    """Words with ``{money}`` in them. ``key`` is the shortcut; ``inline`` asks in the bar itself."""

    button: str
    question: str
    verb: str
    busy: str
    said: str
    key: str
    kind: str = "plain"
    inline: bool = False
    danger: bool = False
    effect: str = ""  # what becomes of the money, where the question does not say it


LOOKS: dict[Move, Look] = {
    Move.APPROVE: Look(
        "Approve {money}",
        "Approve {money}?",
        "Approve {money}",
        "Approving…",
        "Approved",
        "a",
        "primary",
        inline=True,
    ),
    Move.ENDORSE: Look(
        "Approve, then a second person confirms",
        "Approve {money} as the first of two?",
        "Approve {money}",
        "Approving…",
        "Approved as the first of two:",
        "a",
        "primary",
        inline=True,
    ),
    Move.CONFIRM: Look(
        "Confirm {money}",
        "Confirm {money}?",
        "Confirm {money}",
        "Confirming…",
        "Confirmed",
        "a",
        "primary",
        inline=True,
    ),
    Move.DISAGREE: Look(
        "Disagree…",
        "Send {money} back to review. Why?",
        "Send back to review",
        "Sending back…",
        "Sent back",
        "d",
    ),
    Move.REJECT: Look(
        "Reject…",
        "Reject {money} and return it to the balance. Why?",
        "Reject {money}",
        "Rejecting…",
        "Rejected",
        "r",
        danger=True,
    ),
    Move.HOLD: Look(
        "Hold…",
        "Put {money} on hold. What is it waiting for?",
        "Put on hold",
        "Putting on hold…",
        "Put on hold:",
        "h",
    ),
    Move.RELEASE: Look(
        "Release…", "Release {money} from hold to review. Why?", "Release", "Releasing…", "Released", "l"
    ),
    Move.RECALL: Look("Recall…", "Take back the approval of {money}. Why?", "Recall", "Recalling…", "Recalled", "b"),
    Move.COMPLETE: Look(
        "Mark as paid…",
        "{money} was paid by the provider. What proves it?",
        "Mark as paid",
        "Marking…",
        "Paid:",
        "m",
        effect="{money} is booked as paid.",
    ),
    Move.FAIL: Look(
        "Mark as not paid…",
        "{money} was definitely not paid. What proves it?",
        "Mark as not paid",
        "Marking…",
        "Not paid:",
        "f",
        danger=True,
        effect="{money} goes back to the player’s balance.",
    ),
    Move.CANCEL: Look(
        "Cancel…",
        "Cancel {money} for the player. Why?",
        "Cancel {money}",
        "Cancelling…",
        "Cancelled",
        "c",
        "quiet",
        effect="{money} goes back to the player’s balance.",
    ),
}
# Asking somebody else is a hold, in words of its own.
ESCALATE = Look(
    "Escalate…",
    "Who should look at {money}, and what do you ask them?",
    "Escalate",
    "Escalating…",
    "Escalated",
    "e",
)
WAKE_CHOICES = (
    ("2h", "In 2 hours"),
    ("tomorrow", "Tomorrow, 09:00"),
    ("3d", "In 3 days"),
    ("date", "On a date, 09:00"),
)
