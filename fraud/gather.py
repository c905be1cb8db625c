"""Player + request → Facts, in four statements however long the history is.

Every window ends at the request, not at the clock: a history that is replayed gives the same facts.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum

from fraud.activity import Deposit, Login, Play
from fraud.facts import DAY, DEVICE_WINDOW, IN_AND_OUT_WINDOW, EarlierRequest, Facts, PayoutRequest

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def gather(*, player_id: int, request: PayoutRequest) -> Facts:
    """Return what is known about the player at the moment of the request. Reads only."""
    at = request.requested_at
    earlier = sorted((r for r in request.earlier if r.requested_at <= at), key=lambda r: r.requested_at)
    standing = [r for r in earlier if not r.released]
    since = standing[-1].requested_at if standing else None
    usual = sorted(r.amount for r in standing if r.currency == request.currency)
    deposits = Deposit.objects.filter(player_id=player_id, currency=request.currency, at__lte=at)
    stakes = Play.objects.filter(player_id=player_id, currency=request.currency, at__lte=at, kind=Play.Kind.STAKE)
    deposited, deposited_48h = _sums(deposits, since=since, at=at)
    staked, staked_48h = _sums(stakes, since=since, at=at)
    last_deposit = deposits.order_by("-at", "-pk").values("amount", "at").first()
    return Facts(
        currency=request.currency,
        house_currency=settings.HOUSE_CURRENCY,
        requested_at=at,
        amount=request.amount,
        reference_amount=request.reference_amount,
        balance=request.balance,
        since=since,
        deposits=deposited,
        stakes=staked,
        deposits_48h=deposited_48h,
        stakes_48h=staked_48h,
        last_deposit=last_deposit["amount"] if last_deposit else None,
        last_deposit_at=last_deposit["at"] if last_deposit else None,
        requests_24h=1 + _count_within(earlier, DAY, at),
        requests_7d=1 + _count_within(earlier, 7 * DAY, at),
        previous_request_at=earlier[-1].requested_at if earlier else None,
        house_values_7d=_house_values(request, standing),
        thresholds=list(request.thresholds),
        usual_count=len(usual),
        usual_median=_percentile(usual, 50),
        usual_p95=_percentile(usual, 95),
        device_players=_players_on_shared_device(player_id, at),
    )


def _sums(events: QuerySet[Any], *, since: datetime | None, at: datetime) -> tuple[int, int]:
    """Return the sum after ``since`` and the sum of the last 48 hours; reads no further back than it must."""
    period, window = since or _BEGINNING, at - IN_AND_OUT_WINDOW
    sums = events.filter(at__gt=min(period, window)).aggregate(
        period=Sum("amount", filter=Q(at__gt=period), default=0),
        window=Sum("amount", filter=Q(at__gt=window), default=0),
    )
    return sums["period"], sums["window"]


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


def _players_on_shared_device(player_id: int, at: datetime) -> int | None:
    """Return how many players, this one included, used the most shared of this player's devices."""
    recent = Login.objects.filter(at__gt=at - DEVICE_WINDOW, at__lte=at).exclude(device="")
    devices = recent.filter(player_id=player_id).values("device")
    shared = (
        recent.filter(device__in=devices)
        .values("device")
        .annotate(players=Count("player_id", distinct=True))
        .order_by("-players")
        .first()
    )
    return shared["players"] if shared else None
