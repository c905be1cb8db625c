"""The usual periods of a report as views of a list, in the reader's time zone."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from backoffice.ui.screens import Tab

_DAY = timedelta(days=1)


def period_tabs(field: str, *, first: str = "today") -> tuple[Tab, ...]:
    """Return today, yesterday, this and last month, and all, by a time ``field``; ``first`` is the default."""
    tabs = [
        Tab("today", "Today", _within(field, lambda today: (today, None)), counted=False),
        Tab("yesterday", "Yesterday", _within(field, lambda today: (today - _DAY, today)), counted=False),
        Tab("this-month", "This month", _within(field, lambda today: (today.replace(day=1), None)), counted=False),
        Tab("last-month", "Last month", _within(field, _last_month), counted=False),
        Tab("all", "All", counted=False),
    ]
    return tuple(sorted(tabs, key=lambda tab: tab.slug != first))


def _last_month(today: datetime) -> tuple[datetime, datetime]:
    this = today.replace(day=1)
    return (this - _DAY).replace(day=1), this


def _within(field: str, ends: Callable[[datetime], tuple[datetime, datetime | None]]) -> Callable[[HttpRequest], Q]:
    def where(_request: HttpRequest) -> Q:
        start, end = ends(timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0))
        since = Q(**{f"{field}__gte": start})
        return since if end is None else since & Q(**{f"{field}__lt": end})

    return where
