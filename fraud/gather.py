"""Player + request → Facts, in one statement (sql/facts.sql) however long the history is.

Every window ends at the request, not at the clock: a history that is replayed gives the same facts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection

from fraud.facts import DAY, DEVICE_WINDOW, IN_AND_OUT_WINDOW, EarlierRequest, Facts, PayoutRequest

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_SQL = (Path(__file__).parent / "sql" / "facts.sql").read_text()


def gather(*, player_id: int, request: PayoutRequest) -> Facts:
    """Return what is known about the player at the moment of the request. Reads only."""
    at = request.requested_at
    earlier = sorted((r for r in request.earlier if r.requested_at <= at), key=lambda r: r.requested_at)
    standing = [r for r in earlier if not r.released]
    since = standing[-1].requested_at if standing else None
    usual = sorted(r.amount for r in standing if r.currency == request.currency)
    history = _history(player_id, request.currency, since=since, at=at)
    return Facts(
        currency=request.currency,
        house_currency=settings.HOUSE_CURRENCY,
        requested_at=at,
        amount=request.amount,
        reference_amount=request.reference_amount,
        balance=request.balance,
        since=since,
        deposits=history.deposits,
        stakes=history.stakes,
        deposits_48h=history.deposits_48h,
        stakes_48h=history.stakes_48h,
        last_deposit=history.last_deposit,
        last_deposit_at=history.last_deposit_at,
        requests_24h=1 + _count_within(earlier, DAY, at),
        requests_7d=1 + _count_within(earlier, 7 * DAY, at),
        previous_request_at=earlier[-1].requested_at if earlier else None,
        house_values_7d=_house_values(request, standing),
        thresholds=list(request.thresholds),
        usual_count=len(usual),
        usual_median=_percentile(usual, 50),
        usual_p95=_percentile(usual, 95),
        device_players=history.device_players,
    )


@dataclass(frozen=True, slots=True)
class _History:
    """One row of sql/facts.sql, in the order of its columns."""

    deposits: int
    deposits_48h: int
    stakes: int
    stakes_48h: int
    last_deposit: int | None
    last_deposit_at: datetime | None
    device_players: int | None


def _history(player_id: int, currency: str, *, since: datetime | None, at: datetime) -> _History:
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL,
            {
                "player": player_id,
                "currency": currency,
                "at": at,
                "since": since or _BEGINNING,
                "window": at - IN_AND_OUT_WINDOW,
                "devices": at - DEVICE_WINDOW,
            },
        )
        return _History(*cursor.fetchone())


def _count_within(earlier: list[EarlierRequest], window: timedelta, at: datetime) -> int:
    return sum(r.requested_at > at - window for r in earlier)


def _house_values(request: PayoutRequest, standing: list[EarlierRequest]) -> list[int] | None:
    recent = [r.reference_amount for r in standing if r.requested_at > request.requested_at - 7 * DAY]
    values = [*recent, request.reference_amount]
    return None if None in values else [value for value in values if value is not None]


def _percentile(ordered: list[int], percent: int) -> int | None:
    """Return the nearest-rank percentile of amounts in ascending order: always one of them."""
    if not ordered:
        return None
    return ordered[-(-len(ordered) * percent // 100) - 1]
