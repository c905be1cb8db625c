"""Why a withdrawal needs a person: what the checks said, in words."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.text import slugify

from fraud.states import Level, Risk
from withdrawals import visibility
from withdrawals.models import CheckResult, Withdrawal
from withdrawals.pages.inputs import inputs_of
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
    # The values and thresholds that it was made from, and where the records that were counted are: (words, address).
    inputs: tuple[tuple[str, str], ...] = ()
    records: tuple[str, str] | None = None


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


def why_of(
    withdrawal: Withdrawal, results: Sequence[CheckResult], user: Any, *, panels: Collection[str] = ()
) -> Why | None:
    """Return what the checks said, concerns by weight, what passed in one line; None for who may not see it.

    ``panels``: the headings on the page that show records themselves.
    """
    if not visibility.sees(user, Field.SIGNALS):
        return None
    concerns = concerns_of(results)
    notes = [result for result in results if result.outcome == "note"]
    passed = [result for result in results if result.outcome == "pass"]
    counted = [_count(concerns, "concern"), _count(notes, "note"), f"{len(passed)} passed" if passed else ""]
    said = [_signal(result, withdrawal, panels) for result in [*concerns, *notes]]
    folded = Signal("passed", f"{_count(passed, 'check')} passed", " · ".join(one.title for one in passed))
    return Why(
        score=withdrawal.risk_score,
        level=Risk(Level(withdrawal.risk_level), withdrawal.risk_score or 0) if withdrawal.risk_level else None,
        summary=", ".join(part for part in counted if part),
        items=(*said[:MOST_CONCERNS], *([folded] if passed else [])),
        more=tuple(said[MOST_CONCERNS:]),
    )


def _signal(result: CheckResult, withdrawal: Withdrawal, panels: Collection[str]) -> Signal:
    return Signal(
        "note" if result.outcome == "note" else "concern",
        result.title,
        result.sentence,
        result.points,
        tuple(inputs_of(result, withdrawal.currency)),
        _records(result, withdrawal, panels),
    )


# What the indicators count, where it is not what the player asked for before: the heading that it stands under.
_UNDER = {
    "fraud.FR01": "Where the money came from",
    "fraud.FR02": "Where the money came from",
    "fraud.FR03": "Where the money came from",
    "fraud.FR04": "Where the money came from",
    "fraud.FR18": "Linked players",
}
_EARLIER = ("limits", "limits.blocked", "fraud.FR05", "fraud.FR07", "fraud.FR09")


def _records(result: CheckResult, withdrawal: Withdrawal, panels: Collection[str]) -> tuple[str, str] | None:
    if result.code in _EARLIER:
        return "The player’s withdrawals", _listed(withdrawal.player.ref)
    if result.code == "destination.shared":
        return "Withdrawals to these details", _listed(withdrawal.destination.label[-4:])
    if result.code == "incident.open":
        paid = result.evidence.get("withdrawal", withdrawal.ref)
        return str(paid), reverse("withdrawals:record", args=[paid])
    under = _UNDER.get(result.code)
    return (under, f"#panel-{slugify(under)}") if under in panels and under else None


def _listed(term: str) -> str:
    return f"{reverse('withdrawals:queue')}?{urlencode({'view': 'all', 'q': term})}"


def _count(rows: Sequence[Any], word: str) -> str:
    return f"{len(rows)} {word}{'' if len(rows) == 1 else 's'}" if rows else ""
