"""Signing in, being asked again and being away for too long, in a real browser; nothing that was typed gets lost."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import CDPSession, Page, expect
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts import second_factor
from backoffice.accounts.models import Passkey, StaffSession, User
from backoffice.accounts.sign_in import MOST_FAILURES
from providers import routing
from tests.accounts.conftest import SECRET, shown
from tests.conftest import NOW
from tests.e2e.test_operator import RULES, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Client]


@pytest.fixture
def here(live_server: LiveServer) -> str:
    """The address under a name, as passkeys need it."""
    assert "//localhost:" in live_server.url
    return live_server.url


@pytest.fixture
def keys(page: Page) -> Iterator[CDPSession]:
    """A passkey device that is part of the browser and always says yes."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield session


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}}).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def give_password(page: Page, address: str, user: User) -> None:
    page.goto(f"{address}/sign-in/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill("a password")
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_code_can_be_pasted(page: Page, here: str, operator: User) -> None:
    second_factor.give_app(operator, secret=SECRET, now=NOW)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    give_password(page, here, operator)
    field = page.get_by_label("Code")
    expect(field).to_be_focused()
    assert field.get_attribute("autocomplete") == "one-time-code"
    assert violations(page) == []
    code = shown()
    page.evaluate("code => navigator.clipboard.writeText(code)", f"{code[:3]} {code[3:]}\n")
    page.keyboard.press("Control+v")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Withdrawals")


def test_a_password_can_be_shown(page: Page, here: str) -> None:
    page.goto(f"{here}/sign-in/")
    field = page.get_by_label("Password")
    field.fill("typed blindly")
    page.get_by_role("button", name="Show").click()
    expect(field).to_have_attribute("type", "text")
    expect(field).to_be_focused()
    page.get_by_role("button", name="Hide").click()
    expect(field).to_have_attribute("type", "password")


def test_a_lock_out_says_when_to_try_again(page: Page, here: str, operator: User) -> None:
    second_factor.give_app(operator, secret=SECRET, now=NOW)
    give_password(page, here, operator)
    for _ in range(MOST_FAILURES):
        page.get_by_label("Code").fill("000000")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("This code is not right.")
    page.get_by_label("Code").fill(shown())
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Try again in 15 minutes.")
    assert page.title().startswith("Error:")


def test_the_first_sign_in_sets_up_codes(page: Page, here: str, operator: User, settings: Any) -> None:
    settings.SECOND_FACTOR = "required"
    give_password(page, here, operator)
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    assert page.locator(".qr").evaluate("image => image.naturalWidth") > 0
    assert violations(page) == []
    secret = page.locator(".steps .mono").inner_text().replace(" ", "")
    page.get_by_label("Code that the app shows").fill(shown(secret=secret))
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".codes li")).to_have_count(10)
    assert violations(page) == []
    page.get_by_role("link", name="I saved them").click()
    expect(page.locator("h1")).to_have_text("Withdrawals")


def test_a_passkey_is_added_used_alone_used_as_second_step_and_removed(
    page: Page, here: str, keys: CDPSession, operator: User
) -> None:
    give_password(page, here, operator)
    page.goto(f"{here}/me/security/")
    page.get_by_label("Name of the new passkey").fill("Work laptop")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="I saved them").click()
    expect(page.locator("main")).to_contain_text("Work laptop")
    assert violations(page) == []
    assert Passkey.objects.get().user == operator

    page.context.clear_cookies()
    page.goto(f"{here}/sign-in/?next=/me/profile/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("h1")).to_have_text("Your profile")

    page.context.clear_cookies()
    give_password(page, here, operator)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("h1")).to_have_text("Withdrawals")

    page.goto(f"{here}/me/security/")
    page.get_by_role("button", name="Remove the passkey Work laptop").click()
    expect(page.locator(".toast")).to_contain_text("removed")
    assert not Passkey.objects.exists() and not operator.recovery_codes.exists()


