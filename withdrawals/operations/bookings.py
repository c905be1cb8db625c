"""Bookings that belong to no move: what happened outside the life of a withdrawal."""

from datetime import datetime

from backoffice.audit.actors import PAYOUTS
from backoffice.money import Money
from ledger import operations as ledger
from withdrawals.models import PayoutAttempt


def book_paid_after_release(attempt: PayoutAttempt, *, now: datetime) -> None:
    """Entry D: a provider paid although the money was given back to the player. An incident."""
    withdrawal = attempt.withdrawal
    ledger.paid_after_release(
        holder=withdrawal.holder,
        provider=attempt.provider,
        money=Money(attempt.amount, attempt.currency),
        reference=withdrawal.ref,
        key=f"{withdrawal.ref}:{attempt.number}:paid_after_release",
        at=now,
        by=PAYOUTS.name,
    )
