"""The invariants, each one query over the read-only views in schema ``inv``. Empty means it holds.

sql/invariants.sql is their text; what providers say they did can be handed in, and then theirs run too.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction

_FILE = Path(__file__).resolve().parent / "sql" / "invariants.sql"
_HEADING = re.compile(r"^-- name: (\w+) (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Invariant:
    """``needs_statement``: only meaningful with the providers' own books; ``at_rest``: once work has drained."""

    name: str
    words: str
    query: str
    needs_statement: bool
    at_rest: bool


@dataclass(frozen=True, slots=True)
class Breach:
    name: str
    words: str
    count: int
    # The first row in breach, for the person who looks.
    first: str


def invariants() -> list[Invariant]:
    """Return the declared invariants in the order of the file."""
    text = _FILE.read_text()
    headings = list(_HEADING.finditer(text))
    result = []
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        query = text[heading.end() : following.start() if following else len(text)].strip().rstrip(";")
        words = heading[2]
        result.append(
            Invariant(
                name=heading[1],
                words=words.replace("[statement]", "").replace("[at rest]", "").strip(),
                query=query,
                needs_statement="[statement]" in words,
                at_rest="[at rest]" in words,
            )
        )
    return result


def run(*, statement: Iterable[Mapping[str, Any]] | None = None, at_rest: bool = False) -> dict[str, int]:
    """Run the invariants in one snapshot; return the number of rows in breach by name.

    ``statement``: rows of the providers' own books with provider, provider_ref, idem_key, amount,
    currency, status, customer_ref. ``at_rest``: also those that hold only when nothing is in flight.
    """
    return {breach.name: breach.count for breach in check(statement=statement, at_rest=at_rest)}


def check(*, statement: Iterable[Mapping[str, Any]] | None = None, at_rest: bool = False) -> list[Breach]:
    """As run(), with the first row in breach of each."""
    chosen = [
        invariant
        for invariant in invariants()
        if (statement is not None or not invariant.needs_statement) and (at_rest or not invariant.at_rest)
    ]
    results = []
    alone = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if alone:
            # Every query sees the same moment, also while work goes on.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SET LOCAL statement_timeout = 0")
        if statement is not None:
            _load(cursor, statement)
        for invariant in chosen:
            # The query is text of our own file.
            cursor.execute(
                f"SELECT count(*), (array_agg(row_to_json(rows)::text))[1] FROM ({invariant.query}) AS rows"  # noqa: S608
            )
            count, first = cursor.fetchone()
            results.append(Breach(name=invariant.name, words=invariant.words, count=count, first=first or ""))
        # The statement's rows were there for the queries alone.
        transaction.set_rollback(True)
    return results


def _load(cursor: Any, statement: Iterable[Mapping[str, Any]]) -> None:
    cursor.executemany(
        "INSERT INTO inv.provider_stmt (provider, provider_ref, idem_key, amount, currency, status, customer_ref)"
        " VALUES (%(provider)s, %(provider_ref)s, %(idem_key)s, %(amount)s, %(currency)s, %(status)s,"
        " %(customer_ref)s)",
        list(statement),
    )
