"""Proving once more who one is, before an act that a stranger at an open desk must not do.

Whoever has a second factor gives a code or a passkey; whoever has none gives the password.
"""

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from backoffice.accounts import passkeys, second_factor, sessions
from backoffice.accounts.addresses import address_of
from backoffice.accounts.models import User
from backoffice.accounts.passkeys import PasskeyRefused
from backoffice.accounts.passwords import require_password
from backoffice.accounts.second_factor import WrongCode
from backoffice.accounts.sign_in import TOO_MANY, TooManyTries

# Of the names of its fields, so that they can travel with those of any other form.
PREFIX = "proof"
CODE_WIDGET = forms.TextInput(
    attrs={"autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false", "autofocus": True}
)


class CodeForm(forms.Form):
    """A code of the app, a recovery code, or what a passkey answered."""

    code = forms.CharField(
        label="Code", required=False, max_length=40, widget=CODE_WIDGET,
        help_text="The six digits of your app, or one of your recovery codes.",
    )  # fmt: skip
    passkey = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: object = None, *, request: HttpRequest, user: User) -> None:
        super().__init__(data, prefix=PREFIX)  # type: ignore[arg-type]
        self.request, self.user, self.way = request, user, ""
        self.has_passkey = passkeys.possible(request) and user.passkeys.exists()

    def clean(self) -> dict[str, object]:
        now, cleaned = timezone.now(), self.cleaned_data
        try:
            if cleaned.get("passkey"):
                passkeys.use(self.request, cleaned["passkey"], user=self.user, now=now)
                self.way = "passkey"
            elif cleaned.get("code"):
                self.way = second_factor.use_code(self.user, cleaned["code"], address=address_of(self.request), now=now)
            elif not self.errors:
                self.add_error("code", "Type the code that your app shows.")
        except TooManyTries as refusal:
            raise ValidationError(refusal.sentence, code=TOO_MANY) from refusal
        except WrongCode as refusal:
            self.add_error("code", refusal.sentence)
        except PasskeyRefused as refusal:
            raise ValidationError(refusal.sentence) from refusal
        return cleaned


class PasswordForm(forms.Form):
    """The password of somebody who has no second factor."""

    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True})
    )
    has_passkey = False
    way = "password"

    def __init__(self, data: object = None, *, request: HttpRequest, user: User) -> None:
        super().__init__(data, prefix=PREFIX)  # type: ignore[arg-type]
        self.request, self.user = request, user

    def clean_password(self) -> str:
        typed = str(self.cleaned_data["password"])
        require_password(self.request, self.user, typed)
        return typed


def proof_form(request: HttpRequest, user: User, *, sent: bool = False) -> CodeForm | PasswordForm:
    """Return the form that asks this person; ``sent``: filled with what they sent."""
    kind = CodeForm if second_factor.has_one(user) else PasswordForm
    return kind(request.POST if sent else None, request=request, user=user)


def accept(request: HttpRequest, form: CodeForm | PasswordForm) -> None:
    """The proof was right: it holds for settings.FRESH_TIME, under a new session key."""
    sessions.proved(request, now=timezone.now())
    request.session.cycle_key()
