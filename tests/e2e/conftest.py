"""A real browser for whole journeys."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import browser as browsers

# Nothing but the product itself may be reached: a page that needs another host shows it by failing.
ONLY_THIS_MACHINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all; skipped where there is none, except under CI=true."""
    path = browsers.find()
    if path is None:
        complain = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        complain("there is no browser; see `python -m tests.browser`")
    # Playwright's event loop lives in this thread, which Django would take for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=[*browsers.ARGUMENTS, ONLY_THIS_MACHINE])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh window without cookies. An error in the page's own script fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    window = context.new_page()
    errors: list[str] = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    yield window
    # Pages say something when they are left; let the server answer before the database is emptied under it.
    window.goto("about:blank")
    window.wait_for_timeout(300)
    context.close()
    assert not errors, errors
