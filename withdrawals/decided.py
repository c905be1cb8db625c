"""Reading decisions: what waits, what was decided last, who decided before and who could."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from backoffice.prepared import Slot
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Decision, Withdrawal


def waiting_decision(withdrawal: Withdrawal) -> Decision | None:
    """Return the decision that waits for its undo time or for a second person, if there is one."""
    return (
        withdrawal.decisions.filter(status__in=[Decision.Status.WAITING, Decision.Status.PROPOSED])
        .select_related("actor", "proposed_by")
        .first()
    )


def is_held_by_another(right: str, *, than: User) -> bool:
    """Whether another active person has a right of this app."""
    holders = User.objects.filter(
        is_active=True,
        groups__permissions__codename=right,
        groups__permissions__content_type__app_label=Withdrawal._meta.app_label,
    )
    return holders.exclude(pk=than.pk).exists()


def last_decision(withdrawal: Withdrawal) -> Decision | None:
    """Return what was decided or proposed last; while something waits it is that."""
    return withdrawal.decisions.select_related("actor", "proposed_by").order_by("-pk").first()


def proposals(moves: Collection[str]) -> QuerySet[Decision]:
    """Return the proposals of these moves that wait for a second person."""
    return Decision.objects.filter(status=Decision.Status.PROPOSED, move__in=moves)


def undoable(user: User, *, now: datetime) -> Decision | None:
    """Return the last decision that this person can still take back, if its undo time runs."""
    return (
        Decision.objects.filter(actor=user, status=Decision.Status.WAITING, effective_at__gt=now)
        .select_related("withdrawal__player")
        .only(*_UNDO_OFFER)
        .order_by("-decided_at", "-pk")
        .first()
    )


# What a page says of the decision that can be taken back: every page asks, and few get one.
_UNDO_OFFER = (
    "move", "effective_at", "withdrawal__amount", "withdrawal__currency", "withdrawal__player__name",
    "withdrawal__player__ref",
)  # fmt: skip


def decided_by(user: User | Slot) -> Q:
    """Return the withdrawals on which this person decided before: what Withdrawal.decider_ids() says of one."""
    steps = AuditEntry.objects.filter(
        subject_type=SUBJECT_TYPE, subject_id=OuterRef("ref"), step__isnull=False, actor_user=user
    )
    proposals = Decision.objects.filter(withdrawal=OuterRef("pk"), status=Decision.Status.APPLIED, proposed_by=user)
    return Q(Exists(steps)) | Q(Exists(proposals))
