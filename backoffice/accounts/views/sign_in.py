"""Signing in: e-mail and password, then the second factor; or a passkey alone. Nobody has a session before that."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View

from backoffice.accounts import passkeys, second_factor
from backoffice.accounts.models import User
from backoffice.accounts.passkeys import PasskeyRefused
from backoffice.accounts.proof import CodeForm
from backoffice.accounts.sign_in import TOO_MANY, WINDOW, SignInForm, TooManyTries
from backoffice.accounts.views.code_app import CodeAppView
from backoffice.audit.record import record

# How long the second step may take.
_WAITS = timedelta(minutes=10)
_WAITING = "signing_in"


class SignIn(LoginView):
    """The first step: e-mail and password. A passkey is both steps in one."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.POST.get("passkey"):
            return super().post(request, *args, **kwargs)
        form = SignInForm(request)
        try:
            user = passkeys.use(request, request.POST["passkey"], user=None, now=timezone.now())
        except (PasskeyRefused, TooManyTries) as refusal:
            return self.render_to_response(self.get_context_data(form=form, refusal=refusal.sentence), status=422)
        return enter(request, user, way="passkey", to=self.get_success_url())

    def form_valid(self, form: Any) -> HttpResponse:
        user, to = form.get_user(), self.get_success_url()
        if second_factor.has_one(user):
            return _wait_for(self.request, user, "sign-in-code", to=to)
        if settings.SECOND_FACTOR == "required":
            return _wait_for(self.request, user, "sign-in-set-up", to=to)
        return enter(self.request, user, way="password", to=to)

    def form_invalid(self, form: Any) -> HttpResponse:
        return limited(super().form_invalid(form), form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(passkeys=passkeys.possible(self.request), **kwargs)


@method_decorator([login_not_required, never_cache], name="dispatch")
class SecondStep(View):
    """The second step: a code of the app, a recovery code, or a passkey."""

    def get(self, request: HttpRequest) -> HttpResponse:
        user = _waiting(request)
        return redirect("sign-in") if user is None else self._ask(CodeForm(request=request, user=user))

    def post(self, request: HttpRequest) -> HttpResponse:
        user = _waiting(request)
        if user is None:
            return redirect("sign-in")
        form = CodeForm(request.POST, request=request, user=user)
        if form.is_valid():
            return enter(request, user, way=form.way, to=request.session.pop(_WAITING)["next"])
        return limited(self._ask(form), form)

    def _ask(self, form: CodeForm) -> HttpResponse:
        return render(self.request, "accounts/code.html", {"form": form}, status=422 if form.is_bound else 200)


@method_decorator([login_not_required, never_cache], name="dispatch")
class SetUpAtSignIn(CodeAppView):
    """The first sign-in where a second factor is required: without one nobody gets further."""

    template_name = "accounts/set_up.html"
    only_first = True

    def get_owner(self) -> User | None:
        user = _waiting(self.request)
        return None if user is None or second_factor.has_one(user) else user

    def get_lost(self) -> HttpResponse:
        return redirect("sign-in")

    def added(self, user: User, codes: list[str]) -> HttpResponse:
        to = self.request.session.pop(_WAITING)["next"]
        enter(self.request, user, way="code", to=to)
        return render(self.request, "accounts/first_codes.html", {"codes": codes, "next": to})


@method_decorator([login_not_required, never_cache], name="dispatch")
class PasskeyOptions(View):
    """What the browser needs to use a passkey, for whoever is signed in, half signed in, or not at all."""

    def post(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user if request.user.is_authenticated else _waiting(request)
        if not request.user.is_authenticated:
            request.session.set_expiry(_WAITS)
        return JsonResponse(passkeys.using_options(request, user))


class SignOut(LogoutView):
    """Sign out by POST only."""

    http_method_names = ["post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = request.user
        response = super().dispatch(request, *args, **kwargs)
        if request.method == "POST":
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
            if user.is_authenticated:
                record(subject_type="staff", subject_id=str(user.pk), action="sign_out", actor=user)
        return response


def enter(request: HttpRequest, user: User, *, way: str, to: str) -> HttpResponse:
    """Open the session of somebody who has proved who they are, and go on."""
    request.session.set_expiry(None)
    login(request, user)
    record(subject_type="staff", subject_id=str(user.pk), action="sign_in", actor=user, data={"state": way})
    return redirect(to)


def limited(response: HttpResponse, form: Any) -> HttpResponse:
    """Say in the status, too, that there were too many tries."""
    if form.has_error(NON_FIELD_ERRORS, TOO_MANY) or any(form.has_error(name, TOO_MANY) for name in form.fields):
        response.status_code = 429
        response.headers["Retry-After"] = str(int(WINDOW.total_seconds()))
    return response


def _wait_for(request: HttpRequest, user: User, step: str, *, to: str) -> HttpResponse:
    """Remember whose password was right; the session is nobody's yet."""
    request.session.cycle_key()
    request.session.set_expiry(_WAITS)
    until = (timezone.now() + _WAITS).timestamp()
    request.session[_WAITING] = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "until": until,
        "next": to,
    }
    return redirect(reverse(step))


def _waiting(request: HttpRequest) -> User | None:
    """Return who has given the right password and nothing more, while that is not long ago and it is still theirs."""
    waiting = request.session.get(_WAITING)
    if waiting is None or request.user.is_authenticated or timezone.now().timestamp() > waiting["until"]:
        return None
    user = User.objects.filter(pk=waiting["user"], is_active=True).first()
    if user is None or not constant_time_compare(waiting.get("password", ""), user.get_session_auth_hash()):
        return None
    return user
