"""The twelve things that people do all day, each by its shortest way, with the number of actions it takes.

An action is a key (or keys pressed together), a click, or a piece of text typed or pasted. Run with ``-s`` it prints
the figures; each has a bound.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts.models import User
from tests.e2e.test_operator import requested, sign_in
from withdrawals.models import Claim, Decision, Note
from withdrawals.operations import decisions, due_decisions
from withdrawals.states import Move

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Client]


class Hand:
    """Acts on a page and counts what it does."""

    def __init__(self, page: Page) -> None:
        self.page, self.actions = page, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.actions += 1

    def type(self, text: str) -> None:
        self.page.keyboard.insert_text(text)
        self.actions += 1

    def click(self, what: Locator) -> None:
        what.click()
        self.actions += 1

    def needed(self, job: str, *, at_most: int) -> None:
        print(f"{job}: {self.actions} actions, at most {at_most}")
        assert self.actions <= at_most, job


@pytest.fixture
def hand(page: Page, live_server: LiveServer, operator: User, client_for: SignIn) -> Iterator[Hand]:
    sign_in(page, live_server, client_for(operator))
    yield Hand(page)


@pytest.fixture
def opened(hand: Hand, live_server: LiveServer) -> Hand:
    """The operator has the first of two withdrawals open."""
    first, _second = requested(100), requested(50, amount=64_000)
    hand.page.goto(f"{live_server.url}/withdrawals/{first.ref}/?view=needs-decision")
    return hand


def made() -> Decision:
    return Decision.objects.select_related("withdrawal").get()


def shows_next(hand: Hand) -> None:
    expect(hand.page.locator("h1")).to_have_text("€640.00")


def test_approve_what_is_clean(opened: Hand) -> None:
    opened.press("a", "Enter")
    shows_next(opened)
    assert made().move == Move.APPROVE
    opened.needed("Approve a clean one", at_most=2)


def test_reject_with_a_reason(opened: Hand) -> None:
    opened.press("r", "2", "Control+Enter")
    shows_next(opened)
    assert (made().move, made().reason) == (Move.REJECT, "destination_needs_proof")
    opened.needed("Reject with a reason", at_most=4)


def test_put_on_hold(opened: Hand) -> None:
    opened.press("h", "1", "Control+Enter")
    shows_next(opened)
    assert made().move == Move.HOLD
    opened.needed("Put on hold until a document comes", at_most=4)


def test_escalate_with_a_question(opened: Hand) -> None:
    opened.press("e", "1")
    opened.page.locator("#sheet-escalate textarea").first.focus()
    opened.actions += 1
    opened.type("Is this device known to you?")
    opened.press("Control+Enter")
    shows_next(opened)
    assert made().withdrawal.ref
    opened.needed("Ask fraud about it", at_most=5)


def test_leave_a_note(opened: Hand) -> None:
    opened.press("n")
    opened.type("Asked in chat about the second card.")
    opened.press("Control+Enter")
    expect(opened.page.locator("main")).to_contain_text("Asked in chat about the second card.")
    assert Note.objects.count() == 1
    opened.needed("Leave a note", at_most=3)


def test_take_a_decision_back(opened: Hand) -> None:
    opened.press("a", "Enter")
    shows_next(opened)
    opened.actions = 0
    opened.press("z")
    expect(opened.page.locator("h1")).to_have_text("€180.00")
    assert made().status == Decision.Status.UNDONE
    opened.needed("Take a decision back", at_most=1)


def test_go_on_without_deciding(opened: Hand) -> None:
    opened.press("j")
    shows_next(opened)
    assert Claim.objects.get().withdrawal.amount == 64_000
    opened.needed("Go on without deciding", at_most=1)


def test_find_a_payout_by_e_mail(hand: Hand, live_server: LiveServer) -> None:
    row = requested(30)
    hand.page.goto(f"{live_server.url}/withdrawals/")
    hand.press("Control+k")
    hand.type(row.player.email)
    expect(hand.page.get_by_role("option").filter(has_text=row.ref)).to_be_visible()
    hand.press("Enter")
    expect(hand.page.locator("main")).to_contain_text("€180.00")
    hand.needed("Find a payout by e-mail", at_most=3)


def test_open_a_reference_that_was_read_out(hand: Hand, live_server: LiveServer) -> None:
    row = requested(30)
    hand.page.goto(f"{live_server.url}/withdrawals/")
    hand.press("Control+k")
    hand.type(row.ref.lower().replace("-", ""))
    hand.press("Enter")
    hand.page.wait_for_url(f"**/withdrawals/{row.ref}/")
    hand.needed("Open a reference", at_most=3)


def test_give_the_second_approval(
    page: Page, live_server: LiveServer, operator: User, senior: User, client_for: SignIn
) -> None:
    row = requested(60, amount=1_200_000)
    decisions.decide(
        row, Move.ENDORSE, actor=operator, now=timezone.now(), version=row.version, key="one", reason="known_player"
    )
    due_decisions.apply_due_decisions(now=timezone.now() + timedelta(minutes=2))
    sign_in(page, live_server, client_for(senior))
    hand = Hand(page)
    page.goto(f"{live_server.url}/withdrawals/{row.ref}/?view=needs-decision")
    hand.press("a", "Enter")
    expect(page.locator(".toast")).to_contain_text("Confirmed €12,000.00")
    assert Decision.objects.latest("pk").move == Move.CONFIRM
    hand.needed("Give the second approval", at_most=2)


def test_approve_a_page_of_clean_ones(hand: Hand, live_server: LiveServer) -> None:
    for minutes in range(10, 60, 10):
        requested(minutes)
    hand.page.goto(f"{live_server.url}/withdrawals/")
    hand.click(hand.page.get_by_label("Select this page"))
    hand.click(hand.page.get_by_role("button", name="Preview approval"))
    expect(hand.page.locator("h1")).to_have_text("Approve 5 of 5 selected")
    hand.press("Control+Enter")
    expect(hand.page.locator("h1")).to_have_text("Approve 5 payouts")
    hand.needed("Approve five clean ones at once", at_most=3)


def test_answer_a_player_on_the_phone(page: Page, live_server: LiveServer, support: User, client_for: SignIn) -> None:
    row = requested(20)
    sign_in(page, live_server, client_for(support))
    hand = Hand(page)
    page.goto(f"{live_server.url}/players/")
    hand.type(row.player.email)
    hand.press("Enter")
    expect(page.locator("main")).to_contain_text("We are looking at your request")
    hand.needed("Answer a player on the phone", at_most=2)
