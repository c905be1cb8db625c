"""One line per provider: how it is doing, what is there in flight, and what a pause would hold up."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from backoffice.ui.charts import Series, Strip
from providers import queries as providers
from providers import routing
from providers.models import ProviderBalance
from providers.registry import BY_CODE
from providers.states import ProviderState
from withdrawals import in_flight


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
    flights, balances = in_flight.in_flight_by_provider(), providers.balances()
    return [
        _line(status, flights.get(status.code, {}), balances.get(status.code, [])) for status in providers.board(now)
    ]


_CELLS = {
    ProviderState.WORKING: "good",
    ProviderState.SLOW: "slow",
    ProviderState.FAILING: "bad",
    ProviderState.NO_DATA: "none",
}


def day_charts(*, now: datetime) -> list[Strip]:
    """Return the last 24 hours of each provider, by quarters of an hour."""
    return [_day_chart(code, quarters, now) for code, quarters in providers.last_quarters(now).items()]


def _day_chart(code: str, quarters: list[providers.Quarter], now: datetime) -> Strip:
    ends = [now - providers.SHORT * back for back in reversed(range(len(quarters)))]
    states = [quarter.state for quarter in quarters]
    known = [state for state in states if state != ProviderState.NO_DATA]
    ill = [state for state in known if state != ProviderState.WORKING]
    label = label_of(code)
    finding = f"{label}: nothing was sent in 24 hours"
    if known:
        finding = f"{label} worked in {len(known) - len(ill)} of {len(known)} quarter hours"
    if ill:
        since = next(at for at, state in zip(ends, states, strict=True) if state in ill)
        finding += f", first trouble around {timezone.localtime(since):%H:%M}"
    shares = [quarter.share for quarter in quarters]
    return Strip(
        slug=code,
        title=finding,
        summary=f"{finding}. Share of payouts that it took on, 24 hours until {timezone.localtime(now):%H:%M}.",
        slots=tuple(f"until {timezone.localtime(at):%H:%M}" for at in ends),
        series=(
            Series("Taken on", tuple(share.good if share.total else None for share in shares), "first"),
            Series("Sent", tuple(share.total or None for share in shares), "first"),
            Series("Share, %", tuple(share.percent for share in shares), "first"),
        ),
        head="Quarter hour",
        csv_url=reverse("withdrawals:provider-day", args=[code]),
        looks=tuple(_CELLS[state] for state in states),
    )


def label_of(code: str) -> str:
    """Return the name of a provider, or of the switch of all of them. Raises KeyError for an unknown code."""
    return "All payouts" if code == routing.EVERYTHING else BY_CODE[code].label


def effect_of(code: str, *, pause: bool) -> str:
    """Return what a pause, or its end, does to what is approved."""
    stopped = set(routing.paused()) - {code}
    waiting = in_flight.held_up_by(code, stopped=stopped)
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
