"""What became of a screened request: each function takes it there by the moves that people and machines make.

All take the withdrawal, the staff by role, the time of the request, the present time, and words from the
scene. People decide through withdrawals.operations.decisions; providers speak through receipts.apply, with
receipts that no provider gave, as this is told of the past.
"""

from datetime import datetime, timedelta
from typing import Any

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS
from backoffice.platform.invented import visits
from providers.contract import Declined, PayoutReceipt, PayoutStatus
from withdrawals.models import Decision, PayoutAttempt, Withdrawal
from withdrawals.operations import claims, decisions, due_decisions, payouts, receipts, requests, screening
from withdrawals.states import Move, State

Staff = dict[str, User]
_SCREENED = timedelta(seconds=2)
_SENT = timedelta(seconds=4)
_PAID = timedelta(minutes=4)


class SceneFailed(Exception):
    """The product did not let a scene happen as it is written; the words are the product's."""


def screened(withdrawal: Withdrawal, _staff: Staff, at: datetime, _now: datetime, _words: str) -> Withdrawal:
    screening.screen(withdrawal.pk, now=at + _SCREENED)
    return _fresh(withdrawal)


def claimed(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, words: str) -> None:
    """Somebody is looking at it."""
    claims.claim(screened(withdrawal, staff, at, now, ""), user=staff[words], now=now)


def endorsed(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, words: str) -> None:
    """One person approved, a second must."""
    screened(withdrawal, staff, at, now, "")
    _decide(
        withdrawal, Move.ENDORSE, staff[words], at + (now - at) / 3, "known_player", "Win verified with the studio."
    )


def sent_back(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, _words: str) -> None:
    """The second person disagreed with the first."""
    endorsed(withdrawal, staff, at, now, "Operator")
    note = "The win is there, the source of the deposits is not."
    _decide(withdrawal, Move.DISAGREE, staff["Senior"], at + (now - at) / 2, "facts_missing", note)


def rejection_proposed(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, _words: str) -> None:
    """So large that a rejection takes two; one proposed it."""
    screened(withdrawal, staff, at, now, "")
    _decide(withdrawal, Move.REJECT, staff["Fraud"], at + (now - at) / 2, "suspected_takeover")


def on_hold(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, words: str) -> None:
    """Waits for the player, a colleague, a provider or the law."""
    screened(withdrawal, staff, at, now, "")
    reason, role, hours = {
        "player": ("waiting_document", "Operator", 70),
        "internal": ("waiting_colleague", "Operator", 3),
        "provider": ("waiting_provider", "Senior", 20),
        "legal": ("legal", "Compliance", None),
    }[words]
    facts: dict[str, Any] = {"kind": words}
    if hours is not None:
        facts["wake_at"] = (now + timedelta(hours=hours)).isoformat()
    _decide(withdrawal, Move.HOLD, staff[role], at + (now - at) / 2, reason, facts=facts)


def waiting(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, _words: str) -> None:
    """Approved, and its only provider is paused."""
    _approve(withdrawal, staff, at, now)
    payouts.start(withdrawal.pk, now=now)


def sent(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, _words: str) -> PayoutAttempt:
    """On its way to the provider; what the provider says to it is asked from here on."""
    approved_at = _approve(withdrawal, staff, at, now)
    attempt = payouts.start(withdrawal.pk, now=approved_at + _SENT)
    if attempt is None:
        raise SceneFailed(f"{withdrawal.ref} was not sent: {_fresh(withdrawal).wait_reason or 'recalled'}.")
    return attempt


def lost_track(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, _words: str) -> None:
    """The provider did not answer."""
    attempt = sent(withdrawal, staff, at, now, "")
    Withdrawal.advance(
        withdrawal.pk, Move.LOSE_TRACK, actor=PAYOUTS, now=attempt.created_at + timedelta(seconds=30),
        words="no answer within 30 s",
    )  # fmt: skip


def paid(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, _words: str) -> PayoutAttempt:
    attempt = sent(withdrawal, staff, at, now, "")
    _told(attempt, PayoutStatus.PENDING, attempt.created_at + timedelta(seconds=1), source="answer")
    _told(attempt, PayoutStatus.PAID, attempt.created_at + _PAID, source="webhook")
    return attempt


