"""The queue in a real browser: filters and addresses, keys, news that move nothing, columns and views, selections."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts.models import User
from backoffice.ui.models import SavedView
from tests.e2e.test_operator import SignIn, desk, overflow, requested, sign_in, violations
from withdrawals.models import Claim
from withdrawals.operations import claims, decisions
from withdrawals.states import Move
from withdrawals.views.queue import Queue

__all__ = ["desk"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask what changed often enough for a test."""
    monkeypatch.setattr(Queue, "live_seconds", 1)


@pytest.fixture
def unreliable(page: Page, live_server: LiveServer, operator: User, client_for: SignIn) -> Page:
    """The operator's window where the network fails: what the browser complains about then is expected."""
    sign_in(page, live_server, client_for(operator))
    return page


def shown(page: Page) -> list[str]:
    return [str(row.get_attribute("data-row")) for row in page.locator("tr[data-row]").all()]


def cursor(page: Page) -> str | None:
    return page.locator("tr.is-cursor").get_attribute("data-row")


def test_filters_chips_address_and_back_button_agree(desk: Page, live_server: LiveServer) -> None:
    late, other = requested(171), requested(20)
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.keyboard.press("f")
    expect(desk.locator("[data-find-field]")).to_be_focused()
    desk.keyboard.type("due")
    desk.keyboard.press("Enter")
    expect(desk.locator(".options a", has_text="Late")).to_be_focused()
    desk.keyboard.press("Enter")  # a single value applies at once
    expect(desk.locator("span.chip")).to_have_text("Due is Late")
    assert shown(desk) == [late.ref] and "due=late" in desk.url
    desk.keyboard.press("f")
    expect(desk.locator("[data-find-field]")).to_be_focused()
    desk.keyboard.type("risk")
    desk.keyboard.press("Enter")
    desk.keyboard.press(" ")
    assert desk.locator("input[name=risk][value=low]").is_checked()
    assert "risk=low" not in desk.url  # several values wait for Apply
    desk.locator("#filter-menu").get_by_role("button", name="Apply").click()
    expect(desk.locator("span.chip")).to_have_count(2)
    assert "due=late" in desk.url and "risk=low" in desk.url
    desk.go_back()
    expect(desk.locator("span.chip")).to_have_count(1)
    expect(desk.locator("span.chip")).to_have_text("Due is Late")
    desk.get_by_label("Remove filter Due").click()
    expect(desk.locator("tr[data-row]")).to_have_count(2)
    assert shown(desk) == [late.ref, other.ref]
    desk.reload()
    expect(desk.locator("tr[data-row]")).to_have_count(2)


def test_keys_move_peek_claim_and_open(desk: Page, live_server: LiveServer, operator: User) -> None:
    first, second = requested(100), requested(50, amount=64_000)
    desk.goto(f"{live_server.url}/withdrawals/?view=needs-decision")
    desk.keyboard.press("j")
    assert cursor(desk) == first.ref
    desk.keyboard.press(" ")
    panel = desk.get_by_role("region", name="Peek at the row")
    expect(panel).to_contain_text("€180.00")
    box = panel.bounding_box()
    assert box and box["width"] == 420 and violations(desk) == []
    desk.keyboard.press("j")
    expect(panel).to_contain_text("€640.00")
    assert cursor(desk) == second.ref and not Claim.objects.exists()
    desk.keyboard.press("c")
    expect(desk.locator(f"#c-{second.ref}-owner")).to_contain_text("You")
    expect(desk.locator("#peek-owner")).to_contain_text("You")
    assert Claim.objects.get().withdrawal == second
    desk.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert cursor(desk) == second.ref
    desk.keyboard.press("k")
    desk.keyboard.press("Enter")
    expect(desk.locator("h1")).to_have_text("€180.00")


def test_help_lists_the_keys_that_work_here(desk: Page, live_server: LiveServer) -> None:
    requested(100)
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.keyboard.press("?")
    listed = set(desk.locator("#keys td:last-child").all_inner_texts())
    assert {"JK", "Enter", "Space", "C", "F", "V", "/", "S", "X", "E"} <= {re.sub(r"\s", "", one) for one in listed}
    assert "." not in listed


def test_somebody_elses_claim_stays_theirs(desk: Page, live_server: LiveServer, senior: User) -> None:
    row = requested(100)
    desk.goto(f"{live_server.url}/withdrawals/")
    claims.claim(row, user=senior, now=timezone.now())
    desk.keyboard.press("j")
    desk.keyboard.press("c")
    expect(desk.locator(".toast")).to_contain_text("Marta Keller is deciding this.")
    expect(desk.locator(f"#c-{row.ref}-owner")).to_contain_text("Marta")


