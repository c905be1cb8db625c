"""Where policy asks an approver to say why, and who else the policy line names."""

from datetime import timedelta
from typing import Any

import pytest

from backoffice.accounts.models import User
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination, make_finding, make_withdrawal
from tests.withdrawals.screen import QUEUE, SignIn, buttons, page, send, waiting
from withdrawals.exceptions import NeedsReason
from withdrawals.models import CheckResult, Decision, Withdrawal
from withdrawals.operations import bulk, decisions
from withdrawals.states import Move, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


def with_new_details() -> Withdrawal:
    player = PlayerFactory(verified=True)
    row = waiting(player=player, destination=make_destination(player, at=NOW - timedelta(hours=5)))
    CheckResult.objects.create(withdrawal=row, code="destination.new", outcome="review", title="New details", at=NOW)
    return row


def test_a_clean_one_takes_two_keys_and_no_reason(operator: User, client_for: SignIn) -> None:
    html = page(client_for(operator), waiting(), QUEUE)
    assert buttons(html)[0] == "Approve €180.00" and "It needs a reason" not in html


def test_new_payout_details_want_a_reason(operator: User, client_for: SignIn) -> None:
    row, client = with_new_details(), client_for(operator)
    html = page(client, row, QUEUE)
    assert buttons(html)[0] == "Approve €180.00…"
    assert "It needs a reason: new payout details." in html and "You can approve this." in html
    assert send(client, row, "approve").status_code == 422
    with pytest.raises(NeedsReason, match="needs a reason: new payout details"):
        decisions.decide(row, Move.APPROVE, actor=operator, now=NOW, version=row.version, key="k")
    assert send(client, row, "approve", reason="player_confirmed").status_code == 302
    assert Decision.objects.get().reason == "player_confirmed"


def test_an_approval_above_one_s_own_limit_wants_a_reason_for_the_second_person(
    make_staff: Any, operator: User, client_for: SignIn
) -> None:
    capped = make_staff("Operator", "Newly Hired", approval_limit=10_000)
    row, client = waiting(), client_for(capped)
    html = page(client, row, QUEUE)
    assert buttons(html)[0] == "Approve, then a second person confirms…"
    assert "It needs a reason: above your own limit." in html
    assert "Needs a second approver. You approve first, then a senior confirms." in _plain(html)
    assert send(client, row, "endorse").status_code == 422
    assert "It needs a reason" not in page(client_for(operator), row, QUEUE)


def test_every_cause_is_named(make_staff: Any, client_for: SignIn) -> None:
    capped = make_staff("Operator", "Newly Hired", approval_limit=10_000)
    row = with_new_details()
    Withdrawal.objects.filter(pk=row.pk).update(risk_score=46, risk_level="medium")
    said = "It needs a reason: new payout details, medium risk, above your own limit."
    assert said in page(client_for(capped), row, QUEUE)


def test_what_needs_a_reason_of_its_own_is_not_approved_among_others(operator: User) -> None:
    row = with_new_details()
    left = bulk.left_out(row, user=operator, now=NOW)
    assert left and left.sentence == "Needs a reason of its own: new payout details."


def test_the_second_approval_names_who_can_give_it(operator: User, senior: User, client_for: SignIn) -> None:
    row = make_withdrawal(State.SECOND_APPROVAL, by=senior, amount=1_200_000)
    told = "A senior confirms who decided nothing on it before."
    assert f"You approved this. {told}" in _plain(page(client_for(senior), row))
    html = page(client_for(operator), row)
    assert f"Needs a second approver. {told}" in _plain(html)
    assert f'<a href="/withdrawals/{row.ref}/escalate/" data-opens="escalate">Ask…</a>' in html


def test_who_may_not_approve_it_can_ask_who_may(operator: User, compliance: User, client_for: SignIn) -> None:
    high, low = waiting(risk=(71, "high")), waiting()
    html = page(client_for(operator), high, QUEUE)
    assert "Only a fraud analyst may approve this." in html and 'data-opens="escalate">Ask…</a>' in html
    assert f'href="/withdrawals/{high.ref}/escalate/{QUEUE}"' in html
    assert "Only an operator or a senior may approve this." in page(client_for(compliance), low)
    assert "Ask…" not in page(client_for(operator), low, QUEUE)


def test_what_blocks_it_says_who_lifts_it(operator: User, client_for: SignIn) -> None:
    expired, other = waiting(player=PlayerFactory(expired=True)), waiting()
    assert "A new verification lifts it" in page(client_for(operator), expired, QUEUE)
    make_finding(other, "paid_after_release", stops_payouts=True)
    assert "lifts it by closing the finding." in page(client_for(operator), other, QUEUE)


def _plain(html: str) -> str:
    return html.replace("<b>", "").replace("</b>", "")
