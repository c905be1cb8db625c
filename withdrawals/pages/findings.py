"""One finding: what the provider said, and who closed it with which words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backoffice.audit import queries as audit
from backoffice.money import format_money
from withdrawals.models import Finding
from withdrawals.operations.findings import subject_of


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


def facts_of(finding: Finding) -> list[tuple[str, str]]:
    """Return what the provider said, in words; what it left out is left out."""
    data: dict[str, Any] = finding.data
    amount = format_money(data["amount"], data["currency"]) if data.get("amount") and data.get("currency") else ""
    told = [
        ("Status told", str(data.get("raw_status") or data.get("status") or "")),
        ("Amount told", amount),
        ("Provider’s reference", str(data.get("provider_reference") or "")),
        ("Happened at", str(data.get("occurred_at") or "")),
    ]
    return [(label, value) for label, value in told if value]
