"""The one function that applies what a provider says, whether as answer, poll or webhook.

A receipt never sets a state: it proposes a move. The withdrawal is locked, re-read and compared; what
does not fit becomes a finding and changes nothing (the matrix of events in docs/lifecycle.md).
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from backoffice.audit.actors import PAYOUTS
from backoffice.crash import crash_point
from providers import routing
from providers.contract import Declined, PayoutReceipt, PayoutStatus
from withdrawals.models import PayoutAttempt, Withdrawal
from withdrawals.operations import bookings, findings, work
from withdrawals.states import RELEASED, WITH_PROVIDER, Move, State

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
# While a payout is accepted and open, it is asked about by this plan (5 min, 15 min, 1 h, 6 h, daily).
FIRST_POLL = timedelta(minutes=5)


def find_attempt(provider: str, receipt: PayoutReceipt) -> PayoutAttempt | None:
    """Return the attempt that a receipt speaks of: the last under our key, else by the provider's reference."""
    attempts = PayoutAttempt.objects.filter(provider=provider).select_related("withdrawal")
    if receipt.key:
        try:
            return attempts.filter(key=uuid.UUID(receipt.key)).order_by("number").last()
        except ValueError:
            return None  # a key of somebody else's making
    if receipt.provider_reference:
        return attempts.filter(provider_reference=receipt.provider_reference).first()
    return None


def apply(attempt: PayoutAttempt, receipt: PayoutReceipt, *, now: datetime, source: str) -> None:
    """Apply one receipt to the withdrawal of ``attempt``. ``source`` is answer, poll or webhook."""
    with transaction.atomic():
        attempt = _locked(attempt)
        if (difference := _difference(attempt, receipt)) is not None:
            findings.report(attempt, difference, receipt, now=now)
        else:
            _apply(attempt, _KINDS[receipt.status], receipt, now=now, source=source)
        crash_point("dispatch.before_commit")


def apply_refusal(attempt: PayoutAttempt, refusal: Declined, *, now: datetime) -> None:
    """Apply a definite no that came as the answer to the create itself."""
    with transaction.atomic():
        attempt = _locked(attempt)
        if attempt.withdrawal.state not in WITH_PROVIDER or attempt.state in PayoutAttempt.ENDED:
            return
        _note(attempt, code=refusal.code, words=refusal.words, now=now)
        if not refusal.for_provider_reasons:
            _not_paid(attempt, now=now, words=refusal.words)
        elif attempt.withdrawal.state == State.PROCESSING:
            # The payout itself is fine: another provider, or this one when it has our money again.
            _advance(attempt, Move.REROUTE, now=now, outcome="failed", words=refusal.words)
        crash_point("dispatch.before_commit")


def _locked(attempt: PayoutAttempt) -> PayoutAttempt:
    withdrawal = Withdrawal.objects.select_for_update(of=("self",)).get(pk=attempt.withdrawal_id)
    current = PayoutAttempt.objects.select_for_update(of=("self",)).get(pk=attempt.pk)
    current.withdrawal = withdrawal
    return current


def _difference(attempt: PayoutAttempt, receipt: PayoutReceipt) -> str | None:
    """Whether the receipt speaks of other money, of another withdrawal, or of a second payout under our key."""
    if (receipt.amount, receipt.currency) != (attempt.amount, attempt.currency):
        return "amount_differs"
    if receipt.reference and receipt.reference != attempt.withdrawal.ref:
        return "reference_differs"
    if receipt.key and receipt.key.lower() != str(attempt.key):
        return "key_differs"
    known, told = attempt.provider_reference, receipt.provider_reference
    return "second_payout" if known and told and known != told else None


def _apply(attempt: PayoutAttempt, kind: str, receipt: PayoutReceipt, *, now: datetime, source: str) -> None:
    withdrawal = attempt.withdrawal
    if kind == "unmapped":
        findings.report(attempt, "unmapped_status", receipt, now=now)
        if withdrawal.state == State.PROCESSING and attempt.state not in PayoutAttempt.ENDED:
            _advance(attempt, Move.LOSE_TRACK, now=now, words=f"unknown status {receipt.raw_status!r}", source=source)
    elif attempt.state in PayoutAttempt.ENDED:
        _to_an_ended_attempt(attempt, kind, receipt, now=now)
    elif withdrawal.state in WITH_PROVIDER:
        _to_an_open_one(attempt, kind, receipt, now=now, source=source)
    else:
        _to_completed(attempt, kind, receipt, now=now, source=source)


