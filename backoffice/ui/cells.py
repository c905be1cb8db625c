"""The cells of a table's rows, drawn in one go.

django-tables2 asks of every cell again how its column wants to be called, and a template walks through every cell
again; over a page of 25 rows that was a third of the time of the whole page. What is the same for a whole column is
worked out here once for a table: how its value is read, what its ``render`` is handed, how its ``<td>`` begins.
"""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from django.db.models import Model
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django_tables2.columns import BoundColumn
from django_tables2.rows import BoundRow


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
        self._columns = [(column, _opening(column, phone), _wanted(column.render)) for column in columns]
        self._followed, self._key_of = followed, key_of

    def of(self, row: BoundRow) -> SafeString:
        """Return the cells of a row, each escaped unless it is markup already."""
        drawn: list[str] = []
        for column, opening, wanted in self._columns:
            cell = conditional_escape(_content(row, column, wanted))
            if column.name in self._followed:
                cell = format_html('<span id="c-{}-{}">{}</span>', self._key_of(row.record), column.name, cell)
            drawn += (opening, cell, "</td>")
        return mark_safe("".join(drawn))  # noqa: S308 — each part is escaped above


def _opening(column: BoundColumn, phone: dict[str, str]) -> str:
    css = format_html(' class="{}"', column.column.css) if column.column.css else ""
    if not phone:
        return format_html('<td{} data-label="{}">', css, column.header)
    at = phone.get(column.name)
    return format_html("<td{}{}>", css, format_html(' data-at="{}"', at) if at else "")


def _wanted(render: Callable[..., Any]) -> tuple[str, ...]:
    return _parameters(getattr(render, "__func__", render))


@cache
def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """What a ``render`` wants of all that it could have; one with ``**kwargs`` gets everything."""
    offered = ("value", "record", "column", "bound_column", "bound_row", "table")
    named = inspect.signature(function).parameters.values()
    if any(one.kind == one.VAR_KEYWORD for one in named):
        return offered
    return tuple(one.name for one in named if one.name in offered)


def _content(row: BoundRow, column: BoundColumn, wanted: tuple[str, ...]) -> Any:
    kind: Any = type(row.record)
    reader = _reader(kind, str(column.accessor))
    if reader is None:
        return row.get_cell(column.name)
    value = reader(row.record)
    if value in column.column.empty_values:
        return column.default
    offered = {
        "value": value,
        "record": row.record,
        "column": column.column,
        "bound_column": column,
        "bound_row": row,
        "table": row.table,
    }
    content = column.render(**{name: offered[name] for name in wanted})
    return column.link(content, **offered) if column.link else content


@cache
def _reader(kind: type, accessor: str) -> Callable[[Any], Any] | None:
    """How a value is read from rows of one kind; None where django-tables2 itself must look."""
    if not issubclass(kind, Model):
        return None
    field = next((one for one in kind._meta.concrete_fields if accessor in (one.name, one.attname)), None)
    if field is not None and field.choices and accessor == field.name:
        return lambda record: getattr(record, f"get_{accessor}_display")()
    known = field is not None or isinstance(getattr(kind, accessor, None), property)
    return (lambda record: getattr(record, accessor)) if known else None
