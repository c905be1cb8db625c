"""What an open page asks again and again costs next to nothing while nothing changed."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from tests.factories.withdrawals import make_withdrawal
from withdrawals.states import State

pytestmark = pytest.mark.django_db
MOST_BYTES = 300
PAGES = {"/": {"/today/lines/", "/menu/"}, "/withdrawals/": {"?live=", "/menu/"}, "record": {"/status/", "/facts/"}}


@pytest.mark.parametrize("place", PAGES)
def test_a_poll_without_news_is_204_and_small(operator: User, client_for: Callable[[User], Client], place: str) -> None:
    # In the middle of a minute: what time is left does not change between two questions.
    row = make_withdrawal(State.UNDER_REVIEW, now=timezone.now() - timedelta(seconds=90))
    client = client_for(operator)
    address = f"/withdrawals/{row.ref}/?view=needs-decision" if place == "record" else place
    html = client.get(address).text
    asked = [unescape(found) for found in re.findall(r'hx-get="([^"]*)"[^>]*hx-trigger="every', html)]
    assert all(any(part in one for one in asked) for part in PAGES[place]), asked
    for poll in asked:
        answer = client.get(f"/withdrawals/{poll}" if poll.startswith("?") else poll, headers={"HX-Request": "true"})
        size = len(answer.content) + sum(len(name) + len(value) + 4 for name, value in answer.headers.items())
        assert (answer.status_code, size <= MOST_BYTES) == (204, True), (poll, size, dict(answer.headers))
