"""Findings: what a provider said that does not fit. Written down once, alarmed, and left to a person."""

import logging
from datetime import datetime

from django.db import transaction

from backoffice.audit.actors import PAYOUTS
from backoffice.audit.record import record
from providers.contract import PayoutReceipt
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Finding, PayoutAttempt

logger = logging.getLogger(__name__)

_WORDS = {
    "amount_differs": "The provider speaks of another amount or currency than we asked for.",
    "return_before_paid": "The provider says returned before it said paid.",
    "failed_after_paid": "The provider says failed after it said paid.",
    "unmapped_status": "The provider used a status that we do not know.",
    "paid_after_release": "The provider paid although the money was given back to the player.",
    "paid_after_return": "The provider says paid again after it said returned.",
    "no_final_answer": "The provider was asked for a week and gave no final answer.",
    "vanished": "The provider no longer knows a payout that it had.",
    "not_found": "The provider has no such payout; whether it was ever sent is for two people to settle.",
    "unknown_reference": "A message about a payout that we do not know.",
}


def report(attempt: PayoutAttempt, kind: str, receipt: PayoutReceipt, *, now: datetime) -> bool:
    """Write a finding about a receipt; return False when the same one was written before."""
    data = {
        "status": receipt.status,
        "raw_status": receipt.raw_status,
        "provider_reference": receipt.provider_reference,
        "amount": receipt.amount,
        "currency": receipt.currency,
    }
    return _write(attempt, kind, data, now=now)


def report_silence(attempt: PayoutAttempt, *, now: datetime) -> bool:
    return _write(attempt, "no_final_answer", {}, now=now)


def report_vanished(attempt: PayoutAttempt, *, now: datetime) -> bool:
    return _write(attempt, "vanished", {}, now=now)


def report_not_found(attempt: PayoutAttempt, *, now: datetime) -> bool:
    return _write(attempt, "not_found", {}, now=now)


def report_stranger(provider: str, receipt: PayoutReceipt, *, key: str, now: datetime) -> None:
    """Write a finding about a payout that no attempt of ours asked for."""
    _finding, created = Finding.objects.get_or_create(
        key=f"unknown_reference:{provider}:{key}"[:160],
        defaults={
            "provider": provider,
            "kind": "unknown_reference",
            "words": _WORDS["unknown_reference"],
            "data": {"provider_reference": receipt.provider_reference, "amount": receipt.amount},
            "at": now,
        },
    )
    if created:
        logger.error("Finding: %s reported a payout that is not ours.", provider)


def close_incident(attempt: PayoutAttempt, *, now: datetime) -> bool:
    """Close the paid-after-release incident of this attempt, now that the money came back; return if there was one."""
    return bool(
        Finding.objects.filter(withdrawal_id=attempt.withdrawal_id, kind="paid_after_release", resolved_at=None).update(
            resolved_at=now
        )
    )


def _write(attempt: PayoutAttempt, kind: str, data: dict[str, object], *, now: datetime) -> bool:
    words = _WORDS.get(kind, f"The provider said “{kind.replace('_', ' ')}”.")
    with transaction.atomic():
        _finding, created = Finding.objects.get_or_create(
            key=f"{kind}:{attempt.key}",
            defaults={
                "withdrawal_id": attempt.withdrawal_id,
                "provider": attempt.provider,
                "kind": kind,
                "words": words,
                "data": data,
                "at": now,
            },
        )
        if created:
            record(
                subject_type=SUBJECT_TYPE,
                subject_id=attempt.withdrawal.ref,
                action="finding",
                actor=PAYOUTS,
                data={"kind": kind, "words": words, **data},
                at=now,
            )
    if created:
        logger.error("Finding %s on %s: %s", kind, attempt.withdrawal.ref, words)
    return created
