"""How far the limits are used: a player's by what was asked for, the house's by what was approved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from withdrawals.models import Limit, Withdrawal
from withdrawals.states import COUNTED, WITH_PROVIDER, State

PERIODS: dict[str, timedelta] = {
    Limit.Period.DAY: timedelta(days=1),
    Limit.Period.WEEK: timedelta(days=7),
    Limit.Period.MONTH: timedelta(days=30),
}
# What was asked for before counts against a player's limits, what was approved since against the house's.
_USED = {
    Limit.Scope.PLAYER: """
        SELECT 'player', '{period}', sum(reference_amount), count(*) FROM withdrawals_withdrawal
        WHERE player_id = %(player)s AND id < %(withdrawal)s AND state IN %(counted)s
          AND requested_at > %(requested_{period})s
    """,
    Limit.Scope.HOUSE: """
        SELECT 'house', '{period}', sum(reference_amount), count(*) FROM withdrawals_withdrawal
        WHERE EXISTS (SELECT FROM withdrawals_limit WHERE scope = 'house' AND period = '{period}')
          AND approved_at > %(approved_{period})s AND state IN %(approved)s AND id <> %(withdrawal)s
    """,
}
_USAGE = """
    SELECT l.id, l.scope, l.period, l.cap_amount, l.cap_count, l.effect,
           coalesce(used.amount, 0)::bigint, coalesce(used.number, 0)
    FROM withdrawals_limit l
    LEFT JOIN ({used}) AS used (scope, period, amount, number) USING (scope, period)
    WHERE l.scope IN %(scopes)s AND (l.scope, l.period) <> ('house', 'request')
    ORDER BY l.id
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """How far one limit is used: house currency minor units, or a count."""

    limit: Limit
    before: int
    this: int

    @property
    def cap(self) -> int:
        cap = self.limit.cap_amount if self.limit.cap_amount is not None else self.limit.cap_count
        assert cap is not None  # the constraint limit_caps_one_thing
        return cap

    @property
    def is_count(self) -> bool:
        return self.limit.cap_amount is None

    @property
    def left(self) -> int:
        return self.cap - self.before - self.this

    @property
    def is_over(self) -> bool:
        return self.left < 0


def of_player(withdrawal: Withdrawal) -> list[Usage]:
    """Return the use of every player limit by what was requested before this withdrawal, and by it.

    Counts requests in the window that ends with this one. Earlier is what has the smaller key: keys are
    drawn under the player's lock, so of two parallel requests the later one always sees the earlier one,
    whatever their clocks said. The caller holds that lock when the answer decides something.
    """
    return _of(withdrawal, [Limit.Scope.PLAYER], now=withdrawal.requested_at)


def of_house(withdrawal: Withdrawal, *, now: datetime) -> list[Usage]:
    """Return the use of the house's limits by what was approved since; ``this`` is the withdrawal itself."""
    return _of(withdrawal, [Limit.Scope.HOUSE], now=now)


def of_both(withdrawal: Withdrawal, *, now: datetime) -> tuple[list[Usage], list[Usage]]:
    """Return what of_player() and of_house() say, in one statement."""
    found = _of(withdrawal, [Limit.Scope.PLAYER, Limit.Scope.HOUSE], now=now)
    player, house = ([one for one in found if one.limit.scope == scope] for scope in _USED)
    return player, house


def _of(withdrawal: Withdrawal, scopes: Sequence[Limit.Scope], *, now: datetime) -> list[Usage]:
    # By hand: every screening asks this, and the ORM takes longer to write it than PostgreSQL to answer.
    used = " UNION ALL ".join(_USED[scope].format(period=period) for scope in scopes for period in PERIODS)
    values: dict[str, Any] = {
        "player": withdrawal.player_id,
        "withdrawal": withdrawal.pk,
        "scopes": tuple(scopes),
        "counted": tuple(COUNTED),
        "approved": (State.APPROVED, *WITH_PROVIDER, State.COMPLETED),
    }
    values |= {f"requested_{period}": withdrawal.requested_at - length for period, length in PERIODS.items()}
    values |= {f"approved_{period}": now - length for period, length in PERIODS.items()}
    with connection.cursor() as cursor:
        cursor.execute(_USAGE.format(used=used), values)
        return [_usage(Limit(*limit), withdrawal, amount, number) for *limit, amount, number in cursor.fetchall()]


def _usage(limit: Limit, withdrawal: Withdrawal, amount: int, number: int) -> Usage:
    if limit.cap_amount is None:
        return Usage(limit=limit, before=number, this=1)
    return Usage(limit=limit, before=amount, this=withdrawal.reference_amount or 0)
