"""Reading what is with providers: since when, what is slower than usual, and what was said about it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import (
    BigIntegerField,
    CharField,
    Count,
    DateTimeField,
    DurationField,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce

from backoffice.prepared import Prepared, Slot
from backoffice.ui.inline import duration
from backoffice.ui.periods import morning
from fraud import queries as fraud
from providers import queries as providers
from providers.models import ProviderControl
from providers.queries import Percentile, Trouble
from providers.registry import BY_CODE, PROVIDERS
from withdrawals import queries
from withdrawals.models import PayoutAttempt, Withdrawal
from withdrawals.states import WITH_PROVIDER, State

# Nothing is slow before this, however fast a provider usually is.
LEAST = timedelta(minutes=2)
_USUAL = """
    SELECT p.code, percentile_cont(0.9) WITHIN GROUP (ORDER BY took.seconds)
    FROM unnest(%s) AS p(code)
    CROSS JOIN LATERAL (
        SELECT extract(epoch FROM w.closed_at - a.sent_at) AS seconds
        FROM withdrawals_withdrawal w
        JOIN withdrawals_payoutattempt a ON a.withdrawal_id = w.id AND a.state = 'paid'
        WHERE w.provider = p.code AND w.state = 'completed'
        ORDER BY w.closed_at DESC
        LIMIT 200
    ) took
    GROUP BY p.code
"""


def in_flight() -> QuerySet[Withdrawal]:
    """Return what is with a provider, failed or came back, with ``sent_at`` and ``attempt`` of the last attempt."""
    last = PayoutAttempt.objects.filter(withdrawal=OuterRef("pk")).order_by("-number")
    return (
        queries.withdrawals()
        .filter(state__in=[*WITH_PROVIDER, State.FAILED, State.RETURNED])
        .annotate(
            sent_at=Subquery(last.values("sent_at")[:1]),
            attempt=Subquery(last.values("number")[:1]),
            answer=Subquery(last.values("answer")[:1]),
        )
    )


def usual_times() -> dict[str, timedelta]:
    """Return within what time nine of ten of each provider's last 200 payouts were completed, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_USUAL, [[one.code for one in PROVIDERS]])
        return {code: timedelta(seconds=seconds) for code, seconds in cursor.fetchall()}


def is_slow(usual: Mapping[str, timedelta], *, now: datetime) -> Q:
    """Return what is with a provider for longer than it usually takes; without a past, than the least."""
    slow = Q(pk__in=[])
    for one in PROVIDERS:
        since = now - max(usual.get(one.code, LEAST), LEAST)
        slow |= Q(provider=one.code, sent_at__lt=since)
    return Q(state__in=WITH_PROVIDER) & slow


def failed_today(*, now: datetime) -> Q:
    return Q(state=State.FAILED, closed_at__gte=morning(now))


@dataclass(frozen=True, slots=True)
class Flight:
    """How many are with providers and how much per currency; how many of them are unknown, and slow."""

    count: int
    totals: dict[str, int]
    unknown: int
    slow: int


def flight(slow: Q) -> Flight:
    """Return the figures of everything that is with a provider, in one statement."""
    lines = list(
        in_flight()
        .filter(state__in=WITH_PROVIDER)
        .order_by("currency")
        .values("currency")
        .annotate(
            count=Count("pk"),
            total=Sum("amount"),
            unknown=Count("pk", filter=Q(state=State.OUTCOME_UNKNOWN)),
            slow=Count("pk", filter=slow),
        )
    )
    return Flight(
        count=sum(line["count"] for line in lines),
        totals={line["currency"]: int(line["total"]) for line in lines},
        unknown=sum(line["unknown"] for line in lines),
        slow=sum(line["slow"] for line in lines),
    )


def known_of_route(withdrawal: Withdrawal, code: str, *, now: datetime) -> tuple[int, timedelta | None]:
    """Return how much the player deposited with these payout details, and the median time from sending to payment of
    what this provider paid in the last 24 hours. One statement."""
    [(deposited, typical)] = _ROUTE.rows(
        withdrawal=withdrawal.pk,
        player=withdrawal.player_id,
        label=withdrawal.destination.label,
        currency=withdrawal.currency,
        provider=code,
        now=now,
        since=now - timedelta(days=1),
    )
    return deposited or 0, typical


