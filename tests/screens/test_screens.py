"""What holds for every screen, in both themes and three sizes; the table of screens is table.py."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response, ViewportSize
from pytest_django.live_server_helper import LiveServer

from tests.screens.conftest import Window
from tests.screens.table import SCREENS, Screen

pytestmark = pytest.mark.django_db

PROBES = (Path(__file__).parent / "probes.js").read_text()
AXE = Axe().axe_script
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
CONTRAST = {"type": "rule", "values": ["color-contrast"]}
SIZES: dict[str, ViewportSize] = {
    "desk": {"width": 1440, "height": 900},
    "low": {"width": 1280, "height": 720},
    "phone": {"width": 390, "height": 844},
}
# Compressed, in bytes: a list of 25 rows, the page that decides, and any other.
BUDGETS = {"queue": 20_000, "decision": 16_000}
OTHERS = 25_000
# The page, its style sheet, its script, the icons, the mark.
MOST_REQUESTS = 5

# What an open page asks again and again: not part of what it takes to show it.
POLL = re.compile(r"/fragments/|/menu/|/presence/|/lines/|[?&]live=|/status/|/session/")

every_screen = pytest.mark.parametrize("screen", SCREENS, ids=[screen.name for screen in SCREENS])


class Watch:
    """What a page asked for and complained about."""

    def __init__(self, page: Page, home: str) -> None:
        self.home, self.complaints, self.asked = home, [], []  # type: ignore[var-annotated]
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("response", self._answered)

    def _heard(self, kind: str, text: str) -> None:
        # A request that is given up because the next key asked for another is no fault.
        if kind in ("error", "warning") and not text.startswith(("htmx:sendAbort", "htmx:afterRequest")):
            self.complaints.append(f"console: {text}")

    def _answered(self, response: Response) -> None:
        if not POLL.search(response.url):
            self.asked.append(response.url)
        if not response.url.startswith(self.home):
            self.complaints.append(f"another host: {response.url}")


def probe(page: Page, name: str) -> Any:
    return page.evaluate(f"window.probes.{name}()")


# Contrast depends on the theme, structure on the size; axe, which is slow, looks at one of each.
LOOKS = [
    ("desk", "light", RULES),
    ("desk", "dark", CONTRAST),
    ("low", "light", None),
    ("phone", "light", RULES),
    ("phone", "dark", None),
]


@every_screen
def test_a_screen_keeps_the_rules_of_every_screen(window: Window, site: LiveServer, screen: Screen) -> None:
    page = window(screen.role, viewport=SIZES["desk"], color_scheme="light").new_page()
    watch = Watch(page, site.url)
    response = page.goto(site.url + screen.address())
    assert response is not None and response.status == 200
    page.evaluate(f"window.probes = {PROBES}; null")
    broken = weighed(screen, response, watch)
    for key in screen.keys:
        page.keyboard.press(key)
    page.wait_for_load_state("networkidle")  # what a key asked for has come
    page.evaluate(AXE)
    for size, theme, rules in LOOKS:
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        found = probe(page, "rules") + (barriers(page, rules) if rules else [])
        broken += [f"{size}, {theme}: {fault}" for fault in found]
    page.set_viewport_size(SIZES["desk"])
    broken += [*lost_in_tabbing(page), *wrong_shape(page), *watch.complaints]
    assert not broken, "; ".join(broken)


def weighed(screen: Screen, response: Response, watch: Watch) -> list[str]:
    """Return what is too large, too much or moves after loading."""
    size, budget = len(gzip.compress(response.body())), BUDGETS.get(screen.name.partition("-")[0], OTHERS)
    shifts = probe(response.frame.page, "shifts")
    faults = [f"{size} bytes compressed, at most {budget}"] if size > budget else []
    faults += [f"asks for {' '.join(watch.asked)}"] if len(watch.asked) > MOST_REQUESTS else []
    return [*faults, *([f"moved by {shifts} after loading"] if shifts else [])]


def barriers(page: Page, rules: dict[str, Any]) -> list[str]:
    found = page.evaluate(
        "async (options) => (await axe.run(options)).violations", {"runOnly": rules, "resultTypes": ["violations"]}
    )
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


def wrong_shape(page: Page) -> list[str]:
    """Return what is cut on paper, and what does not bear longer words or the other direction."""
    faults = []
    page.emulate_media(media="print")
    faults += [f"cut on paper: {what}" for what in probe(page, "cut")]
    faults += ["the shell is printed"] if page.locator("nav#nav").is_visible() else []
    page.emulate_media(media="screen")
    probe(page, "lengthen")
    faults += ["words longer by 40 % make it scroll sideways"] if probe(page, "sideways") else []
    page.evaluate("() => { document.documentElement.dir = 'rtl'; }")
    return faults + (["from right to left it scrolls sideways"] if probe(page, "sideways") else [])


def lost_in_tabbing(page: Page) -> list[str]:
    """Press Tab through the whole page; return what took the focus unseen, and what never took it."""
    for _step in range(probe(page, "watchFocus")):
        page.keyboard.press("Tab")
    return probe(page, "lost")


@every_screen
def test_who_may_not_come_here_finds_no_way(window: Window, site: LiveServer, screen: Screen) -> None:
    address = screen.address()
    for role in screen.refused:
        response = window(role).request.get(site.url + address)
        assert response.status in (403, 404), role
        assert f'href="{address}"' not in response.text(), role
