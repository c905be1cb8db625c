"""What the page of a flagged withdrawal shows besides the facts of every withdrawal: evidence and money at stake."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from withdrawals import queries, totals, visibility
from withdrawals.models import CheckResult, Withdrawal
from withdrawals.pages.inputs import inputs_of
from withdrawals.pages.why import concerns_of
from withdrawals.states import OPEN

MOST_OPEN = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """One concern in words, with the values that made it."""

    title: str
    sentence: str
    points: int
    evidence: tuple[tuple[str, str], ...]


def hits_of(withdrawal: Withdrawal, results: Sequence[CheckResult], user: Any) -> list[Hit]:
    """Return every concern of the last screening, in the order of ``results``, to those who may see them."""
    if not visibility.sees(user, visibility.Field.SIGNALS):
        return []
    return [
        Hit(result.title, result.sentence, result.points, tuple(inputs_of(result, withdrawal.currency)))
        for result in concerns_of(results)
    ]


@dataclass(frozen=True, slots=True)
class Stake:
    """The player's open withdrawals, newest first, and their sums per currency."""

    rows: tuple[Withdrawal, ...]
    total: totals.OpenTotal


def stake_of(withdrawal: Withdrawal) -> Stake:
    """Return what stops if this is fraud."""
    rows = queries.withdrawals().filter(player_id=withdrawal.player_id, state__in=OPEN).order_by("-requested_at", "-pk")
    found = totals.open_totals([withdrawal.player_id])
    return Stake(tuple(rows[:MOST_OPEN]), found.get(withdrawal.player_id, totals.OpenTotal(0, {})))
