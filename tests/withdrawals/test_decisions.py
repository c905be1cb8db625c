"""A person decides: the decision waits, can be undone, takes effect through the door, or is overtaken."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from backoffice.accounts.models import User
from backoffice.accounts.preferences import prefer
from backoffice.audit.actors import PAYOUTS
from backoffice.audit.models import AuditEntry
from ledger.models import Entry
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import PLATFORM, make_destination, make_withdrawal
from withdrawals import verification
from withdrawals.exceptions import (
    AlreadyDecided,
    ClaimedByOther,
    FactsChanged,
    IllegalMove,
    NeedsReason,
    NotAllowed,
    StaleVersion,
)
from withdrawals.models import Claim, Decision, Withdrawal
from withdrawals.operations import claims, decisions, due_decisions, proposals, requests
from withdrawals.states import Move, State

S, M, Status = State, Move, Decision.Status
DUE = NOW + settings.UNDO_TIME
REJECT = {"reason": "terms_not_met"}


@pytest.fixture
def withdrawal(db: None) -> Withdrawal:
    return make_withdrawal(S.UNDER_REVIEW)


def decide(withdrawal: Withdrawal, move: Move, actor: User, *, key: str = "first", **said: Any) -> Decision:
    said = {"now": NOW, "version": withdrawal.version, **said}
    return decisions.decide(withdrawal, move, actor=actor, key=key, **said)


def apply(decision: Decision, **said: Any) -> Decision:
    """Take a due decision to the door; return how it ended."""
    due_decisions.apply_due_decisions(now=said.get("now", DUE))
    decision.refresh_from_db()
    return decision


def state_of(withdrawal: Withdrawal) -> str:
    return Withdrawal.objects.values_list("state", flat=True).get(pk=withdrawal.pk)


def actions_of(withdrawal: Withdrawal) -> list[str]:
    return list(AuditEntry.objects.filter(subject_id=withdrawal.ref).order_by("seq").values_list("action", flat=True))


def nothing_is_in_breach() -> None:
    connection.check_constraints()
    assert [breach for breach in verification.check() if breach.count] == []


def test_a_decision_waits_and_then_takes_effect(withdrawal: Withdrawal, operator: User) -> None:
    claims.claim(withdrawal, user=operator, now=NOW)
    decision = decide(withdrawal, M.APPROVE, operator, reason="known_player", note="Called back.")
    assert (decision.status, decision.effective_at) == (Status.WAITING, DUE)
    assert not Claim.objects.exists()
    assert apply(decision, now=DUE - timedelta(microseconds=1)).status == Status.WAITING
    assert state_of(withdrawal) == S.UNDER_REVIEW
    assert apply(decision).status == Status.APPLIED
    assert decision.ended_at == DUE
    assert state_of(withdrawal) == S.APPROVED
    assert actions_of(withdrawal)[-2:] == ["decide", "approve"]
    assert due_decisions.apply_decision(decision.pk, now=DUE) is None
    nothing_is_in_breach()


def test_the_same_key_is_the_same_decision(withdrawal: Withdrawal, operator: User) -> None:
    first = decide(withdrawal, M.APPROVE, operator)
    assert decide(withdrawal, M.APPROVE, operator) == first
    apply(first)
    assert decide(withdrawal, M.APPROVE, operator) == first
    assert Decision.objects.count() == 1


def test_one_form_is_not_two_different_decisions(withdrawal: Withdrawal, operator: User, senior: User) -> None:
    decisions.undo(decide(withdrawal, M.APPROVE, operator), actor=operator, now=NOW)
    for move, actor, said in ((M.REJECT, operator, REJECT), (M.APPROVE, senior, {})):
        with pytest.raises(IllegalMove, match="used already"):
            decide(withdrawal, move, actor, **said)
    with pytest.raises(IllegalMove, match="used already"):
        decide(make_withdrawal(S.UNDER_REVIEW), M.APPROVE, operator)


def test_what_a_colleague_claimed_is_the_colleague_s_to_decide(operator: User, make_staff: Any) -> None:
    first, second = make_staff("Fraud", "First Analyst"), make_staff("Fraud", "Second Analyst")
    withdrawal = make_withdrawal(S.UNDER_REVIEW, is_flagged=True)
    claims.claim(withdrawal, user=first, now=NOW)
    for actor in (second, operator):
        with pytest.raises(ClaimedByOther, match="First Analyst is deciding this"):
            decide(withdrawal, M.APPROVE, actor, reason="known_player")
    assert decide(withdrawal, M.APPROVE, first, reason="known_player").status == Status.WAITING


def test_compliance_stops_what_somebody_else_claimed(operator: User, compliance: User, withdrawal: Withdrawal) -> None:
    claims.claim(withdrawal, user=operator, now=NOW)
    assert decide(withdrawal, M.HOLD, compliance, reason="legal", facts={"kind": "legal"}).status == Status.WAITING


def test_facts_that_changed_are_shown_before_anybody_approves(operator: User) -> None:
    player = PlayerFactory(verified=True)
    withdrawal = make_withdrawal(S.UNDER_REVIEW, player=player)
    make_destination(PlayerFactory(), account=withdrawal.destination.account)
    with pytest.raises(FactsChanged, match="also used by 1 other player"):
        decide(withdrawal, M.APPROVE, operator)
    assert not Decision.objects.exists()
    seen = Withdrawal.objects.get(pk=withdrawal.pk)
    assert (seen.risk_level, seen.is_flagged) == ("high", True)
    assert "Bank account shared with 1 other player" in seen.why


def test_facts_that_change_within_the_undo_time_overtake_the_approval(operator: User) -> None:
    withdrawal = make_withdrawal(S.UNDER_REVIEW, player=PlayerFactory(verified=True))
    decision = decide(withdrawal, M.APPROVE, operator)
    make_destination(PlayerFactory(), account=withdrawal.destination.account)
    assert apply(decision).status == Status.OVERTAKEN
    assert decision.words.startswith("The facts changed since the checks")
    assert state_of(withdrawal) == S.UNDER_REVIEW
    assert Withdrawal.objects.get(pk=withdrawal.pk).risk_level == "high"


def test_a_page_that_is_out_of_date_decides_nothing(withdrawal: Withdrawal, operator: User) -> None:
    with pytest.raises(StaleVersion):
        decide(withdrawal, M.APPROVE, operator, version=withdrawal.version - 1)
    assert not Decision.objects.exists()


def test_who_comes_second_is_told_who_was_first(withdrawal: Withdrawal, operator: User, senior: User) -> None:
    decide(withdrawal, M.REJECT, operator, **REJECT)
    with pytest.raises(AlreadyDecided, match="Dana Kovac rejected it"):
        decide(withdrawal, M.APPROVE, senior, key="second")


@pytest.mark.parametrize("move", [M.CLEAR, M.REFER, M.START_PAYOUT, M.TAKE_BACK, M.OPEN])
def test_a_machine_s_move_is_nobody_s_decision(move: Move, withdrawal: Withdrawal, senior: User) -> None:
    with pytest.raises(IllegalMove):
        decide(withdrawal, move, senior)


def test_who_may_not_use_the_move_may_not_decide_it(withdrawal: Withdrawal, support: User) -> None:
    with pytest.raises(NotAllowed):
        decide(withdrawal, M.APPROVE, support)
    assert not Decision.objects.exists()


@pytest.mark.parametrize("level", ["medium", "high"])
def test_an_approval_at_risk_needs_a_reason(level: str, fraud_analyst: User) -> None:
    risky = make_withdrawal(S.UNDER_REVIEW, risk=(50, level), is_flagged=True)
    with pytest.raises(NeedsReason):
        decide(risky, M.APPROVE, fraud_analyst)
    assert decide(risky, M.APPROVE, fraud_analyst, reason="win_verified").status == Status.WAITING


# -- undo ------------------------------------------------------------------------------------------


def test_undo_in_time_leaves_no_trace_but_the_record(withdrawal: Withdrawal, operator: User) -> None:
    entries = Entry.objects.count()
    decision = decide(withdrawal, M.REJECT, operator, **REJECT)
    decisions.undo(decision, actor=operator, now=DUE - timedelta(seconds=1))
    assert apply(decision).status == Status.UNDONE
    assert (state_of(withdrawal), Entry.objects.count()) == (S.UNDER_REVIEW, entries)
    assert actions_of(withdrawal)[-2:] == ["decide", "undo"]
    assert decide(withdrawal, M.APPROVE, operator, key="second").status == Status.WAITING


def test_the_undo_time_is_the_one_that_the_person_chose(withdrawal: Withdrawal, operator: User) -> None:
    prefer(operator, undo_seconds=45)
    decision = decide(withdrawal, M.APPROVE, operator)
    assert decision.effective_at == NOW + timedelta(seconds=45)
    assert apply(decision).status == Status.WAITING


def test_nobody_else_can_undo(withdrawal: Withdrawal, operator: User, senior: User) -> None:
    decision = decide(withdrawal, M.REJECT, operator, **REJECT)
    with pytest.raises(NotAllowed):
        decisions.undo(decision, actor=senior, now=NOW)


@pytest.mark.parametrize("applied", [False, True])
def test_undo_is_over_when_its_time_is(applied: bool, withdrawal: Withdrawal, operator: User) -> None:
    decision = decide(withdrawal, M.REJECT, operator, **REJECT)
    if applied:
        apply(decision)
    with pytest.raises(IllegalMove, match="too late"):
        decisions.undo(decision, actor=operator, now=DUE)


# -- overtaken ---------------------------------------------------------------------------------------


def test_a_player_who_cancels_overtakes_the_decision(withdrawal: Withdrawal, operator: User) -> None:
    decision = decide(withdrawal, M.APPROVE, operator)
    requests.cancel(withdrawal, actor=PLATFORM, now=NOW)
    assert apply(decision).status == Status.OVERTAKEN
    assert decision.words == "Cancelled by platform:test before this took effect."
    assert state_of(withdrawal) == S.CANCELLED
    assert actions_of(withdrawal)[-2:] == ["cancel", "overtaken"]
    nothing_is_in_breach()


def test_a_colleague_who_moves_it_overtakes_the_decision(
    withdrawal: Withdrawal, operator: User, compliance: User
) -> None:
    decision = decide(withdrawal, M.APPROVE, operator)
    hold = {"reason": "legal", "kind": "legal"}
    Withdrawal.advance(withdrawal.pk, M.HOLD, actor=compliance, now=NOW, **hold)
    assert apply(decision).words == "Put on hold by Clara Novak before this took effect."
    assert state_of(withdrawal) == S.ON_HOLD


def test_a_right_taken_away_meanwhile_counts(withdrawal: Withdrawal, operator: User) -> None:
    decision = decide(withdrawal, M.APPROVE, operator)
    operator.groups.clear()
    assert (apply(decision).status, state_of(withdrawal)) == (Status.OVERTAKEN, S.UNDER_REVIEW)
    assert "may not" in decision.words


def test_an_identity_that_ran_out_meanwhile_counts(withdrawal: Withdrawal, operator: User) -> None:
    decision = decide(withdrawal, M.APPROVE, operator)
    decision = apply(decision, now=NOW + timedelta(days=1000))
    assert (decision.status, state_of(withdrawal)) == (Status.OVERTAKEN, S.UNDER_REVIEW)
    assert "identity" in decision.words


def test_one_decision_that_cannot_be_applied_does_not_stop_the_others(operator: User) -> None:
    broken, fine = (make_withdrawal(S.UNDER_REVIEW) for _number in range(2))
    first = decide(broken, M.REJECT, operator, **REJECT)
    second = decide(fine, M.APPROVE, operator, key="second")
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_entry ADD CONSTRAINT nothing CHECK (kind <> 'unreserve') NOT VALID")
    assert apply(second).status == Status.APPLIED
    first.refresh_from_db()
    assert (first.status, first.effective_at) == (Status.WAITING, DUE + due_decisions.AGAIN_AFTER)


# -- two people ---------------------------------------------------------------------------------------


def test_a_large_rejection_is_proposed_and_seconded(operator: User, senior: User) -> None:
    large = make_withdrawal(S.UNDER_REVIEW, amount=1_200_000, approvals=2)
    proposal = decide(large, M.REJECT, operator, **REJECT)
    assert proposal.status == Status.PROPOSED
    assert apply(proposal, now=DUE + timedelta(days=1)).status == Status.PROPOSED
    with pytest.raises(NotAllowed):
        proposals.second(proposal, actor=operator, now=DUE)
    agreed = proposals.second(proposal, actor=senior, now=DUE)
    assert (agreed.status, agreed.actor, agreed.proposed_by) == (Status.WAITING, senior, operator)
    with pytest.raises(IllegalMove):
        proposals.second(proposal, actor=senior, now=DUE)
    assert apply(agreed, now=DUE + settings.UNDO_TIME).status == Status.APPLIED
    assert state_of(large) == S.REJECTED
    nothing_is_in_breach()


def test_a_proposal_can_be_withdrawn_by_its_author_alone(operator: User, senior: User) -> None:
    large = make_withdrawal(S.UNDER_REVIEW, amount=1_200_000, approvals=2)
    proposal = decide(large, M.REJECT, operator, **REJECT)
    with pytest.raises(NotAllowed):
        decisions.undo(proposal, actor=senior, now=NOW)
    assert decisions.undo(proposal, actor=operator, now=NOW + timedelta(days=1)).status == Status.UNDONE


def test_a_proposal_can_be_declined_by_whoever_could_agree(operator: User, senior: User, support: User) -> None:
    withdrawal = make_withdrawal(S.UNDER_REVIEW, amount=1_200_000, approvals=2)
    proposal = decide(withdrawal, M.REJECT, operator, **REJECT)
    for actor in (operator, support):
        with pytest.raises(NotAllowed):
            proposals.decline(proposal, actor=actor, now=NOW, why="No proof")
    declined = proposals.decline(proposal, actor=senior, now=NOW, why="No proof")
    assert (declined.status, declined.words, declined.actor) == (
        Status.DECLINED,
        f"{senior.name} declined it: No proof.",
        operator,
    )
    assert actions_of(withdrawal)[-1] == "decline_proposal"
    assert decide(withdrawal, M.ENDORSE, senior, key="anew").status == Status.WAITING


def test_a_proposal_ends_when_the_withdrawal_moves_on(operator: User, senior: User) -> None:
    withdrawal = make_withdrawal(S.APPROVED, by=operator)
    proposal = decide(withdrawal, M.CANCEL, senior, reason="player_asked")
    Withdrawal.advance(withdrawal.pk, M.START_PAYOUT, actor=PAYOUTS, now=NOW, provider="northgate", trace=[])
    proposal.refresh_from_db()
    assert (proposal.status, proposal.words) == (Status.OVERTAKEN, "The withdrawal moved on before anybody agreed.")


def test_a_proposer_who_lost_the_right_counts_no_more(operator: User, senior: User) -> None:
    withdrawal = make_withdrawal(S.UNDER_REVIEW, amount=1_200_000, approvals=2)
    proposal = decide(withdrawal, M.REJECT, operator, **REJECT)
    operator.groups.clear()
    with pytest.raises(IllegalMove, match="may no longer propose"):
        proposals.second(proposal, actor=senior, now=NOW)


def test_settling_by_hand_takes_two_people_and_evidence(operator: User, senior: User, finance: User) -> None:
    unknown = make_withdrawal(S.OUTCOME_UNKNOWN, by=operator)
    facts = {"provider_reference": "ng-1", "evidence": "Statement of 22 November, line 4."}
    proposal = decide(unknown, M.COMPLETE, senior, facts=facts, reason="on_statement")
    agreed = proposals.second(proposal, actor=finance, now=NOW)
    assert apply(agreed).status == Status.APPLIED
    assert state_of(unknown) == S.COMPLETED
    nothing_is_in_breach()


def test_settling_by_hand_without_evidence_is_refused_at_the_door(operator: User, senior: User, finance: User) -> None:
    unknown = make_withdrawal(S.OUTCOME_UNKNOWN, by=operator)
    proposal = decide(unknown, M.FAIL, senior, reason="provider_denies")
    agreed = proposals.second(proposal, actor=finance, now=NOW)
    assert (apply(agreed).status, state_of(unknown)) == (Status.OVERTAKEN, S.OUTCOME_UNKNOWN)
    assert "evidence" in agreed.words


def test_the_provider_may_be_faster_than_two_people(operator: User, senior: User, finance: User) -> None:
    from backoffice.audit.actors import PAYOUTS

    unknown = make_withdrawal(S.OUTCOME_UNKNOWN, by=operator)
    proposal = decide(unknown, M.FAIL, senior, facts={"evidence": "Their mail."}, reason="provider_denies")
    agreed = proposals.second(proposal, actor=finance, now=NOW)
    Withdrawal.advance(unknown.pk, M.COMPLETE, actor=PAYOUTS, now=NOW, provider_reference="ng-1")
    assert apply(agreed).words == "Paid by payouts before this took effect."
    assert state_of(unknown) == S.COMPLETED
    nothing_is_in_breach()


def test_endorse_and_confirm_are_two_people(operator: User, senior: User) -> None:
    large = make_withdrawal(S.UNDER_REVIEW, amount=1_200_000, approvals=2)
    apply(decide(large, M.ENDORSE, operator))
    large.refresh_from_db()
    assert large.state == S.SECOND_APPROVAL
    with pytest.raises(NotAllowed):
        decide(large, M.CONFIRM, operator, key="second")
    apply(decide(large, M.CONFIRM, senior, key="third"))
    assert state_of(large) == S.APPROVED
    nothing_is_in_breach()


# -- at the same moment ---------------------------------------------------------------------------------


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run every act in a thread of its own at the same moment; return their results or exceptions."""
    barrier, results = threading.Barrier(len(acts)), [None] * len(acts)  # type: ignore[var-annotated]

    def run(place: int, act: Callable[[], object]) -> None:
        barrier.wait(30)
        try:
            results[place] = act()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_and_one_counts(operator: User, senior: User) -> None:
    for number in range(5):
        withdrawal = make_withdrawal(S.UNDER_REVIEW)
        results = at_once(
            lambda w=withdrawal, n=number: decide(w, M.APPROVE, operator, key=f"a{n}"),
            lambda w=withdrawal, n=number: decide(w, M.REJECT, senior, key=f"b{n}", **REJECT),
        )
        assert sorted(type(result).__name__ for result in results) == ["AlreadyDecided", "Decision"]
        assert Decision.objects.filter(withdrawal=withdrawal).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_is_one_decision(operator: User) -> None:
    withdrawal = make_withdrawal(S.UNDER_REVIEW)
    results = at_once(*[lambda: decide(withdrawal, M.APPROVE, operator)] * 6)
    # Whoever came while the first was being kept is told so; a form sent again gets the first answer.
    kept = {result.pk for result in results if isinstance(result, Decision)}
    assert len(kept) == 1
    assert Decision.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_undo_races_the_worker_and_one_wins(operator: User) -> None:
    for number in range(5):
        withdrawal = make_withdrawal(S.UNDER_REVIEW)
        decision = decide(withdrawal, M.APPROVE, operator, key=str(number))
        at_once(
            lambda d=decision: decisions.undo(d, actor=operator, now=DUE - timedelta(seconds=1)),
            lambda d=decision: due_decisions.apply_decision(d.pk, now=DUE),
        )
        decision.refresh_from_db()
        assert (decision.status, state_of(withdrawal)) in {
            (Status.UNDONE, S.UNDER_REVIEW),
            (Status.APPLIED, S.APPROVED),
        }


