"""Rows as CSV: streamed, plain values, and nothing a spreadsheet would run."""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from backoffice.ui.tables import BaseTable

# How many rows of a file are fetched at a time.
CHUNK = 2000
FORMULA_SIGNS = frozenset("=+-@\N{MINUS SIGN}")
_CONTROL = ("\t", "\r", "\n")
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


# How many lines go out at a time.
LINES = 200


class _Line:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


_writer = csv.writer(_Line(), quoting=csv.QUOTE_ALL)


def neutral(value: Any) -> str:
    """Text for a cell; what a spreadsheet would take for a formula gets a leading apostrophe."""
    text = "" if value is None else str(value).replace("\0", "")
    return f"'{text}" if _looks_like_a_formula(text) and not _NUMBER.fullmatch(text) else text


def _looks_like_a_formula(text: str) -> bool:
    """Spreadsheets skip blanks and what is invisible, and read full-width and small forms of a sign as the sign."""
    if text[:1].isascii() and text[:1].isalnum():
        return False
    first = next((sign for sign in text if unicodedata.category(sign)[0] not in "ZC"), "")
    return text.startswith(_CONTROL) or unicodedata.normalize("NFKC", first)[:1] in FORMULA_SIGNS


def csv_line(*values: Any) -> str:
    """Return one line of plain values, every one in quotes."""
    return str(_writer.writerow([neutral(value) for value in values]))


def csv_lines(table: BaseTable, records: Iterable[Any], columns: tuple[str, ...]) -> Iterator[str]:
    """Yield the heading and the lines of the records, LINES at a time; ``columns`` names columns, shown or not."""
    cells = [_cell(table, name) for name in columns]
    yield csv_line(*(table.columns[name].header for name in columns))
    source = iter(records)
    while some := list(islice(source, LINES)):
        yield "".join(csv_line(*[cell(record) for cell in cells]) for record in some)


def _cell(table: BaseTable, name: str) -> Callable[[Any], Any]:
    """Return what gives one column's plain value of a record.

    Not BoundRow: it looks up the signature of every column again for every cell, which is most of the time.
    """
    bound = table.columns[name]
    column, path = bound.column, bound.accessor.bits

    def plain(record: Any) -> Any:
        value = record
        for bit in path:
            value = value.get(bit) if isinstance(value, dict) else getattr(value, bit, None)
        if callable(value):
            value = value()
        if value in column.empty_values:
            return None
        return column.value(value, record=record, table=table, bound_column=bound)

    return plain
