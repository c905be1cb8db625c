"""The facts of a record: where the money is, what was sent and booked, and what a line of it says."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from backoffice.ui import inline
from ledger import queries as ledger
from ledger.queries import Booked
from withdrawals import visibility
from withdrawals.models import PayoutAttempt, Withdrawal
from withdrawals.operations import payouts, questions
from withdrawals.pages.findings import Closing, closing_of
from withdrawals.pages.route import provider_label
from withdrawals.states import LOOKS, State, WaitReason
from withdrawals.visibility import Field


def journal_of(withdrawal: Withdrawal, user: Any) -> list[Booked] | None:
    """Return what was booked for a withdrawal, in its order; None for whoever may not see it."""
    if not visibility.sees(user, Field.JOURNAL):
        return None
    return ledger.booked_for([withdrawal.ref], freezes=visibility.sees(user, Field.LEGAL)).get(withdrawal.ref, [])


@dataclass(frozen=True, slots=True)
class Attempt:
    """One submission to one provider; what it answered and why it was chosen only for those who may see it."""

    number: int
    provider: str
    sent_at: datetime | None
    state: str
    words: str
    code: str
    reference: str
    why: str
    # What happens by itself, while it is with the provider.
    next_step: str


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


_IN_FLIGHT = ("sending", "accepted", "unknown")


def _next_step(withdrawal: Withdrawal) -> str:
    if withdrawal.next_step_at is None:
        return "None: a person decides"
    return f"The provider is asked again on {_moment(withdrawal.next_step_at)}"


def attempts_of(withdrawal: Withdrawal, user: Any) -> list[Attempt]:
    """Return the payout attempts, the latest first."""
    codes = visibility.sees(user, Field.ATTEMPT_CODES)
    told = _ATTEMPTS if visibility.sees(user, Field.STATE) else _ATTEMPTS | {"unknown": _ATTEMPTS["accepted"]}
    return [
        Attempt(
            number=attempt.number,
            provider=provider_label(attempt.provider),
            sent_at=attempt.sent_at,
            state=told[attempt.state],
            words=attempt.answer if codes else "",
            code=attempt.answer_code if codes and not _is_said(attempt) else "",
            reference=attempt.provider_reference if codes else "",
            why="; ".join(attempt.trace) if codes else "",
            next_step=_next_step(withdrawal) if codes and attempt.state in _IN_FLIGHT else "",
        )
        for attempt in withdrawal.attempts.order_by("-number")
    ]


def _is_said(attempt: PayoutAttempt) -> bool:
    """Whether the answer's words are its code once more."""
    return attempt.answer_code.replace("_", " ").casefold() == attempt.answer.rstrip(".").casefold()


@dataclass(frozen=True, slots=True)
class Question:
    """What the payments team was asked, and its answer; None while it is open."""

    words: str
    at: datetime
    answer: Closing | None


def question_of(withdrawal: Withdrawal, user: Any) -> Question | None:
    """Return the last question, to those who may ask."""
    asked = questions.question_of(withdrawal) if questions.may_ask(withdrawal, user) else None
    return Question(asked.words, asked.at, closing_of(asked)) if asked else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome line of a record."""

    icon: str
    tone: str
    lead: str
    words: str
    # The provider's, once it is paid.
    reference: str = ""


def outcome_of(withdrawal: Withdrawal, user: Any, *, now: datetime) -> Outcome:
    """Return where the money is now, in one line, as far as the reader may know."""
    shown = visibility.state_for(user, withdrawal.state, withdrawal.hold_kind)
    look = LOOKS[shown]
    through = provider_label(withdrawal.provider)
    at = withdrawal.closed_at
    words, reference = look.help, ""
    if withdrawal.state in (State.COMPLETED, State.RETURNED) and at is not None:
        verb = "paid by" if withdrawal.state == State.COMPLETED else "came back to"
        took = _took(at - withdrawal.requested_at)
        amount = inline.written(withdrawal.amount, withdrawal.currency)
        words = f"{amount} {verb} {through} on {_moment(at)}, {took} the request."
        reference = withdrawal.provider_reference
    elif shown == State.PROCESSING:
        words = f"{through} has it, or is about to. It takes {look.takes}."
    elif shown == State.OUTCOME_UNKNOWN:
        words = f"{through} gave no clear answer; it is asked, never paid again."
    elif withdrawal.wait_reason and visibility.sees(user, Field.STATE):
        words = f"{_waits_for(withdrawal, user, now=now)}{_looked_at(withdrawal)}"
        return Outcome("clock", "attn", f"{look.label}.", words)
    elif at is not None:
        words = f"On {_moment(at)}. {look.help}"
    return Outcome(look.icon, look.tone, f"{look.label}.", words, reference)


def _waits_for(withdrawal: Withdrawal, user: Any, *, now: datetime) -> str:
    """Name what keeps each provider from paying; what they answered only for those who may see it."""
    told = visibility.sees(user, Field.ATTEMPT_CODES) and withdrawal.wait_reason != WaitReason.PROVIDER_NOT_REACHED
    why = payouts.stands_in_the_way(withdrawal, now=now) if told else []
    if not why:
        return WaitReason(withdrawal.wait_reason).words
    return f"It waits: {'; '.join(one.rstrip('.') for one in why)}."


def _looked_at(withdrawal: Withdrawal) -> str:
    return f" It is tried again on {_moment(withdrawal.next_step_at)}." if withdrawal.next_step_at else ""


def _took(length: timedelta) -> str:
    return "within a minute of" if length < timedelta(minutes=1) else f"{inline.duration(length)} after"


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %Y, %H:%M:%S}"
