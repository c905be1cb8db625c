"""The queue as a test reads it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test import Client

from backoffice.accounts.models import User
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import Withdrawal
from withdrawals.states import State

SignIn = Callable[[User], Client]


def ago(**delta: float) -> Any:
    return NOW - timedelta(**delta)


def waiting(minutes: float = 30, **fields: Any) -> Withdrawal:
    """A withdrawal that was requested so many minutes ago and waits for a person; due after 120."""
    return make_withdrawal(State.UNDER_REVIEW, now=ago(minutes=minutes), **fields)


def refs(html: str) -> list[str]:
    """The withdrawals whose rows the page shows, in order."""
    return re.findall(r'<a class="cell" href="/withdrawals/(WD-[0-9A-Z]{4}-[0-9A-Z]{4})/', html)


def get(client: Client, address: str = "/withdrawals/") -> str:
    response = client.get(address)
    assert response.status_code == 200, response.content[:500]
    return response.content.decode()
