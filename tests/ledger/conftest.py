"""Shorthands: money moves in EUR unless said otherwise, and keys name themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.db import connection, transaction

from backoffice.money import Money
from ledger import operations

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_number = count(1)


def eur(amount: int) -> Money:
    return Money(amount, "EUR")


def facts(key: str = "", **more: Any) -> dict[str, Any]:
    """What every operation wants beside its own arguments."""
    return {"key": key or f"test-{next(_number)}", "at": AT, "by": "test", **more}


def book(entry: operations.NewEntry) -> int:
    """Book one entry; return its id."""
    return operations.post_batch([entry])[0]


def fund(holder: str, amount: int, currency: str = "EUR") -> int:
    return book(operations.deposit_entry(holder=holder, money=Money(amount, currency), **facts()))


def rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return list(cursor.fetchall()) if cursor.description else []


def switch_off(sql: str) -> None:
    """Switch a layer off by SQL; the rollback of the test's transaction brings it back."""
    commit_checks()
    rows(sql)


def switch_off_in(function: str, condition: str, instead: str = "false") -> None:
    """Replace a condition inside a stored function, which must be there once."""
    source = rows("SELECT pg_get_functiondef(%s::regproc)", function)[0][0]
    assert source.count(condition) == 1, f"{condition!r} is not once in {function}"
    commit_checks()
    with connection.cursor() as cursor:
        cursor.execute(source.replace(condition, instead), None)


def commit_checks() -> None:
    """Run what the database checks at the end of a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def undone() -> transaction.Atomic:
    """A savepoint, so that a refusal does not spend the test's transaction."""
    return transaction.atomic()


@contextmanager
def rolled_back() -> Iterator[None]:
    """Books of its own for one example."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
