"""What is known of a payout whose outcome is unknown: what we asked, what was answered, what settling it books."""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from ledger.models import Posting
from providers import gateway
from providers import queries as providers
from providers.contract import ProviderEvent, WebhookRejected
from providers.models import CallOutcome, ProviderCall, Verb, WebhookDelivery
from withdrawals import visibility
from withdrawals.guards import SETTLING
from withdrawals.models import PayoutAttempt, Withdrawal
from withdrawals.pages import sheets
from withdrawals.pages.findings import STATUSES

# Who maintains the connection reads how a call went, besides what it said.
RAW = "accounts.change_user"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was asked of the provider, or that it told by itself."""

    icon: str
    text: str
    detail: str
    at: datetime
    # How it went, of each that was the same one after the other; ``since``: when the first of several was.
    raw: tuple[str, ...]
    times: int = 1
    since: datetime | None = None


def said_about(attempt: PayoutAttempt, user: Any) -> list[Said]:
    """Return the calls and webhooks about an attempt in words, newest first, the same ones folded into one line."""
    names = [str(attempt.key), *([attempt.provider_reference] if attempt.provider_reference else [])]
    calls = [_call(call, user) for call in providers.calls_about(names[:1])]
    told = providers.deliveries_about(attempt.provider, names, since=attempt.created_at)
    said = sorted([*calls, *(_webhook(one, user) for one in told)], key=lambda one: one.at, reverse=True)
    return [_folded(*same) for _line, same in groupby(said, key=lambda one: (one.text, one.detail))]


def _folded(newest: Said, *others: Said) -> Said:
    if not others:
        return newest
    raw = tuple(line for one in (newest, *others) for line in one.raw)
    return replace(newest, raw=raw, times=1 + len(others), since=others[-1].at)


def _call(call: ProviderCall, user: Any) -> Said:
    words = call.words if visibility.sees(user, visibility.Field.ATTEMPT_CODES) else ""
    raw = f"{call.method} {call.path}: {call.status or 'no answer'}, {call.latency_ms:,} ms"
    text = f"{Verb(call.verb).label}: {CallOutcome(call.outcome).label.lower()}"
    return Said("send", text, words, call.at, (raw,) if user.has_perm(RAW) else ())


def _webhook(delivery: WebhookDelivery, user: Any) -> Said:
    words = _told(delivery) if visibility.sees(user, visibility.Field.ATTEMPT_CODES) else ""
    raw = f"Event {delivery.event_id}, answered {delivery.http_status}"
    return Said("server", "The provider wrote", words, delivery.received_at, (raw,) if user.has_perm(RAW) else ())


def _told(delivery: WebhookDelivery) -> str:
    """What it says, in our words and in the provider's own; of what cannot be read, what was done with it."""
    try:
        events = gateway.read_events(delivery)
    except WebhookRejected:
        return delivery.outcome
    # A thin event says nothing but its kind.
    told = [
        (STATUSES[event.receipt.status], event.receipt.raw_status)
        if isinstance(event, ProviderEvent)
        else (delivery.outcome or "not looked at yet", event.kind)
        for event in events
    ]
    return "; ".join(f"“{own}” · {means}" if own else means for means, own in told)


@dataclass(frozen=True, slots=True)
class Settling:
    """One way to settle it by hand, with what it books."""

    label: str
    key: str
    url: str
    postings: list[Posting]


def settlings_of(withdrawal: Withdrawal, user: Any, *, view: str) -> list[Settling]:
    """Return the ways in which this person may settle it, with what each one books; ``view`` travels along."""
    offered = [sheet for sheet in sheets.sheets_for(withdrawal, user) if sheet.move in SETTLING]
    return [Settling(sheet.button, sheet.look.key, sheets.address_of(sheet, view), sheet.books()) for sheet in offered]
