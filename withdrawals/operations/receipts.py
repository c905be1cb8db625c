"""The one function that applies what a provider says, whether as answer, poll or webhook.

A receipt never sets a state: it proposes a move. The withdrawal is locked, re-read and compared; what
does not fit becomes a finding and changes nothing (the matrix of events in docs/lifecycle.md).
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from backoffice.audit.actors import PAYOUTS
from providers import routing
from providers.contract import Declined, PayoutReceipt, PayoutStatus
from withdrawals.models import PayoutAttempt, Withdrawal
from withdrawals.operations import bookings, findings, work
from withdrawals.states import Move, State

logger = logging.getLogger(__name__)

_KINDS: dict[PayoutStatus, str] = {
    PayoutStatus.PENDING: "accepted",
    PayoutStatus.SENT: "accepted",
    PayoutStatus.HELD: "accepted",
    PayoutStatus.PAID: "paid",
    PayoutStatus.FAILED: "failed",
    PayoutStatus.CANCELLED: "failed",
    PayoutStatus.RETURNED: "returned",
    PayoutStatus.UNKNOWN: "unmapped",
}
# While a payout is accepted and open, it is asked about by this plan (domain: 5 min, 15 min, 1 h, 6 h, daily).
FIRST_POLL = timedelta(minutes=5)


def find_attempt(provider: str, receipt: PayoutReceipt) -> PayoutAttempt | None:
    """Return the attempt that a receipt speaks of: by our key, else by the provider's reference."""
    attempts = PayoutAttempt.objects.filter(provider=provider).select_related("withdrawal")
    if receipt.key:
        return attempts.filter(key=receipt.key).first()
    return attempts.filter(provider_reference=receipt.provider_reference).first()


def apply(attempt: PayoutAttempt, receipt: PayoutReceipt, *, now: datetime, source: str) -> None:
    """Apply one receipt to the withdrawal of ``attempt``. ``source`` is answer, poll or webhook."""
    with transaction.atomic():
        withdrawal = (
            Withdrawal.objects.select_for_update(of=("self",))
            .select_related("player", "destination")
            .get(pk=attempt.withdrawal_id)
        )
        attempt = PayoutAttempt.objects.select_for_update(of=("self",)).get(pk=attempt.pk)
        attempt.withdrawal = withdrawal
        if (receipt.amount, receipt.currency) != (attempt.amount, attempt.currency):
            findings.report(attempt, "amount_differs", receipt, now=now)
            return
        kind = _KINDS[receipt.status]
        if attempt.state in PayoutAttempt.ENDED:
            _to_an_ended_attempt(attempt, kind, receipt, now=now)
        elif withdrawal.state == State.PROCESSING:
            _to_processing(attempt, kind, receipt, now=now, source=source)
        elif withdrawal.state == State.OUTCOME_UNKNOWN:
            _to_unknown(attempt, kind, receipt, now=now, source=source)
        elif withdrawal.state == State.COMPLETED:
            _to_completed(attempt, kind, receipt, now=now, source=source)
        else:
            findings.report(attempt, f"{kind}_while_{withdrawal.state}", receipt, now=now)


def apply_refusal(attempt: PayoutAttempt, refusal: Declined, *, now: datetime) -> None:
    """Apply a definite no that came as the answer to the create itself."""
    with transaction.atomic():
        withdrawal = Withdrawal.objects.select_for_update(of=("self",)).get(pk=attempt.withdrawal_id)
        attempt = PayoutAttempt.objects.select_for_update(of=("self",)).get(pk=attempt.pk)
        attempt.withdrawal = withdrawal
        if withdrawal.state != State.PROCESSING or attempt.state in PayoutAttempt.ENDED:
            return
        _note(attempt, code=refusal.code, words=refusal.words, now=now)
        _refused(attempt, for_provider_reasons=refusal.for_provider_reasons, words=refusal.words, now=now)


def _to_processing(attempt: PayoutAttempt, kind: str, receipt: PayoutReceipt, *, now: datetime, source: str) -> None:
    if kind == "accepted":
        _note_receipt(attempt, receipt, now=now)
        if attempt.state == "sending":
            attempt.become("accepted")
        if source != "poll":
            Withdrawal.objects.filter(pk=attempt.withdrawal_id).update(
                next_step_at=now + work.scaled(FIRST_POLL), step_tries=0
            )
    elif kind == "paid":
        _complete(attempt, receipt, now=now, source=source)
    elif kind == "failed":
        _note_receipt(attempt, receipt, now=now)
        _refused(attempt, for_provider_reasons=False, words=receipt.reason_words or receipt.raw_status, now=now)
    elif kind == "returned":
        findings.report(attempt, "return_before_paid", receipt, now=now)
        _ask_now(attempt, now=now)
    else:
        findings.report(attempt, "unmapped_status", receipt, now=now)
        _advance(attempt, Move.LOSE_TRACK, now=now, words=f"unknown status {receipt.raw_status!r}", source=source)


