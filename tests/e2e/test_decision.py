"""The decision page in a real browser: two keys, undo, claims, what changes while it is open, and what is refused."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Dialog, Page, expect
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts.models import User
from tests.e2e.test_operator import desk, overflow, requested, sign_in, violations
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import Claim, Decision, Limit, Withdrawal
from withdrawals.operations import claims, decisions
from withdrawals.states import State

__all__ = ["desk"]
pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Client]


@pytest.fixture
def other(browser: Browser, live_server: LiveServer, senior: User, client_for: SignIn) -> Iterator[Page]:
    """The window of a second person."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    sign_in(page, live_server, client_for(senior))
    yield page
    page.goto("about:blank")
    page.wait_for_timeout(300)
    context.close()


def open_page(page: Page, live_server: LiveServer, row: Withdrawal, view: str = "?view=needs-decision") -> None:
    page.goto(f"{live_server.url}/withdrawals/{row.ref}/{view}")


def test_s03_1_fits_and_scrolls_inside(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    for height in (900, 780, 600):
        desk.set_viewport_size({"width": 1440, "height": height})
        open_page(desk, live_server, row)
        assert overflow(desk) == {"x": 0, "y": 0}, height
        bar = desk.locator(".decision").bounding_box()
        assert bar and bar["y"] + bar["height"] == height


def test_a_phone_keeps_the_only_act_of_a_record(desk: Page, live_server: LiveServer, senior: User) -> None:
    desk.set_viewport_size({"width": 390, "height": 844})
    for row, shown in ((make_withdrawal(State.COMPLETED, by=senior), True), (requested(100), False)):
        open_page(desk, live_server, row)
        expect(desk.locator("[data-opens=note]")).to_be_visible(visible=shown)


def test_s03_2_a_inside_a_field_types(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    open_page(desk, live_server, row)
    desk.keyboard.press("n")
    note = desk.locator("#sheet-note").get_by_label("Note")
    note.fill("")
    note.press("a")
    expect(note).to_have_value("a")
    desk.keyboard.press("Escape")
    expect(desk.locator("[data-opens=note]")).to_be_focused()
    assert not Decision.objects.exists()


def test_s03_3_a_missing_reason_is_said_in_the_bar(desk: Page, live_server: LiveServer) -> None:
    row = requested(100, risk=(46, "medium"))
    open_page(desk, live_server, row)
    desk.keyboard.press("a")
    desk.keyboard.press("Control+Enter")
    bar = desk.locator("#sheet-approve")
    expect(bar.locator(".error-summary")).to_contain_text("Choose a reason.")
    assert bar.locator("input:checked").count() == 0
    desk.keyboard.press("3")
    desk.keyboard.press("Enter")
    expect(desk.locator("h1")).to_have_text("Queue is clear")
    assert Decision.objects.get().reason == "known_player"


def test_s03_4_an_error_stays_in_the_sheet_with_the_text(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    open_page(desk, live_server, row)
    desk.keyboard.press("r")
    desk.locator("#sheet-reject").get_by_label("Note for colleagues").fill("My careful words")
    desk.keyboard.press("Control+Enter")
    sheet = desk.locator("#sheet-reject")
    expect(sheet.locator(".error-summary")).to_be_visible()
    expect(sheet.get_by_label("Note for colleagues")).to_have_value("My careful words")
    assert violations(desk) == []
    sheet.get_by_label("Linked or duplicate account").check()
    desk.keyboard.press("Control+Enter")
    expect(desk.locator("h1")).to_have_text("Queue is clear")
    assert Decision.objects.get().note == "My careful words"


def test_s03_5_two_tabs_agree_on_an_undo(desk: Page, live_server: LiveServer, settings: Any) -> None:
    settings.UNDO_TIME = timedelta(minutes=1)
    row = requested(100)
    open_page(desk, live_server, row)
    desk.keyboard.press("a")
    desk.keyboard.press("Enter")
    expect(desk.locator("h1")).to_have_text("Queue is clear")
    second = desk.context.new_page()
    second.goto(f"{live_server.url}/withdrawals/")
    second.get_by_role("button", name="Undo").click()
    expect(second.locator("h1")).to_have_text("€180.00")
    desk.get_by_role("button", name="Undo").click()
    expect(desk.locator("h1")).to_have_text("€180.00")
    assert Decision.objects.get().status == Decision.Status.UNDONE
    assert Withdrawal.objects.get().state == State.UNDER_REVIEW


def test_s03_6_who_is_second_keeps_the_text_and_nothing_is_applied(
    desk: Page, live_server: LiveServer, senior: User
) -> None:
    row = requested(100)
    open_page(desk, live_server, row)
    desk.keyboard.press("r")
    desk.keyboard.press("1")
    desk.locator("#sheet-reject").get_by_label("Note for colleagues").fill("My careful words")
    now = timezone.now()
    claims.take_over(row, user=senior, now=now, reason="It cannot wait any longer")
    decisions.decide(
        row, "reject", actor=senior, now=now, version=row.version, key="faster", reason="linked_account"
    )  # fmt: skip
    desk.keyboard.press("Control+Enter")
    notice = desk.locator("#bar-notice")
    expect(notice).to_contain_text("Marta Keller rejected it: Linked or duplicate account.")
    expect(notice.get_by_role("link", name="See how it stands")).to_be_visible()
    expect(desk.locator("#sheet-reject").get_by_label("Note for colleagues")).to_have_value("My careful words")
    expect(desk.locator("#sheet-reject [data-commit]")).to_be_hidden()
    assert Decision.objects.count() == 1


def test_s03_7_a_take_over_is_told_within_seconds_and_leaving_releases(
    desk: Page, live_server: LiveServer, senior: User, other: Page
) -> None:
    row = requested(100)
    open_page(desk, live_server, row)
    desk.keyboard.press("r")
    desk.locator("#sheet-reject").get_by_label("Note for colleagues").fill("Half a sentence")
    open_page(other, live_server, row)
    expect(other.locator("#clock")).to_contain_text("Dana Kovac is deciding this")
    claims.take_over(row, user=senior, now=timezone.now(), reason="Dana went home ill")
    expect(desk.locator("#bar-notice")).to_contain_text("took this over: Dana went home ill", timeout=9000)
    expect(desk.locator("#sheet-reject").get_by_label("Note for colleagues")).to_have_value("Half a sentence")
    open_page(other, live_server, row)
    expect(other.locator("#clock")).to_contain_text("Yours for")
    other.goto(f"{live_server.url}/withdrawals/")
    expect(other.locator("h1")).to_have_text("Withdrawals")
    other.wait_for_timeout(500)
    assert not Claim.objects.exists()


def test_s03_7_a_claim_that_ends_can_be_kept_with_one_key(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    with desk.expect_response("**/presence/"):
        open_page(desk, live_server, row)
    desk.evaluate("document.querySelector('#pulse').dataset.until = new Date(Date.now() + 90000).toISOString()")
    expect(desk.locator("[data-claim-ends]")).to_be_visible(timeout=3000)
    desk.keyboard.press("x")
    expect(desk.locator("[data-claim-ends]")).to_be_hidden(timeout=3000)
    assert Claim.objects.get().until > timezone.now() + timedelta(minutes=14)


def test_a_page_that_nobody_touches_says_so_and_its_claim_runs_out(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    desk.clock.install()
    with desk.expect_request("**/presence/"):
        open_page(desk, live_server, row)
    with desk.expect_request("**/presence/") as untouched:
        desk.clock.run_for(30_000)
    desk.keyboard.press("Shift")
    with desk.expect_request("**/presence/") as touched:
        desk.clock.run_for(30_000)
    assert untouched.value.headers.get("x-idle") == "1"
    assert "x-idle" not in touched.value.headers


def test_s03_8_changed_facts_are_marked_and_decided_again(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    open_page(desk, live_server, row)
    desk.keyboard.press("a")
    Limit.objects.create(scope="player", period=Limit.Period.DAY, cap_amount=60_000_000, effect="review")
    desk.keyboard.press("Enter")
    expect(desk.locator("#bar-notice")).to_contain_text("One thing changed while you looked: the player’s limits.")
    expect(desk.locator("#part-limits")).to_contain_text("changed just now")
    assert not Decision.objects.exists()
    desk.keyboard.press("Enter")
    expect(desk.locator("h1")).to_have_text("Queue is clear")
    assert Decision.objects.get().move == "approve"


def test_s03_9_a_failed_panel_blocks_the_approval(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kyc_verification RENAME COLUMN level TO level_gone")
    try:
        open_page(desk, live_server, row)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE kyc_verification RENAME COLUMN level_gone TO level")
    expect(desk.locator("main")).to_contain_text("Could not load KYC")
    expect(desk.locator("main")).to_contain_text("Cannot approve while KYC is unknown.")
    assert desk.locator("[data-opens=approve]").count() == 0
    desk.get_by_role("link", name="Retry").click()
    expect(desk.locator("[data-opens=approve]")).to_be_visible()


def test_s03_10_money_that_does_not_tie_out_needs_a_senior(desk: Page, live_server: LiveServer, other: Page) -> None:
    row = requested(100)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE ledger_balance SET amount = amount + 1200 FROM ledger_account a"
            " WHERE a.id = account_id AND a.kind = 'player_cash' AND a.holder = %s",
            [row.holder],
        )
        cursor.execute("SET session_replication_role = origin")
    open_page(desk, live_server, row, "")
    expect(desk.locator("main")).to_contain_text("€12.00 unexplained")
    assert desk.locator("[data-opens=approve]").count() == 0
    open_page(other, live_server, row, "")
    expect(other.locator("[data-opens=approve]")).to_be_visible()


def test_s03_11_next_skips_what_others_have_and_the_end_is_said(
    desk: Page, live_server: LiveServer, senior: User
) -> None:
    first, taken, last = requested(100), requested(80, amount=30_000), requested(50, amount=64_000)
    claims.claim(taken, user=senior, now=timezone.now())
    open_page(desk, live_server, first)
    expect(desk.locator(".crumb")).to_contain_text("1 of 3")
    desk.keyboard.press("a")
    desk.keyboard.press("Enter")
    expect(desk.locator("h1")).to_have_text("€640.00")
    words = f"Next: €640.00, {last.player.name}, 2 of 2"
    expect(desk.locator("#announcer")).to_have_text(words)
    expect(desk).to_have_title(re.compile(f"^{words} · "))
    desk.keyboard.press("a")
    desk.keyboard.press("Enter")
    expect(desk.locator("h1")).to_have_text("Queue is clear")
    assert set(Decision.objects.values_list("withdrawal", flat=True)) == {first.pk, last.pk}


def test_j_and_k_move_without_deciding(desk: Page, live_server: LiveServer) -> None:
    first, second = requested(100), requested(50, amount=64_000)
    open_page(desk, live_server, first)
    for key, amount, holds in (("j", "€640.00", second), ("k", "€180.00", first)):
        desk.keyboard.press(key)
        expect(desk.locator("h1")).to_have_text(amount)
        assert list(Claim.objects.values_list("withdrawal", flat=True)) == [holds.pk]


def test_one_walks_along_the_list_that_one_came_from(desk: Page, live_server: LiveServer) -> None:
    middle, largest, small = requested(100, amount=64_000), requested(80, amount=90_000), requested(50)
    desk.goto(f"{live_server.url}/withdrawals/?view=needs-decision&sort=-amount&amount_min=200")
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")
    expect(desk.locator("h1")).to_have_text("€900.00")
    expect(desk.locator(".crumb")).to_contain_text("1 of 2")
    for key in "jk":
        desk.keyboard.press(key)
        expect(desk.locator("h1")).to_have_text("€640.00" if key == "j" else "€900.00")
    desk.keyboard.press("a")
    desk.keyboard.press("Enter")
    expect(desk.locator("h1")).to_have_text("€640.00")
    desk.keyboard.press("a")
    desk.keyboard.press("Enter")
    expect(desk.locator("h1")).to_have_text("Queue is clear")
    assert set(Decision.objects.values_list("withdrawal", flat=True)) == {middle.pk, largest.pk}
    assert not Claim.objects.filter(withdrawal=small).exists()


def test_what_a_colleague_gives_back_can_be_taken_with_one_key(
    desk: Page, live_server: LiveServer, senior: User
) -> None:
    row = requested(100)
    claims.claim(row, user=senior, now=timezone.now())
    open_page(desk, live_server, row)
    expect(desk.locator("#clock")).to_contain_text("Marta Keller is deciding this")
    assert desk.locator("[data-opens=approve]").count() == 0
    claims.let_go(row, user=senior)
    expect(desk.locator("#bar-notice")).to_contain_text("It is free now: nobody is deciding it.", timeout=9000)
    assert violations(desk) == []
    desk.keyboard.press("t")
    expect(desk.locator("#clock")).to_contain_text("Yours for")
    expect(desk.locator("[data-opens=approve]")).to_be_visible()


def test_a_lost_connection_says_that_nobody_knows_and_sending_again_counts_once(
    desk: Page, live_server: LiveServer
) -> None:
    row = requested(100)
    open_page(desk, live_server, row)
    desk.route("**/approve/**", lambda route: route.abort())
    desk.keyboard.press("a")
    desk.keyboard.press("Enter")
    expect(desk.locator("[data-lost]")).to_contain_text("It is not known whether this arrived.")
    desk.unroute("**/approve/**")
    desk.locator("#sheet-approve [data-commit]").click()
    expect(desk.locator("h1")).to_have_text("Queue is clear")
    assert Decision.objects.count() == 1


def test_what_was_typed_is_not_left_without_a_word(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    desk.on("dialog", stay)
    open_page(desk, live_server, row)
    back = desk.get_by_role("link", name="Needs a decision")
    desk.keyboard.press("n")
    desk.locator("#sheet-note").get_by_label("Note").fill("Called the player")
    desk.keyboard.press("Escape")
    back.click()
    expect(desk.locator("h1")).to_have_text("€180.00")
    assert asked == ["beforeunload"]
    desk.keyboard.press("n")
    expect(desk.locator("#sheet-note").get_by_label("Note")).to_have_value("Called the player")
    desk.keyboard.press("Control+Enter")
    expect(desk.get_by_text("Note added.")).to_be_visible()
    back.click()
    expect(desk.locator("h1")).to_have_text("Withdrawals")
    assert asked == ["beforeunload"]


def test_no_news_takes_the_place_of_what_was_typed(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    open_page(desk, live_server, row)
    desk.keyboard.press("n")
    note = desk.locator("#sheet-note").get_by_label("Note")
    note.fill("Called the player")
    desk.keyboard.press("Escape")
    Limit.objects.create(scope="player", period=Limit.Period.DAY, cap_amount=60_000_000, effect="review")
    seen = "document.dispatchEvent(new Event('visibilitychange'))"
    with desk.expect_response("**/fragments/status/**"):
        desk.evaluate(seen)
    desk.wait_for_timeout(500)
    assert "changed just now" not in desk.locator("#part-limits").inner_text()
    expect(note).to_have_value("Called the player")
    desk.keyboard.press("n")
    note.fill("")
    desk.keyboard.press("Escape")
    desk.evaluate(seen)
    expect(desk.locator("#part-limits")).to_contain_text("changed just now")
