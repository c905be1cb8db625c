"""What a page's menu offers, read from its HTML."""

import re

from django.http import HttpResponse


def menu_links(response: HttpResponse) -> list[str]:
    """Return the addresses of the main menu, in order."""
    menu = re.search(r'<div class="nav-items">(.*?)</div>', response.content.decode(), re.S)
    assert menu, "the page has no menu"
    return re.findall(r'<a href="([^"]+)"', menu[1])


def beside(response: HttpResponse, slug: str) -> str:
    """Return what stands beside a line of the menu, in words; also of the menu's own answer."""
    found = re.search(rf'<span class="n" id="n-{slug}"[^>]*>(.*?)</span>(?=</a>|\n)', response.content.decode(), re.S)
    assert found, f"the menu has no line {slug}"
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())
