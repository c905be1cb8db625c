"""Many approvals at once in a real browser: select, look, uncheck, send by keyboard, take all back."""

import threading

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts.models import User
from backoffice.jobs.models import Job
from tests.e2e.test_operator import SignIn, desk, overflow, requested, sign_in, violations
from withdrawals.models import Decision
from withdrawals.operations import bulk, claims
from withdrawals.reasons import BY_MOVE

__all__ = ["desk"]

pytestmark = pytest.mark.django_db(transaction=True)


def work() -> None:
    """Do what the workers would."""

    def run() -> None:
        bulk.work_off(clock=timezone.now)
        connection.close()

    worker = threading.Thread(target=run)
    worker.start()
    worker.join()


def test_select_look_uncheck_send_and_take_back(desk: Page, live_server: LiveServer, senior: User) -> None:
    rows = [requested(100 - n, amount=10_000 * (n + 1)) for n in range(4)]
    claims.claim(rows[3], user=senior, now=timezone.now())
    desk.goto(f"{live_server.url}/withdrawals/")
    for number in range(1, 5):
        desk.keyboard.press("j")
        desk.keyboard.press("x")
        expect(desk.locator("#bulk-bar")).to_contain_text(f"{number} selected")
    desk.get_by_role("button", name="Preview approval").click()
    expect(desk.locator("h1")).to_have_text("Approve 3 of 4 selected")
    expect(desk.locator(".notice").first).to_contain_text("Marta Keller has it (1)")
    assert overflow(desk) == {"x": 0, "y": 0} and violations(desk) == []
    box = desk.get_by_label(f"Approve {rows[1].player.name}, €200.00")
    box.focus()
    desk.keyboard.press("Space")
    expect(desk.locator("h1")).to_have_text("Approve 2 of 4 selected")
    expect(desk.locator(".page-head p")).to_have_text("€400.00")
    expect(box).to_be_focused()
    with desk.expect_navigation():
        desk.keyboard.press("Control+Enter")
    expect(desk.locator("h1")).to_have_text("Approve 2 payouts")
    work()
    expect(desk.locator(".progress")).to_contain_text("2 of 2")
    assert Decision.objects.filter(status=Decision.Status.WAITING).count() == 2
    assert violations(desk) == []
    desk.keyboard.press("z")
    expect(desk.get_by_text("Taken back", exact=True)).to_have_count(2)
    assert set(Decision.objects.values_list("status", flat=True)) == {"undone"}
    desk.set_viewport_size({"width": 390, "height": 844})
    assert overflow(desk)["x"] == 0 and violations(desk) == []


def test_escape_leads_back_to_the_list_as_it_was(
    page: Page, live_server: LiveServer, senior: User, client_for: SignIn
) -> None:
    requested(90)
    sign_in(page, live_server, client_for(senior))
    address = f"{live_server.url}/withdrawals/?view=needs-decision&amount_min=50"
    for button, title in (("Preview approval", "Approve 1 of 1 selected"), ("Assign…", "Assign 1 selected")):
        page.goto(address)
        page.keyboard.press("j")
        page.keyboard.press("x")
        page.get_by_role("button", name=button).click()
        expect(page.locator("h1")).to_have_text(title)
        if button == "Assign…":
            expect(page.get_by_label("Who decides them?")).to_be_focused()
            page.keyboard.press("Escape")  # leaves the field
        page.keyboard.press("?")
        page.keyboard.press("Escape")  # closes the help alone
        expect(page.locator("#keys")).to_be_hidden()
        expect(page.locator("h1")).to_have_text(title)
        page.keyboard.press("Escape")
        expect(page.locator("h1")).to_have_text("Withdrawals")
        assert "amount_min=50" in page.url, page.url


def test_many_at_once_need_a_wider_screen(desk: Page, live_server: LiveServer) -> None:
    requested(90), requested(80)
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.get_by_label("Select this page").check()
    desk.get_by_role("button", name="Preview approval").click()
    expect(desk.get_by_text("Use a wider screen")).to_be_hidden()
    desk.set_viewport_size({"width": 390, "height": 844})
    expect(desk.get_by_text("Use a wider screen")).to_be_visible()
    expect(desk.get_by_role("button", name="Approve 2 payouts")).to_be_hidden()


