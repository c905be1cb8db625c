"""What the player asked for before."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Sum

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
    earlier = queries.earlier_payouts(withdrawal)
    paid = earlier.filter(state=State.COMPLETED, currency=withdrawal.currency).order_by()
    sums = paid.aggregate(total=Sum("amount"), count=Count("pk"))
    rows = tuple(
        EarlierLine(row, LOOKS[visibility.state_for(user, row.state, row.hold_kind)]) for row in earlier[:MOST_EARLIER]
    )
    return Earlier(rows, sums["count"], sums["total"] or 0, withdrawal.currency)
