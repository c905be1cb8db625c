"""Setting up the app with codes: a secret as QR code and as text, then a first code as the proof that it works."""

from typing import Any, ClassVar

from cryptography.fernet import InvalidToken
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.generic import View

from backoffice.accounts import second_factor
from backoffice.accounts.models import User
from backoffice.accounts.second_factor import HasOne, WrongCode
from backoffice.sealing import WrongOwner, seal, unseal

_NEW = "new_app_secret"


class FirstCodeForm(forms.Form):
    code = forms.CharField(
        label="Code that the app shows",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}),
        error_messages={"required": "Type the six digits that the app shows."},
    )

    def clean_code(self) -> str:
        return "".join(self.cleaned_data["code"].split())


class CodeAppView(View):
    """Whose app it is says ``get_owner``; what follows, ``added``. The secret stays the same until it is used."""

    template_name: ClassVar[str] = ""
    only_first: ClassVar[bool] = False  # as second_factor.add_app takes it

    def get_owner(self) -> User | None:
        raise NotImplementedError

    def get_lost(self) -> HttpResponse:
        """Return where to go when there is nobody to set it up for."""
        raise NotImplementedError

    def added(self, user: User, codes: list[str]) -> HttpResponse:
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponse:
        user = self.get_owner()
        return self.get_lost() if user is None else self._ask(user, FirstCodeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        user, form = self.get_owner(), FirstCodeForm(request.POST)
        if user is None:
            return self.get_lost()
        if form.is_valid():
            try:
                codes = second_factor.add_app(
                    user,
                    secret=self._secret(user),
                    code=form.cleaned_data["code"],
                    now=timezone.now(),
                    only_first=self.only_first,
                )
            except HasOne:
                return self.get_lost()
            except WrongCode as refusal:
                form.add_error("code", refusal.sentence)
            else:
                del request.session[_NEW]
                return self.added(user, codes)
        return self._ask(user, form)

    def _ask(self, user: User, form: FirstCodeForm) -> HttpResponse:
        secret = self._secret(user)
        context: dict[str, Any] = {
            "form": form,
            "qr_code": second_factor.qr_code(secret, user),
            "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            "account": user.email,
        }
        return render(self.request, self.template_name, context, status=422 if form.is_bound else 200)

    def _secret(self, user: User) -> str:
        """Return the secret that is being set up, sealed in the session until a code has proved it."""
        owner = f"new code app {user.pk}"
        try:
            return unseal(self.request.session[_NEW], owner=owner)
        except (KeyError, InvalidToken, WrongOwner):
            secret = second_factor.new_secret()
            self.request.session[_NEW] = seal(secret, owner=owner)
            return secret
