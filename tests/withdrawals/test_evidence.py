"""The evidence of a withdrawal: who may print it, that it is recorded, and that it shows no more than its page."""

import re

import pytest

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination, make_withdrawal
from tests.withdrawals.screen import SignIn, page, send, undo_time_is_over, waiting
from withdrawals.models import CheckResult
from withdrawals.operations import claims, notes
from withdrawals.pages.inputs import inputs_of
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
    assert "2026-11-22 12:00:00 UTC, 22 Nov 2026, " in html and "Marta Keller" in html


def test_every_line_of_the_timeline_has_its_seal(operator: User, senior: User, client_for: SignIn) -> None:
    row = waiting()
    notes.add_note(row, author=operator, text="Called back", now=NOW)
    for _ in range(3):
        claims.claim(row, user=operator, now=NOW)
        claims.let_go(row, user=operator)
    html = client_for(senior).get(f"/withdrawals/{row.ref}/evidence/").content.decode()
    entries = AuditEntry.objects.filter(subject_id=row.ref)
    assert entries.count() == 7
    assert sorted(re.findall("<code>(.+?)</code>", html)) == sorted(bytes(one.hash).hex() for one in entries)
    assert html.count("Dana Kovac claimed this") == 3
    assert 'Dana Kovac claimed this <span class="muted">· 3 times since' in page(client_for(senior), row)


def test_finance_prints_without_names_and_reasons(finance: User, operator: User, client_for: SignIn) -> None:
    player = PlayerFactory(verified=True, name="Elena Marković", email="elena@example.org")
    row = make_withdrawal(
        State.COMPLETED, player=player, destination=make_destination(player, ending="7731"), by=operator
    )
    html = client_for(finance).get(f"/withdrawals/{row.ref}/evidence/").content.decode()
    assert player.ref in html and "Hand to provider" in html
    for secret in ("Marković", "elena@", "Known player", "known_player", "Checks with their inputs"):
        assert secret not in html, secret


def test_the_inputs_of_a_check_are_words_and_amounts() -> None:
    limits = CheckResult(code="limits", evidence={"day": [11_000, 130_000, 500_000], "day_count": [0, 1, 5]})
    assert inputs_of(limits, "SEK") == [
        ("24 hours", "€110.00 before, €1,300.00 now, limit €5,000.00"),
        ("Requests in 24 hours", "0 before, 1 now, limit 5"),
    ]
    details = {"label": "Visa •••• 8331", "owned": True, "first_seen_at": "2026-06-06T18:14:21.471188+00:00"}
    assert inputs_of(CheckResult(code="destination", evidence=details), "SEK") == [
        ("Payout details", "Visa •••• 8331"),
        ("Ownership proved", "Yes"),
        ("Known since", "2026-06-06 18:14:21 UTC"),
    ]
    identity = CheckResult(code="identity", evidence={"state": "expires_soon", "level": 2, "expires_on": ""})
    assert inputs_of(identity, "SEK") == [("State", "Expires soon"), ("Level", "2")]
    odd = inputs_of(CheckResult(code="fraud.FR05", evidence={"amount": 1_000}), "SEK")
    assert odd == [("Amount", "SEK\N{NO-BREAK SPACE}10.00")]
