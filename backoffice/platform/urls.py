"""The addresses under /api/v1/. They answer to signatures, so they stand outside sign-in and CSRF."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from backoffice.platform import problems
from backoffice.platform.api import api
from backoffice.platform.problems import Refused

_PAGES = {"openapi-json", "openapi-view"}


def _signed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return a view of the API that needs no session and answers problems only."""

    @csrf_exempt
    @login_not_required
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.status_code != 405:
            return response
        allowed = response.headers["Allow"]
        refused = problems.response(Refused("method_not_allowed", f"Use {allowed} here."))
        refused.headers["Allow"] = allowed
        return refused

    return answer


@csrf_exempt
@login_not_required
def _unknown(_request: HttpRequest, *_: Any) -> HttpResponse:
    return problems.response(Refused("not_found", "There is no such address; /api/v1/docs lists all of them."))


def _patterns(found: list[Any]) -> list[URLPattern]:
    for pattern in found:
        if pattern.name == "api-root":
            pattern.callback = _unknown
        elif pattern.name not in _PAGES:
            pattern.callback = _signed(pattern.callback)
    return found


_found, _app_name, _namespace = api.urls
urlpatterns = [
    path("", include((_patterns(_found), _app_name), namespace=_namespace)),
    re_path("", _unknown),
]
