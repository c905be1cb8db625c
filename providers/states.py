"""How a provider is doing, in words. The rule is providers.queries.state_of()."""

from dataclasses import dataclass
from enum import StrEnum

# Under this share of creates taken on, out of at least so many, a provider is failing: our own choice.
WELL_FROM, FEWEST_CREATES = 90, 5
# From this median of the last 15 minutes on it is slow: our own choice.
SLOW_FROM_MS = 3_000


class ProviderState(StrEnum):
    WORKING = "working"
    SLOW = "slow"
    FAILING = "failing"
    PAUSED = "paused"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Look:
    """Word, icon, tone and one line of help."""

    label: str
    icon: str
    tone: str
    help: str


LOOKS: dict[ProviderState, Look] = {
    ProviderState.WORKING: Look("Working", "okc", "success", "Takes payouts on as usual."),
    ProviderState.SLOW: Look(
        "Slow", "clock", "attn", f"Half of the last 15 minutes’ answers took {SLOW_FROM_MS / 1000:g} seconds or more."
    ),
    ProviderState.FAILING: Look(
        "Failing", "warn", "danger", f"Under {WELL_FROM} % of the last 15 minutes’ payouts taken on."
    ),
    ProviderState.PAUSED: Look("Paused", "pause", "attn", "Nothing new is sent; what is there is still asked about."),
    ProviderState.NO_DATA: Look("No data", "help", "neutral", "Nothing was sent in 24 hours, so nobody knows."),
}
