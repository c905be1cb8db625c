"""How far the limits are used: a player's by what was asked for, the house's by what was approved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Q, Sum

from withdrawals.models import Limit, Withdrawal
from withdrawals.states import COUNTED, WITH_PROVIDER, State

PERIODS: dict[str, timedelta] = {
    Limit.Period.DAY: timedelta(days=1),
    Limit.Period.WEEK: timedelta(days=7),
    Limit.Period.MONTH: timedelta(days=30),
}
_USAGE = """
    SELECT coalesce(sum(reference_amount) FILTER (WHERE requested_at > %(day)s), 0)::bigint,
           coalesce(sum(reference_amount) FILTER (WHERE requested_at > %(week)s), 0)::bigint,
           coalesce(sum(reference_amount) FILTER (WHERE requested_at > %(month)s), 0)::bigint,
           count(*) FILTER (WHERE requested_at > %(day)s),
           count(*) FILTER (WHERE requested_at > %(week)s),
           count(*) FILTER (WHERE requested_at > %(month)s)
    FROM withdrawals_withdrawal
    WHERE player_id = %(player)s AND id < %(before)s AND state IN %(states)s
      AND requested_at > %(month)s
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


def every_limit() -> list[Limit]:
    """Return all limits, for a page that asks for both kinds of use: they are read once."""
    return list(Limit.objects.order_by("pk"))


def of_player(withdrawal: Withdrawal, *, now: datetime, among: Sequence[Limit] | None = None) -> list[Usage]:
    """Return the use of every player limit by what was requested before this withdrawal, and by it.

    Counts requests in the window that begins before ``now``. Earlier is what has the smaller key: keys are
    drawn under the player's lock, so of two parallel requests the later one always sees the earlier one,
    whatever their clocks said. The caller holds that lock when the answer decides something.
    """
    limits = _of_scope(Limit.Scope.PLAYER, among)
    begins = {period: now - length for period, length in PERIODS.items()}
    with connection.cursor() as cursor:
        # By hand: every screening asks this, and the ORM takes longer to write it than PostgreSQL to answer.
        cursor.execute(
            _USAGE,
            {"player": withdrawal.player_id, "before": withdrawal.pk, "states": tuple(COUNTED), **begins},
        )
        row = cursor.fetchone()
    amounts, counts = dict(zip(begins, row[:3], strict=True)), dict(zip(begins, row[3:], strict=True))
    return _usages(limits, withdrawal, amounts, counts)


def of_house(withdrawal: Withdrawal, *, now: datetime, among: Sequence[Limit] | None = None) -> list[Usage]:
    """Return the use of the house's limits by what was approved since; ``this`` is the withdrawal itself."""
    limits = [limit for limit in _of_scope(Limit.Scope.HOUSE, among) if limit.period in PERIODS]
    if not limits:
        return []
    begins = {limit.period: now - PERIODS[limit.period] for limit in limits}
    approved = Withdrawal.objects.filter(
        approved_at__gt=min(begins.values()), state__in=[State.APPROVED, *WITH_PROVIDER, State.COMPLETED]
    ).exclude(pk=withdrawal.pk)
    found = approved.aggregate(
        **{f"sum_{period}": Sum("reference_amount", filter=Q(approved_at__gt=at)) for period, at in begins.items()},
        **{f"count_{period}": Count("pk", filter=Q(approved_at__gt=at)) for period, at in begins.items()},
    )
    amounts = {period: found[f"sum_{period}"] or 0 for period in begins}
    return _usages(limits, withdrawal, amounts, {period: found[f"count_{period}"] for period in begins})


def _of_scope(scope: Limit.Scope, among: Sequence[Limit] | None) -> list[Limit]:
    if among is None:
        return list(Limit.objects.filter(scope=scope).order_by("pk"))
    return [limit for limit in among if limit.scope == scope]


def _usages(
    limits: Iterable[Limit], withdrawal: Withdrawal, amounts: Mapping[str, int], counts: Mapping[str, int]
) -> list[Usage]:
    return [
        Usage(limit=limit, before=counts.get(limit.period, 0), this=1)
        if limit.cap_amount is None
        else Usage(limit=limit, before=amounts.get(limit.period, 0), this=withdrawal.reference_amount or 0)
        for limit in limits
    ]
