"""Did a provider pay this player although the money was back in the balance, and is that still open?"""

from datetime import datetime

from withdrawals.checks.outcome import Outcome, review
from withdrawals.models import Finding, Withdrawal


def none_open(withdrawal: Withdrawal, *, now: datetime) -> list[Outcome]:
    """Nothing to say, unless the player was overpaid and nobody has settled it."""
    overpaid = (
        Finding.objects.filter(kind="paid_after_release", resolved_at=None, withdrawal__player_id=withdrawal.player_id)
        .select_related("withdrawal")
        .order_by("at", "pk")
        .first()
    )
    if overpaid is None or overpaid.withdrawal is None:
        return []
    return [
        review(
            "incident.overpaid",
            "Paid although given back",
            f"{overpaid.withdrawal.ref} was paid although its money had gone back to the player. This is still open.",
            short="Overpaid before",
            points=50,
        )
    ]
