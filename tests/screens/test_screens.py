"""What holds for every screen, in both themes and three sizes; the table of screens is table.py."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response, ViewportSize
from pytest_django.live_server_helper import LiveServer

from tests.screens.conftest import Window
from tests.screens.table import SCREENS, Screen

pytestmark = pytest.mark.django_db

PROBE = f"window.probes = {(Path(__file__).parent / 'probes.js').read_text()};"
AXE = Axe().axe_script
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
CONTRAST = {"type": "rule", "values": ["color-contrast"]}
# What another width may break: the rest of RULES is about what the page says, and that is the same.
NARROW = {
    "type": "rule",
    "values": ["target-size", "scrollable-region-focusable", "region", "aria-hidden-focus", "page-has-heading-one"],
}
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

# What a page is made of; it may itself be a refusal, and so may an answer to a form.
PARTS = ("stylesheet", "script", "image", "font", "other")

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
        # Nor is an answer that says no; which may is told by _answered.
        if kind in ("error", "warning") and not text.startswith(
            ("htmx:sendAbort", "htmx:afterRequest", "htmx:responseError", "Failed to load resource")
        ):
            self.complaints.append(f"console: {text}")

    def _answered(self, response: Response) -> None:
        if not POLL.search(response.url):
            self.asked.append(response.url)
        if response.status >= 500 or (response.status >= 400 and response.request.resource_type in PARTS):
            self.complaints.append(f"{response.status}: {response.url}")
        if not response.url.startswith(self.home):
            self.complaints.append(f"another host: {response.url}")


def probe(page: Page, name: str) -> Any:
    return page.evaluate(f"window.probes.{name}()")


# Contrast depends on the theme, places on the size; axe takes most of the time, so it is asked what else may be wrong.
LOOKS = [
    ("desk", "light", RULES),
    ("desk", "dark", CONTRAST),
    ("low", "light", None),
    ("phone", "light", NARROW),
    ("phone", "dark", None),
]
# The later rows of a table are made like the first; in another theme or width still fewer tell all.
LATER_ROWS, MORE_ROWS = "tbody tr:nth-child(n+13)", "tbody tr:nth-child(n+7)"


@every_screen
def test_a_screen_keeps_the_rules_of_every_screen(
    window: Window, site: LiveServer, screen: Screen, broken: Callable[[str], None], settings: Any
) -> None:
    page = window(screen.role, viewport=SIZES["desk"], color_scheme="light").new_page()
    watch, address = Watch(page, site.url), screen.address()
    screen.prepare(broken, settings)
    response = page.goto(site.url + address)
    assert response is not None and response.status == screen.status
    page.evaluate(PROBE)
    faults = weighed(screen, response, watch)
    screen.come(page)
    page.evaluate(PROBE + AXE)
    for size, theme, rules in LOOKS:
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        found = probe(page, "rules") + (barriers(page, rules, screen.part) if rules else [])
        faults += [f"{size}, {theme}: {fault}" for fault in found]
    page.set_viewport_size(SIZES["desk"])
    faults += [*lost_in_tabbing(page, screen.part), *wrong_shape(page), *watch.complaints]
    assert not faults, "; ".join(faults)


def weighed(screen: Screen, response: Response, watch: Watch) -> list[str]:
    """Return what is too large, too much or moves after loading."""
    size, budget = len(gzip.compress(response.body())), BUDGETS.get(screen.name.partition("-")[0], OTHERS)
    shifts = probe(response.frame.page, "shifts")
    faults = [f"{size} bytes compressed, at most {budget}"] if size > budget else []
    faults += [f"asks for {' '.join(watch.asked)}"] if len(watch.asked) > MOST_REQUESTS else []
    return [*faults, *([f"moved by {shifts} after loading"] if shifts else [])]


def barriers(page: Page, rules: dict[str, Any], part: str) -> list[str]:
    # Of an open menu what lies beneath it would count as its neighbour; probes.js measures targets too.
    context = {"include": part or "html", "exclude": LATER_ROWS if rules is RULES else MORE_ROWS}
    found = page.evaluate(
        "async ([context, options]) => (await axe.run(context, options)).violations",
        [context, {"runOnly": rules, "resultTypes": ["violations"], "rules": {"target-size": {"enabled": not part}}}],
    )
    nodes = [(one["id"], node) for one in found for node in one["nodes"]]
    examples = page.locator(".example").count()
    nodes = [(one["id"], node) for one in found for node in one["nodes"]]
    # The style guide shows the same landmark in two states.
    return [
        f"{name}: {node['html'][:120]} {node['any'][0]['message'] if node['any'] else ''}"
        for name, node in nodes
        if not (name == "landmark-unique" and examples)
    ]


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


def lost_in_tabbing(page: Page, part: str) -> list[str]:
    """Press Tab through the page, or through a part; return what took the focus unseen, and what never took it."""
    steps = page.evaluate("part => probes.watchFocus(part)", part)
    for key in ("Tab", "Shift+Tab") if part else ():  # only what a key moves is shown to have the focus
        page.keyboard.press(key)
    for _step in range(steps):
        page.keyboard.press("Tab")
    return page.evaluate("part => probes.lost(part)", part)


@every_screen
def test_who_may_not_come_here_finds_no_way(window: Window, site: LiveServer, screen: Screen) -> None:
    address = screen.address()
    for role in screen.refused:
        response = window(role).request.get(site.url + address)
        assert response.status in (403, 404), role
        assert f'href="{address}"' not in response.text(), role
