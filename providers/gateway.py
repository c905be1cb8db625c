"""The way to the providers: every call is timed, logged and kept out of transactions, every webhook stored.

Calls raise the contract's errors and nothing else that a provider could cause.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction

from backoffice.money import EXPONENTS
from providers import registry, routing
from providers.contract import (
    Balance,
    CancelResult,
    CannotTell,
    Declined,
    Duplicate,
    Misconfigured,
    NotAccepted,
    NotSent,
    OutcomeUnknown,
    PayoutInstruction,
    PayoutReceipt,
    Probe,
    ProviderError,
    ProviderEvent,
    ThinEvent,
    VerifiedWebhook,
    WebhookRejected,
)
from providers.http import Exchange, recording
from providers.models import CallOutcome, ProviderBalance, ProviderCall, Verb, WebhookDelivery

MAX_WEBHOOK_BYTES = 256 * 1024
# Anybody can send what is refused: enough of it is kept, and for long enough, to look at, and no more.
REFUSED_KEPT_BYTES = 4 * 1024
REFUSED_KEPT_TIME = timedelta(days=30)
T = TypeVar("T")

_OUTCOMES: dict[type[ProviderError], CallOutcome] = {
    NotSent: CallOutcome.NOT_SENT,
    NotAccepted: CallOutcome.NOT_ACCEPTED,
    Declined: CallOutcome.DECLINED,
    Duplicate: CallOutcome.DUPLICATE,
    OutcomeUnknown: CallOutcome.UNKNOWN,
    Misconfigured: CallOutcome.MISCONFIGURED,
}


def create_payout(code: str, instruction: PayoutInstruction, *, now: datetime) -> PayoutReceipt:
    """Send one payout, once. Raises NotSent, NotAccepted, Declined, Duplicate, OutcomeUnknown, Misconfigured.

    A provider that is paused is not called: NotSent. An answer that speaks of another payout or another
    amount is OutcomeUnknown.
    """
    _require_no_transaction()
    if {code, routing.EVERYTHING} & routing.paused().keys():
        raise NotSent("payouts by this provider are paused")
    adapter = registry.provider(code)

    def create() -> PayoutReceipt:
        receipt = adapter.create_payout(instruction)
        if not receipt.agrees_with(instruction):
            raise OutcomeUnknown("the answer speaks of another payout")
        return receipt

    return _logged(code, Verb.CREATE, instruction.key, create, now=now)


def get_status(code: str, instruction: PayoutInstruction, *, now: datetime) -> PayoutReceipt:
    """Ask how the payout stands. Raises as create_payout(); Declined with status 404: not known there."""
    adapter = registry.provider(code)
    return _logged(code, Verb.STATUS, instruction.key, lambda: adapter.get_status(instruction), now=now)


def probe(code: str, instruction: PayoutInstruction, *, now: datetime) -> Probe:
    """Ask whether a create arrived. NotFound counts only after the capabilities' visibility delay."""
    adapter = registry.provider(code)
    return _logged(code, Verb.PROBE, instruction.key, lambda: adapter.probe(instruction), now=now)


def look_up(code: str, event: ThinEvent, *, now: datetime) -> PayoutReceipt:
    """Ask how the payout stands that a thin event names, whether it is ours or not. Raises as get_status()."""
    adapter = registry.provider(code)
    return _logged(code, Verb.STATUS, "", lambda: adapter.look_up(event.provider_reference), now=now)


def cancel(code: str, instruction: PayoutInstruction, *, now: datetime) -> CancelResult:
    """Ask to take the payout back. ACCEPTED is no proof that it will not be paid."""
    adapter = registry.provider(code)
    return _logged(code, Verb.CANCEL, instruction.key, lambda: adapter.cancel(instruction), now=now)


def balance(code: str, *, now: datetime) -> list[Balance]:
    """Our float there, minor units; also the health call. Raises as create_payout()."""
    return _logged(code, Verb.BALANCE, "", registry.provider(code).balance, now=now)


def read_balances(*, now: datetime) -> None:
    """Ask every provider that can tell for our float and keep what it says, for routing.

    Of one that gives no answer the last balance stays, and soon is too old to count.
    """
    for registered in registry.PROVIDERS:
        if not registered.capabilities.balance:
            continue
        try:
            told = {line.currency: line for line in balance(registered.code, now=now) if line.currency in EXPONENTS}
        except ProviderError:
            continue  # stands in the log of calls
        ProviderBalance.objects.bulk_create(
            [
                ProviderBalance(provider=registered.code, currency=currency, available=line.available, as_of=line.as_of)
                for currency, line in told.items()
            ],
            update_conflicts=True,
            unique_fields=["provider", "currency"],
            update_fields=["available", "as_of"],
        )


def _logged(code: str, verb: Verb, key: str, call: Callable[[], T], *, now: datetime) -> T:
    _require_no_transaction()
    with recording() as exchanges:
        try:
            result = call()
        except ProviderError as error:
            _log(code, verb, key, exchanges, _OUTCOMES[type(error)], error.words, now)
            raise
    if isinstance(result, CannotTell):
        outcome, words = CallOutcome.UNKNOWN, result.words
    elif result is CancelResult.UNKNOWN:
        outcome, words = CallOutcome.UNKNOWN, ""
    else:
        outcome = CallOutcome.ANSWERED
        words = result.raw_status if isinstance(result, PayoutReceipt) else ""
    _log(code, verb, key, exchanges, outcome, words, now)
    return result


