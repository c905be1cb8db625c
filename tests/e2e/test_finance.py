"""What finance reads in a browser: nothing of a row is cut off, on a desk and on a phone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts.models import User
from providers import routing
from providers.models import ProviderBalance, ProviderCall
from tests.e2e.test_operator import overflow, sign_in, violations
from tests.factories.withdrawals import make_withdrawal
from withdrawals.states import State

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Client]
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
REASON = "Their float is too small until the transfer of Monday morning arrives"
CUT = "cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth).map(cell => cell.innerText)"


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_board_says_who_paused_a_provider_and_why(
    page: Page, live_server: LiveServer, finance: User, operator: User, client_for: SignIn, size: dict[str, int]
) -> None:
    now = timezone.now()
    routing.pause("volta", actor=finance, reason=REASON, now=now)
    for currency, available in (("EUR", 125_000_000), ("SEK", 987_654_321), ("GBP", 1)):
        ProviderBalance.objects.create(
            provider="northgate", currency=currency, available=available, as_of=now - timedelta(minutes=59)
        )
    for latency in (1_234, 12_345):
        ProviderCall.objects.create(
            provider="northgate", verb="create", latency_ms=latency, outcome="answered", at=now - timedelta(hours=2)
        )
    make_withdrawal(State.OUTCOME_UNKNOWN, now=now - timedelta(hours=26), by=operator)
    sign_in(page, live_server, client_for(finance))
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(f"{live_server.url}/providers/")
    expect(page.get_by_text(f"by Finn Olsen: {REASON}")).to_be_visible()
    expect(page.get_by_text("Working", exact=True)).to_be_visible()
    assert page.locator(".data :is(thead th, td)").evaluate_all(CUT) == []
    assert overflow(page)["x"] == 0 and violations(page) == []


def test_the_report_shows_every_entry_and_its_filters_can_be_applied(
    page: Page, live_server: LiveServer, finance: User, operator: User, client_for: SignIn
) -> None:
    make_withdrawal(State.COMPLETED, now=timezone.now() - timedelta(hours=1), by=operator, amount=64_918)
    sign_in(page, live_server, client_for(finance))
    page.goto(f"{live_server.url}/transactions/?view=all")
    assert page.locator(".data :is(thead th, td)").evaluate_all(CUT) == []
    assert overflow(page)["x"] == 0 and violations(page) == []
    page.set_viewport_size({"width": 1280, "height": 600})
    page.locator("#filter-menu > summary").click()
    expect(page.locator(".filters .pop").get_by_role("button", name="Apply")).to_be_in_viewport(ratio=1)
    page.locator("[data-field=Requested] > summary").click()
    for name in ("From", "To"):
        expect(page.locator(".filters .pop").get_by_label(name).first).to_be_visible()
        expect(page.locator(".filters .pop").get_by_text(name, exact=True).first).to_be_visible()
