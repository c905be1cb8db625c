"""The page that says what every status means."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from backoffice.accounts.models import User
from tests.factories.withdrawals import make_withdrawal
from withdrawals.states import LOOKS, State

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


def rows(client: Client) -> dict[str, str]:
    found = re.findall(r'<tr id="([^"]+)">(.*?)</tr>', client.get("/help/statuses/").text, re.S)
    return {slug: re.sub(r"<[^>]+>", " ", row) for slug, row in found}


def test_every_status_is_explained(client_for: ClientFor, operator: User) -> None:
    found = rows(client_for(operator))
    assert list(found) == [LOOKS[state].slug for state in State]
    for state in State:
        look = LOOKS[state]
        assert look.acts and look.takes and look.help in found[look.slug]


def test_support_reads_only_of_the_statuses_that_it_meets(client_for: ClientFor, support: User) -> None:
    found = rows(client_for(support))
    assert not {"second-approval", "outcome-unknown"} & set(found)
    assert "We are looking at your request." in found["under-review"]


def test_the_badge_of_a_record_leads_there(client_for: ClientFor, operator: User) -> None:
    row = make_withdrawal(State.COMPLETED, by=operator)
    assert 'href="/help/statuses/#completed"' in client_for(operator).get(f"/withdrawals/{row.ref}/").text
