"""How far the limits are used: a player's by what was asked for, the house's by what was approved."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Sum

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


def of_player(withdrawal: Withdrawal, *, now: datetime) -> list[Usage]:
    """Return the use of every player limit by what was requested before this withdrawal, and by it.

    Counts requests in the window that begins before ``now``. Earlier is what has the smaller key: keys are
    drawn under the player's lock, so of two parallel requests the later one always sees the earlier one,
    whatever their clocks said. The caller holds that lock when the answer decides something.
    """
    limits = list(Limit.objects.filter(scope=Limit.Scope.PLAYER).order_by("pk"))
    begins = {period: now - length for period, length in PERIODS.items()}
    with connection.cursor() as cursor:
        # By hand: every screening asks this, and the ORM takes longer to write it than PostgreSQL to answer.
        cursor.execute(
            _USAGE,
            {"player": withdrawal.player_id, "before": withdrawal.pk, "states": tuple(COUNTED), **begins},
        )
        row = cursor.fetchone()
    amounts, counts = dict(zip(begins, row[:3], strict=True)), dict(zip(begins, row[3:], strict=True))
    usages = []
    for limit in limits:
        if limit.cap_amount is None:
            usages.append(Usage(limit=limit, before=counts.get(limit.period, 0), this=1))
        else:
            usages.append(
                Usage(limit=limit, before=amounts.get(limit.period, 0), this=withdrawal.reference_amount or 0)
            )
    return usages


def of_house(withdrawal: Withdrawal, *, now: datetime) -> list[Usage]:
    """Return the use of the house's limits by what was approved since; ``this`` is the withdrawal itself."""
    usages = []
    for limit in Limit.objects.filter(scope=Limit.Scope.HOUSE).exclude(period=Limit.Period.REQUEST).order_by("pk"):
        approved = Withdrawal.objects.filter(
            approved_at__gt=now - PERIODS[limit.period], state__in=[State.APPROVED, *WITH_PROVIDER, State.COMPLETED]
        ).exclude(pk=withdrawal.pk)
        if limit.cap_amount is None:
            usages.append(Usage(limit=limit, before=approved.count(), this=1))
        else:
            before = approved.aggregate(total=Sum("reference_amount"))["total"] or 0
            usages.append(Usage(limit=limit, before=before, this=withdrawal.reference_amount or 0))
    return usages
