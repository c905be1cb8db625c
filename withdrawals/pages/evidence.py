"""What the evidence of a withdrawal holds besides what its page shows: inputs of checks, and who decided."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from withdrawals import visibility
from withdrawals.models import CheckResult, Decision, Withdrawal
from withdrawals.operations.decisions import words_of
from withdrawals.pages.inputs import inputs_of
from withdrawals.pages.pending import waiting_facts


@dataclass(frozen=True, slots=True)
class Made:
    """One decision: who and what in words, when, how it ended, and what was written with it."""

    words: str
    at: datetime
    ended: str
    written: list[tuple[str, str]]


def decisions_of(withdrawal: Withdrawal, user: Any) -> list[Made]:
    """Return the decisions that this person may read, the first one first."""
    made = withdrawal.decisions.select_related("actor", "withdrawal").order_by("pk")
    return [
        Made(words_of(one), one.decided_at, Decision.Status(one.status).label, waiting_facts(one))
        for one in made
        if visibility.sees_decision(user, one)
    ]


@dataclass(frozen=True, slots=True)
class Checked:
    """One check as it ran: its answer, and the values that it was made from."""

    result: CheckResult
    inputs: list[tuple[str, str]]


def checks_of(withdrawal: Withdrawal) -> list[Checked]:
    """Return what the last checks said, with their inputs, the heaviest first."""
    rows = withdrawal.check_results.filter(is_current=True).order_by("-points", "pk")
    return [Checked(row, inputs_of(row, withdrawal.currency)) for row in rows]