def test_what_changed_since_is_said_and_nothing_is_approved(desk: Page, live_server: LiveServer, senior: User) -> None:
    first, second = requested(90), requested(80)
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.get_by_label("Select this page").check()
    desk.get_by_role("button", name="Preview approval").click()
    expect(desk.locator("h1")).to_have_text("Approve 2 of 2 selected")
    claims.claim(second, user=senior, now=timezone.now())
    with desk.expect_navigation():
        desk.get_by_role("button", name="Approve 2 payouts").click()
    expect(desk.locator(".notice").first).to_contain_text(f"{second.ref}: Marta Keller has it.")
    expect(desk.locator("[data-focus]")).to_be_focused()
    assert not Job.objects.exists()
    assert first.ref in desk.content()


def test_more_than_the_limit_needs_its_number_typed(
    page: Page, live_server: LiveServer, senior: User, client_for: SignIn
) -> None:
    for n in range(21):
        requested(100 - n)
    sign_in(page, live_server, client_for(senior))
    page.goto(f"{live_server.url}/withdrawals/?view=needs-decision")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.get_by_role("button", name="Select all 21 in this view").click()
    expect(page.locator("#bulk-bar")).to_contain_text("21 selected")
    page.get_by_role("button", name="Preview approval").click()
    expect(page.locator("h1")).to_have_text("Approve 21 of 21 selected")
    with page.expect_navigation():
        page.get_by_role("button", name="Approve 21 payouts").click()
    expect(page.get_by_text("Type 21, the number of payouts.")).to_be_visible()
    expect(page.get_by_label("Type how many")).to_be_focused()
    assert violations(page) == []
    page.get_by_label("Type how many").fill("21")
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    assert Job.objects.get().items.count() == 21


def test_it_works_without_javascript(
    browser: Browser, live_server: LiveServer, operator: User, client_for: SignIn
) -> None:
    first, second = requested(90), requested(80, amount=64_000)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server, client_for(operator))
    page.goto(f"{live_server.url}/withdrawals/?view=needs-decision")
    for row in (first, second):
        page.get_by_label(f"Select {row.player.name}").check()
    page.get_by_role("button", name="Preview approval").click()
    page.get_by_label(f"Approve {first.player.name}").uncheck()
    page.get_by_role("button", name="Update the totals").click()
    assert page.locator("h1").inner_text() == "Approve 1 of 2 selected"
    page.get_by_role("button", name="Approve 1 payout").click()
    assert page.locator("h1").inner_text() == "Approve 1 payout"
    work()
    page.reload()
    page.get_by_role("button", name="Undo all").click()
    assert "Taken back" in page.locator("main").inner_text()
    context.close()


def test_many_are_rejected_for_one_reason_by_keyboard(desk: Page, live_server: LiveServer) -> None:
    requested(90)
    requested(80)
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.get_by_label("Select this page").check()
    desk.get_by_role("button", name="Reject…").click()
    expect(desk.locator("h1")).to_have_text("Reject 2 of 2 selected")
    assert overflow(desk) == {"x": 0, "y": 0} and violations(desk) == []
    desk.keyboard.press("Control+Enter")
    expect(desk.get_by_role("alert")).to_have_text("Choose a reason.")
    expect(desk.locator("input[name=reason]").first).to_be_focused()
    desk.keyboard.press("6")
    expect(desk.locator(".preview")).to_have_text(BY_MOVE["reject"][5].player_text, use_inner_text=True)
    with desk.expect_navigation():
        desk.keyboard.press("Control+Enter")
    expect(desk.locator("h1")).to_have_text("Reject 2 payouts")
    work()
    expect(desk.locator(".progress")).to_contain_text("2 of 2")
    assert set(Decision.objects.values_list("reason", flat=True)) == {BY_MOVE["reject"][5].code}
