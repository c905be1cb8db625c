"""What tests of the pages about one withdrawal share: as people, and as crafted requests."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

from django.conf import settings
from django.test import Client

from backoffice.accounts.models import User
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import Withdrawal
from withdrawals.operations import due_decisions
from withdrawals.states import State

SignIn = Callable[[User], Client]
QUEUE = "?view=needs-decision"


def waiting(**fields: Any) -> Withdrawal:
    """A withdrawal that was requested half an hour ago and waits for a person."""
    return make_withdrawal(State.UNDER_REVIEW, now=NOW - timedelta(minutes=30), **fields)


def page(client: Client, withdrawal: Withdrawal, view: str = "") -> str:
    response = client.get(f"/withdrawals/{withdrawal.ref}/{view}")
    assert response.status_code == 200, response.content[:500]
    return unescape(response.content.decode())


def buttons(html: str) -> list[str]:
    """The labels of the decision bar, in order."""
    bar = re.search(r"data-idle>(.*?)<span class=\"next\">", html, re.S)
    if bar is None:
        return []
    inside = re.findall(r'<(?:a|button)[^>]*class="btn[^>]*>(.*?)</(?:a|button)>', bar[1], re.S)
    return [re.sub(r"<svg.*?</svg>|<kbd.*?</kbd>|\s+$", "", label, flags=re.S).strip() for label in inside]


def send(client: Client, withdrawal: Withdrawal, move: str, view: str = "", **data: Any) -> Any:
    """Post a decision as the page would: with the version that it showed and a new key."""
    fields = {"version": withdrawal.version, "token": uuid.uuid4().hex} | data
    return client.post(f"/withdrawals/{withdrawal.ref}/{move}/{view}", fields)


def undo_time_is_over() -> None:
    due_decisions.apply_due_decisions(now=NOW + settings.UNDO_TIME)


def state_of(withdrawal: Withdrawal) -> State:
    return State(Withdrawal.objects.get(pk=withdrawal.pk).state)
