"""Is the money going to the player's own, known account?"""

from datetime import datetime, timedelta

from backoffice.ui import inline
from kyc.names import is_same_name
from withdrawals.checks.outcome import Outcome, passed, review
from withdrawals.models import Destination, Withdrawal

# FR10 of the indicator catalogue; the window is practice, not law.
COOLING_TIME = timedelta(hours=72)


def owned(withdrawal: Withdrawal, *, now: datetime) -> Outcome:
    """In the player's name and proved so, shared with nobody, and known for longer than the cooling time."""
    destination = withdrawal.destination
    seen = {
        "label": destination.label,
        "holder": destination.holder_name,
        "owned": destination.owned,
        "first_seen_at": destination.first_seen_at.isoformat(),
    }
    others = (
        Destination.objects.filter(account_digest=destination.account_digest)
        .exclude(player_id=withdrawal.player_id)
        .values("player_id")
        .distinct()
        .count()
    )
    if others:
        players = "1 other player" if others == 1 else f"{others} other players"
        return review(
            "destination.shared",
            "Payout details shared",
            f"{destination.label} is also used by {players}.",
            short=f"{destination.get_method_display()} shared with {players}",
            points=50,
            evidence={**seen, "players": others},
            hold=True,
        )
    if not is_same_name(destination.holder_name, withdrawal.player.name):
        return review(
            "destination.other_name",
            "In another name",
            f"{destination.label} is in the name of {destination.holder_name}, not of {withdrawal.player.name}.",
            short="Payout details in another name",
            points=50,
            evidence=seen,
        )
    if not destination.owned:
        return review(
            "destination.not_owned",
            "Ownership not proved",
            f"{destination.label} is in the name of {destination.holder_name}; ownership is not proved yet.",
            short="Payout details not proved",
            points=10,
            evidence=seen,
        )
    age = withdrawal.requested_at - destination.first_seen_at
    if age < COOLING_TIME:
        age = max(age, timedelta(0))  # the platform may tell of both at once
        return review(
            "destination.new",
            "The payout details are new",
            f"{destination.label} was added {inline.duration(age)} before this request; usual is three days or more.",
            short="New payout details",
            points=25,
            evidence={**seen, "minutes": int(age.total_seconds()) // 60},
        )
    return passed("destination", "Own payout details, known for more than three days", seen)