def _to_an_open_one(attempt: PayoutAttempt, kind: str, receipt: PayoutReceipt, *, now: datetime, source: str) -> None:
    if kind == "accepted":
        _accept(attempt, receipt, now=now, source=source)
    elif kind == "paid":
        _complete(attempt, receipt, now=now, source=source)
    elif kind == "failed":
        _fail(attempt, receipt, now=now, source=source)
    else:
        # Out of order. What the provider says when it is asked counts: then it was paid and came back.
        findings.report(attempt, "return_before_paid", receipt, now=now)
        if source == "poll":
            _complete(attempt, receipt, now=now, source=source)
        else:
            _ask_now(attempt, now=now)


def _accept(attempt: PayoutAttempt, receipt: PayoutReceipt, *, now: datetime, source: str) -> None:
    _note_receipt(attempt, receipt, now=now)
    if attempt.state == "accepted":
        return
    if attempt.withdrawal.state == State.OUTCOME_UNKNOWN:
        _advance(attempt, Move.FIND_AGAIN, now=now, source=source)
    else:
        attempt.become("accepted")
    Withdrawal.objects.filter(pk=attempt.withdrawal_id).update(next_step_at=now + work.scaled(FIRST_POLL), step_tries=0)


def _complete(attempt: PayoutAttempt, receipt: PayoutReceipt, *, now: datetime, source: str) -> None:
    _note_receipt(attempt, receipt, now=now)
    reference = receipt.provider_reference or attempt.provider_reference
    _advance(attempt, Move.COMPLETE, now=now, provider_reference=reference, source=source)
    if findings.resolve(attempt, "return_before_paid", now=now):
        # The return was told first and has been waiting for this.
        _advance(attempt, Move.TAKE_BACK, now=now, reason="returned", source=source)


def _fail(attempt: PayoutAttempt, receipt: PayoutReceipt, *, now: datetime, source: str) -> None:
    unknown = attempt.withdrawal.state == State.OUTCOME_UNKNOWN
    if unknown and not routing.capabilities_of(attempt.provider).failed_is_final:
        findings.report(attempt, "failed_while_unknown", receipt, now=now)
        return
    _note_receipt(attempt, receipt, now=now)
    words = receipt.reason_words or receipt.raw_status
    _not_paid(attempt, now=now, source=source, words=words)


def _not_paid(attempt: PayoutAttempt, *, now: datetime, **facts: Any) -> None:
    """This attempt is over. The player gets the money back, unless an earlier attempt may have paid it."""
    if not attempt.withdrawal.money_may_be_out():
        _advance(attempt, Move.FAIL, now=now, **facts)
        return
    if attempt.withdrawal.state == State.OUTCOME_UNKNOWN:
        _advance(attempt, Move.FIND_AGAIN, now=now, **facts)
    _advance(attempt, Move.REROUTE, now=now, outcome="failed", **facts)
    _advance(attempt, Move.RECALL, now=now, reason="money_may_be_out")


def _to_completed(attempt: PayoutAttempt, kind: str, receipt: PayoutReceipt, *, now: datetime, source: str) -> None:
    if kind == "returned":
        _note_receipt(attempt, receipt, now=now)
        words = receipt.reason_words or receipt.raw_status
        reason = receipt.reason_code[:60] or "returned"
        _advance(attempt, Move.TAKE_BACK, now=now, reason=reason, words=words, source=source)
    elif kind == "failed" and findings.report(attempt, "failed_after_paid", receipt, now=now):
        # Never downgraded. The provider is asked once more; its answer stands in the log of calls.
        _ask_now(attempt, now=now)
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
    told = "paid_after_release" if withdrawal.state in RELEASED else f"paid_after_{attempt.state}"
    if kind == "returned" and findings.resolve(attempt, told, now=now):
        bookings.book_overpaid_returned(attempt, now=now)
        return
    if kind == "paid":
        if findings.report(attempt, told, receipt, now=now):
            # Whatever became of the withdrawal: this money left the float, and the player has it.
            bookings.book_paid_after_release(attempt, now=now)
    else:
        findings.report(attempt, f"{kind}_after_{attempt.state}", receipt, now=now)
    if kind != "returned" and withdrawal.state == State.APPROVED:
        # It is about to be paid a second time: a person looks before anything is sent.
        _advance(attempt, Move.RECALL, now=now, reason="money_may_be_out")


def _advance(attempt: PayoutAttempt, move: Move, *, now: datetime, reason: str = "", **facts: Any) -> None:
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
