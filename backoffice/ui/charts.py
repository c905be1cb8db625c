"""Charts as numbers and places for inline SVG: the components chart_*.html draw what stands here, and nothing else.

A chart is its data; picture, table and CSV come from the same values. Widths are per cent of the drawing, so that its
text keeps its size; heights are pixels from the top. A value of None is not known: a gap, never zero.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from backoffice.ui.exports import csv_line

Value = float | None

# What lies under the plot are the labels of the slots, and right of it the names of the series.
HEIGHT, TOP, BASE = 172, 14, 148
PLOT = 68.0
# Two names of series closer than this would overlap.
LINE_HEIGHT = 16
NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values, a slot each. ``look`` names its colour and pattern (components.css, block charts)."""

    name: str
    values: tuple[Value, ...]
    look: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A piece of the drawing with the value that it shows."""

    x: float
    y: float
    width: float
    height: float
    look: str
    value: float

    @property
    def words(self) -> str:
        return number(self.value)


@dataclass(frozen=True, slots=True)
class Text:
    x: float
    y: float
    words: str
    look: str = ""
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Segment:
    x1: float
    y1: float
    x2: float
    y2: float
    look: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """``title`` is the finding, ``summary`` the sentence for who does not see the drawing.

    ``slots`` are the names of the slots, ``unit`` what the values count (in the head of the table).
    """

    slug: str
    title: str
    summary: str
    slots: tuple[str, ...]
    series: tuple[Series, ...]
    head: str = "Day"
    unit: str = ""
    csv_url: str = ""

    @property
    def note(self) -> str:
        """What the gaps are."""
        empty = sum(all(one.values[slot] is None for one in self.series) for slot in range(len(self.slots)))
        return f"A gap is missing data: {empty} of {len(self.slots)}." if empty else ""

    @property
    def heads(self) -> list[str]:
        return [self.head, *(f"{one.name} ({self.unit})" if self.unit else one.name for one in self.series)]

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The table: the name of the slot and its values as text."""
        return [(slot, [number(one.values[i]) for one in self.series]) for i, slot in enumerate(self.slots)]

    def csv(self) -> Iterator[str]:
        yield csv_line(*self.heads)
        for slot, values in self.rows:
            yield csv_line(slot, *("" if value == NO_DATA else value for value in values))

    def _centre(self, slot: int) -> float:
        return round(PLOT * (slot + 0.5) / len(self.slots), 2)

    def _y(self, value: float) -> float:
        return round(BASE - (BASE - TOP) * value / self.ceiling, 1)

    @property
    def ceiling(self) -> float:
        raise NotImplementedError

    @property
    def ticks(self) -> list[Text]:
        """The labels of some slots: the last one always, so that it is clear where the time ends."""
        step = max(1, -(-len(self.slots) // 5))
        shown = [slot for slot in range(len(self.slots)) if (len(self.slots) - 1 - slot) % step == 0]
        return [Text(self._centre(slot), HEIGHT - 6, self.slots[slot], anchor="middle") for slot in shown]

    @property
    def scale(self) -> list[Text]:
        """The values of the grid's two lines above the baseline."""
        ends = (self.ceiling / 2, self.ceiling)
        return [Text(0, self._y(value), f"{number(value)} {self.unit}".strip()) for value in ends]


@dataclass(frozen=True, kw_only=True)
class Columns(Chart):
    """Stacked columns from a zero baseline; the names stand beside the last column."""

    @property
    def ceiling(self) -> float:
        return nice_ceiling(max((sum(value or 0 for value in slot) for slot in self._by_slot), default=0))

    @property
    def _by_slot(self) -> list[tuple[Value, ...]]:
        return list(zip(*(one.values for one in self.series), strict=True))

    @property
    def bars(self) -> list[Mark]:
        width = round(PLOT / len(self.slots) * 0.7, 2)
        bars = []
        for slot, values in enumerate(self._by_slot):
            below = 0.0
            for one, value in zip(self.series, values, strict=True):
                if value:
                    top, x = self._y(below + value), round(self._centre(slot) - width / 2, 2)
                    bars.append(Mark(x, top, width, round(self._y(below) - top, 1), one.look, value))
                    below += value
        return bars

    @property
    def names(self) -> list[Text]:
        """The series beside the last column, each at its own height with its value there."""
        below, places = 0.0, []
        for one in self.series:
            value = one.values[-1] or 0
            places.append(self._y(below + value / 2))
            below += value
        return _named(self.series, places, [number(one.values[-1]) for one in self.series])


@dataclass(frozen=True, kw_only=True)
class Lines(Chart):
    """Lines over the slots with a target line; ``words`` are what stands beside the end of each line."""

    words: tuple[str, ...] = ()
    target: float = 0
    target_words: str = ""

    @property
    def ceiling(self) -> float:
        known = [value for one in self.series for value in one.values if value is not None]
        return nice_ceiling(max([*known, self.target]))

    @property
    def target_y(self) -> float:
        return self._y(self.target)

    @property
    def points(self) -> list[Mark]:
        return [
            Mark(self._centre(slot), self._y(value), 0, 0, one.look, value)
            for one in self.series
            for slot, value in enumerate(one.values)
            if value is not None
        ]

    @property
    def segments(self) -> list[Segment]:
        """The pieces between neighbours that are both known."""
        return [
            Segment(self._centre(slot), self._y(left), self._centre(slot + 1), self._y(right), one.look)
            for one in self.series
            for slot, (left, right) in enumerate(pairwise(one.values))
            if left is not None and right is not None
        ]

    @property
    def names(self) -> list[Text]:
        last = [next((value for value in reversed(one.values) if value is not None), 0.0) for one in self.series]
        aim = Series(self.target_words, (), "target")
        return _named([*self.series, aim], [*map(self._y, last), self.target_y], [*self.words, ""])


@dataclass(frozen=True, kw_only=True)
class Strip(Chart):
    """A share in per cent per slot as a sparkline, and a cell per slot with how it went.

    ``looks`` are the cells: good, slow, bad or none.
    """

    looks: tuple[str, ...]

    SPARK, EDGE = 28, 2

    @property
    def note(self) -> str:
        return ""  # a quarter of an hour without a payout is usual; its cell says so

    @property
    def ceiling(self) -> float:
        return 100

    def _at(self, slot: int) -> float:
        return round(100 * (slot + 0.5) / len(self.slots), 2)

    def _up(self, value: float) -> float:
        return round(self.SPARK - self.EDGE - (self.SPARK - 2 * self.EDGE) * value / 100, 1)

    @property
    def share(self) -> tuple[Value, ...]:
        return self.series[-1].values

    @property
    def points(self) -> list[Mark]:
        known = ((slot, value) for slot, value in enumerate(self.share) if value is not None)
        return [Mark(self._at(slot), self._up(value), 0, 0, "first", value) for slot, value in known]

    @property
    def segments(self) -> list[Segment]:
        """The sparkline from each known share to the next: quiet quarter hours are usual and say nothing."""
        return [Segment(left.x, left.y, right.x, right.y, "first") for left, right in pairwise(self.points)]

    @property
    def cells(self) -> list[Mark]:
        width = round(100 / len(self.slots), 3)
        return [Mark(round(slot * width, 3), 0, width, 0, look, slot) for slot, look in enumerate(self.looks)]


def number(value: Value) -> str:
    """Return a value as it stands in the table: whole where it is whole, else with one decimal."""
    if value is None:
        return NO_DATA
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def nice_ceiling(highest: float) -> float:
    """Return the end of the scale: 2, 4, 6, 8, 10, 20, 40 ... so that its half is a round number too."""
    size = 1
    while 10 * size < highest:
        size *= 10
    return next(step * size for step in (2, 4, 6, 8, 10) if step * size >= highest)


def usual(values: Sequence[Value]) -> float | None:
    """Return the middle of the known values; None without any."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _named(series: Sequence[Series], places: Sequence[float], words: Sequence[str]) -> list[Text]:
    """Return the names of series at their places, moved apart where they would overlap, and kept inside."""
    order = sorted(range(len(series)), key=lambda i: places[i])
    moved: dict[int, float] = {}
    floor: float = TOP
    for i in order:
        moved[i] = floor = max(places[i] + 4, floor)
        floor += LINE_HEIGHT
    over = max(0.0, floor - LINE_HEIGHT - BASE)
    return [
        Text(PLOT + 1.5, round(moved[i] - over, 1), f"{one.name} {words[i]}".strip(), one.look)
        for i, one in enumerate(series)
    ]
