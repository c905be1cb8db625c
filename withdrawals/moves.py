"""How moves are declared and asked about, and the columns that they write. Which ones exist stands in lifecycle.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from django_fsm import FSMField, transition

from backoffice.audit.actors import Actor, Machine
from withdrawals import reasons
from withdrawals.exceptions import NeedsReason
from withdrawals.permissions import Predicate
from withdrawals.states import MOVE_LOOKS, HoldKind, Move, State

if TYPE_CHECKING:
    from withdrawals.models import PayoutAttempt


def move(
    source: State | Sequence[State],
    target: State,
    *,
    who: Predicate,
    when: Sequence[Callable[[Any], bool]] = (),
    needs_reason: bool = False,
    staff_reason: bool = False,
) -> Any:
    """Declare a move of the life: from where to where, who may make it, and under which conditions.

    ``needs_reason``: whoever makes it gives a reason; ``staff_reason``: a person does.
    """
    custom = {"needs_reason": needs_reason, "staff_reason": staff_reason}
    return transition("state", source, target, conditions=list(when), permission=who, custom=custom)  # type: ignore[arg-type]


class Moves(models.Model):
    """The columns of the life, and what can be asked about the moves without making one."""

    state = FSMField(choices=State.choices, default=State.REQUESTED, protected=True)
    version = models.PositiveIntegerField(default=0)
    # When the machines must look at this row next; moved on, with a growing gap, at each look.
    next_step_at = models.DateTimeField(null=True)
    step_tries = models.PositiveSmallIntegerField(default=0)
    closed_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=60, default="")
    hold_kind = models.CharField(max_length=10, choices=HoldKind.choices, default="")
    wake_at = models.DateTimeField(null=True)
    # What the player is told besides the reason while it waits for them, or instead of it once it is rejected.
    player_message = models.CharField(max_length=300, default="")
    # Approvals that policy asked for when the checks were done: 0 (automatic lane), 1 or 2.
    required_approvals = models.PositiveSmallIntegerField(default=1)
    fingerprint = models.CharField(max_length=64, default="")
    provider = models.CharField(max_length=30, default="")
    provider_reference = models.CharField(max_length=120, default="")
    # Why an approved withdrawal is not being paid right now, typed: paused, global_stop, no_route, …
    wait_reason = models.CharField(max_length=30, default="")

    if TYPE_CHECKING:  # what the life wants of models.Withdrawal
        ref: str
        player: Any
        fee: int
        reference_amount: int | None
        is_flagged: bool
        why: list[str]
        holder: property
        money: property
        live_attempt: property
        needs_fraud_analyst: property
        approvals_needed: property
        approver_ids: Callable[..., set[int]]
        decider_ids: Callable[..., set[int]]
        money_may_be_out: Callable[..., bool]
        overtake_proposals: Callable[..., None]
        fingerprint_now: Callable[..., str]
        approve_by: Callable[..., None]
        void_approvals: Callable[..., None]
        new_attempt: Callable[..., PayoutAttempt]
        announce: Callable[..., None]

    class Meta:
        abstract = True

    @classmethod
    def edges(cls) -> list[tuple[str, str]]:
        """Return the declared (from, to) pairs; the database's own table of legal edges is made of them."""
        found = {
            (str(source), str(edge.target))
            for name in Move
            if hasattr(getattr(cls, name, None), "_django_fsm")
            for source, edge in getattr(cls, name)._django_fsm.transitions.items()
        }
        return sorted(found)

    def moves_for(self, actor: Actor) -> list[Move]:
        """Return the moves that this actor could make now; screens draw their buttons from it."""
        return [
            Move(t.name)
            for t in self.get_available_state_transitions()  # type: ignore[attr-defined]
            if t.has_perm(self, actor)
        ]

    def could(self, name: Move, actor: Actor) -> bool:
        """Whether the actor may use the move in any state: tells "forbidden" from "too late"."""
        edges = getattr(self, name)._django_fsm.transitions.values()
        return any(edge.has_perm(self, actor) for edge in edges)

    @classmethod
    def wants_reason(cls, name: Move, *, person: bool = True) -> bool:
        """Whether a person who makes the move, or a machine, must give a reason."""
        edges = getattr(cls, name)._django_fsm.transitions.values()
        return any(edge.custom["needs_reason"] or (person and edge.custom["staff_reason"]) for edge in edges)

    def check_reason(self, name: Move, actor: Actor, reason: str) -> None:
        """Raise NeedsReason when the move wants one, or when a person's is not in the move's list."""
        person = not isinstance(actor, Machine)
        if self.wants_reason(name, person=person) and not reason:
            raise NeedsReason(f"{MOVE_LOOKS[name].label} needs a reason.")
        listed = {r.code for r in reasons.listed(name, legal_hold=self.hold_kind == HoldKind.LEGAL)}
        if reason and listed and person and reason not in listed:
            raise NeedsReason(f"{reason!r} is not in the list of reasons for {MOVE_LOOKS[name].label.lower()}.")

    def refresh_from_db(self, using: str | None = None, fields: Any = None, from_queryset: Any = None) -> None:
        """Reload without django-fsm's way of switching the protection off for the whole process."""
        fresh = (from_queryset or type(self)._base_manager.using(using)).get(pk=self.pk)
        named = fields and {self._meta.get_field(name) for name in fields}
        for field in self._meta.concrete_fields:
            if not named or field in named:
                self.__dict__[field.attname] = fresh.__dict__[field.attname]
        self._state.fields_cache.clear()
        for computed in ("approvals_needed", "last_checks"):  # from what was there before
            self.__dict__.pop(computed, None)
