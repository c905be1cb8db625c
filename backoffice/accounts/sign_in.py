"""Signing in, with a limit to guessing: so many failures of one account or from one address, then a pause.

Counted in PostgreSQL, before the password or the code is looked at, so neither guesses at the same moment nor a
flushed cache get round it. An account that does not exist is counted, and refused, like one that does.
"""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from backoffice.accounts.addresses import address_of
from backoffice.accounts.models import SignInTry, User
from backoffice.audit.actors import Machine
from backoffice.audit.record import record

MOST_FAILURES = 10
WINDOW = timedelta(minutes=15)
TOO_MANY = "too_many"
_SIGN_IN = Machine("sign-in")


class TooManyTries(Exception):
    """There were too many failures; ``sentence`` says when the next try is possible."""

    def __init__(self, *, until: datetime, now: datetime) -> None:
        minutes = -((now - until) // timedelta(minutes=1))
        when = "in a minute" if minutes == 1 else f"in {minutes} minutes"
        self.sentence = f"There were too many failed tries to sign in. Try again {when}."
        super().__init__(self.sentence)


class SignInForm(AuthenticationForm):
    """E-mail and password. A refusal never says which of the two was wrong, or whether there is such an account."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "E-mail and password do not go together. Check both and try again."
    }

    def clean(self) -> dict[str, Any]:
        now, address = timezone.now(), address_of(self.request)
        typed = self.cleaned_data.get("username", "")
        known = User.objects.filter(email__iexact=typed).first()
        account = f"staff {known.pk}" if known else f"typed {typed.lower()}"
        try:
            count_try(account, address=address, now=now)
        except TooManyTries as refusal:
            raise ValidationError(refusal.sentence, code=TOO_MANY) from refusal
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            record_failure(known, address=address, now=now)
            raise
        forget_tries(account)
        return cleaned


def count_try(account: str, *, address: str, now: datetime) -> None:
    """Count a try before it is looked at. ``account`` names what is guessed at. Raises TooManyTries."""
    digest = _digest(account)
    with transaction.atomic():
        _one_at_a_time(digest, address)
        if (until := paused_until(account=digest, address=address, now=now)) is not None:
            raise TooManyTries(until=until, now=now)
        SignInTry.objects.filter(at__lte=now - WINDOW).delete()
        SignInTry.objects.create(account=digest, address=address, at=now)


def _one_at_a_time(*counted: str) -> None:
    """Let the others wait who count for the same account or address: two that count at once see one too few."""
    with connection.cursor() as cursor:
        for name in sorted(counted):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"sign-in try {name}"])


def forget_tries(account: str) -> None:
    """The try was no guess, nor were those before it."""
    SignInTry.objects.filter(account=_digest(account)).delete()


def paused_until(*, account: str, address: str, now: datetime) -> datetime | None:
    """Return until when this account, or this address, may not try again; None: it may."""
    pauses = []
    for whose in ({"account": account}, {"address": address}):
        tries = SignInTry.objects.filter(**whose, at__gt=now - WINDOW).order_by("-at")
        pauses += [at + WINDOW for at in tries.values_list("at", flat=True)[MOST_FAILURES - 1 : MOST_FAILURES]]
    return max(pauses, default=None)


def record_failure(known: User | None, *, address: str, now: datetime, step: str = "password") -> None:
    """Write down that somebody was not let in. ``step``: what was wrong, as an act of the log."""
    record(
        subject_type="staff" if known else "sign_in",
        subject_id=str(known.pk) if known else address,
        action="sign_in_failed" if step == "password" else f"{step}_failed",
        actor=_SIGN_IN,
        data={"address": address, **({"email": known.email} if known else {})},
        at=now,
    )


def _digest(account: str) -> str:
    return salted_hmac("sign-in", account, algorithm="sha256").hexdigest()
