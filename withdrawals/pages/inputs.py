"""The values that a check was made from, in words. They are stored as numbers, codes and times."""

from datetime import datetime
from typing import Any

from django.conf import settings

from backoffice.ui import inline
from kyc.states import StandingState
from withdrawals.models import CheckResult, Limit

# Which numbers are money, and of which currency.
_OWN_MONEY = {"amount", "last_deposit", "deposits", "stakes", "p95", "median", "balance"}
_HOUSE_MONEY = {"house_value", "house_values"}
_HOUSE_THRESHOLDS = {"fraud.FR02", "fraud.FR07"}
_LABELS = {
    "p95": "Usual at most",
    "median": "Usual amount",
    "threshold": "Limit of the signal",
    "label": "Payout details",
    "owned": "Ownership proved",
    "first_seen_at": "Known since",
}
_COUNT = "_count"


def inputs_of(result: CheckResult, currency: str) -> list[tuple[str, str]]:
    """Return each value as (label, words); what was not there is left out."""
    return [
        (_label(name), _words(result, name, value, currency))
        for name, value in result.evidence.items()
        if value not in (None, [], "")
    ]


def _label(name: str) -> str:
    period, count, _rest = name.partition(_COUNT)
    if period in Limit.Period.values:
        words = Limit.Period(period).label
        return f"Requests in {words}" if count else words[:1].upper() + words[1:]
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _words(result: CheckResult, name: str, value: Any, currency: str) -> str:
    if name.removesuffix(_COUNT) in Limit.Period.values:
        return _usage(value, counted=name.endswith(_COUNT))
    if isinstance(value, list):
        return ", ".join(_words(result, name, one, currency) for one in value)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    house = name in _HOUSE_MONEY or (name == "threshold" and result.code in _HOUSE_THRESHOLDS)
    if isinstance(value, int) and (house or name in _OWN_MONEY):
        return inline.written(value, settings.HOUSE_CURRENCY if house else currency)
    if name == "state" and value in StandingState.values:
        return StandingState(value).label
    if name.endswith("_at"):
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S} UTC"
    return str(value)


def _usage(value: list[int], *, counted: bool) -> str:
    """``€110.00 before, €1,300.00 now, limit €40,000.00``; limits are in the house's currency."""
    before, now, cap = (f"{one:,}" if counted else inline.written(one, settings.HOUSE_CURRENCY) for one in value)
    return f"{before} before, {now} now, limit {cap}"
