"""Where a request comes from, and what it comes from, in words."""

import re

from django.conf import settings
from django.http import HttpRequest

# The first that occurs in what a browser says of itself; most of them also name their ancestors.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrom", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    (r"iPhone", "iPhone"), (r"iPad", "iPad"), (r"Android", "Android"), (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "Mac"), (r"CrOS", "Chromebook"), (r"Linux", "Linux"),
)  # fmt: skip


def address_of(request: HttpRequest | None) -> str:
    """Return where a request comes from; behind a proxy, what the proxy says it saw."""
    if request is None:
        return ""
    seen = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:
        seen = request.headers.get("X-Forwarded-For", seen).rpartition(",")[2].strip()
    return str(seen)[:45]


def device_words(user_agent: str) -> str:
    """Return ``Firefox on Windows``, as far as a browser says what it is."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for signs, name in _SYSTEMS if re.search(signs, user_agent)), "")
    return " on ".join(part for part in (browser, system) if part) or "Unknown device"
