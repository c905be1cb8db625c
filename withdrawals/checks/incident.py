"""Did a provider pay something of this player that our books do not have, and is that still open?"""

from datetime import datetime

from withdrawals.checks.outcome import Outcome, review
from withdrawals.models import Finding, Withdrawal


def none_open(withdrawal: Withdrawal, *, now: datetime) -> list[Outcome]:
    """Nothing to say, unless money of this player may be out and nobody has settled it."""
    finding = (
        Finding.objects.filter(stops_payouts=True, resolved_at=None, withdrawal__player_id=withdrawal.player_id)
        .select_related("withdrawal")
        .order_by("at", "pk")
        .first()
    )
    if finding is None or finding.withdrawal is None:
        return []
    return [
        review(
            "incident.open",
            "Money may be out already",
            f"{finding.withdrawal.ref}: {finding.words} This is still open.",
            short="Money may be out already",
            points=50,
            evidence={"withdrawal": finding.withdrawal.ref, "kind": finding.kind},
        )
    ]
