"""/me/security/: the second factor, recovery codes, the password, and the sessions of whoever is signed in."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST
from django.views.generic import FormView, View

from backoffice.accounts import passkeys, second_factor, sessions
from backoffice.accounts.addresses import device_words
from backoffice.accounts.models import Passkey, User
from backoffice.accounts.passkeys import PasskeyRefused
from backoffice.accounts.passwords import ChangePasswordForm, change_password
from backoffice.accounts.requests import StaffRequest
from backoffice.accounts.second_factor import LastOne
from backoffice.accounts.views.code_app import CodeAppView
from backoffice.accounts.views.me import tabs
from backoffice.accounts.views.sign_in import limited


class PasskeyForm(forms.Form):
    name = forms.CharField(
        label="Name of the new passkey", max_length=60, help_text="Where it is kept, such as: work laptop."
    )
    passkey = forms.CharField(widget=forms.HiddenInput, required=False)


class Security(View):
    """What protects this account; adding a passkey happens on the same page."""

    request: StaffRequest

    def get(self, request: StaffRequest) -> HttpResponse:
        return self._show(PasskeyForm())

    def post(self, request: StaffRequest) -> HttpResponse:
        """Keep the passkey that the browser has made."""
        form = PasskeyForm(request.POST)
        if form.is_valid():
            name, answer = form.cleaned_data["name"], form.cleaned_data["passkey"]
            try:
                codes = passkeys.add(request, request.user, name=name, answer=answer, now=timezone.now())
            except PasskeyRefused as refusal:
                form.add_error(None, refusal.sentence)
            else:
                if codes:
                    return _show_codes(request, codes)
                messages.info(request, f"Passkey “{name}” added.")
                return redirect("security")
        return self._show(form)

    def _show(self, form: PasskeyForm) -> HttpResponse:
        user, mine = self.request.user, sessions.handle_of(self.request.session.session_key)
        listed = [
            {
                "device": device_words(one.device),
                "address": one.address,
                "seen_at": one.seen_at,
                "handle": (handle := sessions.handle_of(one.session_key)),
                "mine": handle == mine,
            }
            for one in sessions.sessions_of(user)
        ]
        context = {
            "tabs": tabs("security"),
            "app": getattr(user, "code_app", None),
            "passkeys": user.passkeys.order_by("added_at"),
            "passkeys_possible": passkeys.possible(self.request),
            "may_remove": second_factor.may_remove_one(user),
            "codes_left": second_factor.recovery_codes_left(user),
            "has_one": second_factor.has_one(user),
            "sessions": sorted(listed, key=lambda one: not one["mine"]),
            "form": form,
            "now": timezone.now(),
        }
        return render(self.request, "accounts/security.html", context, status=422 if form.is_bound else 200)


class AddApp(CodeAppView):
    """Set up the app with codes, or another one in its place."""

    template_name = "accounts/add_app.html"
    request: StaffRequest

    def get_owner(self) -> User:
        return self.request.user

    def added(self, user: User, codes: list[str]) -> HttpResponse:
        if codes:
            return _show_codes(self.request, codes)
        messages.info(self.request, "The app with codes is set up.")
        return redirect("security")


class ChangePassword(FormView):
    """A new password ends all other sessions."""

    template_name = "accounts/password.html"
    form_class = ChangePasswordForm
    request: StaffRequest

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user, "request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:
        new = form.cleaned_data["new_password1"]
        ended = change_password(self.request, self.request.user, new, now=timezone.now())
        also = f" {ended} other session{'s' if ended > 1 else ''} ended." if ended else ""
        messages.info(self.request, f"Your password is changed.{also}")
        return redirect("security")

    def form_invalid(self, form: Any) -> HttpResponse:
        return limited(self.render_to_response(self.get_context_data(form=form), status=422), form)


@require_POST
def passkey_options(request: StaffRequest) -> HttpResponse:
    """What the browser needs to make a passkey."""
    return JsonResponse(passkeys.adding_options(request, request.user))


@require_POST
def remove_app(request: StaffRequest) -> HttpResponse:
    try:
        second_factor.remove_app(request.user, actor=request.user, now=timezone.now())
    except LastOne as refusal:
        messages.warning(request, refusal.sentence)
    else:
        messages.info(request, "The app with codes is removed.")
    return redirect("security")


@require_POST
def remove_passkey(request: StaffRequest, pk: int) -> HttpResponse:
    passkey = get_object_or_404(Passkey, pk=pk, user=request.user)
    try:
        passkeys.remove(passkey, actor=request.user, now=timezone.now())
    except LastOne as refusal:
        messages.warning(request, refusal.sentence)
    else:
        messages.info(request, f"Passkey “{passkey.name}” removed.")
    return redirect("security")


@require_POST
def new_codes(request: StaffRequest) -> HttpResponseBase:
    """Make ten new recovery codes; the old ones are worth nothing then."""
    if not second_factor.has_one(request.user):
        messages.warning(request, "Recovery codes stand in for a second factor. Add one first.")
        return redirect("security")
    return _show_codes(request, second_factor.new_recovery_codes(request.user, now=timezone.now()))


@require_POST
def end_sessions(request: StaffRequest) -> HttpResponse:
    """End one session, or all but this one."""
    user, handle = request.user, request.POST.get("session", "")
    if handle:
        ended = sessions.end(user, handle=handle, actor=user)
        messages.info(request, "The session is ended." if ended else "This session had ended already.")
    else:
        count = sessions.end_others(user, kept=request.session.session_key, actor=user, why="ended by hand")
        messages.info(request, f"{count} session{'' if count == 1 else 's'} ended.")
    return redirect("security")


def _show_codes(request: StaffRequest, codes: list[str]) -> HttpResponse:
    response = render(request, "accounts/codes.html", {"codes": codes, "tabs": tabs("security")})
    response["Cache-Control"] = "no-store"
    return response
