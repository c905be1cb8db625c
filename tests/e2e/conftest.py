"""A real browser for whole journeys."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page


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
