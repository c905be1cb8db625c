"""Timing of pages and statements in process: blocks in turn, medians, ratios within a round."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.blocks import report

BLOCK_SECONDS = 0.6
SLOW_SECONDS = 3.0  # what is slower than this is asked once in a block, and not once more beforehand
ENOUGH = 12


@dataclass
class Timed:
    """One thing that is measured: how often a block does it follows from how long it takes."""

    act: Callable[[], Any]
    figures: list[float] = field(default_factory=list)

    def block(self) -> None:
        """Add the median, in ms, of as many as fit a block; the first of many only makes plans and fills caches."""
        first = milliseconds(self.act)
        taken = [first] if first > SLOW_SECONDS * 1000 else []
        while len(taken) < ENOUGH and sum(taken) < BLOCK_SECONDS * 1000:
            taken.append(milliseconds(self.act))
        self.figures.append(median(taken))


def milliseconds(act: Callable[[], Any]) -> float:
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000


def page(client: Any, address: str) -> Callable[[], Any]:
    def get() -> None:
        response = client.get(address)
        assert response.status_code in (200, 204, 302, 303), (address[:80], response.status_code)

    return get


def statements_of(act: Callable[[], Any]) -> tuple[int, float]:
    """Return how many statements it takes and how many ms the database needs for them."""
    from django.db import connection

    taken: list[float] = []

    def timed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        start = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            taken.append((time.perf_counter() - start) * 1000)

    with connection.execute_wrapper(timed):
        act()
    return len(taken), sum(taken)


def asks(sql: str, values: Sequence[Any] = ()) -> Callable[[], Any]:
    """The statement through the same driver and connection, rows fetched."""
    from django.db import connection

    def ask() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    return ask


class Board:
    """Everything that is measured, by name; goals compare two names."""

    def __init__(self) -> None:
        self.timed: dict[str, Timed] = {}

    def __setitem__(self, name: str, act: Callable[[], Any]) -> None:
        self.timed[name] = Timed(act)

    def sql_of(self, name: str, act: Callable[[], Any]) -> None:
        """Measure only what the database does of it."""
        self.timed[name] = one = Timed(act)

        def block() -> None:
            one.figures.append(median(statements_of(act)[1] for _ in range(ENOUGH)))

        one.block = block  # type: ignore[method-assign]

    def measure(self, rounds: int) -> None:
        """Everything in turn, every second round backwards."""
        for turn in range(rounds):
            for one in list(self.timed.values())[:: -1 if turn % 2 else 1]:
                one.block()

    def goal(self, words: str, ours: str, theirs: str, *, at_most: float, **more: Any) -> None:
        a, b = self.timed[ours].figures, self.timed[theirs].figures
        ratio = median(x / y for x, y in zip(a, b, strict=True))
        figures = {"product_ms": round(median(a), 2), "beside_ms": round(median(b), 2)}
        report(words, ratio=ratio, target=at_most, at_most=True, **figures, **more)
