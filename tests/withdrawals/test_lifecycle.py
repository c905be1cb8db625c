"""Every state × every move, legal or refused, with its ledger rows."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS
from backoffice.audit.models import AuditEntry
from ledger.models import Entry
from tests.conftest import NOW
from tests.factories.withdrawals import pass_checks
from tests.withdrawals.life import HOLD, LEGAL, MACHINES, PAID, counts, in_state
from withdrawals.exceptions import MoveRefused
from withdrawals.models import Notification, Withdrawal
from withdrawals.states import CLOSED, Move, State

pytestmark = pytest.mark.django_db

S, M = State, Move


@dataclass(frozen=True)
class Row:
    """One legal move: who makes it, what it says, where it leads, and the kinds of entries it books."""

    source: State
    move: Move
    target: State
    actor: str
    books: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    make: dict[str, Any] = field(default_factory=dict)


LEGAL_MOVES: tuple[Row, ...] = (
    Row(S.REQUESTED, M.CLEAR, S.APPROVED, "screening", make={"approvals": 0}),
    Row(S.REQUESTED, M.REFER, S.UNDER_REVIEW, "screening"),
    Row(S.REQUESTED, M.DECLINE, S.REJECTED, "screening", ("unreserve",), {"reason": "limits.blocked"}),
    Row(S.REQUESTED, M.CANCEL, S.CANCELLED, "platform", ("unreserve",), {"reason": "player_asked"}),
    Row(S.UNDER_REVIEW, M.APPROVE, S.APPROVED, "operator"),
    Row(S.UNDER_REVIEW, M.ENDORSE, S.SECOND_APPROVAL, "operator", make={"approvals": 2}),
    Row(S.UNDER_REVIEW, M.REJECT, S.REJECTED, "operator", ("unreserve",), {"reason": "terms_not_met"}),
    Row(S.UNDER_REVIEW, M.HOLD, S.ON_HOLD, "operator", (), HOLD),
    Row(S.UNDER_REVIEW, M.HOLD, S.ON_HOLD, "compliance", ("freeze",), LEGAL),
    Row(S.UNDER_REVIEW, M.CANCEL, S.CANCELLED, "platform", ("unreserve",), {"reason": "player_asked"}),
    Row(S.SECOND_APPROVAL, M.CONFIRM, S.APPROVED, "senior", make={"approvals": 2}),
    Row(S.SECOND_APPROVAL, M.DISAGREE, S.UNDER_REVIEW, "senior", (), {"reason": "facts_missing"}),
    Row(S.SECOND_APPROVAL, M.REJECT, S.REJECTED, "senior", ("unreserve",), {"reason": "terms_not_met"}),
    Row(S.SECOND_APPROVAL, M.HOLD, S.ON_HOLD, "operator", (), HOLD),
    Row(S.SECOND_APPROVAL, M.CANCEL, S.CANCELLED, "platform", ("unreserve",), {"reason": "player_asked"}),
    Row(S.ON_HOLD, M.RELEASE, S.UNDER_REVIEW, "operator", (), {"reason": "document_received"}),
    Row(S.ON_HOLD, M.RELEASE, S.UNDER_REVIEW, "sweeper", (), {"reason": "time_is_up"}),
    Row(S.ON_HOLD, M.REJECT, S.REJECTED, "operator", ("unreserve",), {"reason": "terms_not_met"}),
    Row(S.ON_HOLD, M.CANCEL, S.CANCELLED, "sweeper", ("unreserve",), {"reason": "expired"}),
    Row(S.APPROVED, M.HOLD, S.ON_HOLD, "operator", (), HOLD),
    Row(S.APPROVED, M.RECALL, S.UNDER_REVIEW, "senior", (), {"reason": "new_fact"}),
    Row(S.APPROVED, M.RECALL, S.UNDER_REVIEW, "payouts", (), {"reason": "changed_since_approval"}),
    Row(S.APPROVED, M.CANCEL, S.CANCELLED, "platform", ("unreserve",), {"reason": "player_asked"}),
    Row(
        S.APPROVED, M.START_PAYOUT, S.PROCESSING, "payouts", ("to_transit",),
        {"provider": "northgate", "trace": ["the only one"]},
    ),
    Row(S.PROCESSING, M.REROUTE, S.APPROVED, "payouts", ("back_from_transit",), {"outcome": "not_sent"}),
    Row(S.PROCESSING, M.LOSE_TRACK, S.OUTCOME_UNKNOWN, "payouts"),
    Row(S.PROCESSING, M.COMPLETE, S.COMPLETED, "payouts", ("settle",), PAID),
    Row(S.PROCESSING, M.FAIL, S.FAILED, "payouts", ("back_from_transit", "unreserve")),
    Row(S.OUTCOME_UNKNOWN, M.FIND_AGAIN, S.PROCESSING, "payouts"),
    Row(S.OUTCOME_UNKNOWN, M.COMPLETE, S.COMPLETED, "payouts", ("settle",), PAID),
    Row(S.OUTCOME_UNKNOWN, M.FAIL, S.FAILED, "payouts", ("back_from_transit", "unreserve")),
    Row(S.COMPLETED, M.TAKE_BACK, S.RETURNED, "payouts", ("returned",)),
)  # fmt: skip

LEGAL_PAIRS = {(row.source, row.move) for row in LEGAL_MOVES}
ILLEGAL = [(s, m) for s in State for m in Move if m != Move.OPEN and (s, m) not in LEGAL_PAIRS]


def test_the_table_names_every_declared_move() -> None:
    """A move that is added without a row here, or a row without a move, fails."""
    declared = {
        (State(source), move)
        for move in Move
        if move != Move.OPEN
        for source in getattr(Withdrawal, move)._django_fsm.transitions
    }
    assert declared == LEGAL_PAIRS


@pytest.mark.parametrize("row", LEGAL_MOVES, ids=lambda r: f"{r.source}-{r.move}-{r.actor}")
def test_legal_move(row: Row, people: dict[str, User]) -> None:
    withdrawal = in_state(row.source, people, **row.make)
    if row.source == S.REQUESTED:
        Withdrawal.objects.filter(pk=withdrawal.pk).update(required_approvals=row.make.get("approvals", 1))
        pass_checks(withdrawal)
    booked = set(Entry.objects.values_list("pk", flat=True))
    actor = MACHINES.get(row.actor) or people[row.actor]

    moved = Withdrawal.advance(withdrawal.pk, row.move, actor=actor, now=NOW, **row.facts)

    connection.check_constraints()  # what the database checks at commit, now
    assert moved.state == row.target
    assert moved.version == withdrawal.version + 1
    assert (moved.closed_at is not None) == (row.target in CLOSED)
    kinds = tuple(Entry.objects.exclude(pk__in=booked).order_by("pk").values_list("kind", flat=True))
    assert kinds == row.books
    entry = AuditEntry.objects.get(subject_type="withdrawal", subject_id=withdrawal.ref, step=moved.version)
    assert (entry.action, entry.from_state, entry.to_state) == (row.move, row.source, row.target)
    assert entry.actor_machine == getattr(MACHINES.get(row.actor), "name", "")
    assert Notification.objects.filter(withdrawal=withdrawal, version=moved.version, state=row.target).exists()


@pytest.mark.parametrize(("state", "move"), ILLEGAL, ids=lambda value: str(value))
def test_illegal_move_changes_nothing(state: State, move: Move, people: dict[str, User]) -> None:
    withdrawal = in_state(state, people)
    before = counts()
    for actor in (PAYOUTS, people["senior"]):
        with pytest.raises(MoveRefused):
            Withdrawal.advance(withdrawal.pk, move, actor=actor, now=NOW, reason="new_fact")
    assert counts() == before
    assert Withdrawal.objects.get(pk=withdrawal.pk).state == state


# -- the database's own layer, with the code's switched off ------------------------------------------
