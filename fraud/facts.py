"""The catalogue: every fact that an indicator may use, with unit, wording and source.

Facts are computed for one request and kept with the assessment, so that judging them again gives the
same answer. Amounts are minor units of the request's currency; money of other currencies is not
counted. A fact that could not be known is None.
"""

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

DAY = timedelta(days=1)
IN_AND_OUT_WINDOW = timedelta(hours=48)
DEVICE_WINDOW = timedelta(days=30)

# House currency, minor units: the amounts that people may try to stay under. 2,000 is the regulators’
# trigger of customer due diligence, 10,000 our own second approval.
THRESHOLDS = (200_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class EarlierRequest:
    """A request of the same player. ``released``: the money went back (rejected, cancelled, failed)."""

    requested_at: datetime
    amount: int
    currency: str
    reference_amount: int | None = None
    released: bool = False


@dataclass(frozen=True, slots=True)
class PayoutRequest:
    """What is to be judged.

    ``reference_amount`` is the value in house minor units, frozen when the request was made; None
    without a rate. ``balance`` is what the player could have asked for at most, before the request.
    ``earlier`` holds the player's other requests in any order; later ones are ignored.
    """

    amount: int
    currency: str
    requested_at: datetime
    reference_amount: int | None
    balance: int | None
    earlier: tuple[EarlierRequest, ...] = ()
    thresholds: tuple[int, ...] = THRESHOLDS


def fact(words: str, *, unit: str, source: str) -> Any:
    """Declare a fact for the catalogue."""
    return field(metadata={"words": words, "unit": unit, "source": source})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    currency: str = fact("Currency of the request", unit="code", source="request")
    house_currency: str = fact("House currency", unit="code", source="settings")
    requested_at: datetime = fact("Time of the request", unit="time", source="request")
    amount: int = fact("Requested amount", unit="money", source="request")
    reference_amount: int | None = fact("Requested amount, house value", unit="house money", source="request")
    balance: int | None = fact("Balance before the request", unit="money", source="ledger")
    since: datetime | None = fact("Last paid or open request", unit="time", source="requests")
    deposits: int = fact("Deposits since then", unit="money", source="deposits")
    stakes: int = fact("Stakes of real money since then", unit="money", source="play")
    deposits_48h: int = fact("Deposits in 48 hours", unit="money", source="deposits")
    stakes_48h: int = fact("Stakes in 48 hours", unit="money", source="play")
    last_deposit: int | None = fact("Last deposit", unit="money", source="deposits")
    last_deposit_at: datetime | None = fact("Time of the last deposit", unit="time", source="deposits")
    requests_24h: int = fact("Requests in 24 hours, with this one", unit="count", source="requests")
    requests_7d: int = fact("Requests in 7 days, with this one", unit="count", source="requests")
    previous_request_at: datetime | None = fact("Previous request", unit="time", source="requests")
    house_values_7d: list[int] | None = fact(
        "Standing requests in 7 days, with this one", unit="house money", source="requests"
    )
    thresholds: list[int] = fact("Thresholds to stay under", unit="house money", source="policy")
    usual_count: int = fact("Earlier standing requests", unit="count", source="requests")
    usual_median: int | None = fact("Median of those", unit="money", source="requests")
    usual_p95: int | None = fact("95th percentile of those", unit="money", source="requests")
    device_players: int | None = fact("Players on the most shared device", unit="count", source="logins")

    def house_value(self, amount: int) -> int | None:
        """Return an amount of the request's currency at the request's own rate, in house minor units."""
        return None if self.reference_amount is None else amount * self.reference_amount // self.amount

    def to_json(self) -> dict[str, Any]:
        """Return the facts as they are stored with an assessment."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in dataclasses.asdict(self).items()
        }
