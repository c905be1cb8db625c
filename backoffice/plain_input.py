"""A NUL character is never typed, and PostgreSQL cannot hold it: refused in one place, before anything reads it."""

from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.loader import render_to_string


class PlainInputMiddleware:
    """Answers 400 to NUL in cookies, and in the query and form of every page. No route takes one in its path.

    Views without CSRF protection are called by machines; they read their raw bodies and refuse by themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return _refusal() if _holds_nul(request.COOKIES.items()) else self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> HttpResponse | None:
        if getattr(view, "csrf_exempt", False):
            return None
        return _refusal() if _holds_nul([*_pairs(request.GET), *_pairs(request.POST)]) else None


def _pairs(fields: QueryDict) -> Iterable[tuple[str, str]]:
    return ((name, value) for name, values in fields.lists() for value in ("", *values))


def _holds_nul(pairs: Iterable[tuple[str, str]]) -> bool:
    return any("\0" in name or "\0" in value for name, value in pairs)


def _refusal() -> HttpResponse:
    # Without the request: its session cookie may be what cannot be read.
    return HttpResponse(render_to_string("400.html"), status=400)
