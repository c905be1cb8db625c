"""The session as a script asks for it, the health check and the error pages."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from backoffice.accounts import passkeys, proof, sessions
from backoffice.accounts.sign_in import SignInForm
from backoffice.accounts.views.proof import ask
from backoffice.sensitive import Act, act_of
from backoffice.ui import failures


@login_not_required
@never_cache
def session(request: HttpRequest) -> HttpResponse:
    """Tell a page whether what it is about to send would be taken: 204, or 401 with the page that asks.

    ``me``: whose page it is; 409 when somebody else is signed in now. ``act``: the address it will post to.
    """
    user: Any = request.user
    if not user.is_authenticated:
        context = {"form": SignInForm(request), "next": request.get_full_path(), "passkeys": passkeys.possible(request)}
        return render(request, "accounts/sign_in.html", context | {"ended": True}, status=401)
    if request.GET.get("me", str(user.pk)) != str(user.pk):
        return HttpResponse(status=409)
    now, act = timezone.now(), _act_at(request.GET.get("act", ""))
    if act is not None and not sessions.is_fresh(request, now=now):
        form = proof.proof_form(request, user)
        return ask(request, form, words=act.words, action=reverse("confirm"), next=request.get_full_path())
    left = str(sessions.seconds_left(request, now=now))
    return HttpResponse(status=204, headers={"X-CSRFToken": get_token(request), "X-Left": left})


def _act_at(address: str) -> Act | None:
    try:
        parts = urlsplit(address)
        return act_of(resolve(parts.path), "POST", parse_qs(parts.query))
    except (ValueError, Resolver404):  # no address, or none of ours
        return None


@login_not_required
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer 200 when this process reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def favicon(_request: HttpRequest) -> HttpResponse:
    return redirect(static("mark.svg"))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "403.html", {"exception": str(exception or "")}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    # Without the request: the page must not need the database that may be what failed.
    lost = failures.lost("the page", of=request.path)
    return HttpResponse(render_to_string("500.html", {"code": lost.code}), status=500)