def _to_unknown(attempt: PayoutAttempt, kind: str, receipt: PayoutReceipt, *, now: datetime, source: str) -> None:
    if kind == "accepted":
        _note_receipt(attempt, receipt, now=now)
        _advance(attempt, Move.FIND_AGAIN, now=now, source=source)
        Withdrawal.objects.filter(pk=attempt.withdrawal_id).update(next_step_at=now + work.scaled(FIRST_POLL))
    elif kind == "paid":
        _complete(attempt, receipt, now=now, source=source)
    elif kind == "failed" and routing.capabilities_of(attempt.provider).failed_is_final:
        _note_receipt(attempt, receipt, now=now)
        _advance(attempt, Move.FAIL, now=now, source=source, proof="the provider’s final status failed")
    else:
        findings.report(attempt, f"{kind}_while_unknown", receipt, now=now)


def _to_completed(attempt: PayoutAttempt, kind: str, receipt: PayoutReceipt, *, now: datetime, source: str) -> None:
    if kind == "returned":
        _note_receipt(attempt, receipt, now=now)
        words = receipt.reason_words or receipt.raw_status
        _advance(attempt, Move.TAKE_BACK, now=now, reason=receipt.reason_code[:60], words=words, source=source)
    elif kind == "failed":
        # Never downgraded: somebody asks the provider what this means.
        findings.report(attempt, "failed_after_paid", receipt, now=now)
    # accepted is stale and paid is a repeat: no effect


def _to_an_ended_attempt(attempt: PayoutAttempt, kind: str, receipt: PayoutReceipt, *, now: datetime) -> None:
    withdrawal = attempt.withdrawal
    if attempt.state == "returned":
        newer = attempt.last_receipt_at and receipt.occurred_at and receipt.occurred_at > attempt.last_receipt_at
        if kind == "paid" and newer:
            findings.report(attempt, "paid_after_return", receipt, now=now)
        return
    if kind == "failed":
        return
    if kind == "returned" and findings.close_incident(attempt, now=now):
        return
    if kind == "paid" and withdrawal.state in (State.FAILED, State.CANCELLED, State.REJECTED):
        if findings.report(attempt, "paid_after_release", receipt, now=now):
            bookings.book_paid_after_release(attempt, now=now)
        return
    findings.report(attempt, f"{kind}_after_{attempt.state}", receipt, now=now)
    if kind == "paid" and withdrawal.state == State.APPROVED:
        # It is about to be paid a second time: a person looks before anything is sent.
        _advance(attempt, Move.RECALL, now=now, reason="paid_by_an_earlier_attempt")


def _complete(attempt: PayoutAttempt, receipt: PayoutReceipt, *, now: datetime, source: str) -> None:
    _note_receipt(attempt, receipt, now=now)
    reference = receipt.provider_reference or attempt.provider_reference
    _advance(attempt, Move.COMPLETE, now=now, provider_reference=reference, source=source)


def _refused(attempt: PayoutAttempt, *, for_provider_reasons: bool, words: str, now: datetime) -> None:
    """A definite no: to another provider where the payout itself is fine and one is left, else it failed."""
    withdrawal = attempt.withdrawal
    tried = {*withdrawal.attempts.filter(state="failed").values_list("provider", flat=True), attempt.provider}
    if for_provider_reasons and set(withdrawal.routes) - tried:
        _advance(attempt, Move.REROUTE, now=now, outcome="failed", words=words)
    else:
        _advance(attempt, Move.FAIL, now=now, words=words)


def _advance(attempt: PayoutAttempt, move: Move, *, now: datetime, reason: str = "", **facts: str) -> None:
    Withdrawal.advance(attempt.withdrawal_id, move, actor=PAYOUTS, now=now, reason=reason, **facts)


def _ask_now(attempt: PayoutAttempt, *, now: datetime) -> None:
    Withdrawal.objects.filter(pk=attempt.withdrawal_id).update(next_step_at=now)


def _note_receipt(attempt: PayoutAttempt, receipt: PayoutReceipt, *, now: datetime) -> None:
    if receipt.provider_reference:
        attempt.provider_reference = receipt.provider_reference
    words = receipt.reason_words or receipt.raw_status
    _note(attempt, code=receipt.reason_code, words=words, now=receipt.occurred_at or now)


def _note(attempt: PayoutAttempt, *, code: str, words: str, now: datetime) -> None:
    attempt.answer_code, attempt.answer, attempt.last_receipt_at = code[:60], words[:200], now
    attempt.save(update_fields=["provider_reference", "answer_code", "answer", "last_receipt_at"])
