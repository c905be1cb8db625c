"""What happens to every request of somebody who is signed in, before a view sees it."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import LoginRequiredMiddleware, get_user
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from backoffice.accounts import sessions
from backoffice.accounts.preferences import preferences_of
from backoffice.ui.inline import Reading, reading

Answer = Callable[[HttpRequest], HttpResponse]


class SessionLimitsMiddleware:
    """Ends a session that has idled or lasted too long. Whoever sends no session has none looked up."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            sessions.keep_or_end(request, now=timezone.now())
        return self.get_response(request)


class StaffOnlyMiddleware(LoginRequiredMiddleware):
    """Every page asks for the sign-in. A script is told so by a status: it asks the person without leaving the page."""

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponseBase:
        if "HX-Request" in request.headers or "X-Idle" in request.headers:
            return HttpResponse(status=401)
        return super().handle_no_permission(request, view_func)


class PreferencesMiddleware:
    """``request.preferences`` of who is signed in, and how the pieces of the page write times and amounts."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return self.get_response(request)
        # The person and not what Django puts in their place until somebody asks: a page asks some hundred times.
        person: Any = get_user(request)
        request.user, chosen = person, preferences_of(person)
        request.preferences = chosen  # type: ignore[attr-defined]
        token = reading.set(Reading(exact_times=chosen.exact_times, numbers=chosen.numbers))
        try:
            return self.get_response(request)
        finally:
            reading.reset(token)
