"""The first page and the shell in a real browser: live figures, the menu's width, keys, print and themes."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts.models import User
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import Withdrawal
from withdrawals.states import State

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Client]


@pytest.fixture
def desk(page: Page, live_server: LiveServer, senior: User, operator: User, client_for: SignIn) -> Iterator[Page]:
    """A senior's window, with something in every figure."""
    now = timezone.now()
    for minutes in (5, 40, 200):
        make_withdrawal(State.UNDER_REVIEW, now=now - timedelta(minutes=minutes))
    make_withdrawal(State.COMPLETED, by=operator, now=now - timedelta(minutes=1))
    cookie = client_for(senior).cookies["sid"].value
    page.context.add_cookies([{"name": "sid", "value": cookie, "url": live_server.url}])
    yield page


def test_figures_are_asked_for_again_when_the_tab_is_seen(desk: Page, live_server: LiveServer) -> None:
    desk.goto(live_server.url)
    expect(desk.locator("#today-waiting")).to_have_text("3")
    make_withdrawal(State.UNDER_REVIEW, now=timezone.now())
    desk.locator("#today-waiting").focus()
    desk.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(desk.locator("#today-waiting")).to_have_text("4")
    expect(desk.locator("#today-waiting")).to_be_focused()
    expect(desk.locator("#n-withdrawals")).to_have_text("4")


def test_the_table_of_a_chart_opens_by_keyboard(desk: Page, live_server: LiveServer) -> None:
    desk.goto(live_server.url)
    desk.locator("figure summary").first.focus()
    desk.keyboard.press("Enter")
    expect(desk.locator("figure table").first).to_be_visible()


def test_the_names_of_lines_stay_inside_their_panel(desk: Page, live_server: LiveServer, operator: User) -> None:
    now, length = timezone.now(), timedelta(hours=12, minutes=51)
    row = make_withdrawal(State.COMPLETED, by=operator, now=now - length)
    Withdrawal.objects.filter(pk=row.pk).update(closed_at=now)
    beyond = """[...document.querySelectorAll('.drawing text')].filter((text) =>
        text.getBoundingClientRect().right > text.closest('.chart').getBoundingClientRect().right)
        .map((text) => text.textContent)"""
    for width, height in ((1440, 900), (390, 844)):
        desk.set_viewport_size({"width": width, "height": height})
        desk.goto(live_server.url)
        expect(desk.locator(".c-name.c-second")).to_contain_text("min")
        assert desk.evaluate(beyond) == [], width


def test_the_menu_stays_as_narrow_as_it_was_left(desk: Page, live_server: LiveServer) -> None:
    desk.goto(live_server.url)
    with desk.expect_response("**/me/appearance/"):
        desk.keyboard.press("[")
    expect(desk.locator(".nav .label").first).to_be_hidden()
    desk.goto(f"{live_server.url}/withdrawals/")
    expect(desk.locator(".nav .label").first).to_be_hidden()
    with desk.expect_response("**/me/appearance/"):
        desk.get_by_role("button", name="Wide menu").click()
    desk.reload()
    expect(desk.locator(".nav .label").first).to_be_visible()


def test_g_and_a_letter_go_to_a_page_and_help_lists_exactly_these(desk: Page, live_server: LiveServer) -> None:
    desk.goto(live_server.url)
    desk.keyboard.press("?")
    lines = desk.locator("#keys tbody tr").all_inner_texts()
    told = {line.split("\t")[0] for line in lines}
    assert {"Go to Withdrawals", "Go to In flight", "Go to Players", "Go to Journal", "Narrow menu", "Find"} <= told
    assert "Go to KYC" not in told and "Go to Audit log" not in told
    desk.keyboard.press("Escape")
    desk.keyboard.press("g")
    desk.keyboard.press("p")
    desk.wait_for_url("**/players/")


def test_paper_has_no_shell_and_cuts_nothing_off(desk: Page, live_server: LiveServer) -> None:
    for path in ("/", "/withdrawals/", "/providers/"):
        desk.emulate_media(media="screen")
        desk.goto(live_server.url + path)
        desk.emulate_media(media="print")
        expect(desk.locator(".nav")).to_be_hidden()
        expect(desk.locator(".top")).to_be_hidden()
        cut = """[...document.querySelectorAll('main, main *')].filter((e) => !e.closest('.sr')
            && getComputedStyle(e).overflowY !== 'visible' && e.clientHeight > 1
            && e.scrollHeight > e.clientHeight + 1).map((e) => e.className)"""
        assert desk.evaluate(cut) == [], path


def test_forced_colours_keep_borders_bars_and_focus(desk: Page, live_server: LiveServer) -> None:
    desk.emulate_media(forced_colors="active")
    desk.goto(live_server.url)
    assert desk.locator(".chart").first.evaluate("(e) => getComputedStyle(e).borderTopStyle") == "solid"
    bar = desk.locator("rect.c-paid").first
    assert bar.evaluate("(e) => getComputedStyle(e).fill") not in ("none", "rgba(0, 0, 0, 0)")
    desk.keyboard.press("Tab")
    assert desk.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_from_right_to_left_nothing_runs_out_of_the_page(desk: Page, live_server: LiveServer) -> None:
    for path in ("/", "/withdrawals/"):
        desk.goto(live_server.url + path)
        desk.evaluate("document.documentElement.dir = 'rtl'")
        assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert desk.locator(".nav").bounding_box()["x"] > 1000  # type: ignore[index]
