"""A person decides, and can take it back: a decision is a row of its own until it uses the door (due_decisions)."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from backoffice.accounts.models import User
from backoffice.accounts.preferences import undo_time
from backoffice.audit.record import record
from withdrawals import decided, guards, policy, reasons, visibility
from withdrawals.exceptions import (
    AlreadyDecided,
    ClaimedByOther,
    FactsChanged,
    IllegalMove,
    MoveRefused,
    NeedsReason,
    NotAllowed,
    StaleVersion,
)
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Claim, Decision, Withdrawal
from withdrawals.operations import claims, holds, screening, validity
from withdrawals.permissions import over_ceiling
from withdrawals.states import MOVE_LOOKS, Move

# What a person may decide; machine moves can never be named by a request.
DECIDABLE = (
    Move.APPROVE,
    Move.ENDORSE,
    Move.CONFIRM,
    Move.DISAGREE,
    Move.REJECT,
    Move.HOLD,
    Move.RELEASE,
    Move.RECALL,
    Move.CANCEL,
    Move.COMPLETE,
    Move.FAIL,
)
APPROVING = (Move.APPROVE, Move.ENDORSE, Move.CONFIRM)


def decide(
    withdrawal: Withdrawal,
    move: Move,
    *,
    actor: User,
    now: datetime,
    version: int,
    key: str,
    reason: str = "",
    note: str = "",
    facts: dict[str, Any] | None = None,
) -> Decision:
    """Keep a decision; it takes effect after the undo time. The same ``key`` answers with the first one.

    A move that takes two people is kept as a proposal until somebody else seconds it. ``version`` is that
    of the page the person saw. Raises StaleVersion, AlreadyDecided, ClaimedByOther, NotAllowed, NeedsReason
    or IllegalMove; then nothing was kept. After FactsChanged the checks have been run again.
    """
    if move not in DECIDABLE:
        raise IllegalMove("This is not a decision that a person makes.")
    if (first := first_answer(key, withdrawal, move, actor=actor, reason=reason)) is not None:
        return first
    try:
        with transaction.atomic():
            subject = screening.locked(withdrawal.pk)
            _require_decidable(subject, move, actor=actor, now=now, version=version, reason=reason)
            if reason in reasons.ANSWERED_WITH and not note.strip():
                raise NeedsReason("Asking somebody needs a question.")
            if reason in reasons.UNSAID and not note.strip():
                raise NeedsReason("This reason says nothing by itself: write in the note what it is.")
            if move == Move.HOLD:
                holds.require_fitting(reason, facts or {}, now=now)
            if move == Move.REJECT:
                guards.require_sayable(reason, str((facts or {}).get("player_message", "")))
            two = guards.takes_two(subject, move, actor)
            decision = Decision.objects.create(
                withdrawal=subject,
                move=move,
                actor=actor,
                reason=reason,
                note=note,
                facts=facts or {},
                key=key,
                version=version,
                status=Decision.Status.PROPOSED if two else Decision.Status.WAITING,
                decided_at=now,
                effective_at=now + undo_time(actor),
            )
            record_step(decision, "propose" if two else "decide", now=now)
            Claim.objects.filter(withdrawal=subject, owner=actor).delete()
    except FactsChanged:
        screening.screen_again(withdrawal.pk, now=now)
        raise
    except IntegrityError:
        # The same key twice at once: the first one counts.
        if (first := first_answer(key, withdrawal, move, actor=actor, reason=reason)) is None:
            raise
        return first
    return decision


def _require_decidable(
    subject: Withdrawal, move: Move, *, actor: User, now: datetime, version: int, reason: str
) -> None:
    if subject.version != version:
        raise StaleVersion(subject)
    if (objection := objection_to(subject, move, actor=actor, now=now)) is not None:
        raise objection
    _check_reason(subject, move, actor, reason)
    if move in APPROVING:
        validity.require_approvable(subject, actor=actor, now=now)


def objection_to(subject: Withdrawal, move: Move, *, actor: User, now: datetime) -> MoveRefused | None:
    """Return why this person cannot decide so now, if they cannot.

    NotAllowed says that they never could; anything else that they came too late or a colleague is at it. Who may
    not know of a legal hold does not learn of it by which of them it is.
    """
    label = MOVE_LOOKS[move].label
    if not visibility.as_known_to(actor, subject).could(move, actor):
        return NotAllowed(f"None of your roles may use “{label}” on this withdrawal.")
    waiting = decided.waiting_decision(subject)
    if waiting is not None:
        own = waiting.actor == actor
        told = own or visibility.sees_decision(actor, waiting)
        return AlreadyDecided(words_of(waiting, actor) if told else "It is decided already.", own=own)
    if move not in subject.moves_for(actor):
        return IllegalMove(f"“{label}” is not possible any more.")
    try:
        claims.require_unclaimed(subject, user=actor, now=now)
    except ClaimedByOther as refusal:
        return refusal
    return None


def first_answer(key: str, withdrawal: Withdrawal, move: Move, *, actor: User, reason: str) -> Decision | None:
    """Return what a form that was sent twice decided the first time.

    Raises IllegalMove when its key was used for another decision: that is a mistake of the page.
    """
    first = Decision.objects.filter(key=key).select_related("withdrawal").first()
    if first is None:
        return None
    if (first.withdrawal_id, first.move, first.actor_id, first.reason) != (withdrawal.pk, move, actor.pk, reason):
        raise IllegalMove("This form was used already, for another decision. Open the page again and decide there.")
    return first


def explained_because(withdrawal: Withdrawal, move: Move, actor: User) -> tuple[str, ...]:
    """Return why policy has this person explain the approval, in words; nothing where it does not."""
    if move not in (Move.APPROVE, Move.ENDORSE):
        return ()
    return policy.explained_because(
        risk_level=withdrawal.risk_level,
        has_new_details=withdrawal.has_new_details,
        above_own_limit=over_ceiling(withdrawal, actor),
    )


def undo(decision: Decision, *, actor: User, now: datetime) -> Decision:
    """Take one's own waiting decision back; a second time changes nothing.

    Raises IllegalMove once it took effect, NotAllowed for others'.
    """
    with transaction.atomic():
        current = Decision.objects.select_for_update(of=("self",)).select_related("withdrawal").get(pk=decision.pk)
        if current.actor_id != actor.pk:
            raise NotAllowed("Only the person who decided can undo it.")
        if current.status == Decision.Status.UNDONE:
            return current
        waits = current.status == Decision.Status.WAITING and current.effective_at > now
        if not waits and current.status != Decision.Status.PROPOSED:
            raise IllegalMove("It is too late to undo: the decision took effect.")
        end(current, Decision.Status.UNDONE, now=now)
        record_step(current, "undo", now=now)
    return current


def words_of(decision: Decision, reader: User | None = None) -> str:
    """Return who decided what and why, in one sentence; "You" when the reader did."""
    who = "You" if decision.actor == reader else decision.actor.name
    why = f": {reasons.label_of(decision.reason)}" if decision.reason else ""
    return f"{who} {MOVE_LOOKS[Move(decision.move)].did}{why}."


def _proof_of(decision: Decision) -> dict[str, str]:
    return {name: decision.facts[name] for name in ("provider_reference", "evidence") if name in decision.facts}


def _check_reason(subject: Withdrawal, move: Move, actor: User, reason: str) -> None:
    subject.check_reason(move, actor, reason)
    if not reason and (because := explained_because(subject, move, actor)):
        raise NeedsReason(f"This approval needs a reason: {', '.join(because)}.")


def end(decision: Decision, status: Decision.Status, *, now: datetime) -> None:
    """Close the row of a decision; what it says of itself in ``words`` is kept with it."""
    decision.status, decision.ended_at = status, now
    decision.save(update_fields=["status", "ended_at", "words"])


def record_step(decision: Decision, action: str, *, now: datetime, actor: User | None = None) -> None:
    """Write what was done with a decision into the audit log, by its own person unless another is given."""
    record(
        subject_type=SUBJECT_TYPE,
        subject_id=decision.withdrawal.ref,
        action=action,
        actor=actor or decision.actor,
        reason=decision.reason,
        data={"move": decision.move, "note": decision.note, "words": decision.words, **_proof_of(decision)},
        at=now,
    )
