"""A tab that nobody sees asks for nothing; as soon as it is seen it asks, and goes on."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from backoffice.accounts.models import User
from tests.e2e.test_decision import open_page
from tests.e2e.test_operator import desk, requested
from withdrawals.operations import bulk

__all__ = ["desk"]

pytestmark = pytest.mark.django_db(transaction=True)

PLACES = {
    "/": {"lines", "menu"},
    "/withdrawals/": {"live", "menu"},
    "decision": {"status", "facts", "presence", "menu"},
    "job": {"job", "menu"},
}
ASKED = re.compile(r"[?&](live)=|/(menu|status|facts|presence|lines)/|/bulk/(\d+)/$")


@pytest.mark.parametrize("place", [*PLACES])
def test_what_a_page_asks(desk: Page, live_server: LiveServer, operator: User, place: str) -> None:
    row, asked = requested(100), list[str]()
    if place == "job":
        job = bulk.start({row.ref: row.version}, title="Approve 1 payout", user=operator, token="1", now=row.created_at)
    desk.clock.install()
    if place == "decision":
        open_page(desk, live_server, row)
    else:
        desk.goto(live_server.url + (f"/withdrawals/bulk/{job.pk}/" if place == "job" else place))
    desk.wait_for_load_state("networkidle")
    desk.on("requestfinished", lambda request: asked.extend(name(request.url)))

    show(desk, hidden=True)
    desk.clock.run_for(120_000)
    desk.wait_for_timeout(500)
    assert asked == []

    show(desk, hidden=False)
    wait_until(desk, lambda: len(asked) >= len(PLACES[place]))
    assert sorted(asked) == sorted(PLACES[place])

    asked.clear()
    desk.wait_for_timeout(300)  # what was answered is put into the page
    desk.clock.run_for(62_000)
    wait_until(desk, lambda: set(asked) >= PLACES[place])
    assert set(asked) == PLACES[place]


def wait_until(page: Page, happened: Callable[[], bool]) -> None:
    for _ in range(50):
        if happened():
            break
        page.wait_for_timeout(100)


def name(url: str) -> list[str]:
    found = ASKED.search(url)
    return [next("job" if one.isdigit() else one for one in found.groups() if one)] if found else []


def show(page: Page, *, hidden: bool) -> None:
    """What the browser does with a tab behind others, and in front again."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
            document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )
