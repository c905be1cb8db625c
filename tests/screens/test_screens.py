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

RULES = (Path(__file__).parent / "rules.js").read_text()
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
SIZES = {"desk": (1440, 900), "low": (1280, 720), "phone": (390, 844)}
# Compressed, in bytes: a list of 25 rows, the page that decides, and any other.
BUDGETS = {"queue": 20_000, "decision": 16_000}
OTHERS = 25_000
MOST_REQUESTS = 7

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


@every_screen
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_screen_keeps_the_rules_of_every_screen(look: Any, screen: Screen, theme: str, size: str) -> None:
    page, watch, response = look(screen, size, theme)
    assert response.status == 200
    broken = page.evaluate(RULES)
    assert not broken, "; ".join(broken)
    # Contrast depends on the theme, structure on the size: one of each is enough for the rest.
    if size == "desk" or theme == "light":
        found = Axe().run(page, options=AXE).response["violations"]
        assert [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]] == []
    assert watch.complaints == []


@every_screen
def test_a_screen_is_small_and_asks_for_little(look: Any, screen: Screen) -> None:
    _page, watch, response = look(screen)
    size = len(gzip.compress(response.body()))
    assert size <= BUDGETS.get(screen.name.partition("-")[0], OTHERS)
    assert len(watch.asked) <= MOST_REQUESTS, watch.asked


@every_screen
def test_the_keyboard_reaches_everything_and_shows_where_it_is(look: Any, screen: Screen) -> None:
    page, _watch, _response = look(screen)
    seen: set[str] = set()
    for _step in range(150):
        page.keyboard.press("Tab")
        where = page.evaluate(
            """() => {
              const at = document.activeElement;
              if (!at || at === document.body) return null;
              const box = at.getBoundingClientRect();
              const on = document.elementFromPoint(box.x + Math.min(box.width / 2, 40), box.y + Math.min(box.height / 2, 12));
              const label = at.labels && at.labels[0];
              const free = !on || at.contains(on) || on.contains(at) || (label && label.contains(on));
              const style = getComputedStyle(at), around = label ? getComputedStyle(label) : style;
              const ring = style.boxShadow !== 'none' || style.outlineStyle !== 'none' || around.boxShadow !== 'none';
              return { what: at.outerHTML.slice(0, 140), free, ring: ring || at.matches('main, [type=radio], [type=checkbox]') };
            }"""
        )
        if where is None or where["what"] in seen and len(seen) > 3 and _step > 100:
            break
        assert where["ring"], f"no focus to be seen: {where['what']}"
        assert where["free"], f"covered: {where['what']}"
        seen.add(where["what"])
    assert seen


@every_screen
def test_longer_words_and_the_other_direction_break_nothing(look: Any, screen: Screen) -> None:
    """A translation is up to 40 % longer; some are written from right to left."""
    page, _watch, _response = look(screen)
    page.evaluate(
        """() => {
          const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          for (let node = walk.nextNode(); node; node = walk.nextNode()) {
            const text = node.textContent.trim();
            if (text.length > 2 && !/[0-9]/.test(text)) node.textContent = node.textContent.replace(text, text + ' ' + 'é'.repeat(Math.ceil(text.length * 0.4)));
          }
        }"""
    )
    sideways = "() => document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate(sideways) <= 0
    page.evaluate("() => { document.documentElement.dir = 'rtl'; }")
    assert page.evaluate(sideways) <= 0


@every_screen
def test_on_paper_there_is_no_shell_and_nothing_is_cut(look: Any, screen: Screen) -> None:
    page, _watch, _response = look(screen)
    page.emulate_media(media="print")
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.panel, .cols, .table-wrap, main')]
          .filter((one) => one.getClientRects().length && !['visible', 'clip'].includes(getComputedStyle(one).overflowY) && one.scrollHeight > one.clientHeight + 1)
          .map((one) => one.className)"""
    )
    assert cut == []
    assert not page.locator("nav#nav").is_visible()
    assert not page.locator(".top").is_visible()


@every_screen
def test_who_may_not_come_here_finds_no_way(window: Window, site: LiveServer, screen: Screen) -> None:
    address = screen.address()
    for role in screen.refused:
        page = window(role).new_page()
        response = page.goto(site.url + address)
        assert response is not None
        assert response.status in (403, 404), role
        assert page.locator(f'a[href="{address}"]').count() == 0, role
