"""What the page of a flagged withdrawal shows besides the facts of every withdrawal: evidence and money at stake."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from backoffice.ui import inline
from withdrawals import queries, visibility
from withdrawals.models import CheckResult, Withdrawal
from withdrawals.pages.why import concerns_of
from withdrawals.states import OPEN

MOST_OPEN = 20
# Evidence is stored as numbers: which of them are money, and of which currency.
_OWN_MONEY = {"amount", "last_deposit", "deposits", "stakes", "p95", "median", "balance"}
_HOUSE_MONEY = {"house_value", "house_values"}
_HOUSE_THRESHOLDS = {"fraud.FR02", "fraud.FR07"}
_WORDS = {"p95": "Usual at most", "median": "Usual amount", "threshold": "Limit of the signal"}


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
        Hit(result.title, result.sentence, result.points, tuple(_evidence(result, withdrawal.currency)))
        for result in concerns_of(results)
    ]


@dataclass(frozen=True, slots=True)
class Stake:
    """The player's open withdrawals, newest first, and their sums per currency."""

    rows: tuple[Withdrawal, ...]
    total: queries.OpenTotal


def stake_of(withdrawal: Withdrawal) -> Stake:
    """Return what stops if this is fraud."""
    rows = queries.withdrawals().filter(player_id=withdrawal.player_id, state__in=OPEN).order_by("-requested_at", "-pk")
    totals = queries.open_totals([withdrawal.player_id])
    return Stake(tuple(rows[:MOST_OPEN]), totals.get(withdrawal.player_id, queries.OpenTotal(0, {})))


def _evidence(result: CheckResult, currency: str) -> list[tuple[str, str]]:
    house = _HOUSE_MONEY | ({"threshold"} if result.code in _HOUSE_THRESHOLDS else set())

    def words(name: str, value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(words(name, one) for one in value)
        if isinstance(value, int) and name in _OWN_MONEY | house:
            return inline.written(value, settings.HOUSE_CURRENCY if name in house else currency)
        return str(value)

    return [
        (_WORDS.get(name, name.replace("_", " ").capitalize()), words(name, value))
        for name, value in result.evidence.items()
        if value not in (None, [], "")
    ]
