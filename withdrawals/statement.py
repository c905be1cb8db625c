"""Where the money of a withdrawal came from, in sums: from the last payout to the balance of today, to the cent.

The sums come from the postings, the last figure from the balance that the database keeps. What they differ by
is money that nobody can explain: guards.require_explained says who may let it go.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, Sum

from ledger import queries as ledger
from ledger.models import AccountKind, Entry, EntryKind, Posting
from withdrawals.models import Withdrawal
from withdrawals.states import State

logger = logging.getLogger(__name__)

_RESERVED = (EntryKind.RESERVE, EntryKind.UNRESERVE)
# The sums that lead from the balance after the last payout to the balance before this one.
PARTS = ("deposits", "stakes", "wins", "bonus", "returned", "others")


@dataclass(frozen=True, slots=True)
class Statement:
    """Minor units of the withdrawal's currency. ``since``: the last payout before it, if there was one.

    ``sums`` has PARTS, ``before`` (the balance after the last payout) and ``deposit_count``.
    """

    since: datetime | None
    sums: dict[str, int]
    now: int
    left: int
    unexplained: int


def statement_of(withdrawal: Withdrawal) -> Statement:
    """Return the sums of a withdrawal whose money is reserved; what does not tie out is logged. Three statements."""
    last = _last_payout(withdrawal)
    start = last["entry_id"] or 0
    sums = _sums(withdrawal, start)
    now = sum(sums[part] for part in PARTS) + (sums["before"] if start else 0)
    left = ledger.balance_of(AccountKind.PLAYER_CASH, withdrawal.holder, withdrawal.currency)
    unexplained = left - (now - withdrawal.amount)
    if unexplained:
        logger.error("The money of %s does not tie out: %s unexplained.", withdrawal.ref, unexplained)
    return Statement(last["at"] if start else None, sums, now, left, unexplained)


def _last_payout(withdrawal: Withdrawal) -> dict[str, Any]:
    """The moment of the last payout before this one: when its money was taken out of the balance."""
    last = (
        Withdrawal.objects.filter(
            player_id=withdrawal.player_id,
            currency=withdrawal.currency,
            state=State.COMPLETED,
            requested_at__lt=withdrawal.requested_at,
        )
        .order_by("-requested_at", "-pk")
        .values("ref")[:1]
    )
    entries = Entry.objects.filter(reference=last, kind=EntryKind.RESERVE)
    return entries.aggregate(entry_id=Max("pk"), at=Max("occurred_at"))


def _sums(withdrawal: Withdrawal, start: int) -> dict[str, int]:
    """What the postings on the player's cash add up to, until the last payout and by kind since then."""
    since = Q(entry_id__gt=start)
    own = Q(entry__reference=withdrawal.ref)
    kinds = {
        "deposits": Q(entry__kind=EntryKind.DEPOSIT),
        "stakes": Q(entry__kind=EntryKind.STAKE),
        "wins": Q(entry__kind=EntryKind.WIN),
        "bonus": Q(entry__kind=EntryKind.BONUS_CONVERT),
        "others": Q(entry__kind__in=_RESERVED) & ~own,
        "returned": Q(entry__kind=EntryKind.GIVE_BACK),
    }
    postings = Posting.objects.filter(
        account__kind=AccountKind.PLAYER_CASH,
        account__holder=withdrawal.holder,
        account__currency=withdrawal.currency,
    )
    found = postings.aggregate(
        before=Sum("amount", filter=~since),
        deposit_count=Count("amount", filter=since & kinds["deposits"]),
        **{name: Sum("amount", filter=since & kind) for name, kind in kinds.items()},
    )
    return {name: int(value or 0) for name, value in found.items()}
