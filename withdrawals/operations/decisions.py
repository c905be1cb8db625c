"""A person decides. The decision waits out its undo time as a row of its own; only then it uses the door."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from backoffice.accounts.models import User
from backoffice.accounts.preferences import undo_time
from backoffice.audit.models import AuditEntry
from backoffice.audit.record import record
from withdrawals import guards, policy, queries, reasons, visibility
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
from withdrawals.states import MOVE_LOOKS, Move

logger = logging.getLogger(__name__)

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
LONGEST_WORDS = 300
# A decision that could not be applied for a technical reason is tried again after this long.
AGAIN_AFTER = timedelta(seconds=30)
_APPROVING = (Move.APPROVE, Move.ENDORSE, Move.CONFIRM)


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
            _record(decision, "propose" if two else "decide", now=now)
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
    if move in _APPROVING:
        validity.require_approvable(subject, actor=actor, now=now)


def objection_to(subject: Withdrawal, move: Move, *, actor: User, now: datetime) -> MoveRefused | None:
    """Return why this person cannot decide so now, if they cannot.

    NotAllowed says that they never could; anything else that they came too late or a colleague is at it. Who may
    not know of a legal hold does not learn of it by which of them it is.
    """
    label = MOVE_LOOKS[move].label
    if not visibility.as_known_to(actor, subject).could(move, actor):
        return NotAllowed(f"None of your roles may use “{label}” on this withdrawal.")
    waiting = queries.waiting_decision(subject)
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


def needs_reason(withdrawal: Withdrawal, move: Move) -> bool:
    """Whether a person must give a reason: the move is declared so, or it approves a risk."""
    risky = policy.approval_needs_reason(withdrawal.risk_level)
    return Withdrawal.wants_reason(move) or (risky and move in (Move.APPROVE, Move.ENDORSE))


def may_second(decision: Decision, withdrawal: Withdrawal, user: User) -> bool:
    """Whether this person could agree to what somebody else proposed, or decline it."""
    move = Move(decision.move)
    proposed = decision.status == Decision.Status.PROPOSED and move in withdrawal.moves_for(user)
    return proposed and guards.may_second(withdrawal, move, user, decision.actor_id)


def second(decision: Decision, *, actor: User, now: datetime) -> Decision:
    """Agree to what somebody else proposed; it then waits out its undo time. Raises NotAllowed, IllegalMove."""
    with transaction.atomic():
        current = _open_proposal(decision, actor)
        if Move(current.move) not in current.withdrawal.moves_for(current.actor):
            raise IllegalMove(f"{current.actor.name} may no longer propose this. Decline it and propose it anew.")
        current.facts = {**current.facts, "proposed_by": current.actor_id}
        current.proposed_by, current.actor = current.actor, actor
        current.status, current.effective_at = Decision.Status.WAITING, now + undo_time(actor)
        current.save()
        _record(current, "second", now=now)
    return current


def decline(decision: Decision, *, actor: User, now: datetime, why: str) -> Decision:
    """Say no to what somebody else proposed; it ends, and anybody may decide anew.

    Raises as second(), and NeedsReason without a sentence that says why.
    """
    if not why.strip():
        raise NeedsReason("Declining a proposal needs a reason.")
    with transaction.atomic():
        current = _open_proposal(decision, actor)
        current.words = f"{actor.name} declined it: {why.strip().rstrip('.')}"[: LONGEST_WORDS - 1] + "."
        _end(current, Decision.Status.DECLINED, now=now)
        _record(current, "decline_proposal", now=now, actor=actor)
    return current


def _open_proposal(decision: Decision, actor: User) -> Decision:
    # Not joined to the person: the row that waited for its lock would be gone once its person is another one.
    current = Decision.objects.select_for_update(of=("self",)).select_related("withdrawal").get(pk=decision.pk)
    if current.status != Decision.Status.PROPOSED:
        raise IllegalMove("This proposal is no longer open.")
    if not may_second(current, current.withdrawal, actor):
        raise NotAllowed("You cannot be the second person for this proposal.")
    return current


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
        _end(current, Decision.Status.UNDONE, now=now)
        _record(current, "undo", now=now)
    return current


def apply_due_decisions(*, now: datetime) -> int:
    """Take every waiting decision whose undo time is over to the door; return how many were taken."""
    keys = list(
        Decision.objects.filter(status=Decision.Status.WAITING, effective_at__lte=now)
        .order_by("effective_at", "pk")
        .values_list("pk", flat=True)[:200]
    )
    for pk in keys:
        try:
            apply_decision(pk, now=now)
        except Exception:
            logger.exception("Decision %s could not be applied; it comes round again.", pk)
            waiting = Decision.objects.filter(pk=pk, status=Decision.Status.WAITING)
            waiting.update(effective_at=now + AGAIN_AFTER)
    return len(keys)


def apply_decision(pk: int, *, now: datetime) -> Decision | None:
    """Make the move of one due decision. If the world moved on, the decision ends as overtaken.

    Everything is looked at again under the locks of this one transaction: the right of the person, the
    facts, the limits. Returns None when another worker took it.
    """
    with transaction.atomic():
        decision = (
            Decision.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("actor", "withdrawal")
            .filter(pk=pk, status=Decision.Status.WAITING)
            .first()
        )
        if decision is None:
            return None
        move = Move(decision.move)
        try:
            with transaction.atomic():
                subject = screening.locked(decision.withdrawal_id)
                if move in _APPROVING:
                    validity.require_approvable(subject, actor=decision.actor, now=now)
                Withdrawal.advance(
                    subject.pk,
                    move,
                    actor=decision.actor,
                    now=now,
                    reason=decision.reason,
                    version=decision.version,
                    **_facts_of(decision),
                )
        except MoveRefused as refusal:
            if isinstance(refusal, FactsChanged):
                screening.screen_again(decision.withdrawal_id, now=now)
            decision.words = _overtaken_by(decision) or refusal.sentence
            _end(decision, Decision.Status.OVERTAKEN, now=now)
            _record(decision, "overtaken", now=now)
        else:
            _end(decision, Decision.Status.APPLIED, now=now)
    return decision


def words_of(decision: Decision, reader: User | None = None) -> str:
    """Return who decided what and why, in one sentence; "You" when the reader did."""
    who = "You" if decision.actor == reader else decision.actor.name
    why = f": {reasons.label_of(decision.reason)}" if decision.reason else ""
    return f"{who} {MOVE_LOOKS[Move(decision.move)].did}{why}."


def _facts_of(decision: Decision) -> dict[str, Any]:
    """Return what the move needs besides its reason, as the move wants it."""
    facts = dict(decision.facts)
    if "wake_at" in facts:
        facts["wake_at"] = datetime.fromisoformat(facts["wake_at"])
    return facts


def _proof_of(decision: Decision) -> dict[str, str]:
    return {name: decision.facts[name] for name in ("provider_reference", "evidence") if name in decision.facts}


def _check_reason(subject: Withdrawal, move: Move, actor: User, reason: str) -> None:
    subject.check_reason(move, actor, reason)
    if not reason and needs_reason(subject, move):
        raise NeedsReason("An approval at medium or high risk needs a reason.")


def _overtaken_by(decision: Decision) -> str:
    """Return what happened instead and by whom, if the withdrawal moved since the decision."""
    entry = (
        AuditEntry.objects.filter(subject_type=SUBJECT_TYPE, subject_id=decision.withdrawal.ref)
        .filter(step=decision.version + 1)
        .select_related("actor_user")
        .first()
    )
    return f"{MOVE_LOOKS[Move(entry.action)].past} by {entry.actor_name} before this took effect." if entry else ""


def _end(decision: Decision, status: Decision.Status, *, now: datetime) -> None:
    decision.status, decision.ended_at = status, now
    decision.save(update_fields=["status", "ended_at", "words"])


def _record(decision: Decision, action: str, *, now: datetime, actor: User | None = None) -> None:
    record(
        subject_type=SUBJECT_TYPE,
        subject_id=decision.withdrawal.ref,
        action=action,
        actor=actor or decision.actor,
        reason=decision.reason,
        data={"move": decision.move, "note": decision.note, "words": decision.words, **_proof_of(decision)},
        at=now,
    )
