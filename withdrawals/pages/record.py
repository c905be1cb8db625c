"""The facts of a record: where the money is, what was sent and booked, and what a line of it says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from backoffice.ui import inline
from ledger import queries as ledger
from withdrawals import visibility
from withdrawals.models import Withdrawal
from withdrawals.pages.decision import provider_label
from withdrawals.states import LOOKS, State
from withdrawals.visibility import Field


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One entry of the ledger: what was booked and how much moved."""

    label: str
    at: datetime
    amount: int
    currency: str


def journal_of(withdrawal: Withdrawal) -> list[JournalLine]:
    """Return the entries of a withdrawal in the order in which they were booked."""
    lines = []
    for entry in ledger.entries_for(withdrawal.ref):
        postings = list(entry.postings.all())
        moved = sum(posting.amount for posting in postings if posting.amount > 0)
        label = entry.kind.replace("_", " ").capitalize()
        lines.append(JournalLine(label, entry.occurred_at, moved, withdrawal.currency))
    return lines


@dataclass(frozen=True, slots=True)
class Attempt:
    """One submission to one provider; code and reference only for those who may see them."""

    number: int
    provider: str
    sent_at: datetime | None
    state: str
    words: str
    code: str
    reference: str


_ATTEMPTS = {
    "sending": "Being sent",
    "accepted": "Accepted",
    "unknown": "Outcome unknown",
    "paid": "Paid",
    "failed": "Not paid",
    "not_sent": "Never sent",
    "cancelled": "Cancelled",
    "returned": "Came back",
}


def attempts_of(withdrawal: Withdrawal, user: Any) -> list[Attempt]:
    """Return the payout attempts, the latest first."""
    codes = visibility.sees(user, Field.ATTEMPT_CODES)
    return [
        Attempt(
            number=attempt.number,
            provider=provider_label(attempt.provider),
            sent_at=attempt.sent_at,
            state=_ATTEMPTS[attempt.state],
            words=attempt.answer if codes else "",
            code=attempt.answer_code if codes else "",
            reference=attempt.provider_reference if codes else "",
        )
        for attempt in withdrawal.attempts.order_by("-number")
    ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome line of a record."""

    icon: str
    tone: str
    lead: str
    words: str


def outcome_of(withdrawal: Withdrawal) -> Outcome:
    """Return where the money is now, in one line that everybody may read."""
    look = LOOKS[State(withdrawal.state)]
    through = provider_label(withdrawal.provider)
    at = withdrawal.closed_at
    words = look.help
    if withdrawal.state in (State.COMPLETED, State.RETURNED) and at is not None:
        verb = "paid by" if withdrawal.state == State.COMPLETED else "came back to"
        took = inline.duration(at - withdrawal.requested_at)
        reference = f"provider reference {withdrawal.provider_reference}"
        words = f"{withdrawal.money} {verb} {through} on {_moment(at)}, {took} after the request; {reference}."
    elif withdrawal.state in (State.PROCESSING, State.OUTCOME_UNKNOWN):
        words = f"{through} has it. {look.help}"
    elif at is not None:
        words = f"On {_moment(at)}. {look.help}"
    return Outcome(look.icon, look.tone, f"{look.label}.", words)


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %Y, %H:%M:%S}"
