"""Rows as CSV: streamed, plain values, and nothing a spreadsheet would run."""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

from django_tables2.rows import BoundRow

from backoffice.ui.tables import BaseTable

_RISKY_START = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


class _Line:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def neutral(value: Any) -> str:
    """Text for a cell; what a spreadsheet would take for a formula gets a leading apostrophe."""
    text = "" if value is None else str(value)
    if text.startswith(_RISKY_START) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def csv_line(*values: Any) -> str:
    """Return one line of plain values."""
    return csv.writer(_Line()).writerow([neutral(value) for value in values])


def csv_lines(table: BaseTable, records: Iterable[Any], columns: tuple[str, ...]) -> Iterator[str]:
    """Yield the heading and a line per record; ``columns`` names columns of the table, shown or not."""
    yield csv_line(*(table.columns[name].header for name in columns))
    for record in records:
        row = BoundRow(record, table=table)
        yield csv_line(*(row.get_cell_value(name) for name in columns))
