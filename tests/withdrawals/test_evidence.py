"""The evidence of a withdrawal: who may print it, that it is recorded, and that it shows no more than its page."""

import pytest

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination, make_withdrawal
from tests.withdrawals.screen import SignIn, send, undo_time_is_over, waiting
from withdrawals.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


def test_who_may_print_and_that_it_is_recorded(make_staff: object, client_for: SignIn) -> None:
    row = waiting()
    allowed = {"Senior", "Fraud", "Compliance", "Finance"}
    for role in ("Operator", "Senior", "Fraud", "Support", "Finance", "Compliance", "Administrator"):
        client = client_for(make_staff(role))  # type: ignore[operator]
        status = client.get(f"/withdrawals/{row.ref}/evidence/").status_code
        assert status == (200 if role in allowed else 403), role
        offered = f"/withdrawals/{row.ref}/evidence/" in client.get(f"/withdrawals/{row.ref}/").content.decode()
        assert offered == (role in allowed), role
    assert AuditEntry.objects.filter(action="evidence", subject_id=row.ref).count() == len(allowed)


def test_it_says_who_decided_why_and_when_in_utc(operator: User, senior: User, client_for: SignIn) -> None:
    row = waiting()
    send(client_for(operator), row, "reject", reason="linked_account", note="Third account on this phone")
    undo_time_is_over()
    html = client_for(senior).get(f"/withdrawals/{row.ref}/evidence/").content.decode()
    assert "Dana Kovac rejected it: Linked or duplicate account." in html and "Third account on this phone" in html
    assert "2026-11-22 12:00:00" in html and "sealed with" in html and "Marta Keller" in html


def test_finance_prints_without_names_and_reasons(finance: User, operator: User, client_for: SignIn) -> None:
    player = PlayerFactory(verified=True, name="Elena Marković", email="elena@example.org")
    row = make_withdrawal(
        State.COMPLETED, player=player, destination=make_destination(player, ending="7731"), by=operator
    )
    html = client_for(finance).get(f"/withdrawals/{row.ref}/evidence/").content.decode()
    assert player.ref in html and "Hand to provider" in html
    for secret in ("Marković", "elena@", "Known player", "known_player", "Checks with their inputs"):
        assert secret not in html, secret
