"""The documents that go in and out. What goes in is strict: nothing unknown, nothing converted."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from backoffice.platform.fields import (
    Account,
    Amount,
    Country,
    CountryOrNone,
    Currency,
    Day,
    Filled140,
    Id,
    Ip,
    Line16,
    Line32,
    Line40,
    Line60,
    Line100,
    Line200,
    Line254,
    Moment,
    OneOrMany,
)

LONGEST_LIST = 500


class Said(BaseModel):
    """A document of the platform."""

    model_config = ConfigDict(extra="forbid")


class VerificationIn(Said):
    kind: Literal["identity", "address", "source_of_funds"] = "identity"
    state: Literal["verified", "pending", "expired", "rejected"]
    level: Annotated[StrictInt, Field(ge=1, le=3)]
    decided_at: Moment
    expires_on: Day | None = None
    vendor: Line40 = ""
    vendor_reference: Line100 = ""


class PlayerIn(Said):
    """What is not said keeps its value; a new player needs a name."""

    name: Line200 | None = None
    email: Line254 | None = None
    phone: Line32 | None = None
    birth_date: Day | None = None
    country: Country | None = None
    city: Line100 | None = None
    language: Line16 | None = None
    jurisdiction: Line32 | None = None
    registered_at: Moment | None = None
    self_excluded: StrictBool | None = None
    verification: VerificationIn | None = None


class DepositIn(Said):
    """``instrument`` is a fingerprint, equal for equal cards or accounts; never a card number."""

    id: Id
    amount: Amount
    currency: Currency
    occurred_at: Moment
    instrument: Line100 = ""
    instrument_label: Line60 = ""


class PlayIn(Said):
    """A settled stake or win of real money, a bonus that was granted, or bonus money that became real."""

    id: Id
    kind: Literal["stake", "win", "bonus", "bonus_convert"]
    amount: Amount
    currency: Currency
    occurred_at: Moment


class LoginIn(Said):
    id: Id
    occurred_at: Moment
    ip: Ip
    device: Line100 = ""
    country: CountryOrNone = ""
    city: Line100 = ""


class DestinationIn(Said):
    """``account``: an IBAN, a card token (tok_visa_4417_…), a wallet address (BTC:bc1q…), PayPal’s e-mail address or
    Stripe’s two ids.
    """

    method: Literal["iban", "card", "wallet", "paypal", "stripe"]
    account: Account
    holder_name: Filled140
    country: CountryOrNone = ""
    owned: StrictBool = False


class WithdrawalIn(Said):
    player_id: Id
    destination_id: Id
    amount: Amount
    currency: Currency


Deposits = Annotated[list[DepositIn], Field(min_length=1, max_length=LONGEST_LIST), OneOrMany()]
Plays = Annotated[list[PlayIn], Field(min_length=1, max_length=LONGEST_LIST), OneOrMany()]
Logins = Annotated[list[LoginIn], Field(min_length=1, max_length=LONGEST_LIST), OneOrMany()]


class PlayerOut(BaseModel):
    id: str
    ref: str
    name: str
    country: str
    self_excluded: bool


class RecordedOut(BaseModel):
    """The ids of the events, in the order sent; the same answer when they were known already."""

    recorded: list[str]


class DestinationOut(BaseModel):
    id: str
    method: str
    label: str
    holder_name: str
    country: str
    owned: bool
    first_seen_at: datetime


class WithdrawalOut(BaseModel):
    """``status_text`` is for the player. ``version`` grows with every change of the status."""

    ref: str
    player_id: str
    status: str
    status_text: str
    version: int
    amount: str
    fee: str
    currency: str
    method: str
    destination_id: str
    destination: str
    requested_at: datetime
    closed_at: datetime | None


class WithdrawalsOut(BaseModel):
    """Newest first; ``next`` is the ``before`` of the following page, or null."""

    withdrawals: list[WithdrawalOut]
    next: str | None


class BalanceOut(BaseModel):
    """``held`` is reserved for withdrawals that are not paid yet."""

    currency: str
    withdrawable: str
    bonus: str
    held: str


class BalancesOut(BaseModel):
    player_id: str
    balances: list[BalanceOut]


class TryOut(BaseModel):
    """One try to deliver; ``status`` is null when there was no HTTP answer."""

    at: datetime
    status: int | None
    words: str
    latency_ms: int


class NotificationOut(BaseModel):
    """``next_try_at`` is null when it was delivered, given up, or there is nobody to tell."""

    id: int
    ref: str
    player_id: str
    version: int
    status: str
    status_text: str
    amount: str
    currency: str
    occurred_at: datetime
    delivered_at: datetime | None
    next_try_at: datetime | None
    tries: list[TryOut]


class NotificationsOut(BaseModel):
    notifications: list[NotificationOut]


class FieldError(BaseModel):
    field: str
    detail: str


class Problem(BaseModel):
    """RFC 9457. ``code`` is stable, ``field`` names what to correct, ``errors`` lists every wrong field."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str
    errors: list[FieldError]
