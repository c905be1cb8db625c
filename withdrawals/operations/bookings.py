"""Bookings that belong to no move: what happened outside the life of a withdrawal."""

from datetime import datetime
from typing import Any

from backoffice.audit.actors import PAYOUTS
from backoffice.money import Money
from ledger import operations as ledger
from ledger import queries
from withdrawals.models import PayoutAttempt


def book_paid_after_release(attempt: PayoutAttempt, *, now: datetime) -> None:
    """Entry D: a provider paid by an attempt that our books had ended. An incident."""
    ledger.paid_after_release(key=_key(attempt), **_facts(attempt, now))


def take_back_paid_after_release(attempt: PayoutAttempt, *, now: datetime) -> None:
    """Take entry D back, if there is one: the money came back, or our books have it as this payout after all."""
    entry_id = queries.entry_id(_key(attempt))
    if entry_id is not None:
        ledger.overpaid_returned(reverses=entry_id, key=f"{_key(attempt)}:returned", **_facts(attempt, now))


def _key(attempt: PayoutAttempt) -> str:
    return f"{attempt.withdrawal.ref}:{attempt.number}:paid_after_release"


def _facts(attempt: PayoutAttempt, now: datetime) -> dict[str, Any]:
    return {
        "holder": attempt.withdrawal.holder,
        "provider": attempt.provider,
        "money": Money(attempt.amount, attempt.currency),
        "reference": attempt.withdrawal.ref,
        "at": now,
        "by": PAYOUTS.name,
    }
