"""Findings: what a provider said that does not fit. Written down once, alarmed, and left to a person."""

import logging
from datetime import datetime

from django.db import transaction

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS
from backoffice.audit.record import record
from providers.contract import PayoutReceipt
from withdrawals.exceptions import FindingClosed
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Finding, PayoutAttempt, Withdrawal

# What the audit log calls a finding that is about no withdrawal of ours.
FINDING_TYPE = "finding"

logger = logging.getLogger(__name__)

_WORDS = {
    "amount_differs": "The provider speaks of another amount or currency than we asked for.",
    "reference_differs": "The provider speaks of another withdrawal under the key of this one.",
    "key_differs": "The provider speaks of a payout under another key than the one that we sent.",
    "second_payout": "The provider speaks of a second payout under the same key.",
    "event_without_attempt": "A message about this withdrawal, but no attempt of ours asked for that payout.",
    "waiting_for_funds": "Every provider that can pay it lacks our money; it waits until they are funded.",
    "failed_while_unknown": "The provider says failed, which with this provider is no proof that it did not pay.",
    "return_before_paid": "The provider says returned before it said paid.",
    "failed_after_paid": "The provider says failed after it said paid.",
    "unmapped_status": "The provider used a status that we do not know.",
    "paid_after_release": "The provider paid although the money was given back to the player.",
    "paid_after_return": "The provider says paid again after it said returned.",
    "no_final_answer": "The provider was asked for a week and gave no final answer.",
    "vanished": "The provider no longer knows a payout that it had.",
    "not_found": "The provider has no such payout; whether it was ever sent is for two people to settle.",
    "repeat_refused": "The provider refused the request when it was repeated: no proof that it did not pay before.",
    "not_repeated": "Only the same request again would tell, and that could pay what may not be paid any more.",
    "unknown_reference": "A message about a payout that we do not know.",
}

# Money may have gone out that our books do not have; besides whatever an ended attempt is said to have done.
_STOPS_PAYOUTS = frozenset({"second_payout", "event_without_attempt", "paid_after_release", "paid_after_return"})

# Not of a provider but of a colleague: see questions.py.
QUESTION = "question"
KINDS = (*_WORDS, QUESTION)


def kind_label(kind: str) -> str:
    """Return a kind in a word or two; the finding's own words say it in a sentence."""
    return kind.replace("_", " ").capitalize()


def report(attempt: PayoutAttempt, kind: str, receipt: PayoutReceipt, *, now: datetime) -> bool:
    """Write a finding about a receipt; return False when the same one was written before."""
    data = {
        "status": receipt.status,
        "raw_status": receipt.raw_status,
        "provider_reference": receipt.provider_reference,
        "amount": receipt.amount,
        "currency": receipt.currency,
        "occurred_at": receipt.occurred_at.isoformat() if receipt.occurred_at else "",
    }
    return _write(attempt, kind, data, now=now)


def report_silence(attempt: PayoutAttempt, *, now: datetime) -> bool:
    return _write(attempt, "no_final_answer", {}, now=now)


def report_vanished(attempt: PayoutAttempt, *, now: datetime) -> bool:
    return _write(attempt, "vanished", {}, now=now)


def report_no_funds(withdrawal: Withdrawal, *, now: datetime) -> bool:
    """Once per withdrawal, however often it looks for a provider with money."""
    key = f"waiting_for_funds:{withdrawal.ref}"
    return _write_once(withdrawal, "", "waiting_for_funds", {}, key=key, now=now)


def report_not_found(attempt: PayoutAttempt, *, now: datetime) -> bool:
    return _write(attempt, "not_found", {}, now=now)


def report_repeat_refused(attempt: PayoutAttempt, words: str, *, now: datetime) -> bool:
    return _write(attempt, "repeat_refused", {"words": words}, now=now)


def report_not_repeated(attempt: PayoutAttempt, words: str, *, now: datetime) -> bool:
    return _write(attempt, "not_repeated", {"words": words}, now=now)


