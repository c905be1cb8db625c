"""People with an app with codes, and what that app shows."""

import base64
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.db import connection
from django.utils import timezone

from backoffice.accounts import second_factor
from backoffice.accounts.models import User

SECRET = "ONLYFORTHETESTS2ONLYFORTHETESTS2"


def shown(at: datetime | None = None, secret: str = SECRET) -> str:
    """What an app with this secret shows."""
    return TOTP(base64.b32decode(secret), 6, SHA1(), 30).generate((at or timezone.now()).timestamp()).decode()


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Do all of them at the same moment, each on its own connection; return what they answered or raised."""
    gate, answers = threading.Barrier(len(acts)), []

    def do(act: Callable[[], Any]) -> None:
        gate.wait()
        try:
            answers.append(act())
        except Exception as error:
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.fixture
def give_app() -> Callable[[User], User]:
    def give(user: User) -> User:
        second_factor.give_app(user, secret=SECRET, now=timezone.now() - timedelta(days=1))
        return user

    return give
