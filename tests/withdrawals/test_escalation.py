"""Asking somebody else: an internal hold whose reason names who is asked, and whose note is the question."""

from datetime import timedelta

import pytest

from backoffice.accounts.models import User
from tests.conftest import NOW
from tests.withdrawals.screen import SignIn, buttons, page, send, state_of, undo_time_is_over, waiting
from withdrawals.exceptions import NeedsReason
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import decisions, holds
from withdrawals.states import Move, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


def rows_of(client: object, view: str) -> str:
    return client.get(f"/withdrawals/?view={view}").content.decode()  # type: ignore[attr-defined]


def test_it_leaves_the_queue_and_waits_for_whom_is_asked(
    operator: User, compliance: User, fraud_analyst: User, client_for: SignIn
) -> None:
    row, client = waiting(), client_for(operator)
    answer = send(client, row, "escalate", reason="ask_compliance", note="Is this payslip good enough? @clara")
    assert answer.status_code == 302
    undo_time_is_over()
    held = Withdrawal.objects.get()
    assert (held.state, held.hold_kind, held.reason) == (State.ON_HOLD, "internal", "ask_compliance")
    assert held.wake_at == NOW + timedelta(days=1)
    assert row.ref not in rows_of(client, "needs-decision")
    assert row.ref in rows_of(client_for(compliance), "asked")
    assert row.ref not in rows_of(client_for(fraud_analyst), "asked")
    asked = page(client_for(compliance), row)
    assert "Dana Kovac asked compliance: “Is this payslip good enough? @clara”" in asked
    assert send(client_for(compliance), held, "release", reason="answered", note="Yes, it is.").status_code == 302
    undo_time_is_over()
    assert state_of(row) == State.UNDER_REVIEW
    assert "Yes, it is." in page(client, row)


def test_it_can_be_taken_back_like_any_decision(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    send(client, row, "escalate", reason="ask_senior", note="Is it within your limit?")
    client.post(f"/withdrawals/decisions/{Decision.objects.get().pk}/undo/")
    undo_time_is_over()
    assert state_of(row) == State.UNDER_REVIEW and "Escalate…" in buttons(page(client, row))


def test_a_question_is_needed_in_the_form_and_behind_it(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    refused = send(client, row, "escalate", reason="ask_fraud")
    assert refused.status_code == 422 and "Write what you ask them." in refused.content.decode()
    with pytest.raises(NeedsReason, match="question"):
        decisions.decide(
            row, Move.HOLD, actor=operator, now=NOW, version=row.version, key="k", reason="ask_fraud",
            facts={"kind": "internal", "wake_at": (NOW + timedelta(days=1)).isoformat()},
        )  # fmt: skip
    assert not Decision.objects.exists()


def test_nobody_asks_themselves(senior: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(senior)
    assert send(client, row, "escalate", reason="ask_senior", note="Me?").status_code == 422


def test_what_nobody_answers_comes_back(operator: User, client_for: SignIn) -> None:
    row = waiting()
    send(client_for(operator), row, "escalate", reason="ask_fraud", note="Do you know this phone?")
    undo_time_is_over()
    holds.wake(row.pk, now=NOW + timedelta(days=1, seconds=1))
    assert state_of(row) == State.UNDER_REVIEW


def test_a_hold_ends_on_a_day_to_come_and_may_carry_a_message(operator: User, client_for: SignIn) -> None:
    row, client = waiting(), client_for(operator)
    for day in ("2026-11-22", "2027-11-22", "", "soon"):
        refused = send(client, row, "hold", reason="waiting_document", wake="date", wake_on=day)
        assert refused.status_code == 422, day
    own = send(client, row, "hold", reason="waiting_provider", wake="2h", player_message="Hello")
    assert own.status_code == 422 and "waits for the player" in own.content.decode()
    send(
        client, row, "hold", reason="waiting_document", wake="date", wake_on="2026-12-01",
        player_message="A photo of both sides, please.",
    )  # fmt: skip
    undo_time_is_over()
    held = Withdrawal.objects.get()
    assert held.wake_at is not None and held.wake_at.isoformat() == "2026-12-01T09:00:00+00:00"
    told = page(client, row)
    assert held.player_message == "A photo of both sides, please." and "1 Dec 2026, 09:00" in told
    released = Withdrawal.advance(row.pk, Move.RELEASE, actor=operator, now=NOW, reason="other")
    assert released.player_message == ""