@pytest.mark.django_db(transaction=True)
def test_the_player_s_cancel_races_the_approval(operator: User) -> None:
    for number in range(5):
        withdrawal = make_withdrawal(S.UNDER_REVIEW)
        decision = decide(withdrawal, M.APPROVE, operator, key=str(number))
        at_once(
            lambda w=withdrawal: requests.cancel(w, actor=PLATFORM, now=NOW),
            lambda d=decision: due_decisions.apply_decision(d.pk, now=DUE),
        )
        decision.refresh_from_db()
        # An approved withdrawal can still be cancelled, so the player gets their way in either order.
        assert state_of(withdrawal) == S.CANCELLED
        assert decision.status in (Status.APPLIED, Status.OVERTAKEN)
    nothing_is_in_breach()


@pytest.mark.django_db(transaction=True)
def test_who_agrees_a_moment_later_is_told_so(senior: User, finance: User, make_staff: Any) -> None:
    withdrawal = make_withdrawal(S.OUTCOME_UNKNOWN, by=make_staff("Operator"))
    proof = {"reason": "not_on_statement", "facts": {"evidence": "Line 14 of the statement"}}
    proposal, another = decide(withdrawal, M.FAIL, senior, **proof), make_staff("Senior", "Piotr Maj")
    late: list[Any] = []

    def agree_late() -> None:
        try:
            late.append(proposals.second(proposal, actor=another, now=NOW))
        except Exception as error:
            late.append(error)
        connection.close()

    thread = threading.Thread(target=agree_late)
    with transaction.atomic():
        proposals.second(proposal, actor=finance, now=NOW)
        thread.start()
        thread.join(1)  # it waits for the row
    thread.join()
    assert isinstance(late[0], IllegalMove), late
    assert Decision.objects.get().actor == finance


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "internal"},
        {"kind": "player", "wake_at": DUE.isoformat()},
        {"kind": "legal"},
        {"kind": "internal", "wake_at": NOW.isoformat()},
        {"kind": "internal", "wake_at": (NOW + timedelta(days=91)).isoformat()},
        {"kind": "internal", "wake_at": DUE.isoformat(), "player_message": "Hello"},
    ],
)
def test_a_hold_fits_its_reason_and_ends(withdrawal: Withdrawal, compliance: User, facts: dict[str, str]) -> None:
    with pytest.raises(IllegalMove):
        decide(withdrawal, M.HOLD, compliance, reason="waiting_colleague", facts=facts)
    fits = {"kind": "internal", "wake_at": (NOW + timedelta(days=90)).isoformat()}
    assert decide(withdrawal, M.HOLD, compliance, reason="waiting_colleague", facts=fits).status == Status.WAITING
