"""Why a withdrawal needs a person: what the checks said, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fraud.states import Level, Risk
from withdrawals import visibility
from withdrawals.models import CheckResult, Withdrawal
from withdrawals.visibility import Field

# How many are open before the rest is folded: the page fits a screen.
MOST_CONCERNS = 4


@dataclass(frozen=True, slots=True)
class Signal:
    """One line of "Why this needs a person"; ``level`` is concern, note or passed."""

    level: str
    title: str
    text: str
    points: int = 0


@dataclass(frozen=True, slots=True)
class Why:
    score: int | None
    level: Risk | None
    summary: str
    items: tuple[Signal, ...]
    more: tuple[Signal, ...]


def results_of(withdrawal: Withdrawal) -> list[CheckResult]:
    """Return what the last checks said, the heaviest first."""
    return withdrawal.last_checks


def concerns_of(results: Sequence[CheckResult]) -> list[CheckResult]:
    return [result for result in results if result.outcome in CheckResult.CONCERNS]


def why_of(withdrawal: Withdrawal, results: Sequence[CheckResult], user: Any) -> Why | None:
    """Return what the checks said, concerns by weight, what passed in one line; None for who may not see it."""
    if not visibility.sees(user, Field.SIGNALS):
        return None
    concerns = concerns_of(results)
    notes = [result for result in results if result.outcome == "note"]
    passed = [result for result in results if result.outcome == "pass"]
    counted = [_count(concerns, "concern"), _count(notes, "note"), f"{len(passed)} passed" if passed else ""]
    said = [_signal(result) for result in [*concerns, *notes]]
    folded = Signal("passed", f"{_count(passed, 'check')} passed", " · ".join(one.title for one in passed))
    return Why(
        score=withdrawal.risk_score,
        level=Risk(Level(withdrawal.risk_level), withdrawal.risk_score or 0) if withdrawal.risk_level else None,
        summary=", ".join(part for part in counted if part),
        items=(*said[:MOST_CONCERNS], *([folded] if passed else [])),
        more=tuple(said[MOST_CONCERNS:]),
    )


def _signal(result: CheckResult) -> Signal:
    level = "note" if result.outcome == "note" else "concern"
    return Signal(level, result.title, result.sentence, result.points)


def _count(rows: Sequence[Any], word: str) -> str:
    return f"{len(rows)} {word}{'' if len(rows) == 1 else 's'}" if rows else ""
