"""Rows as CSV: streamed, plain values, and nothing a spreadsheet would run."""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from backoffice.ui.tables import BaseTable

# How many rows of a file are fetched at a time.
CHUNK = 2000
FORMULA_SIGNS = frozenset("=+-@\N{MINUS SIGN}")
_CONTROL = ("\t", "\r", "\n")
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


class _Line:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def neutral(value: Any) -> str:
    """Text for a cell; what a spreadsheet would take for a formula gets a leading apostrophe."""
    text = "" if value is None else str(value).replace("\0", "")
    return f"'{text}" if _looks_like_a_formula(text) and not _NUMBER.fullmatch(text) else text


def _looks_like_a_formula(text: str) -> bool:
    """Spreadsheets skip blanks and what is invisible, and read full-width and small forms of a sign as the sign."""
    first = next((sign for sign in text if unicodedata.category(sign)[0] not in "ZC"), "")
    return text.startswith(_CONTROL) or unicodedata.normalize("NFKC", first)[:1] in FORMULA_SIGNS


def csv_line(*values: Any) -> str:
    """Return one line of plain values, every one in quotes."""
    return csv.writer(_Line(), quoting=csv.QUOTE_ALL).writerow([neutral(value) for value in values])


def csv_lines(table: BaseTable, records: Iterable[Any], columns: tuple[str, ...]) -> Iterator[str]:
    """Yield the heading and a line per record; ``columns`` names columns of the table, shown or not."""
    cells = [_cell(table, name) for name in columns]
    yield csv_line(*(table.columns[name].header for name in columns))
    for record in records:
        yield csv_line(*(cell(record) for cell in cells))


def _cell(table: BaseTable, name: str) -> Callable[[Any], Any]:
    """Return what gives one column's plain value of a record.

    Not BoundRow: it looks up the signature of every column again for every cell, which is most of the time.
    """
    bound = table.columns[name]
    column, accessor = bound.column, bound.accessor

    def plain(record: Any) -> Any:
        value = record
        for bit in accessor.bits:
            value = value.get(bit) if isinstance(value, dict) else getattr(value, bit, None)
        if callable(value):
            value = value()
        if value in column.empty_values:
            return None
        return column.value(value, record=record, table=table, bound_column=bound)

    return plain
