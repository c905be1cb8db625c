"""What a check says: pass, note, review or decline, with its words and the evidence for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Severity(IntEnum):
    """The most severe outcome of all checks wins."""

    PASS = 0
    NOTE = 1
    REVIEW = 2
    DECLINE = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer. ``short`` is the queue's wording (45 characters), ``sentence`` the decision page's.

    ``hold``: the risk is high whatever the score, so a fraud analyst decides.
    """

    code: str
    severity: Severity
    title: str
    sentence: str = ""
    short: str = ""
    points: int = 0
    version: str = "1"
    evidence: dict[str, Any] = field(default_factory=dict)
    hold: bool = False

    @property
    def outcome(self) -> str:
        return self.severity.name.lower()


Evidence = Mapping[str, Any]


def passed(code: str, title: str, evidence: Evidence | None = None) -> Outcome:
    return Outcome(code, Severity.PASS, title, evidence=dict(evidence or {}))


def note(code: str, title: str, sentence: str, evidence: Evidence | None = None) -> Outcome:
    """Something worth knowing that needs nobody."""
    return Outcome(code, Severity.NOTE, title, sentence, evidence=dict(evidence or {}))


def review(
    code: str,
    title: str,
    sentence: str,
    *,
    short: str = "",
    points: int = 0,
    evidence: Evidence | None = None,
    hold: bool = False,
) -> Outcome:
    """A person must look."""
    return Outcome(
        code, Severity.REVIEW, title, sentence, short or title, points, evidence=dict(evidence or {}), hold=hold
    )


def decline(code: str, title: str, sentence: str, evidence: Evidence | None = None) -> Outcome:
    """A hard refusal that is no suspicion; policy names the few codes that may use it."""
    return Outcome(code, Severity.DECLINE, title, sentence, title, evidence=dict(evidence or {}))