@pytest.mark.usefixtures("_every_second")
def test_news_move_neither_rows_nor_cursor_and_the_dot_loads_them(
    desk: Page, live_server: LiveServer, senior: User
) -> None:
    first, second, third = requested(100), requested(60), requested(50)
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.keyboard.press("j")
    desk.keyboard.press("j")
    claims.claim(third, user=senior, now=timezone.now())
    decisions.decide(first, Move.REJECT, actor=senior, now=timezone.now(), version=first.version, key="k",
                     reason="terms_not_met")  # fmt: skip
    fresh = requested(-0.1)
    news = desk.locator("[data-load-new]")
    expect(news).to_contain_text("1 new", timeout=15_000)
    expect(desk.locator(f"#c-{third.ref}-owner")).to_contain_text("Marta")
    gone = desk.locator(f"tr[data-row='{first.ref}']")
    expect(gone).to_contain_text("Decided")
    assert gone.locator("td").nth(1).evaluate("cell => getComputedStyle(cell).textDecorationLine") == "line-through"
    assert shown(desk) == [first.ref, second.ref, third.ref] and cursor(desk) == second.ref
    assert desk.evaluate("document.activeElement.closest('tr').dataset.row") == second.ref
    desk.keyboard.press(".")
    expect(desk.locator("tr[data-row]")).to_have_count(3)
    expect(desk.locator(f"tr[data-row='{fresh.ref}']")).to_be_visible()
    assert shown(desk) == [second.ref, third.ref, fresh.ref] and cursor(desk) == second.ref


@pytest.mark.usefixtures("_every_second")
def test_it_says_when_it_is_not_live_and_can_be_paused(unreliable: Page, live_server: LiveServer) -> None:
    desk = unreliable
    requested(100)
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url) if "live=" in request.url else None)
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.wait_for_timeout(1500)
    assert asked
    desk.locator("[data-live-pause]").click()
    expect(desk.locator("[data-live-words]")).to_have_text("Paused")
    before = len(asked)
    desk.wait_for_timeout(1800)
    assert len(asked) == before
    desk.locator("[data-live-pause]").click()
    expect(desk.locator("[data-live-words]")).to_have_text("Live")
    desk.context.set_offline(True)
    expect(desk.locator("[data-live-off]")).to_be_visible(timeout=15_000)
    expect(desk.locator("[data-live-off]")).to_contain_text(re.compile(r"Not live since \d\d:\d\d"))
    desk.context.set_offline(False)
    desk.locator("[data-live-retry]").click()
    expect(desk.locator("[data-live-off]")).to_be_hidden()
    desk.locator("#filter-menu summary").first.click()
    desk.wait_for_timeout(300)
    before = len(asked)
    desk.wait_for_timeout(1800)
    assert len(asked) == before  # a menu is open


def test_choosing_columns_keeps_the_filters_and_a_saved_view_its_scope(
    desk: Page, live_server: LiveServer, operator: User
) -> None:
    requested(171), requested(20)
    desk.goto(f"{live_server.url}/withdrawals/?view=needs-decision&due=late")
    desk.locator("#column-menu > summary").click()
    desk.locator("#col-requested").check()
    expect(desk.locator("table.data thead")).to_contain_text("Requested")
    expect(desk.locator("#column-menu form")).to_be_visible()  # it stays open
    desk.locator("#up-requested").click()
    expect(desk.locator("table.data thead th").nth(-2)).to_have_text("Requested")
    expect(desk.locator("span.chip")).to_have_text("Due is Late")
    desk.keyboard.press("Escape")
    desk.locator("#view-menu > summary").click()
    desk.get_by_label("Save what you see as").fill("Late ones")
    desk.get_by_role("button", name="Save view").click()
    expect(desk.locator(".views a[aria-current]")).to_have_text("Late ones")
    view = SavedView.objects.get()
    assert view.owner == operator and "due=late" in view.query and "requested" in view.query
    desk.get_by_label("Remove filter Due").click()
    expect(desk.locator(".edited")).to_contain_text("Edited")
    expect(desk.locator("tr[data-row]")).to_have_count(2)
    desk.locator(".edited").get_by_role("link", name="Reset").click()
    expect(desk.locator("tr[data-row]")).to_have_count(1)
    expect(desk.locator(".edited")).to_have_count(0)


