"""The password of somebody who is signed in: asked for once more, and changed."""

from datetime import datetime
from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from backoffice.accounts import sessions
from backoffice.accounts.addresses import address_of
from backoffice.accounts.models import User
from backoffice.accounts.sign_in import TOO_MANY, TooManyTries, count_try, forget_tries, record_failure
from backoffice.audit.record import record


def require_password(request: HttpRequest, user: User, typed: str) -> None:
    """Raise ValidationError unless this is their password; guesses are counted and recorded like those at sign-in."""
    now, address = timezone.now(), address_of(request)
    account = f"password of staff {user.pk}"
    try:
        count_try(account, address=address, now=now)
    except TooManyTries as refusal:
        raise ValidationError(refusal.sentence, code=TOO_MANY) from refusal
    if not check_password(typed, user.password):
        record_failure(user, address=address, now=now, step="proof")
        raise ValidationError("This is not your password.")
    forget_tries(account)


class ChangePasswordForm(PasswordChangeForm):
    """The old password and, twice, the new one."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        typed = str(self.cleaned_data["old_password"])
        require_password(self.request, self.user, typed)
        return typed


@transaction.atomic
def change_password(request: HttpRequest, user: User, new: str, *, now: datetime) -> int:
    """Give somebody a new password and end their other sessions, all or nothing; return how many those were."""
    user.set_password(new)
    user.save(update_fields=["password"])
    record(subject_type="staff", subject_id=str(user.pk), action="change_password", actor=user, at=now)
    update_session_auth_hash(request, user)
    return sessions.end_others(user, kept=request.session.session_key, actor=user, why="password changed")
