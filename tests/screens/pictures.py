"""Pictures of every screen in both themes, on a desk and on a phone, with a page that shows them all.

`make screenshots` runs it; no test command does. The pictures are in var/screenshots/, index.html beside them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import ViewportSize
from pytest_django.live_server_helper import LiveServer

from tests.screens.conftest import Window
from tests.screens.table import SCREENS, Screen

pytestmark = pytest.mark.django_db

HERE = Path(settings.BASE_DIR) / "var" / "screenshots"
SIZES: dict[str, ViewportSize] = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module", autouse=True)
def _index() -> None:
    HERE.mkdir(parents=True, exist_ok=True)
    # Of a screen that is gone; not those that the other worker has taken already.
    taken = tuple(f"{screen.name}-{size}-" for screen in SCREENS for size in SIZES)
    for old in HERE.glob("*.png"):
        if not old.name.startswith(taken):
            old.unlink()
    rows = "".join(_row(screen) for screen in SCREENS)
    style = "body{font:14px system-ui;margin:24px}img{height:300px;border:1px solid #999;margin:4px;vertical-align:top}"
    (HERE / "index.html").write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Screens</title><style>{style}</style>'
        f"<h1>{len(SCREENS)} screens</h1>{rows}</html>",
        encoding="utf-8",
    )


def _row(screen: Screen) -> str:
    pictures = "".join(
        f'<a href="{name}"><img src="{name}" alt="{screen.name}, {size}, {theme}" loading="lazy"></a>'
        for size in SIZES
        for theme in ("light", "dark")
        for name in [f"{screen.name}-{size}-{theme}.png"]
    )
    return f"<h2>{screen.name} <small>{screen.role}</small></h2>{pictures}"


@pytest.mark.parametrize("screen", SCREENS, ids=[screen.name for screen in SCREENS])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_take(
    window: Window,
    site: LiveServer,
    screen: Screen,
    theme: str,
    size: str,
    broken: Callable[[str], None],
    settings: Any,
) -> None:
    page = window(screen.role, viewport=SIZES["desk"], color_scheme=theme).new_page()
    address = screen.address()
    screen.prepare(broken, settings)
    page.goto(site.url + address)
    screen.come(page)
    page.set_viewport_size(SIZES[size])
    page.screenshot(path=HERE / f"{screen.name}-{size}-{theme}.png")
