"""An operator's morning in a real browser: by keyboard, on a phone, without JavaScript, and when somebody is faster."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts.models import User
from tests.factories.fraud import LoginFactory
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import fund, make_destination, make_withdrawal, open_withdrawal
from withdrawals.models import Claim, Decision, Destination, Note, Withdrawal
from withdrawals.operations import claims, decisions, screening
from withdrawals.states import State

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Client]
CARD = "tok_visa_4417_9fK2pQ7x"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def sign_in(page: Page, live_server: LiveServer, client: Client) -> None:
    cookie = client.cookies["sid"].value
    page.context.add_cookies([{"name": "sid", "value": cookie, "url": live_server.url}])


def _complains(message: ConsoleMessage) -> bool:
    # Refusals of the server, and answers that never came, are reported as errors too; some tests are about those.
    return message.type == "error" and not message.text.startswith(("Failed to load resource", "htmx:"))


@pytest.fixture
def desk(page: Page, live_server: LiveServer, operator: User, client_for: SignIn) -> Iterator[Page]:
    """The operator's window, signed in; nothing may be asked of another host and no script may complain."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: asked.append(message.text) if _complains(message) else None)
    sign_in(page, live_server, client_for(operator))
    yield page
    assert [one for one in asked if not one.startswith(live_server.url)] == []


def requested(minutes: int, amount: int = 18_000, **fields: object) -> Withdrawal:
    """A withdrawal that was requested so many minutes ago and waits for a person."""
    at = timezone.now() - timedelta(minutes=minutes)
    return make_withdrawal(State.UNDER_REVIEW, now=at, amount=amount, **fields)


def full_page(operator: User, senior: User) -> Withdrawal:
    """A withdrawal about which every panel has as much to say as a usual one."""
    now = timezone.now()
    at = now - timedelta(minutes=82)
    player = PlayerFactory(verified=True, name="Elena Marković", email="elena@zgmail.example")
    for days in (70, 40, 20, 9):
        make_withdrawal(
            State.COMPLETED, now=now - timedelta(days=days), player=player, amount=79_000, by=operator,
            destination=make_destination(player, at=now - timedelta(days=300)),
        )  # fmt: skip
    fund(player, 312_740, at=now - timedelta(hours=5))
    destination = make_destination(player, at=at - timedelta(hours=3, minutes=12), method="card", account=CARD)
    row = open_withdrawal(player=player, amount=245_000, now=at, destination=destination, funded=False)
    other = PlayerFactory(verified=True, name="Ivan Marković")
    for one in (player, other):
        LoginFactory(player_id=one.pk, device="shared-phone", ip="203.0.113.9", at=at)
    screening.screen(row.pk, now=at + timedelta(seconds=1))
    Note.objects.create(withdrawal=row, author=senior, text="Asked in chat how to add a second card.", at=now)
    return Withdrawal.objects.select_related("player").get(pk=row.pk)


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}}).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


def overflow(page: Page) -> dict[str, int]:
    """How many pixels the page is larger than the window."""
    return page.evaluate(
        "() => ({x: document.documentElement.scrollWidth - innerWidth,"
        " y: document.documentElement.scrollHeight - innerHeight})"
    )


def test_a_decision_takes_two_keys_and_can_be_taken_back(desk: Page, live_server: LiveServer) -> None:
    first, second = requested(100), requested(50, amount=64_000)
    desk.goto(f"{live_server.url}/withdrawals/")
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")
    expect(desk.locator("h1")).to_have_text("€180.00")
    expect(desk.locator(".presence")).to_contain_text("Yours for")
    desk.keyboard.press("a")
    expect(desk.get_by_role("button", name="Approve €180.00")).to_be_focused()
    desk.keyboard.press("Escape")
    assert not Decision.objects.exists()
    desk.keyboard.press("a")
    desk.keyboard.press("Enter")
    expect(desk.locator("h1")).to_have_text("€640.00")
    expect(desk.locator(".toast")).to_contain_text(f"Approved €180.00 for {first.player.name}")
    assert Decision.objects.get().withdrawal == first
    assert list(Claim.objects.values_list("withdrawal__ref", flat=True)) == [second.ref]
    desk.keyboard.press("z")
    expect(desk.locator("h1")).to_have_text("€180.00")
    assert Decision.objects.get().status == Decision.Status.UNDONE


