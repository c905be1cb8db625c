"""What holds for every screen, in both themes and three sizes; the table of screens is table.py."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response
from pytest_django.live_server_helper import LiveServer

from tests.screens.conftest import Window
from tests.screens.table import SCREENS, Screen

pytestmark = pytest.mark.django_db

PROBES = (Path(__file__).parent / "probes.js").read_text()
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
SIZES = {"desk": (1440, 900), "low": (1280, 720), "phone": (390, 844)}
# Compressed, in bytes: a list of 25 rows, the page that decides, and any other.
BUDGETS = {"queue": 20_000, "decision": 16_000}
OTHERS = 25_000
# The page, its style sheet, its script, the icons, the mark.
MOST_REQUESTS = 5

every_screen = pytest.mark.parametrize("screen", SCREENS, ids=[screen.name for screen in SCREENS])


class Watch:
    """What a page asked for and complained about."""

    def __init__(self, page: Page, home: str) -> None:
        self.home, self.complaints, self.asked = home, [], []  # type: ignore[var-annotated]
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("response", self._answered)

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"console: {text}")

    def _answered(self, response: Response) -> None:
        self.asked.append(response.url)
        if not response.url.startswith(self.home):
            self.complaints.append(f"another host: {response.url}")


@pytest.fixture
def look(window: Window, site: LiveServer) -> Callable[..., tuple[Page, "Watch", Response]]:
    """Open a screen; return its page, what it asked for, and the first answer."""

    def at(screen: Screen, size: str = "desk", theme: str = "light", **options: Any) -> tuple[Page, Watch, Response]:
        width, height = SIZES[size]
        context = window(screen.role, viewport={"width": width, "height": height}, color_scheme=theme, **options)
        page = context.new_page()
        watch = Watch(page, site.url)
        response = page.goto(site.url + screen.address())
        assert response is not None
        for key in screen.keys:
            page.keyboard.press(key)
        return page, watch, response

    return at


def probe(page: Page, name: str) -> Any:
    return page.evaluate(f"{PROBES}.{name}()")


# Contrast depends on the theme, structure on the size.
LOOKS = [("desk", "light"), ("desk", "dark"), ("low", "light"), ("phone", "light"), ("phone", "dark")]


@every_screen
@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_a_screen_keeps_the_rules_of_every_screen(look: Any, screen: Screen, size: str, theme: str) -> None:
    page, watch, response = look(screen, size, theme)
    assert response.status == 200
    broken = probe(page, "rules")
    if size == "desk" or theme == "light":
        found = Axe().run(page, options=AXE).response["violations"]
        broken += [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]
    assert not [*broken, *watch.complaints], "; ".join([*broken, *watch.complaints])


@every_screen
def test_a_screen_is_small_reached_by_keyboard_and_keeps_its_shape(look: Any, screen: Screen) -> None:
    page, watch, response = look(screen)
    assert len(gzip.compress(response.body())) <= BUDGETS.get(screen.name.partition("-")[0], OTHERS)
    assert len(watch.asked) <= MOST_REQUESTS, " ".join(watch.asked)
    assert not (lost := lost_in_tabbing(page)), "; ".join(lost)
    assert probe(page, "shifts") == 0, "something moved after loading"
    page.emulate_media(media="print")
    assert probe(page, "cut") == [], "cut on paper"
    assert not page.locator("nav#nav, .top").first.is_visible(), "the shell is printed"
    page.emulate_media(media="screen")
    probe(page, "lengthen")
    assert probe(page, "sideways") == 0, "words longer by 40 % make the page scroll sideways"
    page.evaluate("() => { document.documentElement.dir = 'rtl'; }")
    assert probe(page, "sideways") == 0, "from right to left the page scrolls sideways"


def lost_in_tabbing(page: Page) -> list[str]:
    """Press Tab through the whole page; return what took the focus unseen."""
    lost, seen = [], set()
    page.evaluate("() => document.activeElement && document.activeElement.blur()")
    for _step in range(150):
        page.keyboard.press("Tab")
        at = probe(page, "focus")
        if at is None or at["place"] in seen:
            break
        seen.add(at["place"])
        lost += [f"{word}: {at['what']}" for word in ("unseen", "covered") if at[word]]
    assert seen, "nothing takes the focus"
    return lost


@every_screen
def test_who_may_not_come_here_finds_no_way(window: Window, site: LiveServer, screen: Screen) -> None:
    address = screen.address()
    for role in screen.refused:
        page = window(role).new_page()
        response = page.goto(site.url + address)
        assert response is not None
        assert response.status in (403, 404), role
        assert page.locator(f'a[href="{address}"]').count() == 0, role
