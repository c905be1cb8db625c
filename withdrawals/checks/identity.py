"""Is the KYC standing good enough?"""

from datetime import datetime

from django.utils import timezone

from kyc import queries as kyc
from kyc.models import Player
from kyc.states import Standing
from withdrawals.checks.outcome import Outcome, note, passed, review
from withdrawals.models import Withdrawal


def verified(withdrawal: Withdrawal, *, now: datetime) -> Outcome:
    """The player's identity must be verified and the document valid on the day."""
    return judge(withdrawal.player, kyc.standing_of(withdrawal.player, on=timezone.localdate(now)))


def judge(player: Player, standing: Standing) -> Outcome:
    """Return what a known standing means for the payout."""
    evidence = {
        "state": standing.state,
        "level": standing.level,
        "expires_on": str(standing.expires_on or ""),
    }
    said = standing.words[:1].lower() + standing.words[1:]
    if not standing.ok:
        return review(
            "identity",
            f"Identity {said}",
            f"The player’s identity is not verified: {said}.",
            short=f"Identity {said}",
            evidence=evidence,
        )
    if player.self_excluded or player.suspended:
        return note(
            "identity",
            "Self-excluded or suspended player",
            "The payout goes on as usual: an exclusion never blocks the player’s own money.",
            evidence=evidence,
        )
    return passed("identity", f"Identity {said}", evidence)
