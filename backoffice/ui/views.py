"""How a person likes the pages to look: kept in cookies, so that the server renders it without a flash."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from backoffice.ui.appearance import CHOICES

_A_YEAR = 365 * 24 * 60 * 60


@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    """Store what was sent of theme, row height, shortcuts and width of the menu, and return to the page."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    response = redirect(target if safe else "/")
    for name, choices in CHOICES.items():
        value = request.POST.get(name)
        if value in choices:
            response.set_cookie(name, value, max_age=_A_YEAR, samesite="Lax", httponly=True, secure=request.is_secure())
    return response
