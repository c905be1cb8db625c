"""Did a provider pay something of this player that our books do not have, and is that still open?"""

from datetime import datetime

from withdrawals import queries
from withdrawals.checks.outcome import Outcome, review
from withdrawals.models import Withdrawal


def none_open(withdrawal: Withdrawal, *, now: datetime) -> list[Outcome]:
    """Nothing to say, unless money of this player may be out and nobody has settled it."""
    finding = queries.stopping_payouts_of(withdrawal.player_id).first()
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
