"""What the database itself refuses, with the guards of the code out of the way."""

import pytest
from django.db import DatabaseError, IntegrityError

from backoffice.accounts.models import User
from tests.conftest import NOW
from tests.withdrawals.life import HOLD, in_state, raw
from withdrawals.models import Withdrawal
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db
COMMITTED = pytest.mark.django_db(transaction=True)  # threads, and what is only checked at commit

S, M = State, Move


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
