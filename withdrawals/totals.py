"""Sums of withdrawals: how many, how much per currency, since when. Sums never mix currencies."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from backoffice.ui.paging import COUNT_CAP
from withdrawals.models import Withdrawal
from withdrawals.states import OPEN

# Due within this time is soon.
SOON = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows wait, how much per currency, since when, and how they stand to their due time.

    Figures are of the 10,000 most urgent. Where ``count`` is beyond that there are more, and of what goes on
    behind them there is no sum: ``totals`` is then empty, and ``late_totals`` if all of them are late.
    """

    count: int
    totals: dict[str, int]
    oldest_at: datetime | None
    late: int
    late_totals: dict[str, int]
    soon: int
    later: int
    states: int


_SUMMARY = """
    SELECT currency, count(*), sum(amount), min(requested_at),
        count(*) FILTER (WHERE due_at < %s), coalesce(sum(amount) FILTER (WHERE due_at < %s), 0),
        count(*) FILTER (WHERE due_at >= %s AND due_at < %s), min(state), max(state)
    FROM ({rows}) waiting GROUP BY currency ORDER BY currency
"""


def waiting_summary(rows: QuerySet[Withdrawal], *, now: datetime) -> Waiting:
    """Return the figures of a list of open withdrawals in one statement; sums never mix currencies."""
    urgent = rows.order_by("due_at", "pk").values("currency", "amount", "requested_at", "due_at", "state")
    try:
        sql, values = urgent[: COUNT_CAP + 1].query.sql_with_params()
    except EmptyResultSet:
        return Waiting(0, {}, None, 0, {}, 0, 0, 0)
    with connection.cursor() as cursor:
        # By hand: a limit inside and groups outside is more than the ORM can say.
        cursor.execute(_SUMMARY.format(rows=sql), [now, now, now, now + SOON, *values])
        lines = cursor.fetchall()
    count, late, soon = (sum(line[place] for line in lines) for place in (1, 4, 6))
    return Waiting(
        count=count,
        totals={line[0]: int(line[2]) for line in lines} if count <= COUNT_CAP else {},
        oldest_at=min((line[3] for line in lines), default=None),
        late=late,
        late_totals={line[0]: int(line[5]) for line in lines if line[4]} if late <= COUNT_CAP else {},
        soon=soon,
        later=count - late - soon,
        states=len({state for line in lines for state in line[7:9]}),
    )


@dataclass(frozen=True, slots=True)
class OpenTotal:
    """A player's open withdrawals: how many, and how much per currency; sums never mix currencies."""

    count: int
    totals: dict[str, int]


def open_totals(player_ids: Iterable[int], *, states: Collection[str] = OPEN) -> dict[int, OpenTotal]:
    """Return the open withdrawals of each of these players in one statement; players without are left out."""
    rows = (
        Withdrawal.objects.filter(player_id__in=list(player_ids), state__in=states)
        .values_list("player_id", "currency")
        .annotate(count=Count("pk"), total=Sum("amount"))
        .order_by("player_id", "currency")
    )
    found: dict[int, OpenTotal] = {}
    for player_id, currency, count, total in rows:
        before = found.get(player_id, OpenTotal(0, {}))
        found[player_id] = OpenTotal(before.count + count, {**before.totals, currency: int(total)})
    return found


def waiting_value(player: str) -> Subquery:
    """Return, of the player that a row names in ``player``, what open withdrawals are worth in the house currency.

    None without any. For ordering only: what has no rate counts as nothing.
    """
    still_open = Withdrawal.objects.filter(player_id=OuterRef(player), state__in=OPEN).order_by()
    worth = Sum(Coalesce("reference_amount", 0))
    return Subquery(still_open.values("player_id").annotate(worth=worth).values("worth"))


@dataclass(frozen=True, slots=True)
class Total:
    """The sums of some withdrawals in one currency, minor units."""

    currency: str
    count: int
    amount: int
    fee: int


def totals_of(rows: QuerySet[Withdrawal]) -> list[Total]:
    """Return the sums of exactly these withdrawals, per currency."""
    lines = rows.order_by("currency").values_list("currency").annotate(Count("pk"), Sum("amount"), Sum("fee"))
    return [Total(currency, count, int(amount), int(fee)) for currency, count, amount, fee in lines]