def _route() -> QuerySet[Withdrawal, Any]:
    paid = PayoutAttempt.objects.filter(
        provider=Slot("provider", CharField()),
        state="paid",
        withdrawal__closed_at__gt=Slot("since", DateTimeField()),
        withdrawal__closed_at__lte=Slot("now", DateTimeField()),
    )
    took = Percentile(F("withdrawal__closed_at") - F("sent_at"), share=0.5, output_field=DurationField())
    typical = paid.order_by().values("provider").annotate(typical=took).values("typical")
    this = Withdrawal.objects.filter(pk=Slot("withdrawal", BigIntegerField()))
    return this.values_list(Subquery(fraud.deposited_with()), Subquery(typical))


_ROUTE = Prepared(_route)


def troubles(now: datetime) -> dict[str, Trouble]:
    """Return the providers in trouble, by code; of a slow one what that means for payouts, where they take longer.

    One statement, and one more while a provider is slow.
    """
    found = providers.troubles(now)
    slow = [code for code, trouble in found.items() if trouble.is_slow]
    for code, (lately, usual) in _times(slow, now).items() if slow else ():
        if lately is not None and usual is not None and lately >= max(2 * usual, LEAST):
            words = f"Payouts take about {duration(lately)}, usually {duration(usual)}."
            found[code] = replace(found[code], sentence=f"{BY_CODE[code].label} is slow. {words}")
    return found


def _times(codes: list[str], now: datetime) -> dict[str, tuple[timedelta | None, timedelta | None]]:
    """Return the median time of what these providers were sent in the last hour, as far as it has got, and of what they
    paid in the day before that."""
    hour = now - timedelta(hours=1)
    took = Coalesce(F("closed_at"), Value(now)) - F("attempts__sent_at")
    lately = Q(attempts__sent_at__gt=hour)
    earlier = Q(attempts__sent_at__lte=hour, attempts__state="paid")
    rows = (
        Withdrawal.objects.filter(
            Q(closed_at__gt=hour - timedelta(days=1)) | Q(state__in=WITH_PROVIDER),
            provider__in=codes,
            attempts__sent_at__isnull=False,
        )
        .values_list("provider")
        .annotate(
            lately=Percentile(took, share=0.5, filter=lately, output_field=DurationField()),
            usual=Percentile(took, share=0.5, filter=earlier, output_field=DurationField()),
        )
        .order_by("provider")
    )
    return {code: (now_, usual) for code, now_, usual in rows}


def in_flight_by_provider() -> dict[str, dict[str, object]]:
    """Return per provider: how many are in flight and unknown, and since when the oldest waits."""
    rows = Withdrawal.objects.filter(state__in=WITH_PROVIDER).values("provider", "state", "approved_at")
    result: dict[str, dict[str, object]] = {}
    for row in (
        Withdrawal.objects.filter(state__in=WITH_PROVIDER)
        .values("provider")
        .annotate(
            in_flight=Count("pk"),
            unknown=Count("pk", filter=Q(state=State.OUTCOME_UNKNOWN)),
        )
        .order_by("provider")
    ):
        oldest = rows.filter(provider=row["provider"]).order_by("approved_at").first()
        result[row["provider"]] = {**row, "oldest_at": oldest["approved_at"] if oldest else None}
    return result


def held_up_by(code: str, *, stopped: Collection[str]) -> int:
    """Return how many approved withdrawals wait for ``code`` alone: its pause leaves them no provider.

    ``stopped`` are the other switches that are off; what waits for those anyway is not counted.
    """
    routes = Withdrawal.objects.filter(state=State.APPROVED).values_list("routes").annotate(Count("pk")).order_by()

    def waits(codes: list[str], off: set[str]) -> bool:
        return ProviderControl.EVERYTHING in off or set(codes) <= off

    before, after = set(stopped), {code, *stopped}
    return sum(count for codes, count in routes if waits(codes, after) and not waits(codes, before))
