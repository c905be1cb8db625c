"""What the player asked for before."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum, Window

from withdrawals import queries, visibility
from withdrawals.models import Withdrawal
from withdrawals.states import LOOKS, Look, State
from withdrawals.visibility import Field

MOST_EARLIER = 4


@dataclass(frozen=True, slots=True)
class EarlierLine:
    """Another withdrawal of the player, and how it stands as far as the reader may know."""

    withdrawal: Withdrawal
    look: Look


@dataclass(frozen=True, slots=True)
class Earlier:
    rows: tuple[EarlierLine, ...]
    paid: int
    total: int
    currency: str


def earlier_of(withdrawal: Withdrawal, user: Any) -> Earlier | None:
    """Return the player's latest other withdrawals, and how much was paid in this one's currency."""
    if not visibility.sees(user, Field.NAME):
        return None
    paid = Q(state=State.COMPLETED, currency=withdrawal.currency)
    latest = list(
        queries.earlier_payouts(withdrawal).annotate(
            paid=Window(Count("pk", filter=paid)), total=Window(Sum("amount", filter=paid))
        )[:MOST_EARLIER]
    )
    rows = tuple(EarlierLine(row, LOOKS[visibility.state_for(user, row.state, row.hold_kind)]) for row in latest)
    first: Any = latest[0] if latest else None
    return Earlier(rows, first.paid if first else 0, (first and first.total) or 0, withdrawal.currency)
