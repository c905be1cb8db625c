"""Where the money goes, and who would pay it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backoffice.ui import inline
from kyc.names import is_same_name
from providers import queries as providers
from providers.registry import BY_CODE
from withdrawals import in_flight, visibility
from withdrawals.checks.destination import COOLING_TIME
from withdrawals.models import Method, Withdrawal
from withdrawals.states import UNDECIDED, State
from withdrawals.visibility import Field

A_MINUTE = timedelta(minutes=1)
_ACCOUNT_WORDS = {
    Method.IBAN: "account",
    Method.CARD: "card",
    Method.WALLET: "wallet",
    Method.PAYPAL: "account",
    Method.STRIPE: "payout method",
}


@dataclass(frozen=True, slots=True)
class Route:
    """Where the money goes. ``match`` compares the holder's name with the player's; None: not shown."""

    method: str
    account_word: str
    destination: str
    holder: str
    match: bool | None
    owned: bool
    first_seen_at: datetime
    is_new: bool
    provider: str
    trouble: str
    fee: int
    # What was deposited from the same card or account, and how long the provider usually takes; in words.
    deposited: str
    typical: str
    # What an approved one will wait for, when nobody else could pay it.
    wait: str

    @property
    def match_words(self) -> str:
        return f"{self.holder}, {'matches' if self.match else 'differs from the player’s name'}"

    @property
    def provider_words(self) -> str:
        return f"{self.provider}, {self.trouble or 'working'}"


def route_of(withdrawal: Withdrawal, user: Any, *, now: datetime) -> Route:
    destination = withdrawal.destination
    code = withdrawal.provider or next(iter(withdrawal.routes), "")
    troubles = providers.troubles(now)
    trouble = troubles.get(code)
    named = visibility.sees(user, Field.NAME)
    # Which provider pays it is open while none of them can.
    waits = withdrawal.state == State.APPROVED and withdrawal.wait_reason and visibility.sees(user, Field.STATE)
    open_ = withdrawal.state in (*UNDECIDED, State.ON_HOLD)
    same = is_same_name(destination.holder_name, withdrawal.player.name)
    deposited, typical = in_flight.known_of_route(withdrawal, code, now=now) if open_ else (0, None)
    return Route(
        method=withdrawal.get_method_display(),
        account_word=_ACCOUNT_WORDS[Method(withdrawal.method)],
        destination=visibility.destination_words(user, withdrawal),
        holder=destination.holder_name if named else "",
        match=same if named else None,
        owned=destination.owned,
        first_seen_at=destination.first_seen_at,
        is_new=withdrawal.requested_at - destination.first_seen_at < COOLING_TIME,
        provider="" if waits else provider_label(code),
        trouble=trouble.word if trouble else "",
        fee=withdrawal.fee,
        deposited=_deposited(deposited, withdrawal.currency) if open_ and named else "",
        typical=f"typically {_within(typical)}" if typical is not None else "",
        wait=_wait(withdrawal.routes, troubles) if withdrawal.state in UNDECIDED else "",
    )


def _deposited(total: int, currency: str) -> str:
    """Whether the money goes back where money came from: the rule of the closed loop, as a fact."""
    return f"Yes, {inline.written(total, currency)}" if total else "No deposit came from it"


def _within(took: timedelta) -> str:
    return inline.duration(took) if took >= A_MINUTE else "within a minute"


def _wait(routes: Sequence[str], troubles: Mapping[str, providers.Trouble]) -> str:
    if not routes or not all(code in troubles and troubles[code].is_pause for code in routes):
        return ""
    if providers.global_stop() is not None:
        return "It will wait until all payouts are resumed."
    return f"It will wait until {' or '.join(provider_label(code) for code in routes)} is resumed."


def provider_label(code: str) -> str:
    return BY_CODE[code].label if code in BY_CODE else code
