"""Deciding through the pages: answers, undo, reasons, holds, two people."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from backoffice.accounts.models import User
from backoffice.accounts.preferences import prefer
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from tests.withdrawals.screen import QUEUE, SignIn, buttons, page, send, state_of, undo_time_is_over, waiting
from withdrawals.exceptions import NeedsReason
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import decisions
from withdrawals.states import Move, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


def test_approve_next_undo(operator: User, client_for: SignIn) -> None:
    first, second = waiting(), waiting(amount=64_000)
    client = client_for(operator)
    page(client, first, QUEUE)
    answer = send(client, first, "approve", QUEUE, open_next="1")
    assert answer.headers["Location"] == f"/withdrawals/next/?view=needs-decision&decided={first.ref}"
    following = client.get(answer.headers["Location"], follow=True)
    html = unescape(following.content.decode())
    assert second.ref in html and f"Approved €180.00 for {first.player.name}" in html
    decision = Decision.objects.get()
    assert (decision.status, state_of(first)) == (Decision.Status.WAITING, State.UNDER_REVIEW)
    taken_back = client.post(f"/withdrawals/decisions/{decision.pk}/undo/")
    assert taken_back.status_code == 302
    undo_time_is_over()
    assert state_of(first) == State.UNDER_REVIEW


def test_after_its_undo_time_a_decision_takes_effect_and_cannot_be_undone(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    answer = send(client, row, "approve", QUEUE)
    assert answer.headers["Location"] == f"/withdrawals/{row.ref}/{QUEUE}"
    assert "It takes effect when the undo time is over." in page(client, row)
    undo_time_is_over()
    assert state_of(row) == State.APPROVED
    late = client.post(f"/withdrawals/decisions/{Decision.objects.get().pk}/undo/")
    assert late.status_code == 409 and "too late to undo" in late.content.decode()
    assert "Undo" not in page(client, row)


def test_only_the_author_undoes(operator: User, senior: User, client_for: SignIn) -> None:
    row = waiting()
    send(client_for(operator), row, "approve")
    answer = client_for(senior).post(f"/withdrawals/decisions/{Decision.objects.get().pk}/undo/")
    assert answer.status_code == 403
    assert Decision.objects.get().status == Decision.Status.WAITING


def test_a_form_that_was_taken_back_decides_nothing_else(operator: User, client_for: SignIn) -> None:
    row, client, token = waiting(), client_for(operator), uuid.uuid4().hex
    assert send(client, row, "approve", token=token).status_code == 302
    client.post(f"/withdrawals/decisions/{Decision.objects.get().pk}/undo/")
    answer = send(client, row, "reject", token=token, reason="terms_not_met")
    assert answer.status_code == 409 and "This form was used already" in answer.text
    assert [decision.move for decision in Decision.objects.all()] == [Move.APPROVE]


def test_the_same_form_twice_is_one_decision(operator: User, client_for: SignIn) -> None:
    row, client, token = waiting(), client_for(operator), uuid.uuid4().hex
    answers = [send(client, row, "approve", QUEUE, token=token) for _ in range(2)]
    undo_time_is_over()
    answers.append(send(client, row, "approve", QUEUE, token=token))
    assert [answer.status_code for answer in answers] == [302, 302, 302]
    assert Decision.objects.count() == 1


def test_medium_risk_wants_a_reason_of_the_list_and_none_is_preselected(operator: User, client_for: SignIn) -> None:
    row, client = waiting(risk=(46, "medium")), client_for(operator)
    html = page(client, row, QUEUE)
    assert "Approve €180.00…" in buttons(html)
    assert "checked" not in "".join(re.findall(r'<input type="radio" name="reason"[^>]*>', html))
    for reason in ({}, {"reason": "nice_person"}):
        refused = send(client, row, "approve", note="kept text", **reason)
        assert refused.status_code == 422
        text = refused.content.decode()
        assert "<title>Error: Why is this fine?" in text and 'class="error-summary"' in text and "kept text" in text
    assert not Decision.objects.exists()
    assert send(client, row, "approve", reason="known_player", note="Called back").status_code == 302
    decision = Decision.objects.get()
    assert (decision.reason, decision.note) == ("known_player", "Called back")


def test_reject_shows_what_the_player_will_read(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    html = page(client, row, QUEUE)
    assert "Please show that the new payout details are yours" in html
    alone = client.get(f"/withdrawals/{row.ref}/reject/{QUEUE}").content.decode()
    assert len(re.findall('type="radio" name="reason"', alone)) == 8 and "What the player will read" in alone
    assert send(client, row, "reject", reason="destination_needs_proof").status_code == 302
    undo_time_is_over()
    assert (state_of(row), Withdrawal.objects.get().reason) == (State.REJECTED, "destination_needs_proof")


def test_something_else_is_said_in_a_note(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    answer = send(client, row, "reject", reason="other", note="  ")
    assert answer.status_code == 422 and "Write what it is: the reason does not say." in answer.text
    with pytest.raises(NeedsReason, match="says nothing by itself"):
        decisions.decide(row, Move.REJECT, actor=operator, now=NOW, version=row.version, key="k", reason="other")
    assert send(client, row, "reject", reason="other", note="Asked for twice by mistake").status_code == 302


def test_hold_waits_until_a_time_and_the_reason_says_for_whom(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    assert send(client, row, "hold", reason="waiting_player").status_code == 422  # no time
    assert send(client, row, "hold", reason="waiting_player", wake="tomorrow").status_code == 302
    undo_time_is_over()
    held = Withdrawal.objects.get()
    expected = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert (held.state, held.hold_kind, held.wake_at) == (State.ON_HOLD, "player", expected)
    html = page(client, row)
    assert "Otherwise it is cancelled on 23 Nov 2026, 09:00." in html
    assert buttons(html) == ["Reject…", "Release…", "Note"]
    assert send(client, held, "release", reason="answer_received").status_code == 302
    undo_time_is_over()
    assert state_of(row) == State.UNDER_REVIEW


def test_a_legal_hold_is_compliance_alone_and_ends_by_two_people(
    operator: User, compliance: User, make_staff: Any, client_for: SignIn
) -> None:
    row = waiting()
    assert "Legal hold" not in page(client_for(operator), row)
    assert send(client_for(operator), row, "hold", reason="legal").status_code == 422
    assert send(client_for(compliance), row, "hold", reason="legal").status_code == 302
    undo_time_is_over()
    held = Withdrawal.objects.get()
    assert (held.hold_kind, held.wake_at) == ("legal", None)
    assert buttons(page(client_for(operator), row)) == ["Note"]
    assert send(client_for(operator), held, "release", reason="other").status_code == 409
    assert client_for(operator).get(f"/withdrawals/{row.ref}/release/").status_code == 409
    assert buttons(page(client_for(compliance), row)) == ["Release…", "Note"]
    asked = client_for(compliance).get(f"/withdrawals/{row.ref}/release/").text
    assert "The law no longer demands it" in asked and "The document is here" not in asked
    assert send(client_for(compliance), held, "release", reason="other").status_code == 422
    assert send(client_for(compliance), held, "release", reason="law_satisfied").status_code == 302  # a proposal
    html = page(client_for(compliance), row)
    assert "It needs a second compliance officer, and there is none: ask an administrator." in html
    assert "<b>Proposed.</b>" in html and "Already decided." not in html
    second = make_staff("Compliance", "Carl Roth")
    html = page(client_for(second), row)
    assert "It needs a second compliance officer.<" in html
    agree = f"/withdrawals/decisions/{Decision.objects.get(move='release').pk}/agree/"
    assert client_for(operator).post(agree).status_code == 404
    assert client_for(second).post(agree).status_code == 302
    undo_time_is_over()
    assert state_of(row) == State.UNDER_REVIEW


def test_only_what_can_be_undone_has_the_mark_of_undoing(operator: User, client_for: SignIn) -> None:
    html = page(client_for(operator), waiting(), QUEUE)
    sheets = {name: html.split(f'id="sheet-{name}"')[1].partition("</fieldset>")[0] for name in ("reject", "note")}
    assert "#undo" in sheets["reject"] and "You can undo" in sheets["reject"]
    assert '<div class="foot"><p></p>' in sheets["note"]


def test_two_approvals_are_two_people(operator: User, senior: User, client_for: SignIn) -> None:
    row = waiting(amount=1_200_000, approvals=2)
    assert buttons(page(client_for(operator), row, QUEUE))[0] == "Approve, then a second person confirms"
    assert send(client_for(operator), row, "endorse", note="Win verified with studio").status_code == 302
    undo_time_is_over()
    current = Withdrawal.objects.get()
    assert current.state == State.SECOND_APPROVAL
    html = page(client_for(senior), current)
    assert "Dana Kovac approved first" in html and "Win verified with studio" in html
    own = page(client_for(operator), current)
    assert "You approved first" in own and "Somebody else must confirm." in own and "Dana Kovac approved" not in own
    assert buttons(html) == ["Confirm €12,000.00", "Disagree…", "Reject…", "Hold…", "Escalate…", "Cancel…", "Note"]
    assert send(client_for(senior), current, "confirm").status_code == 302
    undo_time_is_over()
    assert state_of(row) == State.APPROVED


def test_nobody_confirms_the_own_approval(senior: User, client_for: SignIn) -> None:
    row = make_withdrawal(State.SECOND_APPROVAL, by=senior)
    html = page(client_for(senior), row, QUEUE)
    assert "Confirm" not in " ".join(buttons(html)) and "You approved this." in html
    assert send(client_for(senior), row, "confirm").status_code == 403
    assert not Decision.objects.filter(move="confirm").exists()


def test_a_large_rejection_is_a_proposal_until_somebody_agrees(
    operator: User, senior: User, client_for: SignIn
) -> None:
    row = waiting(amount=1_200_000, approvals=2)
    client, second = client_for(operator), client_for(senior)
    assert "Propose: reject €12,000.00" in page(client, row, QUEUE)
    send(client, row, "reject", reason="linked_account")
    decision = Decision.objects.get()
    agree = f"/withdrawals/decisions/{decision.pk}/agree/"
    assert decision.status == Decision.Status.PROPOSED
    assert "Withdraw the proposal" in page(client, row) and agree not in page(client, row)
    assert client.post(agree).status_code == 403
    assert agree in page(second, row) and buttons(page(second, row)) == ["Agree", "Decline…", "Note"]
    assert second.post(agree).status_code == 302
    undo_time_is_over()
    assert state_of(row) == State.REJECTED


def test_a_proposal_can_be_withdrawn_by_its_author(operator: User, client_for: SignIn) -> None:
    row, client = waiting(amount=1_200_000, approvals=2), client_for(operator)
    send(client, row, "reject", reason="linked_account")
    client.post(f"/withdrawals/decisions/{Decision.objects.get().pk}/undo/")
    assert Decision.objects.get().status == Decision.Status.UNDONE
    assert "Reject…" in buttons(page(client, row))


def test_the_undo_time_is_the_person_s_own(operator: User, client_for: SignIn) -> None:
    prefer(operator, undo_seconds=45)
    row, client = waiting(), client_for(operator)
    assert "You can undo for 45 seconds." in page(client, row)
    send(client, row, "reject", reason="linked_account")
    decision = Decision.objects.get()
    assert decision.effective_at - decision.decided_at == timedelta(seconds=45)