def test_rejecting_by_digits_shows_what_the_player_reads(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    desk.goto(f"{live_server.url}/withdrawals/{row.ref}/?view=needs-decision")
    desk.keyboard.press("r")
    sheet = desk.locator("#sheet-reject")
    expect(sheet.get_by_text("Choose a reason.")).to_be_visible()
    assert sheet.locator("input[type=radio]:checked").count() == 0
    desk.keyboard.press("2")
    expect(sheet.get_by_text("Please show that the new payout details are yours, then ask again.")).to_be_visible()
    sheet.get_by_label("Note for colleagues").fill("Asked for a card photo. A is a letter here.")
    with desk.expect_navigation():
        desk.keyboard.press("Control+Enter")
    expect(desk.locator("h1")).to_have_text("Queue is clear")
    decision = Decision.objects.get()
    assert (decision.move, decision.reason) == ("reject", "destination_needs_proof")
    assert decision.note == "Asked for a card photo. A is a letter here."


def test_a_reason_is_asked_where_policy_asks_and_a_missing_one_comes_back(desk: Page, live_server: LiveServer) -> None:
    row = requested(100, risk=(46, "medium"))
    desk.goto(f"{live_server.url}/withdrawals/{row.ref}/?view=needs-decision")
    desk.keyboard.press("a")
    expect(desk.get_by_text("Why is this fine?")).to_be_visible()
    desk.keyboard.press("Control+Enter")
    expect(desk.locator("#sheet-approve .error-summary")).to_contain_text("Choose a reason.")
    desk.get_by_label("Known player").check()
    with desk.expect_navigation():
        desk.locator("#sheet-approve [data-commit]").click()
    assert Decision.objects.get().reason == "known_player"


def test_moving_on_without_deciding_gives_it_back(desk: Page, live_server: LiveServer) -> None:
    first, second = requested(100), requested(50, amount=64_000)
    desk.goto(f"{live_server.url}/withdrawals/{first.ref}/?view=needs-decision")
    with desk.expect_navigation():
        desk.keyboard.press("j")
    expect(desk.locator("h1")).to_have_text("€640.00")
    assert list(Claim.objects.values_list("withdrawal__ref", flat=True)) == [second.ref]


def test_who_comes_second_is_told_and_nothing_is_lost(desk: Page, live_server: LiveServer, senior: User) -> None:
    row = requested(100)
    desk.goto(f"{live_server.url}/withdrawals/{row.ref}/?view=needs-decision")
    claims.take_over(row, user=senior, now=timezone.now(), reason="It cannot wait any longer")
    decisions.decide(
        row, "reject", actor=senior, now=timezone.now(), version=row.version, key="faster", reason="linked_account"
    )  # fmt: skip
    desk.keyboard.press("r")
    desk.keyboard.press("1")
    desk.locator("#sheet-reject").get_by_label("Note for colleagues").fill("My careful words")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator("#bar-notice")).to_contain_text("Marta Keller rejected it: Linked or duplicate account.")
    expect(desk.locator("#sheet-reject").get_by_label("Note for colleagues")).to_have_value("My careful words")
    assert Decision.objects.count() == 1


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1440, 780)])
def test_everything_that_decides_fits_one_screen(
    desk: Page, live_server: LiveServer, operator: User, senior: User, width: int, height: int
) -> None:
    row = full_page(operator, senior)
    desk.set_viewport_size({"width": width, "height": height})
    desk.goto(f"{live_server.url}/withdrawals/{row.ref}/?view=needs-decision")
    assert overflow(desk) == {"x": 0, "y": 0}
    bar = desk.locator(".decision").bounding_box()
    assert bar and bar["y"] + bar["height"] == height
    headings = desk.locator(".panel h2")
    assert headings.count() == 8
    for n in range(8):
        box = headings.nth(n).bounding_box()
        assert box and box["y"] + box["height"] < bar["y"], headings.nth(n).inner_text()


def test_twelve_rows_stand_on_one_screen(desk: Page, live_server: LiveServer) -> None:
    for minutes in range(10, 170, 10):
        requested(minutes)
    desk.goto(f"{live_server.url}/withdrawals/")
    assert overflow(desk) == {"x": 0, "y": 0}
    foot = desk.locator("#foot").bounding_box()
    rows = [row.bounding_box() for row in desk.locator("tr[data-row]").all()]
    assert foot and rows[0] and rows[0]["y"] <= 300
    assert len([row for row in rows if row and row["y"] + row["height"] <= foot["y"]]) >= 12


def test_on_a_phone_a_long_name_takes_more_lines(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    Destination.objects.update(holder_name="Bartholomew Featherstonehaugh-Cholmondeley")
    desk.set_viewport_size({"width": 390, "height": 844})
    desk.goto(f"{live_server.url}/withdrawals/{row.ref}/")
    assert "Featherstonehaugh" in desk.locator("main").inner_text() and overflow(desk)["x"] == 0


def test_on_a_phone_a_single_decision_can_be_made(desk: Page, live_server: LiveServer) -> None:
    row = requested(100)
    desk.set_viewport_size({"width": 390, "height": 844})
    desk.goto(f"{live_server.url}/withdrawals/")
    assert overflow(desk)["x"] == 0
    assert violations(desk) == []
    desk.get_by_role("link", name=row.player.name).click()
    expect(desk.locator("h1")).to_have_text("€180.00")
    assert overflow(desk)["x"] == 0
    assert violations(desk) == []
    desk.locator(".decision").get_by_role("button", name="Approve €180.00").or_(
        desk.locator(".decision").get_by_role("link", name="Approve €180.00")
    ).first.click()
    with desk.expect_navigation():
        desk.locator("#sheet-approve").get_by_role("button", name="Approve €180.00").click()
    assert Decision.objects.get().move == "approve"


def test_it_all_works_without_javascript(
    browser: Browser, live_server: LiveServer, operator: User, client_for: SignIn
) -> None:
    row, context = requested(100), browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server, client_for(operator))
    page.goto(f"{live_server.url}/withdrawals/?amount_min=100")
    page.get_by_role("link", name=row.player.name).click()
    page.get_by_role("link", name="Hold…").click()
    page.get_by_label("Waiting for a colleague").check()
    page.get_by_label("Wake up").select_option("2h")
    page.get_by_label("Note for colleagues").fill("Ask Priya about the device")
    page.get_by_role("button", name="Put on hold").click()
    decision = Decision.objects.get()
    assert (decision.move, decision.facts["kind"], decision.status) == ("put_on_hold", "internal", "waiting")
    page.goto(f"{live_server.url}/withdrawals/{row.ref}/")
    page.get_by_role("button", name="Undo").click()
    assert Decision.objects.get().status == Decision.Status.UNDONE
    context.close()
