"""What every provider understands: an instruction in, a receipt out, and a closed list of errors.

The one rule: after a create that may have reached the provider, the only allowed next step is to ask, or
to repeat the very same request under the same key where the capabilities allow it. Pure: no Django here.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar


class PayoutStatus(StrEnum):
    """Where a payout stands at the provider. PAID may still become RETURNED; FAILED is only a claim."""

    PENDING = "pending"
    SENT = "sent"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    HELD = "held"
    UNKNOWN = "unknown"  # a status that the adapter does not know; never to be guessed at


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutInstruction:
    """What we ask a provider. The same key with the same content is the same payout for ever."""

    key: str  # the attempt's idempotency key
    reference: str  # the withdrawal's reference
    attempt_number: int
    amount: int  # minor units
    currency: str
    method: str  # iban, card, wallet, stripe
    account: str = field(repr=False)
    holder_name: str = field(repr=False)
    country: str = ""
    provider_reference: str | None = None  # once the provider has named the payout


LONGEST_REFERENCE = 120  # of a provider's own reference, as it is stored


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutReceipt:
    """What a provider last told us about one payout, normalised. `raw_status` is its own word.

    Raises ValueError for a reference that could not be stored: such an answer is one that cannot be read.
    """

    status: PayoutStatus
    provider_reference: str
    reference: str  # ours
    key: str
    amount: int  # minor units
    currency: str
    reason_code: str = ""
    reason_words: str = ""
    occurred_at: datetime | None = None
    sequence: int | None = None  # counts up per payout where the provider counts
    raw_status: str = ""

    def __post_init__(self) -> None:
        if len(self.provider_reference) > LONGEST_REFERENCE:
            raise ValueError("the provider's reference is too long")

    def agrees_with(self, instruction: PayoutInstruction) -> bool:
        """Whether the receipt speaks of this instruction's money and nothing else."""
        return (self.reference, self.key, self.amount, self.currency) == (
            instruction.reference,
            instruction.key,
            instruction.amount,
            instruction.currency,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEvent:
    """One thing a webhook reports. Unknown kinds are kept, with a receipt of status UNKNOWN."""

    event_id: str
    kind: str  # the provider's own word
    receipt: PayoutReceipt


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinEvent:
    """A webhook that says only that something happened to a payout; how that stands is to be asked."""

    event_id: str
    kind: str  # the provider's own word
    provider_reference: str

    def __post_init__(self) -> None:
        if len(self.provider_reference) > LONGEST_REFERENCE:
            raise ValueError("the provider's reference is too long")


@dataclass(frozen=True, slots=True)
class Found:
    receipt: PayoutReceipt


@dataclass(frozen=True, slots=True)
class NotFound:
    """The provider says it has nothing. Only after its visibility delay does that mean anything."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    words: str
    several: tuple[PayoutReceipt, ...] = ()  # the payouts under our key, where there is more than the one


Probe = Found | NotFound | CannotTell


class CancelResult(StrEnum):
    ACCEPTED = "accepted"  # a promise, not an outcome: the payout may be paid all the same
    TOO_LATE = "too_late"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Balance:
    """Our float at a provider in one currency, minor units."""

    currency: str
    available: int
    pending: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class VerifiedWebhook:
    """A webhook whose signature and time hold; nothing has been read from its body yet."""

    event_id: str
    body: bytes = field(repr=False)


class ProviderError(Exception):
    """What can go wrong with a call. `status` is the HTTP status, if one came; `words` are ours."""

    def __init__(self, words: str, *, status: int | None = None):
        super().__init__(words)
        self.words = words
        self.status = status


class NotSent(ProviderError):
    """The request provably never left. Same key later; another provider is allowed."""


class NotAccepted(ProviderError):
    """The provider says it did nothing. Same key after `retry_after` seconds (None: not told)."""

    def __init__(self, words: str, *, status: int | None = None, retry_after: int | None = None):
        super().__init__(words, status=status)
        self.retry_after = retry_after


class Declined(ProviderError):
    """A definite no to this payout; no money moved.

    With `for_provider_reasons` the payout itself is fine and another provider may pay it, for example
    because our float there is too small.
    """

    def __init__(self, words: str, *, code: str, status: int | None = None, for_provider_reasons: bool = False):
        super().__init__(words, status=status)
        self.code = code
        self.for_provider_reasons = for_provider_reasons


class Duplicate(ProviderError):
    """There is a payout under this key already: ask how it stands and adopt it. No failure."""

    def __init__(self, words: str, *, provider_reference: str | None = None, status: int | None = None):
        super().__init__(words, status=status)
        fits = provider_reference is not None and len(provider_reference) <= LONGEST_REFERENCE
        self.provider_reference = provider_reference if fits else None  # of that payout, where it was told


class OutcomeUnknown(ProviderError):
    """It may have been executed. Ask; never send under another key or elsewhere."""


class Misconfigured(ProviderError):
    """Our credentials or setup; nothing was executed and no payout will be until a person acts."""


class WebhookRejected(ProviderError):
    """The webhook is not to be believed, or not to be read; the words say why without quoting it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Smallest and largest payout in minor units; None: no largest."""

    minimum: int
    maximum: int | None = None


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a provider can do, as plain data: routing and asking decide by it, the contract's tests demand it."""

    pays: Mapping[str, Mapping[str, Limits]]  # method -> currency -> limits; what is absent is not paid
    countries: frozenset[str] | None = None  # of destinations; None: everywhere
    idempotency: str = "none"  # header, body field, none
    idempotency_window: timedelta = timedelta(0)
    may_repeat: bool = False  # the same bytes under the same key, inside the window, are safe after any error
    # by_our_reference, by_provider_id, by_repeat_create, none. By repeating: until the provider has named the payout
    # probe() cannot tell, and the very same request, made only where may_repeat allows it, is all there is to ask with.
    lookup: str = "none"
    visibility_delay: timedelta = timedelta(0)  # a "not found" younger than this means nothing
    balance: bool = False  # our float there can be asked for
    failed_is_final: bool = False  # FAILED is proof of non-payment
    signs_time: bool = True  # of a webhook, so that an old one is refused; else only its id tells that it is old

    @property
    def currencies(self) -> frozenset[str]:
        return frozenset(currency for limits in self.pays.values() for currency in limits)

    def problem_with(self, *, method: str, currency: str, amount: int, country: str = "") -> str:
        """Why such a payout cannot be made here, as a predicate ("does not …"); empty if it can."""
        if method not in self.pays:
            return f"does not pay by {method}"
        if (limits := self.pays[method].get(currency)) is None:
            return f"does not pay {currency} by {method}"
        if country and self.countries is not None and country not in self.countries:
            return f"does not pay to {country}"
        if amount < limits.minimum:
            return "does not pay so little"
        if limits.maximum is not None and amount > limits.maximum:
            return "does not pay so much at once"
        return ""


class Provider(ABC):
    """One provider as we use it. Instances are shared by threads and hold no state of a payout.

    get_status() and cancel() are what real providers need besides; asking gets by with probe() today.
    """

    code: str
    capabilities: Capabilities
    webhook_headers: ClassVar[tuple[str, ...]] = ()  # lower case; all that verify_webhook() is handed

    @abstractmethod
    def create_payout(self, instruction: PayoutInstruction) -> PayoutReceipt:
        """Send the instruction once. Raises any ProviderError but WebhookRejected."""

    @abstractmethod
    def get_status(self, instruction: PayoutInstruction) -> PayoutReceipt:
        """Ask by the provider's id, else by our key. Raises Declined with status 404 if it is unknown."""

    @abstractmethod
    def probe(self, instruction: PayoutInstruction) -> Probe:
        """Ask whether a create arrived, by our key or the provider's id; moves nothing. Never raises."""

    @abstractmethod
    def cancel(self, instruction: PayoutInstruction) -> CancelResult:
        """Ask to take the payout back. Never raises."""

    @abstractmethod
    def balance(self) -> list[Balance]:
        """Our float; cheap, authenticated and moves nothing, so it serves as the health call."""

    @abstractmethod
    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> VerifiedWebhook | WebhookRejected:
        """Check signature and time on the raw bytes. Answers the rejection, never raises."""

    @abstractmethod
    def parse_webhook(self, verified: VerifiedWebhook) -> Sequence[ProviderEvent | ThinEvent]:
        """Read a verified body. Raises WebhookRejected if it cannot be understood, nothing else."""

    def look_up(self, provider_reference: str) -> PayoutReceipt:
        """Ask about the payout that a thin event names, whoever asked for it. Raises as get_status().

        Of use to those alone whose webhooks are thin.
        """
        raise NotImplementedError
