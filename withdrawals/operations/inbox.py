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
                gateway.postpone_delivery(pk, until=clock() + timedelta(seconds=30))
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
        if all(_apply(delivery, event, now=now) for event in events):
            gateway.mark_applied(delivery, outcome="applied", now=now)
        else:
            gateway.postpone_delivery(pk, until=now + SECOND_LOOK)


def _apply(delivery: WebhookDelivery, event: ProviderEvent, *, now: datetime) -> bool:
    """Apply one event; return False when it should be looked at once more a little later."""
    attempt = receipts.find_attempt(delivery.provider, event.receipt)
    if attempt is None:
        if now - delivery.received_at < SECOND_LOOK:
            return False
        findings.report_stranger(delivery.provider, event.receipt, key=event.event_id, now=now)
        return True
    receipts.apply(attempt, event.receipt, now=now, source="webhook")
    return True
