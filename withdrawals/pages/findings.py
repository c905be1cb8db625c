"""One finding: what the provider said, and who closed it with which words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backoffice.audit import queries as audit
from backoffice.ui import inline
from withdrawals.models import Finding
from withdrawals.operations.findings import QUESTION, subject_of

# What a status of a provider means to us.
STATUSES = {
    "pending": "Not decided yet",
    "sent": "On its way",
    "paid": "Paid",
    "failed": "Not paid",
    "cancelled": "Cancelled",
    "returned": "Came back",
    "held": "Stopped at the provider",
    "unknown": "Nothing: we do not know this status",
}


@dataclass(frozen=True, slots=True)
class Closing:
    """How a finding ended. ``name`` and ``note`` are empty when what it waited for came."""

    at: datetime
    name: str
    note: str


def closing_of(finding: Finding) -> Closing | None:
    """Return who closed it and why; None while it is open."""
    if finding.resolved_at is None:
        return None
    entries = audit.timeline_of(*subject_of(finding)).filter(action="close_finding", data__finding=finding.pk)
    entry = entries.first()
    return Closing(finding.resolved_at, entry.actor_name if entry else "", entry.reason if entry else "")


def effect_of(finding: Finding) -> str:
    """Return what closing it does, and what it does not do."""
    if finding.kind == QUESTION:
        return "Your answer closes it, and stands on the withdrawal for whoever asked. It moves no money."
    ends = " Payouts to this player go on." if finding.stops_payouts else ""
    return f"Closing moves no money and does not change the withdrawal: it says that somebody looked into this.{ends}"


def facts_of(finding: Finding) -> list[tuple[str, str]]:
    """Return what the provider said, in words; what it left out is left out."""
    data: dict[str, Any] = finding.data
    amount = inline.written(data["amount"], data["currency"]) if data.get("amount") and data.get("currency") else ""
    happened = inline.exact(datetime.fromisoformat(data["occurred_at"])) if data.get("occurred_at") else ""
    told = [
        ("What it means to us", STATUSES.get(data.get("status", ""), "")),
        ("The provider’s own word", str(data.get("raw_status") or "")),
        ("Amount told", amount),
        ("Provider’s reference", str(data.get("provider_reference") or "")),
        ("Happened at", happened),
    ]
    return [(label, value) for label, value in told if value]
