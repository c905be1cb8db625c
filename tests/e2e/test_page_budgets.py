"""How much an open page asks of the server after its first visit: what it loads again, and how often it polls."""

from collections import Counter

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.e2e.test_hidden_tab import name
from tests.e2e.test_operator import desk, requested

__all__ = ["desk"]

pytestmark = pytest.mark.django_db(transaction=True)

MOST_AT_FIRST, MOST_LATER = 6, 2
# In a minute, by what is asked.
POLLS = {
    "/": {"lines": 2, "menu": 2},
    "/withdrawals/": {"live": 6, "menu": 2},
    "decision": {"status": 12, "facts": 4, "presence": 2, "menu": 2},
}
# What came over the network: the page itself, and what was not in the cache.
LOADED = """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .filter((entry) => entry.transferSize > 0).map((entry) => entry.name)"""


@pytest.fixture
def address(place: str, live_server: LiveServer) -> str:
    path = f"/withdrawals/{requested(100).ref}/?view=needs-decision" if place == "decision" else place
    return live_server.url + path


@pytest.mark.parametrize("place", POLLS)
def test_a_later_visit_loads_the_page_and_hardly_more(desk: Page, address: str) -> None:
    for most in (MOST_AT_FIRST, MOST_LATER):
        desk.goto(address)
        loaded = [one for one in desk.evaluate(LOADED) if not name(one)]
        assert 0 < len(loaded) <= most, loaded


@pytest.mark.parametrize("place", POLLS)
def test_a_minute_of_polling(desk: Page, address: str, place: str) -> None:
    asked = list[str]()
    desk.clock.install()
    desk.goto(address)
    desk.wait_for_load_state("networkidle")
    desk.on("request", lambda request: asked.extend(name(request.url) or [request.url]))
    for _ in range(12):
        desk.clock.run_for(5_000)
        desk.wait_for_timeout(150)  # what was answered is put into the page before its next question
    counted = Counter(asked)
    assert counted.keys() == POLLS[place].keys()
    assert not counted - Counter(POLLS[place]), counted
