"""The API's page under our own content security policy, in a real browser."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_page_lists_every_operation(page: Page, live_server: Any, settings: Any) -> None:
    settings.DEBUG = True
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)

    page.goto(f"{live_server.url}/api/v1/docs")

    expect(page.locator(".opblock")).to_have_count(12)
    page.locator("#operations-Withdrawals-post_withdrawal .opblock-summary-control").click()
    expect(page.get_by_text("Idempotency-Key", exact=False).first).to_be_visible()
    assert complaints == []