def test_a_passkey_of_nobody_here_opens_nothing(page: Page, here: str, keys: CDPSession, operator: User) -> None:
    give_password(page, here, operator)
    page.goto(f"{here}/me/security/")
    page.get_by_label("Name of the new passkey").fill("Gone")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.locator(".codes li")).to_have_count(10)
    Passkey.objects.all().delete()
    page.context.clear_cookies()
    page.goto(f"{here}/sign-in/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("main")).to_contain_text("The passkey could not be checked.")
    assert not StaffSession.objects.filter(user=operator, began_at__gt=NOW).exclude(user=None).count() > 1


def test_without_a_name_in_the_address_passkeys_are_explained(
    page: Page, live_server: LiveServer, operator: User, client_for: SignIn
) -> None:
    bare = live_server.url.replace("localhost", "127.0.0.1")
    page.context.add_cookies([{"name": "sid", "value": client_for(operator).cookies["sid"].value, "url": bare}])
    page.goto(f"{bare}/me/security/")
    expect(page.locator("main")).to_contain_text("A passkey needs a host name")


@pytest.fixture
def pausing(page: Page, live_server: LiveServer, finance: User, client_for: SignIn, settings: Any) -> Page:
    """Finance about to pause a provider, whose proof has grown old, with a text typed."""
    settings.FRESH_TIME = timedelta(0)
    sign_in(page, live_server, client_for(finance))
    page.goto(f"{live_server.url}/providers/volta/pause/")
    page.get_by_label("Why?").fill("Slow since this morning.")
    settings.FRESH_TIME = timedelta(minutes=15)
    return page


def test_being_asked_again_keeps_the_form_and_its_text(pausing: Page) -> None:
    pausing.get_by_role("button", name="Pause Volta").click()
    dialog = pausing.get_by_role("dialog", name="Show who you are")
    expect(dialog).to_contain_text("You are about to pause or resume payouts.")
    assert violations(pausing) == []
    pausing.keyboard.press("Escape")
    expect(pausing.get_by_label("Why?")).to_have_value("Slow since this morning.")

    pausing.get_by_role("button", name="Pause Volta").click()
    dialog.get_by_label("Password").fill("wrong")
    pausing.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("This is not your password.")
    dialog.get_by_label("Password").fill("a password")
    pausing.keyboard.press("Enter")
    expect(pausing.locator("main h1")).to_have_text("Providers")
    assert "volta" in routing.paused()


def test_being_asked_again_without_javascript(
    browser: Any, live_server: LiveServer, finance: User, client_for: SignIn, settings: Any
) -> None:
    settings.FRESH_TIME = timedelta(0)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server, client_for(finance))
    settings.FRESH_TIME = timedelta(minutes=15)
    page.goto(f"{live_server.url}/providers/volta/pause/")
    page.get_by_label("Why?").fill("Slow since this morning.")
    page.get_by_role("button", name="Pause Volta").click()
    expect(page.locator("h1")).to_have_text("Is it still you?")
    page.get_by_label("Password").fill("a password")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("h1")).to_have_text("Providers")
    assert "volta" in routing.paused()
    context.close()


def test_signed_out_elsewhere_the_text_survives(pausing: Page, finance: User, operator: User) -> None:
    StaffSession.objects.all().delete()
    pausing.get_by_role("button", name="Pause Volta").click()
    dialog = pausing.get_by_role("dialog", name="Show who you are")
    expect(dialog).to_contain_text("Your session has ended.")
    dialog.get_by_label("E-mail").fill(finance.email)
    dialog.get_by_label("Password").fill("a password")
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(pausing.locator("main h1")).to_have_text("Providers")
    assert "volta" in routing.paused()


def test_somebody_else_who_signs_in_there_sends_nothing(pausing: Page, admin: User) -> None:
    StaffSession.objects.all().delete()
    pausing.get_by_role("button", name="Pause Volta").click()
    dialog = pausing.get_by_role("dialog", name="Show who you are")
    dialog.get_by_label("E-mail").fill(admin.email)
    dialog.get_by_label("Password").fill("a password")
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(pausing.locator(".me summary")).to_contain_text(admin.name)
    expect(pausing.get_by_label("Why?")).to_have_value("")
    assert not routing.paused()


def test_a_warning_before_the_session_ends_and_a_question_after(
    page: Page, live_server: LiveServer, operator: User, client_for: SignIn, settings: Any
) -> None:
    settings.IDLE_TIME = timedelta(seconds=122)
    sign_in(page, live_server, client_for(operator))
    page.goto(f"{live_server.url}/players/")
    page.locator("main input[type=search], main input[type=text]").first.fill("half a name")
    warning = page.get_by_role("alertdialog", name="Are you still there?")
    # The server allows for the seconds in which it does not write.
    expect(warning).to_be_visible(timeout=25_000)
    assert violations(page) == []
    warning.get_by_role("button", name="Stay signed in").click()
    expect(warning).to_be_hidden()

    StaffSession.objects.all().delete()
    expect(page.get_by_role("dialog", name="Show who you are")).to_contain_text("has ended", timeout=30_000)
    expect(page.locator("main input[type=search], main input[type=text]").first).to_have_value("half a name")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_the_way_in_is_accessible(
    page: Page, live_server: LiveServer, admin: User, theme: Any, size: tuple[int, int]
) -> None:
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{live_server.url}/sign-in/")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_shortcuts_with_alt(page: Page, live_server: LiveServer, operator: User, client_for: SignIn) -> None:
    sign_in(page, live_server, client_for(operator))
    page.goto(f"{live_server.url}/me/shortcuts/")
    page.get_by_text("With Alt", exact=True).click()
    page.locator("main").get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("Saved.")
    page.goto(f"{live_server.url}/withdrawals/")
    page.keyboard.press("[")
    expect(page.locator(".shell")).not_to_have_class("shell is-rail")
    page.keyboard.press("Alt+[")
    expect(page.locator(".shell.is-rail")).to_be_visible()
