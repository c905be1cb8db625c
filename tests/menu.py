"""What a page's menu offers, read from its HTML."""

import re

from django.http import HttpResponse


def menu_links(response: HttpResponse) -> list[str]:
    """Return the addresses of the main menu, in order."""
    menu = re.search(r'<div class="nav-items">(.*?)</div>', response.content.decode(), re.S)
    assert menu, "the page has no menu"
    return re.findall(r'<a href="([^"]+)"', menu[1])