def report_stranger(provider: str, receipt: PayoutReceipt, *, key: str, now: datetime) -> None:
    """Write a finding about a payout that no attempt of ours asked for, whatever reference it names."""
    withdrawal = Withdrawal.objects.filter(ref=receipt.reference).first()
    kind = "event_without_attempt" if withdrawal else "unknown_reference"
    _finding, created = Finding.objects.get_or_create(
        key=f"{kind}:{provider}:{key}"[:160],
        defaults={
            "withdrawal": withdrawal,
            "provider": provider,
            "kind": kind,
            "stops_payouts": stops_payouts(kind),
            "words": _WORDS[kind],
            "data": {
                "status": receipt.status,
                "provider_reference": receipt.provider_reference,
                "amount": receipt.amount,
                "currency": receipt.currency,
            },
            "at": now,
        },
    )
    if created:
        logger.error("Finding %s: %s reported a payout that is not ours.", kind, provider)


def stops_payouts(kind: str) -> bool:
    """Whether an open finding of this kind means that money may be out which our books do not have."""
    return kind in _STOPS_PAYOUTS or kind.startswith(("paid_after_", "accepted_after_"))


def resolve(attempt: PayoutAttempt, kind: str, *, now: datetime) -> bool:
    """Close the open finding of this kind about the attempt, because what it waited for came; say if there was one."""
    return bool(Finding.objects.filter(key=_key(attempt, kind), resolved_at=None).update(resolved_at=now))


def close(finding: Finding, *, actor: User, note: str, now: datetime) -> Finding:
    """Close what a person has looked into. Raises FindingClosed when it is, ValueError without a note."""
    if not note.strip():
        raise ValueError("closing a finding needs a note")
    with transaction.atomic():
        current = Finding.objects.select_for_update(of=("self",)).select_related("withdrawal").get(pk=finding.pk)
        if current.resolved_at is not None:
            raise FindingClosed("It was closed before. Your note was not kept.")
        current.resolved_at = now
        current.save(update_fields=["resolved_at"])
        subject_type, subject_id = subject_of(current)
        record(
            subject_type=subject_type,
            subject_id=subject_id,
            action="close_finding",
            actor=actor,
            reason=note,
            data={"finding": current.pk, "kind": current.kind},
            at=now,
        )
    return current


def subject_of(finding: Finding) -> tuple[str, str]:
    """Return under what the audit log keeps a finding: its withdrawal, or itself."""
    return (SUBJECT_TYPE, finding.withdrawal.ref) if finding.withdrawal else (FINDING_TYPE, str(finding.pk))


def _key(attempt: PayoutAttempt, kind: str) -> str:
    return f"{kind}:{attempt.key}"


def _write(attempt: PayoutAttempt, kind: str, data: dict[str, object], *, now: datetime) -> bool:
    return _write_once(attempt.withdrawal, attempt.provider, kind, data, key=_key(attempt, kind), now=now)


def _write_once(
    withdrawal: Withdrawal, provider: str, kind: str, data: dict[str, object], *, key: str, now: datetime
) -> bool:
    words = _WORDS.get(kind, f"The provider said “{kind.replace('_', ' ')}”.")
    with transaction.atomic():
        _finding, created = Finding.objects.get_or_create(
            key=key,
            defaults={
                "withdrawal": withdrawal,
                "provider": provider,
                "kind": kind,
                "stops_payouts": stops_payouts(kind),
                "words": words,
                "data": data,
                "at": now,
            },
        )
        if created:
            record(
                subject_type=SUBJECT_TYPE,
                subject_id=withdrawal.ref,
                action="finding",
                actor=PAYOUTS,
                data={"kind": kind, "words": words, **data},
                at=now,
            )
    if created:
        logger.error("Finding %s on %s: %s", kind, withdrawal.ref, words)
    return created
