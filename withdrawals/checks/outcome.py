"""What a check says: pass, note, review or decline, with its words and the evidence for them."""

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
    """One answer. ``short`` is the queue's wording (45 characters), ``sentence`` the decision page's."""

    code: str
    severity: Severity
    title: str
    sentence: str = ""
    short: str = ""
    points: int = 0
    version: str = "1"
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        return self.severity.name.lower()


def passed(code: str, title: str, **evidence: Any) -> Outcome:
    return Outcome(code=code, severity=Severity.PASS, title=title, evidence=evidence)


def note(code: str, title: str, sentence: str, **evidence: Any) -> Outcome:
    """Something worth knowing that needs nobody."""
    return Outcome(code=code, severity=Severity.NOTE, title=title, sentence=sentence, evidence=evidence)


def review(code: str, title: str, sentence: str, *, short: str = "", points: int = 0, **evidence: Any) -> Outcome:
    """A person must look."""
    return Outcome(code, Severity.REVIEW, title, sentence, short or title, points, evidence=evidence)


def decline(code: str, title: str, sentence: str, **evidence: Any) -> Outcome:
    """A hard refusal that is no suspicion; policy names the few codes that may use it."""
    return Outcome(code, Severity.DECLINE, title, sentence, title, evidence=evidence)
