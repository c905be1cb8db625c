"""What a row of a list shows beside it: the facts and the reasons, without opening or claiming it."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from kyc import queries as kyc
from withdrawals import visibility
from withdrawals.models import Withdrawal
from withdrawals.operations import claims
from withdrawals.pages.why import results_of, why_of
from withdrawals.states import LOOKS, UNDECIDED
from withdrawals.tables.queue import address_of
from withdrawals.visibility import Field


def peek_of(withdrawal: Withdrawal, user: Any, *, view: str, now: datetime) -> dict[str, Any]:
    """Return what this person may know of it at a glance; what they may not see is not looked up."""
    standing = None
    if visibility.sees(user, Field.STANDING):
        standing = kyc.standing_of(withdrawal.player, on=timezone.localdate(now))
    owner = claims.owner_of(withdrawal, now=now)
    undecided = withdrawal.state in UNDECIDED
    return {
        "name": visibility.player_name(user, withdrawal.player),
        "country": withdrawal.player.country if visibility.sees(user, Field.NAME) else "",
        "look": LOOKS[visibility.state_for(user, withdrawal.state, withdrawal.hold_kind)],
        "destination": visibility.destination_words(user, withdrawal),
        "due": undecided and visibility.sees(user, Field.STATE),
        "standing": standing,
        "sees_owner": undecided and visibility.sees(user, Field.OWNER),
        "owner": owner,
        "why": why_of(withdrawal, results_of(withdrawal), user),
        "address": address_of(withdrawal, view),
        "may_claim": undecided and owner is None and claims.may_claim(user) and claims.can_decide(withdrawal, user),
    }
