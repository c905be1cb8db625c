"""The one kind of table. Rows come ordered from paging.py; the table only shows them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, ClassVar

import django_tables2
from django.utils import timezone
from django_tables2.columns import BoundColumn
from django_tables2.rows import BoundRow

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
    """

    caption: ClassVar[str] = ""
    sort: ClassVar[str] = ""
    phone: ClassVar[dict[str, str]] = {}

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

    @property
    def groups(self) -> list[tuple[Group | None, list[BoundRow]]]:
        if self.sorted_by != type(self).sort:
            return [(None, list(self.rows))]
        runs = groupby(self.rows, key=lambda row: self.group_of(row.record))
        return [(group, list(rows)) for group, rows in runs]

    def cells(self) -> Cells:
        """How its rows are drawn, with the columns as they are shown now."""
        return Cells(list(self.columns), self.phone)

    @property
    def headings(self) -> Iterator[tuple[BoundColumn, str, str]]:
        """Each visible column with its aria-sort word and the address that sorts by it, if any does."""
        for column in self.columns:
            words = {column.name: "ascending", f"-{column.name}": "descending"}.get(self.sorted_by, "")
            sort = f"-{column.name}" if words == "ascending" else column.name
            yield column, words, self.sort_url(sort) if self.sort_url and column.orderable else ""
