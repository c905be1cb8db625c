"""/me/: how somebody likes to work. Only ever one's own."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django.views.generic import FormView

from backoffice.accounts.preferences import LONGEST_UNDO, SHORTEST_UNDO, Preferences, prefer, preferences_of
from backoffice.accounts.requests import StaffRequest
from backoffice.ui.appearance import CHOICES, IN_COOKIES

_A_YEAR = 365 * 24 * 60 * 60
_PAGES = (("profile", "Profile"), ("security", "Security"), ("shortcuts", "Shortcuts"))


def tabs(current: str) -> list[dict[str, Any]]:
    return [{"label": label, "url": reverse(name), "current": name == current} for name, label in _PAGES]


def _choice(name: str, label: str, help_text: str = "") -> forms.ChoiceField:
    choices = list(CHOICES[name].items())
    return forms.ChoiceField(
        label=label, choices=choices, required=False, widget=forms.RadioSelect, help_text=help_text
    )


class ProfileForm(forms.Form):
    theme = _choice("theme", "Theme")
    density = _choice("density", "Rows")
    numbers = _choice("numbers", "Amounts", "As they are shown. You can type them either way.")
    exact_times = forms.BooleanField(label="Show every time with day and second", required=False)
    open_next = forms.BooleanField(label="Open the next one after deciding", required=False)
    undo_seconds = forms.IntegerField(
        label="Undo time in seconds",
        required=False,
        min_value=SHORTEST_UNDO,
        max_value=LONGEST_UNDO,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "short"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        house = int(settings.UNDO_TIME.total_seconds())
        self.fields[
            "undo_seconds"
        ].help_text = f"{SHORTEST_UNDO} to {LONGEST_UNDO}. Empty: as everybody, {house} seconds."

    def clean_undo_seconds(self) -> int:
        return self.cleaned_data["undo_seconds"] or 0


class ShortcutsForm(forms.Form):
    shortcuts = _choice(
        "shortcuts", "Single-key shortcuts", "With Alt: hold Alt and press the key. Never inside a field."
    )


class Preference(FormView):
    """A form over some of the preferences; saving keeps the others."""

    request: StaffRequest
    page = ""

    def get_initial(self) -> dict[str, Any]:
        chosen = preferences_of(self.request.user)
        return {field: getattr(chosen, field) or None for field in self.form_class.base_fields}  # type: ignore[union-attr]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(tabs=tabs(self.page), **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        chosen = prefer(self.request.user, **form.cleaned_data)
        self.request.session["open_next"] = chosen.open_next
        messages.info(self.request, "Saved.")
        return _remembered(redirect(self.page), chosen, self.request)

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


class Profile(Preference):
    template_name, form_class, page = "accounts/profile.html", ProfileForm, "profile"


class Shortcuts(Preference):
    template_name, form_class, page = "accounts/shortcuts.html", ShortcutsForm, "shortcuts"


@require_POST
def appearance(request: StaffRequest) -> HttpResponse:
    """Store what the menu of a person offers, and return to the page."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    chosen = prefer(request.user, **{name: request.POST[name] for name in CHOICES if name in request.POST})
    return _remembered(redirect(target if safe else "/"), chosen, request)


def _remembered(response: HttpResponse, chosen: Preferences, request: HttpRequest) -> HttpResponse:
    """Let the browser know the look too, for the pages before somebody has signed in."""
    for name in IN_COOKIES:
        value = getattr(chosen, name)
        response.set_cookie(name, value, max_age=_A_YEAR, samesite="Lax", httponly=True, secure=request.is_secure())
    return response
