"""Where the money of a withdrawal came from: from the last payout to the balance of today, to the cent.

The lines come from the postings, the last figure from the balance that the database keeps. If they
differ, the page says so and the server log has it; nothing is smoothed over.
"""

import logging
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Q, Sum

from backoffice.money import format_money
from ledger import queries as ledger
from ledger.models import AccountKind, Entry, EntryKind, Posting
from withdrawals import visibility
from withdrawals.models import Withdrawal
from withdrawals.states import State

logger = logging.getLogger(__name__)

_RESERVED = (EntryKind.RESERVE, EntryKind.UNRESERVE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the statement; a ``total`` stands under a rule, other lines carry their sign."""

    label: str
    amount: int
    detail: str = ""
    total: bool = False
    signed: bool = True


@dataclass(frozen=True, slots=True)
class MoneyTrail:
    """Minor units of ``currency``. ``unexplained`` is what the lines do not account for; 0 ties out."""

    lines: tuple[Line, ...]
    currency: str
    unexplained: int


def trail_of(withdrawal: Withdrawal, user: Any) -> MoneyTrail | None:
    """Return the statement of a withdrawal whose money is reserved, to those who may see it. Three statements."""
    if not visibility.sees(user, visibility.Field.MONEY):
        return None
    last = _last_payout(withdrawal)
    start = last["entry_id"] or 0
    sums = _sums(withdrawal, start)
    lines = []
    if start:
        at = last["at"]
        lines.append(Line("Balance after last payout", sums["before"], f"{at.day} {at:%b %Y}", signed=False))
    lines += [line for line in _lines(sums, withdrawal.currency) if line.amount]
    now = sum(line.amount for line in lines)
    left = ledger.balance_of(AccountKind.PLAYER_CASH, withdrawal.holder, withdrawal.currency)
    lines += [
        Line("Balance now", now, total=True, signed=False),
        Line("This payout", -withdrawal.amount, "already reserved"),
        Line("Left after payout", left, total=True, signed=False),
    ]
    unexplained = left - (now - withdrawal.amount)
    if unexplained:
        logger.error("The money of %s does not tie out: %s unexplained.", withdrawal.ref, unexplained)
    return MoneyTrail(tuple(lines), withdrawal.currency, unexplained)


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


def _lines(sums: dict[str, int], currency: str) -> list[Line]:
    deposits = sums["deposit_count"]
    wagered = format_money(-sums["stakes"], currency)
    return [
        Line("Deposits", sums["deposits"], "1 deposit" if deposits == 1 else f"{deposits} deposits"),
        Line("Game result", sums["stakes"] + sums["wins"], f"on {wagered} wagered"),
        Line("Bonus converted", sums["bonus"]),
        Line("Payouts that came back", sums["returned"]),
        Line("Other withdrawals", sums["others"], "reserved since"),
    ]
