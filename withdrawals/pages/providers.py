"""One line per provider: how it is doing, what is there in flight, and what a pause would hold up."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from providers import queries as providers
from providers import routing
from providers.models import ProviderBalance
from providers.registry import BY_CODE
from providers.states import ProviderState
from withdrawals import queries


@dataclass(frozen=True, slots=True)
class Line:
    """What the board shows of one provider."""

    code: str
    label: str
    state: ProviderState
    paused_by: str
    paused_at: datetime | None
    reason: str
    success_15m: providers.Share
    success_24h: providers.Share
    median_ms: int | None
    p95_ms: int | None
    in_flight: int
    unknown: int
    oldest_at: datetime | None
    last_webhook_at: datetime | None
    balances: list[ProviderBalance]
    control_page: str


def board(*, now: datetime) -> list[Line]:
    """Return the providers in routing order."""
    flights, balances = queries.in_flight_by_provider(), providers.balances()
    return [
        _line(status, flights.get(status.code, {}), balances.get(status.code, [])) for status in providers.board(now)
    ]


def label_of(code: str) -> str:
    """Return the name of a provider, or of the switch of all of them. Raises KeyError for an unknown code."""
    return "All payouts" if code == routing.EVERYTHING else BY_CODE[code].label


def effect_of(code: str, *, pause: bool) -> str:
    """Return what a pause, or its end, does to what is approved."""
    stopped = set(routing.paused()) - {code}
    waiting = queries.held_up_by(code, stopped=stopped)
    payouts = f"{waiting or 'No'} approved {'payout' if waiting in (0, 1) else 'payouts'}"
    if not pause:
        return f"{payouts} can go out again."
    place = "any provider" if code == routing.EVERYTHING else label_of(code)
    return f"{payouts} will wait. What is with {place} already goes on and is still asked about."


def _line(status: providers.ProviderStatus, flight: dict[str, Any], balances: list[ProviderBalance]) -> Line:
    control = status.control
    return Line(
        code=status.code,
        label=status.label,
        state=providers.state_of(status),
        paused_by=control.paused_by_name if control else "",
        paused_at=control.paused_at if control else None,
        reason=control.reason if control else "",
        success_15m=status.success_15m,
        success_24h=status.success_24h,
        median_ms=status.median_ms,
        p95_ms=status.p95_ms,
        in_flight=flight.get("in_flight", 0),
        unknown=flight.get("unknown", 0),
        oldest_at=flight.get("oldest_at"),
        last_webhook_at=status.last_webhook_at,
        balances=balances,
        control_page=providers.control_page(status.code),
    )
