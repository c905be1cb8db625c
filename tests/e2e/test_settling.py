"""Two people settle an unknown outcome in a browser: one proposes with evidence, the other reads it and agrees."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts.models import User
from tests.e2e.test_operator import overflow, sign_in, violations
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import Withdrawal
from withdrawals.operations import due_decisions
from withdrawals.states import State

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Client]


def test_marking_as_paid_takes_two(
    page: Page, live_server: LiveServer, operator: User, finance: User, senior: User, client_for: SignIn
) -> None:
    row = make_withdrawal(State.OUTCOME_UNKNOWN, now=timezone.now() - timedelta(days=1), by=operator)
    sign_in(page, live_server, client_for(finance))
    page.goto(f"{live_server.url}/in-flight/")
    assert overflow(page) == {"x": 0, "y": 0} and violations(page) == []
    page.get_by_role("link", name=row.player.ref).click()
    expect(page.get_by_text("Do not send it again until this is settled.")).to_be_visible()
    page.get_by_role("link", name="The whole record").click()
    expect(page.locator("h1")).to_have_text("€180.00")
    page.keyboard.press("m")
    sheet = page.locator("#sheet-complete")
    expect(sheet).to_be_visible()
    page.keyboard.press("1")
    assert violations(page) == []
    sheet.get_by_label("The provider’s reference").fill("ng-77")
    sheet.get_by_label("Evidence").fill("Line 14 of the statement")
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    sign_in(page, live_server, client_for(senior))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/withdrawals/{row.ref}/")
    expect(page.locator(".notices .notice").first).to_contain_text("Line 14 of the statement")
    assert overflow(page)["x"] == 0 and violations(page) == []
    page.locator("[data-opens=agree]").click()
    with page.expect_navigation():
        page.locator("#sheet-agree [data-commit]").click()
    due_decisions.apply_due_decisions(now=timezone.now() + settings.UNDO_TIME)
    assert Withdrawal.objects.get().state == State.COMPLETED
