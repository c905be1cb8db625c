"""Every state × every move, legal or refused, with its ledger rows; races; and what a failing write undoes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import DatabaseError, IntegrityError, connection, transaction

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS, SCREENING, SWEEPER
from backoffice.audit.models import AuditEntry
from ledger.models import Entry
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import PLATFORM, fund, make_withdrawal, open_withdrawal, pass_checks
from withdrawals import guards, policy, verification
from withdrawals.exceptions import IllegalMove, MoveRefused, NeedsReason, NotAllowed, RequestRefused, StaleVersion
from withdrawals.models import CheckResult, Notification, PayoutAttempt, Withdrawal
from withdrawals.operations import holds, requests
from withdrawals.pages.pending import hold_words
from withdrawals.states import CLOSED, Move, State

pytestmark = pytest.mark.django_db
COMMITTED = pytest.mark.django_db(transaction=True)  # threads, and what is only checked at commit

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


HOLD = {"reason": "waiting_document", "kind": "internal", "wake_at": NOW + timedelta(days=1)}
LEGAL = {"reason": "legal", "kind": "legal"}
PAID = {"provider_reference": "ng-1"}

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

MACHINES = {"screening": SCREENING, "payouts": PAYOUTS, "sweeper": SWEEPER, "platform": PLATFORM}
LEGAL_PAIRS = {(row.source, row.move) for row in LEGAL_MOVES}
ILLEGAL = [(s, m) for s in State for m in Move if m != Move.OPEN and (s, m) not in LEGAL_PAIRS]


@pytest.fixture
def people(
    operator: User, senior: User, compliance: User, finance: User, make_staff: Callable[..., User]
) -> dict[str, User]:
    return {
        "operator": operator,
        "senior": senior,
        "compliance": compliance,
        "finance": finance,
        "colleague": make_staff("Senior", "Piotr Maj"),
    }


def in_state(state: State, people: dict[str, User], **fields: Any) -> Withdrawal:
    return make_withdrawal(state, by=people["operator"], second=people["colleague"], **fields)


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


def counts() -> tuple[int, ...]:
    return (Entry.objects.count(), AuditEntry.objects.count(), Notification.objects.count())


# Who may not: a person for a machine's move, the wrong role, the same person twice.
@pytest.mark.parametrize(
    ("state", "move", "actor", "facts"),
    [
        (S.REQUESTED, M.REFER, "senior", {}),
        (S.UNDER_REVIEW, M.APPROVE, "compliance", {}),
        (S.UNDER_REVIEW, M.REJECT, "compliance", {"reason": "terms_not_met"}),
        (S.UNDER_REVIEW, M.HOLD, "operator", LEGAL),
        (S.SECOND_APPROVAL, M.CONFIRM, "operator", {}),
        (S.APPROVED, M.START_PAYOUT, "senior", {"provider": "northgate", "trace": []}),
        (S.APPROVED, M.RECALL, "operator", {"reason": "new_fact"}),
        (S.APPROVED, M.CANCEL, "senior", {"reason": "player_asked"}),
        (S.OUTCOME_UNKNOWN, M.COMPLETE, "senior", {**PAID, "evidence": "statement", "reason": "on_statement"}),
        (S.OUTCOME_UNKNOWN, M.FAIL, "operator", {}),
        (S.PROCESSING, M.FAIL, "finance", {"evidence": "statement", "reason": "not_on_statement"}),
    ],
)
def test_who_may_not(state: State, move: Move, actor: str, facts: dict[str, Any], people: dict[str, User]) -> None:
    withdrawal = in_state(state, people)
    before = counts()
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, move, actor=people[actor], now=NOW, **facts)
    assert counts() == before


def test_a_person_cannot_use_the_automatic_lane(people: dict[str, User]) -> None:
    withdrawal = in_state(S.REQUESTED, people)
    Withdrawal.objects.filter(pk=withdrawal.pk).update(required_approvals=0)
    pass_checks(withdrawal)
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, M.CLEAR, actor=people["senior"], now=NOW)


def test_the_first_approver_cannot_confirm(people: dict[str, User]) -> None:
    withdrawal = make_withdrawal(S.SECOND_APPROVAL, approvals=2, by=people["senior"])
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, M.CONFIRM, actor=people["senior"], now=NOW)
    assert Withdrawal.advance(withdrawal.pk, M.CONFIRM, actor=people["colleague"], now=NOW).state == S.APPROVED


def test_whoever_disagreed_cannot_confirm_later(people: dict[str, User]) -> None:
    withdrawal = in_state(S.SECOND_APPROVAL, people)
    Withdrawal.advance(withdrawal.pk, M.DISAGREE, actor=people["senior"], now=NOW, reason="facts_missing")
    assert Withdrawal.objects.get(pk=withdrawal.pk).why[0] == "Second person disagreed"
    Withdrawal.advance(withdrawal.pk, M.ENDORSE, actor=people["operator"], now=NOW)
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, M.CONFIRM, actor=people["senior"], now=NOW)
    assert Withdrawal.advance(withdrawal.pk, M.CONFIRM, actor=people["colleague"], now=NOW).state == S.APPROVED


def test_whoever_endorsed_an_earlier_round_cannot_confirm(people: dict[str, User]) -> None:
    withdrawal = make_withdrawal(S.SECOND_APPROVAL, by=people["senior"])
    Withdrawal.advance(withdrawal.pk, M.DISAGREE, actor=people["colleague"], now=NOW, reason="facts_missing")
    Withdrawal.advance(withdrawal.pk, M.ENDORSE, actor=people["operator"], now=NOW)
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, M.CONFIRM, actor=people["senior"], now=NOW)


def test_the_database_knows_who_decided_before(people: dict[str, User], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Withdrawal, "decider_ids", lambda self: set())
    withdrawal = in_state(S.SECOND_APPROVAL, people)
    Withdrawal.advance(withdrawal.pk, M.DISAGREE, actor=people["senior"], now=NOW, reason="facts_missing")
    Withdrawal.advance(withdrawal.pk, M.ENDORSE, actor=people["operator"], now=NOW)
    with pytest.raises(IntegrityError, match="decided nothing on it before"), transaction.atomic():
        Withdrawal.advance(withdrawal.pk, M.CONFIRM, actor=people["senior"], now=NOW)


def test_confirming_is_within_the_personal_ceiling(people: dict[str, User], make_staff: Callable[..., User]) -> None:
    withdrawal = in_state(S.SECOND_APPROVAL, people)
    low = make_staff("Senior", "Lo Ceiling", approval_limit=10_000)
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, M.CONFIRM, actor=low, now=NOW)


def test_whoever_approved_settles_nothing(people: dict[str, User], make_staff: Callable[..., User]) -> None:
    withdrawal = make_withdrawal(S.OUTCOME_UNKNOWN, by=people["senior"])
    second = make_staff("Finance", "Second Clerk")
    settle = {**PAID, "evidence": "line 7", "reason": "on_statement", "proposed_by": people["finance"].pk, "now": NOW}
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, M.COMPLETE, actor=people["senior"], **settle)
    PayoutAttempt.objects.filter(withdrawal=withdrawal).update(provider_reference="ng-7")
    with pytest.raises(IllegalMove, match="ng-7"):
        Withdrawal.advance(withdrawal.pk, M.COMPLETE, actor=second, **settle)
    settle["provider_reference"] = "ng-7"
    assert Withdrawal.advance(withdrawal.pk, M.COMPLETE, actor=second, **settle).state == S.COMPLETED


def test_a_person_waits_before_calling_a_payout_unpaid(people: dict[str, User], make_staff: Any) -> None:
    withdrawal = in_state(S.OUTCOME_UNKNOWN, people)
    second = make_staff("Finance", "Second Clerk")
    settle = {"evidence": "page 3", "reason": "not_on_statement", "proposed_by": people["finance"].pk}
    with pytest.raises(IllegalMove, match="a moment ago"):
        Withdrawal.advance(withdrawal.pk, M.FAIL, actor=second, now=NOW, **settle)
    later = NOW + timedelta(minutes=1)
    assert Withdrawal.advance(withdrawal.pk, M.FAIL, actor=second, now=later, **settle).state == S.FAILED


def test_the_automatic_lane_wants_checks_without_a_concern(people: dict[str, User]) -> None:
    def cleared(**fields: Any) -> Withdrawal:
        withdrawal = in_state(S.REQUESTED, people, **fields)
        Withdrawal.objects.filter(pk=withdrawal.pk).update(required_approvals=0)
        pass_checks(withdrawal)
        return withdrawal

    unchecked, concerned, large = cleared(), cleared(), cleared(amount=1_200_000)
    unchecked.check_results.update(is_current=False)
    CheckResult.objects.create(withdrawal=concerned, code="x", outcome="review", title="x", at=NOW)
    for withdrawal in (unchecked, concerned, large):
        with pytest.raises(IllegalMove):
            Withdrawal.advance(withdrawal.pk, M.CLEAR, actor=SCREENING, now=NOW)
        with pytest.raises(IntegrityError, match="needs"):
            raw(
                "UPDATE withdrawals_withdrawal SET state = 'approved', fingerprint = 'x', approved_at = now(),"
                " version = version + 1 WHERE id = %s",
                withdrawal.pk,
            )


def test_one_person_never_approves_a_large_amount(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people, amount=policy.ONE_PERSON_CAP + 1, approvals=1)
    with pytest.raises(IllegalMove):
        Withdrawal.advance(withdrawal.pk, M.APPROVE, actor=people["operator"], now=NOW)


def test_every_move_for_two_people_is_found_by_its_second_person(people: dict[str, User]) -> None:
    large = in_state(S.UNDER_REVIEW, people, amount=policy.ONE_PERSON_CAP + 1, approvals=2)
    frozen = in_state(S.UNDER_REVIEW, people)
    frozen = Withdrawal.advance(frozen.pk, M.HOLD, actor=people["compliance"], now=NOW, **LEGAL)
    for_two = {move for move in M for one in (large, frozen) if guards.takes_two(one, move, people["operator"])}
    assert {move for moves in guards.SECONDED_WITH.values() for move in moves} == for_two
    app_label, codenames = "withdrawals", {one.removeprefix("withdrawals.") for one in guards.SECONDED_WITH}
    known = Permission.objects.filter(content_type__app_label=app_label, codename__in=codenames)
    assert known.count() == len(codenames)


def test_the_database_and_the_invariants_have_the_caps_of_policy() -> None:
    rules = (settings.BASE_DIR / "withdrawals" / "sql" / "rules.sql").read_text()
    assert f"reference_amount > {policy.ONE_PERSON_CAP} " in rules
    assert f"reference_amount <= {policy.AUTOMATIC_CAP} " in rules
    (large,) = (i for i in verification.invariants() if i.name == "A03")
    assert f"> {policy.ONE_PERSON_CAP} " in large.query


@pytest.mark.parametrize("kind", ["player", "internal", "provider"])
def test_a_hold_has_an_end(kind: str, people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    with pytest.raises(IllegalMove, match="wakes up"):
        Withdrawal.advance(withdrawal.pk, M.HOLD, actor=people["operator"], now=NOW, reason="waiting_player", kind=kind)


def test_one_approval_is_not_enough_where_two_are_asked(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people, approvals=2)
    with pytest.raises(IllegalMove):
        Withdrawal.advance(withdrawal.pk, M.APPROVE, actor=people["operator"], now=NOW)


def test_a_personal_ceiling_asks_for_a_second_person(make_staff: Callable[..., User]) -> None:
    junior = make_staff("Operator", "Jo New", approval_limit=10_000)
    withdrawal = make_withdrawal(S.UNDER_REVIEW, amount=10_001)
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, M.APPROVE, actor=junior, now=NOW)
    assert Withdrawal.advance(withdrawal.pk, M.ENDORSE, actor=junior, now=NOW).state == S.SECOND_APPROVAL


def test_high_risk_needs_a_fraud_analyst_first(people: dict[str, User], fraud_analyst: User) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people, risk=(75, "high"), is_flagged=True)
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, M.APPROVE, actor=people["senior"], now=NOW)
    assert Withdrawal.advance(withdrawal.pk, M.APPROVE, actor=fraud_analyst, now=NOW).state == S.APPROVED


def test_large_rejection_needs_two_people(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people, amount=1_200_000, approvals=2)
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, M.REJECT, actor=people["senior"], now=NOW, reason="terms_not_met")
    moved = Withdrawal.advance(
        withdrawal.pk, M.REJECT, actor=people["senior"], now=NOW, reason="terms_not_met",
        proposed_by=people["operator"].pk,
    )  # fmt: skip
    assert moved.state == S.REJECTED


def test_legal_hold_needs_two_compliance_officers_to_end(people: dict[str, User], make_staff: Any) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    Withdrawal.advance(withdrawal.pk, M.HOLD, actor=people["compliance"], now=NOW, **LEGAL)
    for move, reason in ((M.REJECT, "terms_not_met"), (M.CANCEL, "expired")):
        with pytest.raises(IllegalMove):
            actor = SWEEPER if move == M.CANCEL else people["senior"]
            Withdrawal.advance(withdrawal.pk, move, actor=actor, now=NOW, reason=reason)
    release = {"reason": "law_satisfied", "now": NOW}
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, M.RELEASE, actor=people["compliance"], **release)
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, M.RELEASE, actor=people["operator"], proposed_by=1, **release)
    with pytest.raises(NotAllowed):
        Withdrawal.advance(withdrawal.pk, M.RELEASE, actor=SWEEPER, **release)
    second = make_staff("Compliance", "Omar Said")
    moved = Withdrawal.advance(withdrawal.pk, M.RELEASE, actor=second, proposed_by=people["compliance"].pk, **release)
    assert moved.state == S.UNDER_REVIEW


@pytest.mark.parametrize(("kind", "reason"), [("legal", "no_longer_needed"), ("internal", "law_satisfied")])
def test_only_a_legal_hold_ends_for_a_reason_of_the_law(
    kind: str, reason: str, people: dict[str, User], make_staff: Any
) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    hold = {"reason": "legal", "kind": kind, "wake_at": NOW + timedelta(days=1), "now": NOW}
    Withdrawal.advance(withdrawal.pk, M.HOLD, actor=people["compliance"], **hold)
    with pytest.raises(NeedsReason):
        Withdrawal.advance(
            withdrawal.pk, M.RELEASE, actor=make_staff("Compliance", "Omar Said"), now=NOW, reason=reason,
            proposed_by=people["compliance"].pk,
        )  # fmt: skip


@pytest.mark.parametrize("state", [S.REQUESTED, S.UNDER_REVIEW, S.ON_HOLD, S.APPROVED])
def test_nothing_is_cancelled_where_the_law_keeps_it_from_play(state: State, people: dict[str, User]) -> None:
    withdrawal = in_state(state, people, hold_kind="player", player=PlayerFactory(verified=True, jurisdiction="gb"))
    assert M.CANCEL not in withdrawal.moves_for(people["senior"])
    with pytest.raises(IllegalMove):
        Withdrawal.advance(withdrawal.pk, M.CANCEL, actor=SWEEPER, now=NOW, reason="expired")
    with pytest.raises(RequestRefused):
        requests.cancel(withdrawal, actor=PLATFORM, now=NOW)
    if state == S.ON_HOLD:
        assert "goes back to review on" in hold_words(withdrawal, people["senior"])
        holds.wake(withdrawal.pk, now=withdrawal.wake_at)
        withdrawal.refresh_from_db()
        assert (withdrawal.state, withdrawal.reason) == (S.UNDER_REVIEW, "time_is_up")


@pytest.mark.parametrize("move", [M.COMPLETE, M.FAIL])
def test_whoever_settles_by_hand_says_what_proves_it(move: Move, people: dict[str, User]) -> None:
    withdrawal = in_state(S.OUTCOME_UNKNOWN, people)
    for reason in ("", "because"):
        with pytest.raises(NeedsReason):
            Withdrawal.advance(
                withdrawal.pk, move, actor=people["finance"], now=NOW, reason=reason, evidence="x", **PAID
            )


@pytest.mark.parametrize("move", [M.REJECT, M.HOLD])
def test_a_reason_is_required_and_must_be_listed(move: Move, people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    for reason in ("", "because"):
        with pytest.raises(NeedsReason):
            Withdrawal.advance(withdrawal.pk, move, actor=people["operator"], now=NOW, reason=reason, kind="internal")


def test_a_stale_version_is_refused(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    with pytest.raises(StaleVersion):
        Withdrawal.advance(withdrawal.pk, M.APPROVE, actor=people["operator"], now=NOW, version=withdrawal.version - 1)


def test_an_approval_is_void_when_what_was_approved_changes(people: dict[str, User]) -> None:
    withdrawal = in_state(S.SECOND_APPROVAL, people, approvals=2)
    withdrawal.destination.holder_name = "Somebody Else"
    withdrawal.destination.save()
    with pytest.raises(IllegalMove):
        Withdrawal.advance(withdrawal.pk, M.CONFIRM, actor=people["senior"], now=NOW)


@COMMITTED
def test_eight_threads_race_for_one_withdrawal(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    version = withdrawal.version
    outcomes: list[str] = []
    barrier = threading.Barrier(8)

    def approve() -> None:
        barrier.wait()
        try:
            Withdrawal.advance(withdrawal.pk, M.APPROVE, actor=people["operator"], now=NOW, version=version)
            outcomes.append("won")
        except MoveRefused:
            outcomes.append("lost")
        finally:
            connection.close()

    threads = [threading.Thread(target=approve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["lost"] * 7 + ["won"]
    assert AuditEntry.objects.filter(subject_id=withdrawal.ref, action="approve").count() == 1


@COMMITTED
def test_a_failing_ledger_write_rolls_everything_back(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_entry ADD CONSTRAINT nothing CHECK (kind <> 'unreserve') NOT VALID")
    before = counts()
    try:
        with pytest.raises(DatabaseError):
            Withdrawal.advance(withdrawal.pk, M.REJECT, actor=people["operator"], now=NOW, reason="terms_not_met")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_entry DROP CONSTRAINT nothing")
    assert counts() == before
    assert Withdrawal.objects.get(pk=withdrawal.pk).state == S.UNDER_REVIEW


@COMMITTED
def test_a_failing_audit_write_rolls_everything_back(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditentry ADD CONSTRAINT nothing CHECK (action <> 'reject') NOT VALID")
    before = counts()
    try:
        with pytest.raises(IntegrityError):
            Withdrawal.advance(withdrawal.pk, M.REJECT, actor=people["operator"], now=NOW, reason="terms_not_met")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_auditentry DROP CONSTRAINT nothing")
    assert counts() == before
    assert Withdrawal.objects.get(pk=withdrawal.pk).state == S.UNDER_REVIEW


@COMMITTED
def test_two_requests_cannot_spend_one_balance() -> None:
    first = open_withdrawal(amount=10_000)
    player = first.player
    fund(player, 10_000)
    accepted: list[bool] = []
    barrier = threading.Barrier(8)

    def ask(number: int) -> None:
        barrier.wait()
        try:
            requests.request_withdrawal(
                player=player, destination_id=first.destination.external_id, amount="40.00", currency="EUR",
                key=f"race-{number}", source="test", actor=PLATFORM, now=NOW + timedelta(minutes=1),
            )  # fmt: skip
            accepted.append(True)
        except requests.RequestRefused as refusal:
            assert refusal.code == "insufficient_funds"
            accepted.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accepted.count(True) == 2


@COMMITTED
def test_one_key_asked_twenty_times_at_once_is_one_withdrawal() -> None:
    first = open_withdrawal(amount=10_000)
    fund(first.player, 100_000)
    seen: set[str] = set()
    new: list[bool] = []
    barrier = threading.Barrier(20)

    def ask() -> None:
        barrier.wait()
        try:
            withdrawal, created = requests.request_withdrawal(
                player=first.player, destination_id=first.destination.external_id, amount="40.00", currency="EUR",
                key="same", source="test", actor=PLATFORM, now=NOW,
            )  # fmt: skip
            seen.add(withdrawal.ref)
            new.append(created)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 1
    assert new.count(True) == 1
    with pytest.raises(requests.KeyReused):
        requests.request_withdrawal(
            player=first.player, destination_id=first.destination.external_id, amount="41.00", currency="EUR",
            key="same", source="test", actor=PLATFORM, now=NOW,
        )  # fmt: skip


# -- the database's own layer, with the code's switched off ------------------------------------------


def raw(sql: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_the_database_refuses_an_edge_that_is_not_declared(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    with pytest.raises(DatabaseError):
        raw("UPDATE withdrawals_withdrawal SET state = 'completed' WHERE id = %s", withdrawal.pk)


@COMMITTED
def test_the_database_refuses_a_state_without_its_money_or_audit(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    with pytest.raises(IntegrityError, match="is reserved"):
        raw(
            "UPDATE withdrawals_withdrawal SET state = 'rejected', reason = 'x', closed_at = now(),"
            " version = version + 1 WHERE id = %s",
            withdrawal.pk,
        )
    with pytest.raises(IntegrityError, match="without an audit entry"):
        raw(
            "UPDATE withdrawals_withdrawal SET state = 'on_hold', hold_kind = 'internal', version = version + 1"
            " WHERE id = %s",
            withdrawal.pk,
        )


def test_the_database_refuses_an_approval_without_people(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    with pytest.raises(IntegrityError, match="needs 1 approvals"):
        raw(
            "UPDATE withdrawals_withdrawal SET state = 'approved', fingerprint = 'x', approved_at = now(),"
            " version = version + 1 WHERE id = %s",
            withdrawal.pk,
        )


def test_the_database_refuses_a_second_live_attempt(people: dict[str, User]) -> None:
    withdrawal = in_state(S.PROCESSING, people)
    with pytest.raises(IntegrityError, match="attempt_one_live"):
        withdrawal.new_attempt("volta", trace=[], now=NOW)


def test_the_database_refuses_another_amount_for_an_attempt(people: dict[str, User]) -> None:
    withdrawal = in_state(S.APPROVED, people)
    withdrawal.amount += 1
    with pytest.raises(IntegrityError, match="does not match"):
        withdrawal.new_attempt("volta", trace=[], now=NOW)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE withdrawals_withdrawal SET amount = amount + 1 WHERE id = %s",
        "UPDATE withdrawals_withdrawal SET destination_id = destination_id + 1 WHERE id = %s",
        "DELETE FROM withdrawals_withdrawal WHERE id = %s",
        "UPDATE withdrawals_approval SET fingerprint = 'x' WHERE withdrawal_id = %s",
        "DELETE FROM withdrawals_approval WHERE withdrawal_id = %s",
        "UPDATE withdrawals_payoutattempt SET amount = amount + 1 WHERE withdrawal_id = %s",
        "DELETE FROM withdrawals_payoutattempt WHERE withdrawal_id = %s",
    ],
)
def test_the_database_keeps_what_was_asked_and_done(sql: str, people: dict[str, User]) -> None:
    withdrawal = in_state(S.PROCESSING, people)
    with pytest.raises(DatabaseError):
        raw(sql, withdrawal.pk)


def test_the_audit_trail_cannot_be_changed(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    for sql in (
        "UPDATE audit_auditentry SET reason = 'x' WHERE subject_id = %s",
        "DELETE FROM audit_auditentry WHERE subject_id = %s",
    ):
        with pytest.raises(DatabaseError):
            raw(sql, withdrawal.ref)


def test_direct_assignment_and_refresh_keep_the_state_protected(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    with pytest.raises(AttributeError):
        withdrawal.state = S.APPROVED
    Withdrawal.advance(withdrawal.pk, M.HOLD, actor=people["operator"], now=NOW, **HOLD)
    withdrawal.refresh_from_db()
    assert withdrawal.state == S.ON_HOLD
    with pytest.raises(AttributeError):
        withdrawal.state = S.APPROVED
