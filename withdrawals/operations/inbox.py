"""The webhook inbox: what a provider told us was stored raw first; here it is read and applied, in order of arrival.

A webhook that does not say how the payout stands (a thin event) makes us ask; the answer is applied in its place.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from providers import gateway
from providers.contract import Declined, PayoutReceipt, ProviderError, ProviderEvent, ThinEvent, WebhookRejected
from providers.models import WebhookDelivery
from withdrawals.operations import findings, receipts, work

logger = logging.getLogger(__name__)

BATCH = 50
# An unknown reference may be about an attempt that our own transaction is just committing.
SECOND_LOOK = timedelta(seconds=60)
FIRST_REST = timedelta(seconds=30)
# What became of one event.
APPLIED, NOT_OURS, AGAIN = "applied", "not ours", "again"
Asked = Mapping[ThinEvent, PayoutReceipt | None]  # None: the provider knows of no such payout


def apply_due(*, clock: work.Clock) -> int:
    """Apply stored, verified webhooks until none is due or the time budget is spent; return how many."""
    until = clock() + work.BUDGET
    done = 0
    while clock() < until:
        keys = gateway.due_deliveries(now=clock(), most=BATCH)
        if not keys:
            break
        for pk in keys:
            if clock() >= until:
                break  # asking may have taken long
            try:
                apply_delivery(pk, now=clock())
            except Exception:
                logger.exception("Webhook %s could not be applied; it comes round again.", pk)
                _look_again_later(pk, now=clock())
            done += 1
    return done


def apply_delivery(pk: int, *, now: datetime) -> None:
    """Apply one stored webhook in one transaction; a second worker that meets it passes by."""
    unasked = _apply_stored(pk, {}, now=now)
    if not unasked:
        return
    try:
        asked = {event: _ask(provider, event, now=now) for provider, event in unasked}
    except ProviderError:
        _look_again_later(pk, now=now)  # why stands in the log of calls
        return
    _apply_stored(pk, asked, now=now)


def _apply_stored(pk: int, asked: Asked, *, now: datetime) -> list[tuple[str, ThinEvent]]:
    """Apply the webhook, or return what must be asked first: no provider is called while a row is locked."""
    with transaction.atomic():
        delivery = gateway.take_delivery(pk)
        if delivery is None:
            return []
        try:
            events = gateway.read_events(delivery)
        except WebhookRejected as rejection:
            gateway.mark_applied(delivery, outcome=f"unreadable: {rejection}", now=now)
            return []
        unasked = [(delivery.provider, one) for one in events if isinstance(one, ThinEvent) and one not in asked]
        if unasked:
            return unasked
        answers = [_apply(delivery, event, asked, now=now) for event in events]
        if AGAIN in answers:
            gateway.postpone_delivery(pk, until=now + SECOND_LOOK)
        else:
            gateway.mark_applied(delivery, outcome=", ".join(answers), now=now)
    return []


def _ask(provider: str, event: ThinEvent, *, now: datetime) -> PayoutReceipt | None:
    """How the payout stands that a thin event names; None if the provider does not know it (yet)."""
    try:
        return gateway.look_up(provider, event, now=now)
    except Declined as declined:
        if declined.status != 404:
            raise
        return None


def _apply(delivery: WebhookDelivery, event: ProviderEvent | ThinEvent, asked: Asked, *, now: datetime) -> str:
    """Apply one event; AGAIN when it should be looked at once more a little later."""
    if isinstance(event, ThinEvent):
        receipt, source = asked[event], "poll"
    else:
        receipt, source = event.receipt, "webhook"
    attempt = receipts.find_attempt(delivery.provider, receipt) if receipt else None
    if receipt and attempt:
        receipts.apply(attempt, receipt, now=now, source=source)
        return APPLIED
    if now - delivery.received_at < SECOND_LOOK:
        return AGAIN
    if receipt:
        findings.report_stranger(delivery.provider, receipt, key=event.event_id, now=now)
    return NOT_OURS


def _look_again_later(pk: int, *, now: datetime) -> None:
    """Let it rest for as long as it has been here already, so that one that never works costs less and less."""
    received_at = WebhookDelivery.objects.values_list("received_at", flat=True).get(pk=pk)
    gap = min(max(now - received_at, FIRST_REST), work.LONGEST_GAP)
    gateway.postpone_delivery(pk, until=now + gap)
