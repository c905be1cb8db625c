"""Where the money of a withdrawal came from, as the lines of a statement. Nothing is smoothed over."""

from dataclasses import dataclass
from typing import Any

from backoffice.ui import inline
from withdrawals import visibility
from withdrawals.models import Withdrawal
from withdrawals.statement import Statement


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


def trail_of(withdrawal: Withdrawal, statement: Statement, user: Any) -> MoneyTrail | None:
    """Return the lines of a statement, to those who may see it."""
    if not visibility.sees(user, visibility.Field.MONEY):
        return None
    lines = []
    if statement.since is not None:
        at = statement.since
        before = statement.sums["before"]
        lines.append(Line("Balance after last payout", before, f"{at.day} {at:%b %Y}", signed=False))
    lines += [line for line in _lines(statement.sums, withdrawal.currency) if line.amount]
    lines += [
        Line("Balance now", statement.now, total=True, signed=False),
        Line("This payout", -withdrawal.amount, "already reserved"),
        Line("Left after payout", statement.left, total=True, signed=False),
    ]
    return MoneyTrail(tuple(lines), withdrawal.currency, statement.unexplained)


def _lines(sums: dict[str, int], currency: str) -> list[Line]:
    deposits = sums["deposit_count"]
    wagered = inline.written(-sums["stakes"], currency)
    return [
        Line("Deposits", sums["deposits"], "1 deposit" if deposits == 1 else f"{deposits} deposits"),
        Line("Game result", sums["stakes"] + sums["wins"], f"on {wagered} wagered"),
        Line("Bonus converted", sums["bonus"]),
        Line("Payouts that came back", sums["returned"]),
        Line("Other withdrawals", sums["others"], "reserved since"),
    ]
