"""Parts of a page that it asks for again: 204 while nothing changed, so that an open tab costs next to nothing.

The part carries its version in the address that it asks (``?version=``). Asking stops while the tab is hidden
and begins again at once when it is seen (app.js).
"""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


def version_of(*facts: Any) -> str:
    """Return a short digest of what a part shows; it says nothing about the facts themselves."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def answer(request: HttpRequest, template: str, context: dict[str, Any], *, version: str) -> HttpResponse:
    """Return the part, or 204 to who has this version already."""
    if request.GET.get("version") == version:
        return HttpResponse(status=204)
    html = render_to_string(template, {**context, "version": version, "live": True}, request)
    return HttpResponse(html)
