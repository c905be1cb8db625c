"""What each provider declares that it can do, in words: why a payout goes there, is repeated, or waits for a person."""

from dataclasses import dataclass
from datetime import timedelta

from backoffice.ui.inline import duration
from providers.contract import Capabilities
from providers.registry import PROVIDERS
from withdrawals.models.destination import Method

_LOOKUPS = {
    "by_our_reference": "By our key",
    "by_provider_id": "Only by its own reference",
    "by_repeat_create": "Only by sending the same again",
    "none": "Not at all",
}


@dataclass(frozen=True, slots=True)
class Ability:
    """One provider's line; every field but `label` is a sentence for people."""

    label: str
    pays: str
    again: str
    found: str
    failed: str
    told: str


def abilities() -> list[Ability]:
    """Return what the providers of this installation can do, in the order in which they are tried."""
    return [_ability(registered.label, registered.capabilities) for registered in PROVIDERS]


def _ability(label: str, can: Capabilities) -> Ability:
    methods = [f"{Method(method).label}: {', '.join(currencies)}" for method, currencies in can.pays.items()]
    found = _LOOKUPS[can.lookup]
    if can.visibility_delay > timedelta(0):
        found += f"; not found counts after {duration(can.visibility_delay)}"
    return Ability(
        label=label,
        pays=" · ".join(methods),
        again=_again(can),
        found=found,
        failed="Is final" if can.failed_is_final else "May still be paid",
        told="An old one is refused" if can.signs_time else "An old one counts once, by its content",
    )


def _again(can: Capabilities) -> str:
    return f"Safe for {_days(can.idempotency_window)} under its key" if can.may_repeat else "Never: it may pay twice"


def _days(window: timedelta) -> str:
    return f"{window.days} days" if window.days > 1 else duration(window)
