"""What an indicator says, and how an indicator is declared."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fraud.facts import Facts

# Points of an indicator by weight: our own choice.
LOW, MEDIUM, HIGH = 10, 25, 50


@dataclass(frozen=True, slots=True)
class Hit:
    """One pattern that was found. ``hold``: a fraud analyst must look, whatever the score; any hit needs a person.

    ``short`` has at most 45 characters, for the queue. ``sentence`` gives the fact, what it is compared
    with and what is normal. ``evidence`` holds the values and the thresholds.
    """

    code: str
    title: str
    short: str
    sentence: str
    points: int
    hold: bool = False
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Indicator:
    """A pure judgement of facts. ``needs`` names the facts without which nothing can be said."""

    code: str
    name: str
    judge: Callable[[Facts], Hit | None]
    needs: tuple[str, ...] = ()
