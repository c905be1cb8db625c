"""Who may make which move: roles, ceilings, second people, reasons, the law."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction

from backoffice.accounts.models import User
from backoffice.audit.actors import SCREENING, SWEEPER
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import PLATFORM, make_withdrawal, pass_checks
from tests.withdrawals.life import LEGAL, PAID, counts, in_state, raw
from withdrawals import guards, policy, verification
from withdrawals.exceptions import IllegalMove, NeedsReason, NotAllowed, RequestRefused, StaleVersion
from withdrawals.models import CheckResult, PayoutAttempt, Withdrawal
from withdrawals.operations import holds, requests
from withdrawals.pages.pending import hold_words
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db

S, M = State, Move


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
