"""The webhook inbox: what a provider told us was stored raw first; here it is read and applied, in order of arrival."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from providers import gateway
from providers.contract import ProviderEvent, WebhookRejected
from providers.models import WebhookDelivery
from withdrawals.operations import findings, receipts, work

logger = logging.getLogger(__name__)

BATCH = 50
# An unknown reference may be about an attempt that our own transaction is just committing.
SECOND_LOOK = timedelta(seconds=60)
FIRST_REST = timedelta(seconds=30)
# What became of one event.
APPLIED, NOT_OURS, AGAIN = "applied", "not ours", "again"


def apply_due(*, clock: work.Clock) -> int:
    """Apply stored, verified webhooks until none is due or the time budget is spent; return how many."""
    until = clock() + work.BUDGET
    done = 0
    while clock() < until:
        keys = gateway.due_deliveries(now=clock(), most=BATCH)
        if not keys:
            break
        for pk in keys:
            try:
                apply_delivery(pk, now=clock())
            except Exception:
                logger.exception("Webhook %s could not be applied; it comes round again.", pk)
                _look_again_later(pk, now=clock())
            done += 1
    return done


def apply_delivery(pk: int, *, now: datetime) -> None:
    """Apply one stored webhook in one transaction; a second worker that meets it passes by."""
    with transaction.atomic():
        delivery = gateway.take_delivery(pk)
        if delivery is None:
            return
        try:
            events = gateway.read_events(delivery)
        except WebhookRejected as rejection:
            gateway.mark_applied(delivery, outcome=f"unreadable: {rejection}", now=now)
            return
        answers = [_apply(delivery, event, now=now) for event in events]
        if AGAIN in answers:
            gateway.postpone_delivery(pk, until=now + SECOND_LOOK)
        else:
            gateway.mark_applied(delivery, outcome=", ".join(answers), now=now)


def _apply(delivery: WebhookDelivery, event: ProviderEvent, *, now: datetime) -> str:
    """Apply one event; AGAIN when it should be looked at once more a little later."""
    attempt = receipts.find_attempt(delivery.provider, event.receipt)
    if attempt is not None:
        receipts.apply(attempt, event.receipt, now=now, source="webhook")
        return APPLIED
    if now - delivery.received_at < SECOND_LOOK:
        return AGAIN
    findings.report_stranger(delivery.provider, event.receipt, key=event.event_id, now=now)
    return NOT_OURS


def _look_again_later(pk: int, *, now: datetime) -> None:
    """Let it rest for as long as it has been here already, so that one that never works costs less and less."""
    received_at = WebhookDelivery.objects.values_list("received_at", flat=True).get(pk=pk)
    gap = min(max(now - received_at, FIRST_REST), work.LONGEST_GAP)
    gateway.postpone_delivery(pk, until=now + gap)
