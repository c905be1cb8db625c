"""A person decides. The decision waits out its undo time as a row of its own; only then it uses the door."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from backoffice.audit.record import record
from backoffice.money import format_money
from kyc import queries as kyc
from kyc.models import Player
from kyc.states import Standing
from withdrawals import guards, nudge, queries, reasons
from withdrawals.exceptions import IllegalMove, MoveRefused, NeedsReason, NotAllowed, StaleVersion
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Claim, Decision, Limit, Withdrawal
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
# A decision that could not be applied for a technical reason is tried again after this long.
AGAIN_AFTER = timedelta(seconds=30)
_APPROVING = (Move.APPROVE, Move.ENDORSE, Move.CONFIRM)


class AlreadyDecided(MoveRefused):
    """Somebody's decision on this withdrawal waits already."""


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
    of the page the person saw. Raises StaleVersion, AlreadyDecided, NotAllowed, NeedsReason or
    IllegalMove; then nothing was kept.
    """
    if move not in DECIDABLE:
        raise IllegalMove("This is not a decision that a person makes.")
    if (first := Decision.objects.filter(key=key).first()) is not None:
        return first
    try:
        with transaction.atomic():
            subject = Withdrawal.objects.select_for_update(of=("self",)).select_related("player").get(pk=withdrawal.pk)
            waiting = queries.waiting_decision(subject)
            if waiting is not None:
                raise AlreadyDecided(words_of(waiting))
            if subject.version != version:
                raise StaleVersion(subject)
            if move not in subject.moves_for(actor):
                raise NotAllowed(f"You cannot use “{MOVE_LOOKS[move].label}” on this withdrawal now.")
            _check_reason(subject, move, actor, reason)
            if move in _APPROVING:
                require_still_valid(subject, now=now)
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
                effective_at=now + settings.UNDO_TIME,
            )
            _record(decision, "propose" if two else "decide", now=now)
            Claim.objects.filter(withdrawal=subject, owner=actor).delete()
    except IntegrityError:
        # The same key twice at once: the first one counts.
        return Decision.objects.get(key=key)
    return decision


def first_answer(key: str) -> Decision | None:
    """Return what was kept under this key before, so that a form sent twice gets the same answer."""
    return Decision.objects.filter(key=key).select_related("withdrawal").first()


def needs_reason(withdrawal: Withdrawal, move: Move) -> bool:
    """Whether a person must give a reason: the move is declared so, or it approves a risk."""
    risky = withdrawal.risk_level in ("medium", "high")
    return Withdrawal.wants_reason(move) or (risky and move in (Move.APPROVE, Move.ENDORSE))


def may_second(decision: Decision, withdrawal: Withdrawal, user: User) -> bool:
    """Whether this person could agree to what somebody else proposed."""
    proposed = decision.status == Decision.Status.PROPOSED and decision.actor_id != user.pk
    return proposed and Move(decision.move) in withdrawal.moves_for(user)


def second(decision: Decision, *, actor: User, now: datetime) -> Decision:
    """Agree to what somebody else proposed; it then waits out its undo time. Raises NotAllowed, IllegalMove."""
    with transaction.atomic():
        current = Decision.objects.select_for_update(of=("self",)).select_related("withdrawal").get(pk=decision.pk)
        if current.status != Decision.Status.PROPOSED:
            raise IllegalMove("This proposal is no longer open.")
        if current.actor_id == actor.pk:
            raise NotAllowed("Somebody else must agree to your proposal.")
        if Move(current.move) not in current.withdrawal.moves_for(actor):
            raise NotAllowed("You cannot agree to this proposal.")
        current.facts = {**current.facts, "proposed_by": current.actor_id}
        current.proposed_by, current.actor = current.actor, actor
        current.status, current.effective_at = Decision.Status.WAITING, now + settings.UNDO_TIME
        current.save()
        _record(current, "second", now=now)
    return current


def undo(decision: Decision, *, actor: User, now: datetime) -> Decision:
    """Take one's own waiting decision back. Raises IllegalMove once it took effect, NotAllowed for others'."""
    with transaction.atomic():
        current = Decision.objects.select_for_update(of=("self",)).select_related("withdrawal").get(pk=decision.pk)
        if current.actor_id != actor.pk:
            raise NotAllowed("Only the person who decided can undo it.")
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
                subject = _locked(decision.withdrawal)
                if move in _APPROVING:
                    require_still_valid(subject, now=now)
                Withdrawal.advance(
                    subject.pk,
                    move,
                    actor=decision.actor,
                    now=now,
                    reason=decision.reason,
                    version=decision.version,
                    **decision.facts,
                )
        except MoveRefused as refusal:
            decision.words = _overtaken_by(decision) or refusal.sentence
            _end(decision, Decision.Status.OVERTAKEN, now=now)
            _record(decision, "overtaken", now=now)
        else:
            _end(decision, Decision.Status.APPLIED, now=now)
    return decision


def require_still_valid(withdrawal: Withdrawal, *, now: datetime) -> None:
    """What the checks found must still hold at the moment of an approval. Raises IllegalMove.

    The caller holds the withdrawal's lock; the player's is taken when the approval takes effect. The
    house's limits are held by the database as well (sql/rules.sql), under one lock for all approvals.
    """
    standing = kyc.standing_of(withdrawal.player, on=timezone.localdate(now))
    usages = queries.player_usage(withdrawal, now=withdrawal.requested_at) + queries.house_usage(withdrawal, now=now)
    if blocker := blocker_of(standing, usages):
        raise IllegalMove(blocker)


def blocker_of(standing: Standing, usages: Iterable[queries.Usage]) -> str:
    """Return the sentence that says what stands in the way of an approval, or nothing."""
    if not standing.ok:
        return f"Cannot approve: the player’s identity is not in order. {standing.words}."
    for usage in usages:
        if usage.is_over and usage.limit.effect == Limit.Effect.BLOCK:
            scope = Limit.Scope(usage.limit.scope).label.lower()
            period = Limit.Period(usage.limit.period).label
            cap = str(usage.cap) if usage.is_count else format_money(usage.cap, settings.HOUSE_CURRENCY)
            return f"Cannot approve: the limit of {scope} for {period} is {cap}."
    return ""


def words_of(decision: Decision) -> str:
    """Return who decided what and why, in one sentence."""
    past = MOVE_LOOKS[Move(decision.move)].past
    why = f": {reasons.label_of(decision.reason)}" if decision.reason else ""
    return f"{decision.actor.name}: {past}{why}."


def _locked(withdrawal: Withdrawal) -> Withdrawal:
    Player.objects.select_for_update().only("pk").get(pk=withdrawal.player_id)
    return Withdrawal.objects.select_for_update(of=("self",)).select_related("player").get(pk=withdrawal.pk)


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


def _record(decision: Decision, action: str, *, now: datetime) -> None:
    record(
        subject_type=SUBJECT_TYPE,
        subject_id=decision.withdrawal.ref,
        action=action,
        actor=decision.actor,
        reason=decision.reason,
        data={"move": decision.move, "note": decision.note, "words": decision.words},
        at=now,
    )
    if action == "decide":
        nudge.after_commit("apply_decisions")
