"""What is in flight, and second approvals, in a real browser."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS
from tests.e2e.test_operator import SignIn, desk, overflow, sign_in, violations
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import PayoutAttempt, Withdrawal
from withdrawals.states import Move, State
from withdrawals.views.in_flight import InFlight

__all__ = ["desk"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_row_changes_in_place_and_an_unknown_one_opens_what_is_known(
    desk: Page, live_server: LiveServer, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InFlight, "live_seconds", 1)
    ago = timezone.now() - timedelta(minutes=30)
    row = make_withdrawal(State.PROCESSING, now=ago, by=operator)
    desk.goto(f"{live_server.url}/in-flight/")
    expect(desk.locator("#summary")).to_contain_text("1 with providers")
    assert overflow(desk) == {"x": 0, "y": 0} and violations(desk) == []
    desk.keyboard.press("j")
    Withdrawal.advance(row.pk, Move.LOSE_TRACK, actor=PAYOUTS, now=timezone.now())
    expect(desk.locator("tr[data-row]")).to_contain_text("Outcome unknown")
    assert desk.locator("tr.is-cursor").get_attribute("data-row") == row.ref
    desk.goto(f"{live_server.url}/in-flight/?view=unknown")
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("Do not send it again until this is settled.")).to_be_visible()
    assert violations(desk) == []
    with desk.expect_navigation():
        desk.keyboard.press("a")
    expect(desk.locator(".toast")).to_contain_text("Northgate Pay is being asked.")
    assert desk.get_by_role("button", name="end again").count() == 0
    desk.set_viewport_size({"width": 390, "height": 844})
    assert overflow(desk)["x"] == 0 and violations(desk) == []
    assert PayoutAttempt.objects.count() == 1


def test_settling_shows_what_it_books(
    page: Page, live_server: LiveServer, operator: User, finance: User, client_for: SignIn
) -> None:
    row = make_withdrawal(State.OUTCOME_UNKNOWN, now=timezone.now() - timedelta(days=1), by=operator)
    sign_in(page, live_server, client_for(finance))
    page.goto(f"{live_server.url}/in-flight/unknown/{row.ref}/")
    paid = page.locator("section", has=page.get_by_role("heading", name="Mark as paid…"))
    expect(paid).to_contain_text("Provider’s float")
    expect(paid).to_contain_text("€180.00")
    assert violations(page) == []
    paid.get_by_role("link", name="Mark as paid…").click()
    expect(page.get_by_label("Evidence")).to_be_visible()


def test_one_s_own_first_approval_cannot_be_confirmed(
    page: Page, live_server: LiveServer, operator: User, senior: User, client_for: SignIn
) -> None:
    at = timezone.now() - timedelta(minutes=30)
    own = make_withdrawal(State.SECOND_APPROVAL, now=at, by=senior, amount=1_200_000)
    other = make_withdrawal(State.SECOND_APPROVAL, now=at, by=operator, amount=1_300_000)
    sign_in(page, live_server, client_for(senior))
    page.goto(f"{live_server.url}/withdrawals/second-approval/")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    assert page.locator("tr[data-row]").get_attribute("data-row") == other.ref
    assert overflow(page) == {"x": 0, "y": 0} and violations(page) == []
    page.get_by_role("link", name="You approved these").click()
    expect(page.get_by_text("someone else must confirm")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("€12,000.00")
    assert page.get_by_role("button", name="Confirm").count() == 0
    assert page.url.endswith(f"/withdrawals/{own.ref}/")