def _log(
    code: str,
    verb: Verb,
    key: str,
    exchanges: list[Exchange],
    outcome: CallOutcome,
    words: str,
    now: datetime,
) -> None:
    """One row per call; where it took several requests, the first names it and all count for the time."""
    first = exchanges[0] if exchanges else Exchange("", "", None, 0)
    ProviderCall.objects.create(
        provider=code,
        verb=verb,
        key=key,
        method=first.method,
        path=first.path,
        status=first.status,
        latency_ms=sum(exchange.latency_ms for exchange in exchanges),
        outcome=outcome,
        words=words[:200],
        at=now,
    )


def _require_no_transaction() -> None:
    try:
        # Durable blocks are what Django refuses inside a transaction; a test case's own does not count.
        with transaction.atomic(durable=True):
            pass
    except RuntimeError as error:
        raise RuntimeError("a provider must not be called inside a transaction: it would hold its locks") from error


@dataclass(frozen=True, slots=True)
class Reception:
    """What became of a webhook: our HTTP answer, and the stored delivery unless nobody could own it."""

    http_status: int
    delivery: WebhookDelivery | None
    is_new: bool  # verified and seen for the first time: to be applied


def receive_webhook(
    code: str, headers: Mapping[str, str] | Iterable[tuple[str, str]], body: bytes, now: datetime
) -> Reception:
    """Verify on the raw bytes, store, and say how to answer. Interprets nothing.

    Verified: 202, whatever applying it later does, so that a repeat is answered as the first time.
    Refused: 401, or 413 above MAX_WEBHOOK_BYTES.
    """
    if not registry.is_configured(code):
        return Reception(404, None, False)
    adapter = registry.provider(code)
    wanted = _wanted(headers, adapter.webhook_headers)
    if len(body) > MAX_WEBHOOK_BYTES:
        return _refuse(code, wanted, body, now, verdict="the body is larger than 256 KB", http_status=413)
    verdict = adapter.verify_webhook(wanted, body, now)
    if isinstance(verdict, WebhookRejected):
        return _refuse(code, wanted, body, now, verdict=verdict.words, http_status=401)
    delivery, is_new = WebhookDelivery.objects.get_or_create(
        provider=code,
        event_id=verdict.event_id,
        defaults={
            "received_at": now,
            "apply_after": now,
            "headers": wanted,
            "body": body,
            "verified": True,
            "http_status": 202,
        },
    )
    return Reception(delivery.http_status, delivery, is_new)


def due_deliveries(*, now: datetime, most: int) -> list[int]:
    """Keys of verified webhooks that are to be applied now, in order of arrival."""
    due = WebhookDelivery.objects.filter(verified=True, applied_at=None, apply_after__lte=now)
    return list(due.order_by("apply_after", "pk").values_list("pk", flat=True)[:most])


def take_delivery(pk: int) -> WebhookDelivery | None:
    """Lock one webhook that is still to be applied; None if somebody else has or had it."""
    due = WebhookDelivery.objects.filter(pk=pk, verified=True, applied_at=None)
    return due.select_for_update(skip_locked=True).first()


def postpone_delivery(pk: int, *, until: datetime) -> None:
    """Look at it again later."""
    WebhookDelivery.objects.filter(pk=pk).update(apply_after=until)


def forget_refused(*, now: datetime) -> int:
    """Delete the refused webhooks that nobody will look at any more; return how many."""
    old = WebhookDelivery.objects.filter(verified=False, received_at__lt=now - REFUSED_KEPT_TIME)
    return old.delete()[0]


def read_events(delivery: WebhookDelivery) -> Sequence[ProviderEvent | ThinEvent]:
    """What a stored delivery reports. Raises WebhookRejected if it was refused or cannot be understood."""
    if not delivery.verified:
        raise WebhookRejected("the delivery was refused")
    verified = VerifiedWebhook(event_id=delivery.event_id, body=bytes(delivery.body))
    return registry.provider(delivery.provider).parse_webhook(verified)


def mark_applied(delivery: WebhookDelivery, *, outcome: str, now: datetime) -> None:
    """Note what applying did."""
    delivery.applied_at, delivery.outcome = now, outcome[:200]
    delivery.save(update_fields=["applied_at", "outcome"])


def _refuse(
    code: str, headers: dict[str, str], body: bytes, now: datetime, *, verdict: str, http_status: int
) -> Reception:
    # Under an id of our own: a forgery must not take the place of the event whose id it claims.
    digest = hashlib.sha256(repr(sorted(headers.items())).encode() + b"\n" + body).hexdigest()
    delivery, _ = WebhookDelivery.objects.get_or_create(
        provider=code,
        event_id=f"refused {digest}",
        defaults={
            "received_at": now,
            "apply_after": now,
            "headers": headers,
            "body": body[:REFUSED_KEPT_BYTES],
            "verified": False,
            "verdict": verdict,
            "http_status": http_status,
        },
    )
    return Reception(delivery.http_status, delivery, False)


def _wanted(headers: Mapping[str, str] | Iterable[tuple[str, str]], names: tuple[str, ...]) -> dict[str, str]:
    """The headers that count, by lower-case name; one that was sent twice is joined by a comma."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    found: dict[str, str] = {}
    for name, value in pairs:
        name = name.lower()
        if name in names:
            # What is not printable ASCII cannot be genuine, but must fit the database.
            value = value.encode("ascii", "backslashreplace").decode()[:1000].replace("\x00", "\\0")
            found[name] = f"{found[name]},{value}" if name in found else value
    return found
