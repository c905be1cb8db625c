"""The palette by keyboard, and the field without JavaScript."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts.models import User
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import Withdrawal
from withdrawals.states import State

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Client]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def elena(operator: User) -> Withdrawal:
    player = PlayerFactory(verified=True, name="Elena Marković", email="elena@zgmail.example")
    return make_withdrawal(State.UNDER_REVIEW, now=timezone.now() - timedelta(minutes=9), player=player)


@pytest.fixture
def desk(page: Page, live_server: LiveServer, operator: User, client_for: SignIn) -> Iterator[Page]:
    cookie = client_for(operator).cookies["sid"].value
    page.context.add_cookies([{"name": "sid", "value": cookie, "url": live_server.url}])
    yield page


def test_a_name_is_found_and_opened_by_arrows(desk: Page, live_server: LiveServer, elena: Withdrawal) -> None:
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.keyboard.press("Control+k")
    field = desk.get_by_role("combobox", name="Withdrawal, player, amount, page or action")
    expect(field).to_be_focused()
    desk.keyboard.type("elena")
    first = desk.get_by_role("option").filter(has_text=elena.ref)
    expect(first).to_be_visible()
    assert Axe().run(desk, options={"runOnly": RULES}).response["violations"] == []
    desk.keyboard.press("ArrowDown")
    expect(first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", str(first.get_attribute("id")))
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"**/withdrawals/{elena.ref}/")


def test_a_pasted_reference_and_enter_open_it_directly(desk: Page, live_server: LiveServer, elena: Withdrawal) -> None:
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.locator("#find").click()
    desk.locator("#palette-field").fill(elena.ref.lower())
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"**/withdrawals/{elena.ref}/")
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.keyboard.press("Control+k")
    expect(desk.get_by_role("option").filter(has_text=elena.ref)).to_be_visible()


def test_escape_gives_the_page_back(desk: Page, live_server: LiveServer, elena: Withdrawal) -> None:
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.keyboard.press("Control+k")
    desk.keyboard.press("Escape")
    expect(desk.locator("#palette")).to_be_hidden()
    desk.keyboard.press("j")
    expect(desk.locator("tr.is-cursor")).to_have_count(1)


def test_what_the_page_offers_can_be_done_from_here(desk: Page, live_server: LiveServer, elena: Withdrawal) -> None:
    desk.goto(f"{live_server.url}/withdrawals/{elena.ref}/")
    desk.keyboard.press("Control+k")
    desk.keyboard.type("reject")
    action = desk.locator("#found-action-0")
    expect(action).to_contain_text("Reject")
    action.click()
    expect(desk.locator("#palette")).to_be_hidden()
    expect(desk.locator("[data-sheet]:not([hidden])")).to_be_visible()


def test_the_field_works_without_javascript(
    browser: Browser, live_server: LiveServer, operator: User, client_for: SignIn, elena: Withdrawal
) -> None:
    context = browser.new_context(java_script_enabled=False)
    cookie = client_for(operator).cookies["sid"].value
    context.add_cookies([{"name": "sid", "value": cookie, "url": live_server.url}])
    window = context.new_page()
    window.goto(live_server.url)
    window.locator("#find").fill(elena.ref)
    window.locator("#find").press("Enter")
    window.wait_for_url(f"**/withdrawals/{elena.ref}/")
    context.close()
