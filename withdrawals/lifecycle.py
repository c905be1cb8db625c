"""The life of a withdrawal: which moves exist, who makes them, what the money does.

Nothing outside this file changes a withdrawal's state or moves its money. Every change goes through
Lifecycle.advance(), in one transaction: lock, check, move, book, record, tell, schedule.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.db import IntegrityError, transaction
from django_fsm import can_proceed, has_transition_perm

from backoffice.audit.actors import Actor, name_of
from backoffice.audit.record import record
from backoffice.money import Money
from ledger import operations as ledger
from withdrawals import guards, nudge, reasons
from withdrawals.exceptions import IllegalMove, NotAllowed, StaleVersion
from withdrawals.moves import Moves, move
from withdrawals.permissions import (
    confirmer,
    first_approver,
    machine,
    machine_or_staff,
    releaser,
    settler,
    sole_approver,
    someone_else,
    staff,
)
from withdrawals.states import CLOSED, MOVE_LOOKS, UNDECIDED, HoldKind, Move, State

if TYPE_CHECKING:
    from withdrawals.models import PayoutAttempt

# What the machines do next in a state, and how long after arriving there. The sweeper reads the same.
NEXT_STEP: dict[State, tuple[str, timedelta]] = {
    State.REQUESTED: ("screen", timedelta()),
    State.APPROVED: ("pay", timedelta()),
    State.PROCESSING: ("ask", timedelta(seconds=5)),
    State.OUTCOME_UNKNOWN: ("ask", timedelta(seconds=5)),
}
SUBJECT_TYPE = "withdrawal"


class Lifecycle(Moves):
    """The moves and the door. The columns of the life stand in moves.py, what a withdrawal is about in models."""

    class Meta:
        abstract = True

    # -- the checks have spoken ----------------------------------------------------------------

    @move(State.REQUESTED, State.APPROVED, when=[guards.checks_demand_nobody], who=machine)
    def clear(self, *, now: datetime, **_: Any) -> None:
        self.fingerprint, self.approved_at = self.fingerprint_now(), now

    @move(State.REQUESTED, State.UNDER_REVIEW, who=machine)
    def refer(self, **_: Any) -> None:
        pass

    @move(State.REQUESTED, State.REJECTED, who=machine)
    def decline(self, **facts: Any) -> None:
        ledger.unreserve(holder=self.holder, **self._booking("unreserve", **facts))

    # -- people decide -------------------------------------------------------------------------

    @move(State.UNDER_REVIEW, State.APPROVED, when=[guards.one_approval_is_enough], who=sole_approver)
    def approve(self, *, actor: Actor, now: datetime, **_: Any) -> None:
        self.fingerprint, self.approved_at = self.fingerprint_now(), now
        self.approve_by(actor, now=now)

    @move(State.UNDER_REVIEW, State.SECOND_APPROVAL, who=first_approver)
    def endorse(self, *, actor: Actor, now: datetime, **_: Any) -> None:
        self.fingerprint = self.fingerprint_now()
        self.approve_by(actor, now=now)

    @move(State.SECOND_APPROVAL, State.APPROVED, who=confirmer)
    def confirm(self, *, actor: Actor, now: datetime, **_: Any) -> None:
        guards.require_same_fingerprint(self)
        self.approved_at = now
        self.approve_by(actor, now=now)

    @move(
        State.SECOND_APPROVAL, State.UNDER_REVIEW, who=someone_else("withdrawals.confirm_withdrawal"), needs_reason=True
    )
    def disagree(self, *, now: datetime, **_: Any) -> None:
        self.void_approvals(now=now)
        self._ask_again("Second person disagreed")

    @move(
        [*UNDECIDED, State.ON_HOLD],
        State.REJECTED,
        when=[guards.not_frozen],
        who=staff("withdrawals.reject_withdrawal"),
        needs_reason=True,
    )
    def reject(self, **facts: Any) -> None:
        guards.require_sayable(self.reason, self.player_message)
        ledger.unreserve(holder=self.holder, **self._booking("unreserve", **facts))

    @move([*UNDECIDED, State.APPROVED], State.ON_HOLD, who=staff("withdrawals.hold_withdrawal"), needs_reason=True)
    def put_on_hold(self, *, kind: str, wake_at: datetime | None = None, **facts: Any) -> None:
        guards.require_wake_up(kind, wake_at)
        guards.require_reader(kind, self.player_message)
        self.hold_kind, self.wake_at = kind, wake_at
        self.void_approvals(now=facts["now"])
        if kind == HoldKind.LEGAL:
            guards.require_freezer(self, facts["actor"])
            ledger.freeze(holder=self.holder, **self._booking(f"freeze:{self.version}", **facts))

    @move(State.ON_HOLD, State.UNDER_REVIEW, who=releaser, needs_reason=True)
    def release(self, **facts: Any) -> None:
        if self.hold_kind == HoldKind.LEGAL:
            ledger.unfreeze(holder=self.holder, **self._booking(f"unfreeze:{self.version}", **facts))
        else:
            self._ask_again(f"Hold over: {reasons.label_of(self.reason)}")

    @move(State.APPROVED, State.UNDER_REVIEW, who=machine_or_staff("withdrawals.recall_withdrawal"), needs_reason=True)
    def recall(self, *, now: datetime, **_: Any) -> None:
        self.void_approvals(now=now)
        self.required_approvals = max(self.required_approvals, 1)
        self._ask_again(f"Recalled: {reasons.label_of(self.reason)}")

    @move(
        [State.REQUESTED, *UNDECIDED, State.ON_HOLD, State.APPROVED],
        State.CANCELLED,
        when=[guards.not_frozen, guards.law_allows_cancelling],
        who=machine_or_staff("withdrawals.cancel_withdrawal"),
        needs_reason=True,
    )
    def cancel(self, **facts: Any) -> None:
        ledger.unreserve(holder=self.holder, **self._booking("unreserve", **facts))

    # -- the payout ----------------------------------------------------------------------------

    @move(State.APPROVED, State.PROCESSING, who=machine)
    def start_payout(self, *, provider: str, trace: list[str], **facts: Any) -> None:
        guards.require_same_fingerprint(self)
        self.provider = provider
        attempt = self.new_attempt(provider, trace=trace, now=facts["now"])
        booking = self._booking(f"{attempt.number}:to_transit", **facts)
        ledger.to_transit(holder=self.holder, provider=provider, **booking)

    @move(State.PROCESSING, State.APPROVED, who=machine)
    def reroute(self, *, outcome: str, **facts: Any) -> None:
        attempt = self.live_attempt
        attempt.close(outcome)
        self._take_from_transit(attempt, **facts)

    @move(State.PROCESSING, State.OUTCOME_UNKNOWN, who=machine)
    def lose_track(self, **_: Any) -> None:
        self.live_attempt.become("unknown")

    @move(State.OUTCOME_UNKNOWN, State.PROCESSING, who=machine)
    def find_again(self, **_: Any) -> None:
        self.live_attempt.become("accepted")

    @move(State.PROCESSING, State.COMPLETED, who=machine)
    @move(State.OUTCOME_UNKNOWN, State.COMPLETED, who=settler, staff_reason=True)
    def complete(self, *, provider_reference: str, **facts: Any) -> None:
        guards.require_evidence(facts["actor"], facts)
        guards.require_same_reference(self, facts["actor"], provider_reference)
        self.provider_reference = provider_reference
        self.live_attempt.become("paid", provider_reference=provider_reference)
        ledger.settle(provider=self.provider, fee=self.fee, **self._booking("settle", **facts))

    @move(State.PROCESSING, State.FAILED, who=machine)
    @move(State.OUTCOME_UNKNOWN, State.FAILED, who=settler, staff_reason=True)
    def fail(self, **facts: Any) -> None:
        guards.require_evidence(facts["actor"], facts)
        guards.require_silence(self, facts["actor"], now=facts["now"])
        attempt = self.live_attempt
        attempt.close("failed")
        self._take_from_transit(attempt, **facts)
        ledger.unreserve(holder=self.holder, **self._booking("unreserve", **facts))

    @move(State.COMPLETED, State.RETURNED, who=machine)
    def take_back(self, **facts: Any) -> None:
        attempt = self.live_attempt
        attempt.close("returned")
        booking = self._booking("returned", **facts)
        booking["money"] = Money(attempt.amount, attempt.currency)  # the fee was never sent
        ledger.take_back(provider=self.provider, **booking)

    # -- the door ------------------------------------------------------------------------------

    @classmethod
    def open(cls, *, actor: Actor, now: datetime, **columns: Any) -> Self:
        """Bring a withdrawal to life and reserve its money. The caller holds the player's lock.

        Raises ledger.exceptions.InsufficientFunds when the balance does not cover the amount.
        """
        with transaction.atomic():
            subject = cls(**columns)
            subject._schedule(now)
            subject.save(force_insert=True)
            ledger.reserve(holder=subject.holder, **subject._booking("reserve", actor=actor, now=now))
            subject._write_down(Move.OPEN, actor=actor, now=now, from_state="", reason="", facts={})
        return subject

    @classmethod
    def advance(
        cls,
        pk: int,
        name: Move,
        *,
        actor: Actor,
        now: datetime,
        reason: str = "",
        version: int | None = None,
        **facts: Any,
    ) -> Self:
        """Make one move, or raise. The only door; the instance of the caller is never trusted.

        ``facts`` are what the move's method names, and stand in the audit entry. Raises IllegalMove,
        NotAllowed, NeedsReason or StaleVersion (``version`` given and no longer the present one);
        then nothing has changed.
        """
        with transaction.atomic():
            subject = cls._base_manager.select_for_update(of=("self",)).get(pk=pk)
            before, step = subject.state, getattr(subject, Move(name))
            if version is not None and version != subject.version:
                raise StaleVersion(subject)
            if not can_proceed(step):
                raise IllegalMove(f"{MOVE_LOOKS[name].label} is not possible: it is {State(before).label.lower()}.")
            if not has_transition_perm(step, actor):  # type: ignore[arg-type]
                raise NotAllowed(f"You may not use “{MOVE_LOOKS[name].label}” on this withdrawal.")
            subject.check_reason(name, actor, reason)
            guards.require_undisputed(subject, name)
            guards.require_second_person(subject, name, actor, facts)
            subject.reason, subject.player_message = reason or subject.reason, facts.get("player_message", "")
            step(actor=actor, now=now, **facts)
            if before == State.ON_HOLD:
                subject.hold_kind, subject.wake_at = "", None
            subject.version += 1
            subject.closed_at = now if subject.state in CLOSED else None
            subject.wait_reason = ""
            subject._schedule(now)
            subject._keep()
            subject._write_down(name, actor=actor, now=now, from_state=before, reason=reason, facts=facts)
        return subject

    # -- parts of the door ---------------------------------------------------------------------

    def _ask_again(self, why: str) -> None:
        """Put what brought it back to a person before what the checks said, for the queue."""
        self.why = [why, *(words for words in self.why if words != why)]

    def _booking(self, event: str, *, actor: Actor, now: datetime, **_: Any) -> dict[str, Any]:
        """What every ledger operation wants. The key derives from the withdrawal and the event alone."""
        key = f"{self.ref}:{event}"
        return {"money": self.money, "reference": self.ref, "key": key, "at": now, "by": name_of(actor)}

    def _take_from_transit(self, attempt: PayoutAttempt, **facts: Any) -> None:
        booking = self._booking(f"{attempt.number}:back", **facts)
        ledger.back_from_transit(holder=self.holder, provider=attempt.provider, **booking)

    def _keep(self) -> None:
        """Save. What the database refuses for the house's limit (sql/rules.sql) is a move refused."""
        try:
            self.save()
        except IntegrityError as error:
            diagnosis = getattr(error.__cause__, "diag", None)
            if diagnosis is None or diagnosis.constraint_name != "house_limit":
                raise
            raise IllegalMove("Cannot approve: with this one the house would pass its limit.") from error

    def _schedule(self, now: datetime) -> None:
        _step, delay = NEXT_STEP.get(State(self.state), ("", None))
        self.step_tries = 0
        self.next_step_at = self.wake_at if self.state == State.ON_HOLD else delay if delay is None else now + delay

    def _write_down(
        self, move: Move, *, actor: Actor, now: datetime, from_state: str, reason: str, facts: dict[str, Any]
    ) -> None:
        record(
            subject_type=SUBJECT_TYPE,
            subject_id=self.ref,
            action=move,
            actor=actor,
            reason=reason,
            step=self.version,
            from_state=from_state,
            to_state=self.state,
            data={key: _as_json(value) for key, value in facts.items() if value is not None},
            at=now,
        )
        self.overtake_proposals(now=now)
        self.announce(now=now)
        step, delay = NEXT_STEP.get(State(self.state), ("", None))
        if step and not delay:
            nudge.after_commit(step)


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
