"""Who may make a move. Each factory returns a predicate over (withdrawal, actor)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backoffice.audit.actors import Actor, Machine
from withdrawals.states import HoldKind

if TYPE_CHECKING:
    from withdrawals.lifecycle import Lifecycle

Predicate = Callable[["Lifecycle", Actor], bool]


def machine(_subject: Lifecycle, actor: Actor) -> bool:
    """A named worker or calling system, never a person."""
    return isinstance(actor, Machine)


def staff(permission: str) -> Predicate:
    """A person with the permission."""

    def may(_subject: Lifecycle, actor: Actor) -> bool:
        return not isinstance(actor, Machine) and actor.is_active and actor.has_perm(permission)  # type: ignore[attr-defined]

    return may


def someone_else(permission: str) -> Predicate:
    """A person with the permission who decided nothing on this withdrawal before, in no round."""
    allowed = staff(permission)

    def may(subject: Lifecycle, actor: Actor) -> bool:
        return allowed(subject, actor) and actor.pk not in subject.decider_ids()  # type: ignore[union-attr]

    return may


def machine_or_staff(permission: str) -> Predicate:
    allowed = staff(permission)

    def may(subject: Lifecycle, actor: Actor) -> bool:
        return isinstance(actor, Machine) or allowed(subject, actor)

    return may


def releaser(subject: Lifecycle, actor: Actor) -> bool:
    """Whoever may end a hold; a legal one is compliance's alone, and never ends by itself."""
    if subject.hold_kind == HoldKind.LEGAL:
        return staff("withdrawals.freeze_withdrawal")(subject, actor)
    return machine_or_staff("withdrawals.release_withdrawal")(subject, actor)


def settler(subject: Lifecycle, actor: Actor) -> bool:
    """The provider's answer; or a person who may settle by hand, but not what they approved themselves."""
    if isinstance(actor, Machine):
        return True
    return staff("withdrawals.settle_withdrawal")(subject, actor) and actor.pk not in subject.approver_ids()


def approver(subject: Lifecycle, actor: Actor) -> bool:
    """Whoever may give the first approval: a fraud analyst where risk is high, an operator elsewhere."""
    if isinstance(actor, Machine):
        return False
    if subject.needs_fraud_analyst:
        return staff("withdrawals.decide_flagged")(subject, actor)
    if staff("withdrawals.approve_withdrawal")(subject, actor):
        return True
    return subject.is_flagged and staff("withdrawals.decide_flagged")(subject, actor)


def sole_approver(subject: Lifecycle, actor: Actor) -> bool:
    """An approver whose personal ceiling covers the amount."""
    return approver(subject, actor) and not over_ceiling(subject, actor)


def first_approver(subject: Lifecycle, actor: Actor) -> bool:
    """An approver where a second person must follow: by policy, or by the approver's own ceiling."""
    return approver(subject, actor) and (subject.approvals_needed >= 2 or over_ceiling(subject, actor))


def confirmer(subject: Lifecycle, actor: Actor) -> bool:
    """Someone else who may confirm, and whose personal ceiling covers the amount."""
    return someone_else("withdrawals.confirm_withdrawal")(subject, actor) and not over_ceiling(subject, actor)


def over_ceiling(subject: Lifecycle, actor: Actor) -> bool:
    """Whether the amount is above what this person may approve alone; without a rate nobody knows, and it is."""
    ceiling = actor.approval_limit  # type: ignore[union-attr]
    return ceiling is not None and (subject.reference_amount is None or subject.reference_amount > ceiling)
