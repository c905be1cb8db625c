"""The last 14 days as two charts, and the day so far in one line."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join

from backoffice.today.parts import Asked, Line, Number, Said, counted, list_url
from backoffice.ui import inline
from backoffice.ui.charts import Chart, Columns, Lines, Series, usual
from withdrawals import figures, queries, tables
from withdrawals.states import State
from withdrawals.views.tabs import tabs_for

DAYS = 14
# Fewer failures than this are no news, however few are usual: our own choice.
FEWEST_FAILURES = 5
# How the ends are named and drawn.
_ENDS = {State.COMPLETED: "paid", State.FAILED: "failed", State.REJECTED: "rejected"}


def so_far(request: HttpRequest, now: datetime) -> Line:
    """Return what was decided and closed since midnight; sums are per currency."""
    today = timezone.localdate(now).isoformat()
    closed = figures.closed_today(now=now)
    parts: list[Number | Said] = []
    tab = next((tab for tab in tabs_for(request.user) if tab.slug == "decided"), None)
    if tab is not None:
        rows = tab.narrow(queries.withdrawals(), request)
        url = list_url("withdrawals:queue", view="decided")
        parts.extend(counted([Asked("decided", "decided", "decided", url, rows)]))
    for state, found in closed.items():
        if found.count:
            url = list_url("withdrawals:queue", view="all", state=[state.value], closed_from=today)
            sums = format_html_join(", ", "{}", ((one,) for one in tables.money_words(found.totals)))
            more = sums if state == State.COMPLETED else ""
            parts.append(Number(f"closed-{state}", found.count, _ENDS[state], url, more=more))
    return Line("Today so far", tuple(parts) or (Said("Nothing was decided or paid yet."),))


def closed_chart(now: datetime) -> Columns:
    """Return how many were paid, failed and rejected per day."""
    days = figures.days_until(now, days=DAYS)
    found = figures.closed_per_day(now=now, days=DAYS)
    series = tuple(
        Series(name.capitalize(), tuple(found[day][state] if day in found else None for day in days), name)
        for state, name in _ENDS.items()
    )
    totals = {one.name.lower(): sum(value or 0 for value in one.values) for one in series}
    words = ", ".join(f"{total:.0f} {name}" for name, total in totals.items())
    return Columns(
        slug="closed-per-day",
        title=_closed_finding(series, days),
        summary=f"Withdrawals closed per day, {DAYS} days until {_day(days[-1])}: {words}.",
        slots=tuple(map(_day, days)),
        series=series,
        csv_url=reverse("today-csv", args=["closed-per-day"]),
    )


def times_chart(now: datetime) -> Lines:
    """Return how long it took from the request to the payment, in minutes, beside the time that we aim at."""
    days = figures.days_until(now, days=DAYS)
    found = figures.payout_times(now=now, days=DAYS)
    half = tuple(_minutes(found[day].median) if day in found else None for day in days)
    most = tuple(_minutes(found[day].most) if day in found else None for day in days)
    last = found[max(found)] if found else None
    aim = settings.REVIEW_TIME
    title, summary = f"Nothing was paid in {DAYS} days", "no data"
    if last is not None:
        met = sum(times.most <= aim for times in found.values())
        title = f"Nine of ten were paid within {inline.duration(aim)} on {met} of {len(found)} days"
        ends = f"half within {inline.duration(last.median)}, nine of ten within {inline.duration(last.most)}"
        summary = f"on the last day {ends}; the aim is {inline.duration(aim)}"
    return Lines(
        slug="time-to-payout",
        title=title,
        summary=f"Time from request to payment, {DAYS} days: {summary}.",
        slots=tuple(map(_day, days)),
        series=(Series("Half", half, "first"), Series("90 %", most, "second")),
        unit="min",
        words=(inline.duration(last.median), inline.duration(last.most)) if last else ("", ""),
        target=_minutes(aim),
        target_words=f"Aim {inline.duration(aim)}",
        csv_url=reverse("today-csv", args=["time-to-payout"]),
    )


CHARTS: dict[str, Callable[[datetime], Chart]] = {"closed-per-day": closed_chart, "time-to-payout": times_chart}


def _closed_finding(series: tuple[Series, ...], days: list[date]) -> str:
    """Return what is to be seen: more failures than usual on the last full day, fewer payments, or nothing unusual."""
    paid, failed = series[0].values, series[1].values
    if usual(paid) is None:
        return f"Nothing was closed in {DAYS} days"
    before, yesterday = slice(0, -2), days[-2]
    usual_failed, now_failed = usual(failed[before]), failed[-2] or 0
    if usual_failed is not None and now_failed >= max(FEWEST_FAILURES, 2 * usual_failed):
        return f"Failures: {now_failed:.0f} on {_day(yesterday)}, usually {usual_failed:.0f} a day"
    usual_paid = usual(paid[before])
    if usual_paid and paid[-2] is not None and paid[-2] < usual_paid / 2:
        return f"Only {paid[-2]:.0f} paid on {_day(yesterday)}, usually {usual_paid:.0f} a day"
    return f"About {usual(paid[:-1]) or paid[-1] or 0:.0f} paid a day, failures as usual"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _minutes(length: timedelta) -> float:
    return round(length.total_seconds() / 60, 1)
