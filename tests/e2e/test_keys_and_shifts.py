"""Keys do what the list of keys says and nothing else; what changes by itself moves nothing."""

import re
import string
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts.models import User
from backoffice.accounts.preferences import prefer
from backoffice.audit.actors import PAYOUTS
from tests.e2e.test_operator import desk, requested
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import Withdrawal
from withdrawals.operations import claims, decisions
from withdrawals.states import Move, State
from withdrawals.views.in_flight import InFlight
from withdrawals.views.queue import Queue

__all__ = ["desk"]

pytestmark = pytest.mark.django_db(transaction=True)

LETTERS = [*string.ascii_lowercase, "[", "/", ".", "?"]
# Whether a key was taken; what it would click stays as it is.
WATCH = """() => {
    addEventListener('click', (event) => { event.preventDefault(); event.stopImmediatePropagation(); }, true);
    addEventListener('keydown', (event) => { window.taken = event.defaultPrevented; });
}"""
SHIFTS = """() => {
    window.moved = [];
    const told = ({ node }) => (node && node.outerHTML ? node.outerHTML.slice(0, 120) : String(node));
    new PerformanceObserver((list) => list.getEntries().forEach((one) => window.moved.push(...one.sources.map(told))))
        .observe({ type: 'layout-shift' });
}"""


def taken(page: Page) -> set[str]:
    """The keys outside fields that do something on this page now."""
    page.evaluate(WATCH)
    found = set()
    for key in LETTERS:
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press(key)
        found |= {key} if page.evaluate("window.taken") else set()
    return found


def listed(page: Page) -> set[str]:
    """The single keys that `?` lists, not those that go with another."""
    page.keyboard.press("?")
    lines = page.locator("#keys tbody tr").filter(has_not_text=re.compile("Go to|Ctrl"))
    keys = [key.lower() for key in lines.locator("kbd").all_inner_texts()]
    page.keyboard.press("Escape")
    return {key for key in keys if len(key) == 1}


@pytest.mark.parametrize("place", ["list", "decision", "record"])
def test_the_list_of_keys_names_exactly_those_that_do_something(
    desk: Page, live_server: LiveServer, operator: User, place: str
) -> None:
    row = make_withdrawal(State.COMPLETED, by=operator) if place == "record" else requested(100)
    path = f"/withdrawals/{row.ref}/?view=needs-decision"
    desk.goto(live_server.url + ("/withdrawals/" if place == "list" else path))
    if place == "list":
        desk.keyboard.press("j")
    said = listed(desk)
    assert said and taken(desk) - {"g"} == said
    prefer(operator, shortcuts="off")
    desk.reload()
    assert taken(desk) == set()


def test_a_list_that_is_told_of_changes_does_not_move(
    desk: Page, live_server: LiveServer, operator: User, senior: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Queue, "live_seconds", 1)
    rows = [requested(100 - n) for n in range(4)]
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.evaluate(SHIFTS)
    now = timezone.now()
    claims.claim(rows[1], user=senior, now=now)
    decisions.decide(rows[0], Move.APPROVE, actor=operator, now=now, version=rows[0].version, key="k")
    requested(0)
    expect(desk.locator("[data-load-new]")).to_contain_text("1 new")
    expect(desk.locator(f"#c-{rows[1].ref}-owner")).to_contain_text("Marta")
    expect(desk.locator(".is-gone")).to_be_visible()
    assert desk.evaluate("window.moved") == []


def test_a_payout_that_changes_in_place_moves_nothing(
    desk: Page, live_server: LiveServer, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InFlight, "live_seconds", 1)
    row = make_withdrawal(State.PROCESSING, now=timezone.now() - timedelta(minutes=30), by=operator)
    desk.emulate_media(reduced_motion="no-preference")
    desk.goto(f"{live_server.url}/in-flight/")
    desk.evaluate(SHIFTS)
    Withdrawal.advance(row.pk, Move.LOSE_TRACK, actor=PAYOUTS, now=timezone.now())
    expect(desk.locator("tr.is-news")).to_contain_text("Outcome unknown")
    expect(desk.locator("tr.is-news")).to_have_count(0)
    assert desk.evaluate("window.moved") == []


def test_the_focus_stays_on_what_was_used_or_goes_to_the_heading(desk: Page, live_server: LiveServer) -> None:
    requested(100), requested(50)
    desk.goto(f"{live_server.url}/withdrawals/?view=needs-decision&due=in_time")
    desk.get_by_role("link", name="Amount").press("Enter")
    expect(desk.locator("th[aria-sort=ascending] a")).to_be_focused()
    expect(desk.locator("th[aria-sort=ascending] a")).to_have_text("Amount")
    expect(desk.locator("#announcer")).to_contain_text("1–2 of 2")
    desk.get_by_label("Remove filter Due").press("Enter")
    expect(desk.locator("span.chip")).to_have_count(0)
    expect(desk.locator("h1")).to_be_focused()
    desk.get_by_role("link", name="On hold").press("Enter")
    expect(desk.locator("#tab-on-hold")).to_be_focused()


def test_a_menu_closes_when_the_focus_leaves_it(desk: Page, live_server: LiveServer) -> None:
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.locator("#column-menu > summary").click()
    desk.locator("h1").evaluate("heading => { heading.tabIndex = -1; heading.focus(); }")
    expect(desk.locator("#column-menu > form")).to_be_hidden()


def test_a_middle_click_on_a_row_opens_a_tab(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    desk.goto(f"{live_server.url}/withdrawals/")
    with desk.expect_popup() as opened:
        desk.locator(f"tr[data-row={row.ref}] td.num, tr[data-row={row.ref}] td").last.click(button="middle")
    opened.value.wait_for_load_state()
    assert row.ref in opened.value.url and desk.url.endswith("/withdrawals/")


def test_a_list_that_is_waited_for_says_so(desk: Page, live_server: LiveServer) -> None:
    requested(100)
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.route("**/withdrawals/?sort=*", lambda route: (desk.wait_for_timeout(900), route.continue_()))
    desk.get_by_role("link", name="Amount").click(no_wait_after=True)
    expect(desk.locator("#list[aria-busy=true]")).to_be_visible()
    expect(desk.locator("th[aria-sort=ascending]")).to_contain_text("Amount")
    expect(desk.locator("#list[aria-busy]")).to_have_count(0)


def test_of_three_toasts_the_oldest_goes_but_not_the_one_with_undo(desk: Page, live_server: LiveServer) -> None:
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.evaluate("""() => {
        const toast = (words) => `<div class="toast" data-toast="60"><span>${words}</span></div>`;
        document.querySelector('.toasts').innerHTML = toast('<b data-count></b>Undo') + toast('Old') + toast('New');
    }""")
    expect(desk.locator(".toast", has_text="Old")).to_have_count(0)
    expect(desk.locator(".toast")).to_have_count(2)
