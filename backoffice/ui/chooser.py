"""Which columns stand in a list, and in which order: as the table declares it, or as the reader chose (``cols``)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from backoffice.ui.tables import BaseTable


@dataclass(frozen=True, slots=True)
class Choice:
    """``shown`` and ``off`` in the order in which they are offered; ``asked`` is what the address says of it."""

    shown: tuple[str, ...]
    off: tuple[str, ...]
    asked: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def offered(self) -> tuple[str, ...]:
        return (*self.shown, *self.off)


def choose(
    table: type[BaseTable], asked: Iterable[str], *, move: str, hidden: Collection[str], off: Collection[str]
) -> Choice:
    """Return the columns to show. ``hidden`` are not there at all for this reader or say the same in every row;
    ``off`` are not shown unless asked for. ``move`` is ``up:risk`` or ``down:risk``."""
    there = tuple(name for name in table.base_columns if name not in hidden)
    named = list(dict.fromkeys(one for part in asked for one in part.split(",") if one))
    unknown = tuple(name[:40] for name in named if name not in table.base_columns)
    known = [name for name in named if name in table.base_columns]
    own = tuple(name for name in there if name not in {*table.optional, *off} or name in table.fixed)
    if not known and not move:
        return Choice(own, tuple(name for name in there if name not in own), unknown=unknown)
    known = moved(known or list(own), move)
    shown = [name for name in known if name in there]
    missing = [name for name in table.fixed if name in there and name not in shown]
    shown = [*missing, *shown]
    rest = tuple(name for name in there if name not in shown)
    return Choice(tuple(shown), rest, asked=tuple(known), unknown=unknown)


def moved(names: list[str], move: str) -> list[str]:
    """Return the names with one of them a place earlier or later; what makes no sense changes nothing."""
    direction, _, name = move.partition(":")
    step = {"up": -1, "down": 1}.get(direction, 0)
    if not step or name not in names:
        return names
    place = names.index(name) + step
    if not 0 <= place < len(names):
        return names
    names = [one for one in names if one != name]
    return [*names[:place], name, *names[place:]]


@dataclass(frozen=True, slots=True)
class Line:
    """A column in the column menu; ``first`` and ``last`` of those that are on."""

    name: str
    label: str
    on: bool = False
    fixed: bool = False
    first: bool = False
    last: bool = False


def lines_of(choice: Choice, table: type[BaseTable]) -> list[Line]:
    """Return what the column menu shows: a line per column, those on first."""
    return [
        Line(
            name,
            str(table.base_columns[name].verbose_name or name.replace("_", " ").capitalize()),
            on=name in choice.shown,
            fixed=name in table.fixed,
            first=name == choice.shown[0],
            last=name == choice.shown[-1],
        )
        for name in choice.offered
    ]