def sent_back_by_bank(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, _words: str) -> None:
    attempt = paid(withdrawal, staff, at, now, "")
    returned_at = attempt.created_at + (now - attempt.created_at) / 2
    _told(attempt, PayoutStatus.RETURNED, returned_at, source="webhook", reason="beneficiary_refused")


def contradicted(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, _words: str) -> None:
    """The provider said failed after it had said paid: a finding for a person."""
    attempt = paid(withdrawal, staff, at, now, "")
    _told(attempt, PayoutStatus.FAILED, attempt.created_at + 2 * _PAID, source="webhook", reason="rail_rejected")


def failed(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, _words: str) -> None:
    attempt = sent(withdrawal, staff, at, now, "")
    refusal = Declined("the account is closed", code="account_closed", status=422)
    receipts.apply_refusal(attempt, refusal, now=attempt.created_at + timedelta(seconds=1))


def rejected(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, words: str) -> None:
    role, reason = words.split()
    screened(withdrawal, staff, at, now, "")
    _decide(withdrawal, Move.REJECT, staff[role], at + timedelta(minutes=35), reason)


def cancelled(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime, _words: str) -> None:
    """The player took the request back."""
    screened(withdrawal, staff, at, now, "")
    requests.cancel(withdrawal, actor=visits.ACTOR, now=at + timedelta(minutes=20))


BY_WORD = {
    function.__name__: function
    for function in (
        screened, claimed, endorsed, sent_back, rejection_proposed, on_hold, waiting, sent, lost_track, paid,
        sent_back_by_bank, contradicted, failed, rejected, cancelled,
    )
}  # fmt: skip


def _approve(withdrawal: Withdrawal, staff: Staff, at: datetime, now: datetime) -> datetime:
    """Have it approved by as many people as policy wants, none included; return when that was."""
    current = screened(withdrawal, staff, at, now, "")
    if current.state == State.APPROVED:
        return at + _SCREENED
    first = staff["Fraud" if current.needs_fraud_analyst else "Operator"]
    first_at = at + min(timedelta(minutes=25), (now - at) / 4)
    if current.required_approvals < 2:
        return _decide(withdrawal, Move.APPROVE, first, first_at, "known_player")
    _decide(withdrawal, Move.ENDORSE, first, first_at, "known_player")
    return _decide(withdrawal, Move.CONFIRM, staff["Senior"], first_at + min(timedelta(minutes=30), (now - at) / 4))


def _decide(
    withdrawal: Withdrawal,
    move: Move,
    by: User,
    at: datetime,
    reason: str = "",
    note: str = "",
    facts: dict[str, Any] | None = None,
) -> datetime:
    """Decide as a person does, wait out the undo time, and return when it took effect."""
    current = _fresh(withdrawal)
    decision = decisions.decide(
        current, move, actor=by, now=at, version=current.version, key=f"demo-{current.ref}-{current.version}",
        reason=reason, note=note, facts=facts,
    )  # fmt: skip
    if decision.status == Decision.Status.PROPOSED:
        return at
    effective_at = decision.effective_at + timedelta(seconds=1)
    applied = due_decisions.apply_decision(decision.pk, now=effective_at)
    if applied is None or applied.status != Decision.Status.APPLIED:
        raise SceneFailed(f"{move} on {current.ref} did not take effect: {applied.words if applied else 'taken'}")
    return effective_at


def _told(attempt: PayoutAttempt, status: PayoutStatus, at: datetime, *, source: str, reason: str = "") -> None:
    receipt = PayoutReceipt(
        status=status,
        provider_reference=f"po_demo_{attempt.key.hex[:16]}",
        reference=attempt.withdrawal.ref,
        key=str(attempt.key),
        amount=attempt.amount,
        currency=attempt.currency,
        reason_code=reason,
        reason_words=reason.replace("_", " "),
        occurred_at=at,
        raw_status=status.value,
    )
    receipts.apply(attempt, receipt, now=at, source=source)


def _fresh(withdrawal: Withdrawal) -> Withdrawal:
    return Withdrawal.objects.select_related("player", "destination").get(pk=withdrawal.pk)
