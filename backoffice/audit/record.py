"""The only function that writes an audit entry."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from backoffice.audit.actors import Actor, Machine
from backoffice.audit.models import AuditEntry


def record(
    *,
    subject_type: str,
    subject_id: str,
    action: str,
    actor: Actor,
    reason: str = "",
    data: dict[str, Any] | None = None,
    step: int | None = None,
    from_state: str = "",
    to_state: str = "",
    at: datetime | None = None,
) -> AuditEntry:
    """Add one entry, in the caller's transaction: if it cannot be written, the act does not happen.

    Raises IntegrityError when another act already made ``step`` of this subject.
    """
    return AuditEntry.objects.create(
        subject_type=subject_type,
        subject_id=subject_id,
        action=action,
        actor_user_id=None if isinstance(actor, Machine) else actor.pk,
        actor_machine=actor.name if isinstance(actor, Machine) else "",
        reason=reason,
        data=data or {},
        step=step,
        from_state=from_state,
        to_state=to_state,
        at=at or timezone.now(),
    )
