"""People with an app with codes, and what that app shows."""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.utils import timezone

from backoffice.accounts import second_factor
from backoffice.accounts.models import User

SECRET = "ONLYFORTHETESTS2ONLYFORTHETESTS2"


def shown(at: datetime | None = None, secret: str = SECRET) -> str:
    """What an app with this secret shows."""
    return TOTP(base64.b32decode(secret), 6, SHA1(), 30).generate((at or timezone.now()).timestamp()).decode()


@pytest.fixture
def give_app() -> Callable[[User], User]:
    def give(user: User) -> User:
        second_factor.give_app(user, secret=SECRET, now=timezone.now() - timedelta(days=1))
        return user

    return give
