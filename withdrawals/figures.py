"""What has been going on, in numbers: what is on time, what was closed per day, how long payouts took.

A payout that came back later counts as what it is now: returned, and no longer as paid. Days are local.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.db.models.functions import Extract, TruncDate
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.prepared import Slot
from backoffice.ui.paging import COUNT_CAP
from backoffice.ui.periods import morning
from providers.queries import Percentile
from withdrawals import queries
from withdrawals.models import CheckResult, Decision, Withdrawal
from withdrawals.states import State

# How a withdrawal ends, as the columns of a day show it.
ENDS = (State.COMPLETED, State.FAILED, State.REJECTED)
# An indicator that spoke less often than this says nothing about its volume: our own choice.
FEWEST_HITS = 5
USUAL_DAYS = 7


@dataclass(frozen=True, slots=True)
class OnTime:
    """How many wait for a decision, how many of them are late, and since when the first of these should be decided."""

    waiting: int
    late: int
    first_due_at: datetime | None

    @property
    def in_time(self) -> int:
        return self.waiting - self.late


def on_time(*, now: datetime) -> OnTime:
    rows = Withdrawal.objects.filter(queries.NEEDS_DECISION)
    late = Count("pk", Q(due_at__lt=now))
    return OnTime(**rows.aggregate(waiting=Count("pk"), late=late, first_due_at=Min("due_at")))


def decided_by(user: User | Slot, *, since: datetime | Slot) -> QuerySet[Decision]:
    """Return what this person decided since then and did not take back."""
    counted = [Decision.Status.WAITING, Decision.Status.APPLIED]
    return Decision.objects.filter(actor=user, decided_at__gte=since, status__in=counted)


@dataclass(frozen=True, slots=True)
class Closed:
    """How many came to one end today, and how much that is per currency; sums never mix currencies."""

    count: int
    totals: dict[str, int]


def closed_today(*, now: datetime) -> dict[State, Closed]:
    """Return every end with what came to it since midnight; ends without any are there too."""
    rows = (
        Withdrawal.objects.filter(closed_at__gte=morning(now), state__in=ENDS)
        .values_list("state", "currency")
        .annotate(Count("pk"), Sum("amount"))
        .order_by("state", "currency")
    )
    found = {state: Closed(0, {}) for state in ENDS}
    for state, currency, count, total in rows:
        before = found[State(state)]
        found[State(state)] = Closed(before.count + count, {**before.totals, currency: int(total)})
    return found


def days_until(now: datetime, *, days: int) -> list[date]:
    """Return so many days, today the last."""
    today = timezone.localdate(now)
    return [today - timedelta(days=back) for back in reversed(range(days))]


def closed_per_day(*, now: datetime, days: int) -> dict[date, dict[State, int]]:
    """Return per day how many came to each end. Days before the first one ever are left out: they are not known."""
    wanted = days_until(now, days=days)
    since = morning(now) - timedelta(days=days - 1)
    first = Withdrawal.objects.filter(closed_at__isnull=False).aggregate(at=Min("closed_at"))["at"]
    if first is None:
        return {}
    found = {day: dict.fromkeys(ENDS, 0) for day in wanted if day >= timezone.localdate(first)}
    rows = (
        Withdrawal.objects.filter(closed_at__gte=since, state__in=ENDS)
        .annotate(day=TruncDate("closed_at"))
        .values_list("day", "state")
        .annotate(Count("pk"))
        .order_by("day", "state")
    )
    for day, state, count in rows:
        if day in found:
            found[day][State(state)] = count
    return found


@dataclass(frozen=True, slots=True)
class Times:
    """From the request to the payment: what half of a day's payouts took at most, and nine of ten."""

    median: timedelta
    most: timedelta


def payout_times(*, now: datetime, days: int) -> dict[date, Times]:
    """Return the times of each day on which something was paid."""
    took = Extract(F("closed_at") - F("requested_at"), "epoch")
    rows = (
        Withdrawal.objects.filter(closed_at__gte=morning(now) - timedelta(days=days - 1), state=State.COMPLETED)
        .annotate(day=TruncDate("closed_at"), took=took)
        .values_list("day")
        .annotate(half=Percentile("took", share=0.5), most=Percentile("took", share=0.9))
        .order_by("day")
    )
    return {day: Times(timedelta(seconds=half), timedelta(seconds=most)) for day, half, most in rows}


@dataclass(frozen=True, slots=True)
class Volume:
    """How often an indicator spoke since midnight, and on a usual day of the week before."""

    code: str
    today: int
    usual: float

    @property
    def is_unusual(self) -> bool:
        """Whether it spoke half as often again as usual, or more."""
        return self.today >= FEWEST_HITS and self.today > self.usual * 1.5


def indicator_volumes(*, now: datetime) -> list[Volume]:
    """Return the fraud indicators that spoke about today's requests, the most frequent first."""
    today = morning(now)
    spoke = CheckResult.objects.filter(
        withdrawal__requested_at__gte=today - timedelta(days=USUAL_DAYS),
        code__startswith="fraud.",
        is_current=True,
        outcome__in=CheckResult.CONCERNS,
    )
    rows = (
        spoke.values_list("code")
        .annotate(
            now=Count("pk", Q(withdrawal__requested_at__gte=today)),
            before=Count("pk", Q(withdrawal__requested_at__lt=today)),
        )
        .order_by("code")
    )
    volumes = [Volume(code, now_count, before / USUAL_DAYS) for code, now_count, before in rows]
    return sorted(volumes, key=lambda volume: -volume.today)


@dataclass(frozen=True, slots=True)
class Day:
    """What one person decided since midnight, and what is left of the queue for others."""

    decided: int
    waiting: int
    on_hold: int


def day_of(user: User, *, now: datetime) -> Day:
    """Return the figures for the end of the queue."""
    return Day(
        decided=decided_by(user, since=morning(now)).count(),
        waiting=queries.waiting_count(),
        on_hold=Withdrawal.objects.filter(state=State.ON_HOLD)[:COUNT_CAP].count(),
    )
