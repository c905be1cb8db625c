"""The cells of a table's rows, drawn in one go.

django-tables2 asks of every cell again how its column wants to be called, and a template walks through every cell
again; over a page of 25 rows that was a third of the time of the whole page. What is the same for a whole column is
worked out here once for a table: how its value is read, what its ``render`` is handed, how its cell begins and ends.
"""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from django.db.models import Model
from django.utils.safestring import SafeString
from django_tables2.columns import BoundColumn
from django_tables2.rows import BoundRow

from backoffice.ui.markup import escaped, markup

Reader = Callable[[Any], Any]


class Cells:
    """How the rows of one table are drawn.

    ``phone`` says where a column stands on a card; the cells of ``followed`` columns can be found again by the
    key of their row, which ``key_of`` says.
    """

    def __init__(
        self,
        columns: list[BoundColumn],
        *,
        phone: dict[str, str],
        followed: tuple[str, ...] = (),
        key_of: Callable[[Any], str] = str,
    ) -> None:
        self._columns = [(_Column(column), *_tags(column, phone)) for column in columns]
        self._followed, self._key_of = followed, key_of
        self._live: dict[str, dict[str, SafeString]] = {}

    def of(self, row: BoundRow) -> SafeString:
        """Return the cells of a row, each escaped unless it is markup already."""
        live = self.live(row) if self._followed else {}
        drawn: list[str] = []
        for column, opening, closing in self._columns:
            if column.name in live:
                key = self._key_of(row.record)
                cell = markup('<span id="c-{}-{}">{}</span>', key, column.name, live[column.name])
            else:
                cell = column.draw(row)
            drawn += (opening, cell, closing)
        return SafeString("".join(drawn))

    def live(self, row: BoundRow) -> dict[str, SafeString]:
        """Return the followed cells of a row by column; they are drawn once, whoever asks."""
        key = self._key_of(row.record)
        if key not in self._live:
            self._live[key] = {c.name: c.draw(row) for c, *_tags in self._columns if c.name in self._followed}
        return self._live[key]


class _Column:
    """A column with what is the same for all of its cells."""

    def __init__(self, column: BoundColumn) -> None:
        self.name = column.name
        self._column, self._render = column, column.render
        self._link, self._empty = column.link, column.column.empty_values
        self._wanted = _parameters(getattr(column.render, "__func__", column.render))
        self._accessor = str(column.accessor)
        self._handed = {"column": column.column, "bound_column": column}

    def draw(self, row: BoundRow) -> SafeString:
        record = row.record
        kind: Any = type(record)
        read = _reader(kind, self._accessor)
        if read is None:
            return escaped(row.get_cell(self.name))
        value = read(record)
        if value in self._empty:
            return escaped(self._column.default)
        offered = {"value": value, "record": record, "bound_row": row, "table": row.table, **self._handed}
        content = self._render(**{name: offered[name] for name in self._wanted})
        return escaped(self._link(content, **offered) if self._link else content)


def _tags(column: BoundColumn, phone: dict[str, str]) -> tuple[str, str]:
    """How a cell begins and ends; what a card is called by heads the row."""
    css = markup(' class="{}"', column.column.css) if column.column.css else ""
    if not phone:
        return markup('<td{} data-label="{}">', css, column.header), "</td>"
    at = phone.get(column.name)
    place = markup(' data-at="{}"', at) if at else ""
    if at == "title":
        return markup('<th scope="row"{}{}>', css, place), "</th>"
    return markup("<td{}{}>", css, place), "</td>"


@cache
def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """What a ``render`` wants of all that it could have; one with ``**kwargs`` gets everything."""
    offered = ("value", "record", "column", "bound_column", "bound_row", "table")
    named = inspect.signature(function).parameters.values()
    if any(one.kind == one.VAR_KEYWORD for one in named):
        return offered
    return tuple(one.name for one in named if one.name in offered)


@cache
def _reader(kind: Any, accessor: str) -> Reader | None:
    """How a value is read from rows of one kind; None where django-tables2 itself must look."""
    if not issubclass(kind, Model):
        return None
    field = next((one for one in kind._meta.concrete_fields if accessor in (one.name, one.attname)), None)
    if field is not None and field.choices and accessor == field.name:
        labels = dict(field.flatchoices)
        return lambda record: labels.get(value := getattr(record, accessor), value)
    known = field is not None or isinstance(getattr(kind, accessor, None), property)
    return (lambda record: getattr(record, accessor)) if known else None