def test_v_opens_the_views_and_arrows_walk_them(desk: Page, live_server: LiveServer) -> None:
    requested(100)
    desk.goto(f"{live_server.url}/withdrawals/?view=high-value&sort=amount")
    expect(desk.locator(".edited")).to_have_text("Edited · Reset")
    desk.keyboard.press("v")
    expect(desk.locator("#all-views nav a[aria-current]")).to_be_focused()
    desk.keyboard.press("ArrowDown")
    expect(desk.locator("#all-views nav a", has_text="New payout details")).to_be_focused()
    assert violations(desk) == []
    desk.keyboard.press("Enter")
    expect(desk.locator(".views a[aria-current]")).to_contain_text("New payout details")
    desk.set_viewport_size({"width": 390, "height": 844})
    desk.locator("#all-views > summary").click()
    assert overflow(desk)["x"] == 0
    box = desk.locator("#all-views nav").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_malformed_parameters_are_named_and_the_list_is_there(desk: Page, live_server: LiveServer) -> None:
    requested(100)
    response = desk.goto(
        f"{live_server.url}/withdrawals/?view=x&amount_min=abc&cols=zzz&density=9&saved=no&after=q&sort=-"
    )
    assert response and response.status == 200
    expect(desk.locator("tr[data-row]")).to_have_count(1)
    expect(desk.locator(".notice").filter(has_text="Left out of the address")).to_contain_text("amount_min")


def test_twelve_rows_with_a_notice_and_groups(desk: Page, live_server: LiveServer) -> None:
    for minutes in range(10, 170, 10):
        requested(minutes)
    desk.goto(f"{live_server.url}/withdrawals/?nonsense=1")
    assert overflow(desk) == {"x": 0, "y": 0}
    foot = desk.locator("#foot").bounding_box()
    rows = [row.bounding_box() for row in desk.locator("tr[data-row]").all()]
    assert foot and rows[0] and rows[0]["y"] <= 300
    assert len([row for row in rows if row and row["y"] + row["height"] <= foot["y"]]) >= 12


def test_a_list_that_cannot_be_loaded_keeps_its_rows_and_says_so(unreliable: Page, live_server: LiveServer) -> None:
    desk = unreliable
    row = requested(100)
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.context.set_offline(True)
    desk.locator("table.data thead a", has_text="Amount").click()
    expect(desk.locator("[data-trouble-failed]")).to_be_visible()
    assert shown(desk) == [row.ref]
    desk.context.set_offline(False)
    desk.locator("[data-again]").click()
    expect(desk.locator("[data-trouble]")).to_be_hidden()


# A list with boxes to tick ------------------------------------------------------------------------------------------


@pytest.fixture
def crew(page: Page, live_server: LiveServer, admin: User, client_for: SignIn) -> Iterator[Page]:
    for n in range(1, 6):
        at = timezone.now() - timedelta(days=1)
        User.objects.create(email=f"crew{n}@staff.example", name=f"Crew {n}", approval_limit=n, date_joined=at)
    sign_in(page, live_server, client_for(admin))
    page.goto(f"{live_server.url}/crew/")
    yield page


@pytest.mark.urls("tests.backoffice.ui.lists")
def test_the_server_counts_what_is_ticked(crew: Page) -> None:
    bar = crew.locator("#bulk-bar")
    crew.keyboard.press("j")
    crew.keyboard.press("x")
    expect(bar).to_contain_text("1 selected · €0.01")
    expect(crew.locator("#foot")).to_be_hidden()
    crew.keyboard.press("Shift+J")
    expect(bar).to_contain_text("2 selected · €0.03")
    assert violations(crew) == []
    crew.get_by_label("Select this page").check()
    expect(bar).to_contain_text("3 selected · €0.06")
    bar.get_by_role("button", name="Select all 5 in this view").click()
    expect(bar).to_contain_text("5 selected · €0.15")
    crew.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    expect(crew.locator("#foot")).to_be_visible()


@pytest.mark.urls("tests.backoffice.ui.lists")
def test_a_filter_that_changes_lets_no_ticked_row_through(crew: Page) -> None:
    bar = crew.locator("#bulk-bar")
    crew.get_by_label("Select this page").check()
    expect(bar).to_contain_text("3 selected")
    crew.get_by_label("Search this list").fill("Crew 2")
    crew.keyboard.press("Enter")
    expect(crew.locator("tr[data-row]")).to_have_count(1)
    expect(bar).to_be_hidden()
    crew.get_by_label("Select this page").check()
    expect(bar).to_contain_text("1 selected · €0.02")
    with crew.expect_navigation():
        bar.get_by_role("button", name="Preview…").click()
    assert crew.locator("body").inner_text() == "Crew 2"


@pytest.mark.urls("tests.backoffice.ui.lists")
def test_a_whole_view_is_posted_as_it_was_counted(crew: Page) -> None:
    crew.get_by_label("Select this page").check()
    crew.get_by_role("button", name="Select all 5 in this view").click()
    expect(crew.locator("#bulk-bar")).to_contain_text("5 selected")
    User.objects.create(email="crew9@staff.example", name="Crew 9", approval_limit=9)
    with crew.expect_navigation():
        crew.get_by_role("button", name="Preview…").click()
    assert "holds others now" in crew.locator("body").inner_text()
