"""Table columns that format like the rest of the page, and export plain values.

Every column takes ``sort_by`` (an ORM path or annotation; without it the heading is no link),
``width`` in tens of pixels (one column per table leaves it out and takes the free space), ``css``,
``explained`` (the page that says what its values mean; the heading leads there),
and django-tables2's ``accessor``, ``verbose_name``, ``linkify``, ``visible``.
"""

from datetime import UTC, datetime
from typing import Any

import django_tables2
from django.utils.safestring import SafeString
from django_tables2.utils import A

from backoffice.money import to_major_string
from backoffice.ui import inline
from backoffice.ui.markup import markup


class Column(django_tables2.Column):
    """Plain text. The first linked column of a row is the row's link."""

    css = ""
    width: int | None = None
    right = False

    def __init__(
        self, *, sort_by: str = "", width: int | None = None, css: str | None = None, explained: Any = "", **kwargs: Any
    ) -> None:
        kwargs.setdefault("attrs", {"a": {"class": "cell"}})
        kwargs.setdefault("default", inline.NOTHING)
        super().__init__(orderable=bool(sort_by), **kwargs)
        self.sort_by = sort_by
        self.explained = explained
        self.width = width or self.width
        self.css = self.css if css is None else css

    def value(self, value: Any, **context: Any) -> Any:
        """What an export writes; ``context`` holds the record and the table."""
        return value


class MoneyColumn(Column):
    """Minor units; the currency stands on the same record under ``currency``."""

    css = "r num amount"
    width = 17  # six decimals and the code of a coin
    right = True

    def __init__(self, *, currency: str = "currency", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.currency = A(currency)

    def render(self, value: int, record: Any) -> SafeString:
        return inline.money(value, self.currency.resolve(record))

    def value(self, value: int, **context: Any) -> str:
        return to_major_string(value, self.currency.resolve(context["record"]))


class TimeColumn(Column):
    """A time in one of the forms of inline.time; exports write UTC with seconds."""

    css = "num"
    width = 11

    def __init__(self, *, form: str = "short", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.form = form

    def render(self, value: datetime, table: Any) -> SafeString:
        return inline.time(value, self.form, table.now)

    def value(self, value: datetime, **context: Any) -> str:
        return value.astimezone(UTC).isoformat(timespec="seconds")


class DueColumn(TimeColumn):
    """A deadline: late, soon or the time left."""

    width = 14

    def render(self, value: datetime, table: Any) -> SafeString:
        return inline.due(value, table.now)


class PersonColumn(Column):
    """A member of staff; "You" for whoever looks."""

    width = 12

    def render(self, value: Any, table: Any) -> SafeString:
        return inline.person(value, table.me)

    def value(self, value: Any, **context: Any) -> str:
        return value.name


class RefColumn(Column):
    """A public reference in monospace."""

    width = 14

    def render(self, value: str) -> SafeString:
        return markup('<span class="mono">{}</span>', value)
