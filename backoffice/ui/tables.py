"""The one kind of table. Rows come ordered from paging.py; the table only shows them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any, ClassVar

import django_tables2
from django.utils import timezone
from django.utils.safestring import SafeString
from django_tables2.columns import BoundColumn
from django_tables2.rows import BoundRow

from backoffice.ui import inline
from backoffice.ui.cells import Cells


@dataclass(frozen=True, slots=True)
class Group:
    """The heading above a run of rows: ``Late · 3 · €21,940.00``."""

    label: str
    detail: str = ""


class BaseTable(django_tables2.Table):
    """Declare columns, ``caption``, ``sort`` and ``phone``; hand in ``me`` and ``now``.

    ``sort`` is the name of a sortable column, with ``-`` for descending; the primary key breaks ties.
    ``phone`` places columns on the two-line card of a narrow screen, by column name:
    title, amount (first line), meta, side (second line), note, end (third). Columns that are not
    placed are left out; without any placement every column becomes a labelled line.
    ``fixed`` columns cannot be switched off, ``optional`` ones are off until somebody asks for them, and
    ``live`` ones are kept up to date while the list is open. ``opens`` is whether a row leads anywhere.
    """

    caption: ClassVar[str] = ""
    sort: ClassVar[str] = ""
    phone: ClassVar[dict[str, str]] = {}
    fixed: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    live: ClassVar[tuple[str, ...]] = ()
    opens: ClassVar[bool] = True
    # Whether rows have a box to tick, carry their key, and have cells that can be found again; the screen says so.
    picks = False
    keyed = False
    follows = False

    def __init__(
        self,
        data: Any,
        *,
        me: Any = None,
        now: datetime | None = None,
        sort: str = "",
        sort_url: Callable[[str], str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        self.me = me
        self.now = now or timezone.now()
        self.sorted_by = sort or type(self).sort
        self.sort_url = sort_url

    def group_of(self, record: Any) -> Group | None:
        """Override to put headings between runs of rows; asked only in the declared order."""
        return None

    def key_of(self, record: Any) -> str:
        """What names a row towards the server: a public reference where there is one."""
        return str(record.pk)

    def label_of(self, record: Any) -> str:
        """What names a row to somebody who hears it."""
        return str(record)

    def gone(self, record: Any) -> SafeString:
        """What is shown of a row that no longer belongs to the list: how it stands now."""
        return inline.mark("neutral", "out", "Left this list")

    @property
    def followed(self) -> tuple[str, ...]:
        """The columns shown whose cells are kept up to date; the first one tells when a row has left."""
        shown = [column.name for column in self.columns]
        return tuple(name for name in shown if name in self.live or name == shown[0]) if self.follows else ()

    @property
    def width(self) -> int:
        return len(list(self.columns)) + self.picks

    @property
    def lines(self) -> Iterator[tuple[Group | None, list[tuple[str, str, BoundRow]]]]:
        """The groups with, for each row, its key and its name where somebody needs them, and the row."""
        for group, rows in self.groups:
            yield group, [self._line(row) for row in rows]

    def _line(self, row: BoundRow) -> tuple[str, str, BoundRow]:
        # Rows of a table without a list screen may be anything.
        return (self.key_of(row.record), self.label_of(row.record), row) if self.keyed else ("", "", row)

    @property
    def groups(self) -> list[tuple[Group | None, list[BoundRow]]]:
        if self.sorted_by != type(self).sort:
            return [(None, list(self.rows))]
        runs = groupby(self.rows, key=lambda row: self.group_of(row.record))
        return [(group, list(rows)) for group, rows in runs]

    @cached_property
    def cells(self) -> Cells:
        """How its rows are drawn; for whoever has said how the table is to be."""
        return Cells(list(self.columns), phone=self.phone, followed=self.followed, key_of=self.key_of)

    @property
    def headings(self) -> Iterator[tuple[BoundColumn, str, str]]:
        """Each visible column with its aria-sort word and the address that sorts by it, if any does."""
        for column in self.columns:
            words = {column.name: "ascending", f"-{column.name}": "descending"}.get(self.sorted_by, "")
            sort = f"-{column.name}" if words == "ascending" else column.name
            yield column, words, self.sort_url(sort) if self.sort_url and column.orderable else ""
