"""Signing in, with a limit to guessing: so many failures of one account or from one address, then a pause.

Counted in PostgreSQL, before the password is looked at, so neither guesses at the same moment nor a
flushed cache get round it. An account that does not exist is counted, and refused, like one that does.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from backoffice.accounts.models import SignInTry, User
from backoffice.audit.actors import Machine
from backoffice.audit.record import record

MOST_FAILURES = 10
WINDOW = timedelta(minutes=15)
TOO_MANY = "too_many"
_SIGN_IN = Machine("sign-in")


class SignInForm(AuthenticationForm):
    """E-mail and password. A refusal never says which of the two was wrong, or whether there is such an account."""

    def clean(self) -> dict[str, Any]:
        now, address = timezone.now(), address_of(self.request)
        typed = self.cleaned_data.get("username", "")
        known = User.objects.filter(email__iexact=typed).first()
        digest = salted_hmac("sign-in", f"staff {known.pk}" if known else typed.lower(), algorithm="sha256").hexdigest()
        if (until := paused_until(account=digest, address=address, now=now)) is not None:
            minutes = -((now - until) // timedelta(minutes=1))
            when = "in a minute" if minutes == 1 else f"in {minutes} minutes"
            raise ValidationError(f"There were too many failed tries to sign in. Try again {when}.", code=TOO_MANY)
        SignInTry.objects.filter(at__lte=now - WINDOW).delete()
        SignInTry.objects.create(account=digest, address=address, at=now)
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            _record_failure(known, address=address, now=now)
            raise
        SignInTry.objects.filter(account=digest).delete()
        return cleaned


def paused_until(*, account: str, address: str, now: datetime) -> datetime | None:
    """Return until when this account, or this address, may not try again; None: it may."""
    pauses = []
    for whose in ({"account": account}, {"address": address}):
        tries = SignInTry.objects.filter(**whose, at__gt=now - WINDOW).order_by("-at")
        pauses += [at + WINDOW for at in tries.values_list("at", flat=True)[MOST_FAILURES - 1 : MOST_FAILURES]]
    return max(pauses, default=None)


def address_of(request: HttpRequest | None) -> str:
    """Return where a request comes from; behind a proxy, what the proxy says it saw."""
    if request is None:
        return ""
    seen = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:
        seen = request.headers.get("X-Forwarded-For", seen).rpartition(",")[2].strip()
    return str(seen)[:45]


def _record_failure(known: User | None, *, address: str, now: datetime) -> None:
    record(
        subject_type="staff" if known else "sign_in",
        subject_id=str(known.pk) if known else address,
        action="sign_in_failed",
        actor=_SIGN_IN,
        data={"address": address, **({"email": known.email} if known else {})},
        at=now,
    )
