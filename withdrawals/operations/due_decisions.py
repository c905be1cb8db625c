"""Decisions whose undo time is over go to the door; everything is looked at again under the locks."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from backoffice.audit.models import AuditEntry
from withdrawals.exceptions import FactsChanged, MoveRefused
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import screening, validity
from withdrawals.operations.decisions import APPROVING, end, record_step
from withdrawals.states import MOVE_LOOKS, Move

logger = logging.getLogger(__name__)


# A decision that could not be applied for a technical reason is tried again after this long.
AGAIN_AFTER = timedelta(seconds=30)


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
                if move in APPROVING:
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
            end(decision, Decision.Status.OVERTAKEN, now=now)
            record_step(decision, "overtaken", now=now)
        else:
            end(decision, Decision.Status.APPLIED, now=now)
    return decision


def _facts_of(decision: Decision) -> dict[str, Any]:
    """Return what the move needs besides its reason, as the move wants it."""
    facts = dict(decision.facts)
    if "wake_at" in facts:
        facts["wake_at"] = datetime.fromisoformat(facts["wake_at"])
    return facts


def _overtaken_by(decision: Decision) -> str:
    """Return what happened instead and by whom, if the withdrawal moved since the decision."""
    entry = (
        AuditEntry.objects.filter(subject_type=SUBJECT_TYPE, subject_id=decision.withdrawal.ref)
        .filter(step=decision.version + 1)
        .select_related("actor_user")
        .first()
    )
    return f"{MOVE_LOOKS[Move(entry.action)].past} by {entry.actor_name} before this took effect." if entry else ""
