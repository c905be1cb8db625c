"""Telling the platform: signed, in order, retried with growing gaps, logged, to be sent again on request.

A message tells of one version of one withdrawal, as it was then. It may arrive twice; its id says so.
"""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Prefetch, QuerySet

from backoffice.audit.models import AuditEntry
from backoffice.money import to_major_string
from backoffice.platform import signing
from backoffice.platform.models import ApiClient, NotificationDelivery
from withdrawals import player_words
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Notification
from withdrawals.operations.work import Clock

_SHORT_GAPS = [
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
]
GAPS = (*_SHORT_GAPS, *[timedelta(days=1)] * 7)
# How long a worker may have a message; if it dies meanwhile, the message becomes due again.
LEASE = timedelta(minutes=2)
BUDGET = timedelta(seconds=20)
TIMEOUT = httpx.Timeout(5.0)
_BATCH = 20
_AT_ONCE = 10
_MOST_SKIPPED = 5_000


@dataclass(frozen=True, slots=True)
class Message:
    """Everything needed to send one notification, so that sending touches no database."""

    notification: Notification
    client: ApiClient
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one try; ``status`` is None when there was no HTTP answer."""

    status: int | None
    words: str
    latency_ms: int

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def deliver_due(*, clock: Clock) -> int:
    """Deliver what is due until nothing is left or the budget is spent; return how many were tried."""
    until = clock() + BUDGET
    _skip_untold(now=clock())
    done, out_of_reach = 0, set[str]()
    with httpx.Client(timeout=TIMEOUT, trust_env=False) as http, ThreadPoolExecutor(_AT_ONCE) as pool:
        while (now := clock()) < until:
            messages = _claim(now=now, except_sources=out_of_reach)
            if not messages:
                break
            answers = pool.map(lambda message, at=now: _send(http, message, now=at), messages)
            for message, answer in zip(messages, answers, strict=True):
                _record(message, answer, now=clock())
                if not answer.is_delivered:
                    # One platform that does not answer must not keep the others waiting.
                    out_of_reach.add(message.client.key_id)
            done += len(messages)
    return done


def resend(notification: Notification, *, now: datetime) -> Notification:
    """Make a notification due again, delivered or not, with all its tries before it."""
    Notification.objects.filter(pk=notification.pk).update(next_try_at=now, tries=0)
    notification.refresh_from_db()
    return notification


def notifications_for(*, source: str) -> QuerySet[Notification]:
    """Return the notifications of a source with all that is shown of them, oldest first."""
    tries = NotificationDelivery.objects.order_by("pk")
    return (
        Notification.objects.filter(withdrawal__source=source)
        .select_related("withdrawal__player", "withdrawal__destination")
        .prefetch_related(Prefetch("deliveries", queryset=tries))
        .order_by("withdrawal", "version")
    )


def contents(notifications: Iterable[Notification]) -> dict[int, dict[str, Any]]:
    """Return by key what each notification says: its own version, not the present one. One statement."""
    notifications = list(notifications)
    entries = {
        (entry.subject_id, entry.step): entry
        for entry in AuditEntry.objects.filter(
            subject_type=SUBJECT_TYPE,
            subject_id__in={notification.withdrawal.ref for notification in notifications},
            step__isnull=False,
        )
    }
    return {
        notification.pk: _content(notification, entries[notification.withdrawal.ref, notification.version])
        for notification in notifications
    }


def _content(notification: Notification, entry: AuditEntry) -> dict[str, Any]:
    withdrawal = notification.withdrawal
    wake_at = str(entry.data.get("wake_at"))
    situation = player_words.Situation(
        state=notification.state,
        at=entry.at,
        destination=withdrawal.destination.label,
        hold_kind=entry.data.get("kind", ""),
        reason=entry.reason,
        wake_at=None if wake_at in ("", "None") else datetime.fromisoformat(wake_at),
        player_message=entry.data.get("player_message", ""),
        due_at=withdrawal.due_at,
        is_late=withdrawal.due_at < entry.at,
    )
    return {
        "id": notification.pk,
        "ref": withdrawal.ref,
        "player_id": withdrawal.player.external_id,
        "version": notification.version,
        "status": player_words.status_of(situation.state, situation.hold_kind),
        "status_text": player_words.sentence(situation),
        "amount": to_major_string(withdrawal.amount, withdrawal.currency),
        "currency": withdrawal.currency,
        "occurred_at": entry.at.isoformat().replace("+00:00", "Z"),
    }


def _skip_untold(*, now: datetime) -> None:
    """Take what nobody wants to be told out of the queue, a bounded number at a time."""
    told = ApiClient.objects.filter(is_active=True).exclude(notify_url="").values("key_id")
    untold = Notification.objects.filter(next_try_at__lte=now).exclude(withdrawal__source__in=told)
    keys = list(untold.order_by("next_try_at").values_list("pk", flat=True)[:_MOST_SKIPPED])
    Notification.objects.filter(pk__in=keys).update(next_try_at=None)


def _claim(*, now: datetime, except_sources: set[str]) -> list[Message]:
    """Take due notifications for this worker alone, of each withdrawal only the first one open."""
    clients = {
        client.key_id: client
        for client in ApiClient.objects.filter(is_active=True).exclude(notify_url="").exclude(key_id__in=except_sources)
    }
    earlier = Notification.objects.filter(
        withdrawal=OuterRef("withdrawal"), version__lt=OuterRef("version"), next_try_at__isnull=False
    )
    with transaction.atomic():
        taken = list(
            Notification.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(~Exists(earlier), next_try_at__lte=now, withdrawal__source__in=list(clients))
            .select_related("withdrawal__player", "withdrawal__destination")
            .order_by("next_try_at", "pk")[:_BATCH]
        )
        Notification.objects.filter(pk__in=[row.pk for row in taken]).update(next_try_at=now + LEASE)
    said = contents(taken)
    for row in taken:
        row.next_try_at = now + LEASE
    return [Message(row, clients[row.withdrawal.source], json.dumps(said[row.pk]).encode()) for row in taken]


def _send(http: httpx.Client, message: Message, *, now: datetime) -> Answer:
    client, url = message.client, urlsplit(message.client.notify_url)
    path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
    headers = {
        **signing.headers(client.key_id, client.notify_secret, method="POST", path=path, body=message.body, now=now),
        "Content-Type": "application/json",
        "X-Notification-Id": str(message.notification.pk),
    }
    began = monotonic()
    try:
        # The answer's body is never read: the status is the answer.
        with http.stream("POST", client.notify_url, content=message.body, headers=headers) as response:
            status, words = response.status_code, f"HTTP {response.status_code}"
    except httpx.TimeoutException:
        status, words = None, "No answer in time."
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        status, words = None, f"Not reached: {type(error).__name__}."
    return Answer(status, words, int((monotonic() - began) * 1000))


@transaction.atomic
def _record(message: Message, answer: Answer, *, now: datetime) -> None:
    notification = message.notification
    NotificationDelivery.objects.create(
        notification=notification,
        at=now,
        url=message.client.notify_url,
        status=answer.status,
        words=answer.words,
        latency_ms=answer.latency_ms,
    )
    row = Notification.objects.filter(pk=notification.pk)
    if answer.is_delivered:
        row.update(delivered_at=now)
        next_try_at = None
    else:
        next_try_at = now + GAPS[notification.tries] if notification.tries < len(GAPS) else None
    # Only while it is still ours: a resend that came meanwhile keeps its own time.
    row.filter(next_try_at=notification.next_try_at).update(next_try_at=next_try_at, tries=F("tries") + 1)
