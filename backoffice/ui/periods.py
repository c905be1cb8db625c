"""The usual periods, as views of a list and as a filter, in the reader's time zone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from backoffice.ui.tabs import Tab

_DAY = timedelta(days=1)
# From this morning, begin and end of a period; no end is now.
Ends = Callable[[datetime], tuple[datetime, datetime | None]]


def morning(now: datetime) -> datetime:
    """Return when the local day of ``now`` began."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def period_tabs(field: str, *, first: str = "today") -> tuple[Tab, ...]:
    """Return today, yesterday, this and last month, and all, by a time ``field``; ``first`` is the default."""
    tabs = [
        Tab("today", "Today", _within(field, lambda today: (today, None)), counted=False, dated=True),
        Tab("yesterday", "Yesterday", _within(field, lambda today: (today - _DAY, today)), counted=False, dated=True),
        Tab(
            "this-month",
            "This month",
            _within(field, lambda today: (today.replace(day=1), None)),
            counted=False,
            dated=True,
        ),
        Tab("last-month", "Last month", _within(field, _last_month), counted=False, dated=True),
        Tab("all", "All", counted=False),
    ]
    return tuple(sorted(tabs, key=lambda tab: tab.slug != first))


class PeriodFilter(django_filters.ChoiceFilter):
    """A period that ends today, whenever it is asked for: what a saved view keeps stays true tomorrow."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, choices=[(code, label) for code, (label, _ends) in _RECENT.items()], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(_between(self.field_name, _RECENT[value][1])) if value in _RECENT else qs


def _last_month(today: datetime) -> tuple[datetime, datetime]:
    this = today.replace(day=1)
    return (this - _DAY).replace(day=1), this


def _within(field: str, ends: Ends) -> Callable[[HttpRequest], Q]:
    return lambda _request: _between(field, ends)


def _between(field: str, ends: Ends) -> Q:
    start, end = ends(morning(timezone.now()))
    since = Q(**{f"{field}__gte": start})
    return since if end is None else since & Q(**{f"{field}__lt": end})


_RECENT: dict[str, tuple[str, Ends]] = {
    "today": ("Today", lambda today: (today, None)),
    "yesterday": ("Yesterday", lambda today: (today - _DAY, today)),
    "7d": ("The last 7 days", lambda today: (today - 6 * _DAY, None)),
    "30d": ("The last 30 days", lambda today: (today - 29 * _DAY, None)),
    "last-month": ("Last month", _last_month),
}
