"""What waits for a second person: what the first one said, and whose own it is."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from backoffice.accounts.models import User
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from tests.menu import beside, menu_links
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import decisions, due_decisions
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
ADDRESS = "/withdrawals/second-approval/"


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def endorsed(by: User, *, minutes: int = 74, amount: int = 1_550_000, note: str = "Win verified with studio.") -> Any:
    """A withdrawal that somebody approved so many minutes ago as the first of two."""
    row = make_withdrawal(State.UNDER_REVIEW, amount=amount, now=NOW - timedelta(minutes=100))
    at = NOW - timedelta(minutes=minutes)
    decision = decisions.decide(
        row, Move.ENDORSE, actor=by, now=at, version=row.version, key=row.ref, reason="known_player", note=note
    )
    Decision.objects.filter(pk=decision.pk).update(effective_at=at)
    due_decisions.apply_due_decisions(now=at)
    return Withdrawal.objects.get(pk=row.pk)


def rows(client: Client, query: str = "") -> list[Withdrawal]:
    response = client.get(ADDRESS + query)
    assert response.status_code == 200
    return list(response.context["page"].rows)


def test_it_says_who_approved_first_why_and_since_when(operator: User, senior: User, client_for: SignIn) -> None:
    endorsed(operator)
    text = client_for(senior).get(ADDRESS).text
    assert "<b>1</b> waiting" in text and "€15,500.00" in text and "oldest <b>1 h 14 min</b>" in text
    assert "Dana" in text and "“Known player · Win verified with studio.”" in text and ">1 h 14 min<" in text


def test_one_s_own_are_apart_and_without_acts(senior: User, operator: User, client_for: SignIn) -> None:
    own, other = endorsed(senior), endorsed(operator, amount=1_300_000)
    client = client_for(senior)
    assert rows(client) == [other] and rows(client, "?view=yours") == [own]
    text = client.get(f"{ADDRESS}?view=yours").text
    assert "You approved these; someone else must confirm." in text and "data-claim" not in text
    assert f"/withdrawals/{own.ref}/?view=" not in text  # opened without taking it
    sent = {"version": own.version, "token": "t"}
    assert client.post(f"/withdrawals/{own.ref}/confirm/", sent).status_code in (403, 409)
    assert not Decision.objects.filter(move="confirm").exists()


def test_an_empty_list_says_so(senior: User, client_for: SignIn) -> None:
    assert "No second approvals wait." in client_for(senior).get(ADDRESS).text


def test_it_takes_the_same_few_statements_for_any_number_of_rows(
    operator: User, senior: User, client_for: SignIn, django_assert_num_queries: Any
) -> None:
    client = client_for(senior)
    endorsed(operator)
    client.get(ADDRESS)
    with django_assert_num_queries(10):
        client.get(ADDRESS)
    endorsed(operator, amount=1_300_000)
    with django_assert_num_queries(10):
        client.get(ADDRESS)


def test_only_who_confirms_comes_here(operator: User, senior: User, finance: User, client_for: SignIn) -> None:
    assert ADDRESS in menu_links(client_for(senior).get("/withdrawals/"))
    for user in (operator, finance):
        client = client_for(user)
        assert client.get(ADDRESS).status_code == 403
        assert ADDRESS not in menu_links(client.get("/withdrawals/"))


def test_the_old_address_of_the_list_leads_here(senior: User, operator: User, client_for: SignIn) -> None:
    assert client_for(senior).get("/withdrawals/?view=second-approval")["Location"] == ADDRESS
    assert client_for(operator).get("/withdrawals/?view=second-approval").status_code == 200
    assert "view=second-approval" not in client_for(senior).get("/withdrawals/").text


def test_confirming_goes_on_to_the_next_one_here(operator: User, senior: User, client_for: SignIn) -> None:
    first, second = endorsed(operator), endorsed(operator, amount=1_300_000)
    client = client_for(senior)
    page = client.get(f"/withdrawals/{first.ref}/?view=second-approval")
    assert f"/withdrawals/{first.ref}/confirm/" in page.text
    answer = client.get("/withdrawals/next/?view=second-approval")
    assert answer["Location"] in {f"/withdrawals/{row.ref}/?view=second-approval" for row in (first, second)}


def test_the_menu_counts_what_somebody_may_confirm(senior: User, make_staff: Any, client_for: SignIn) -> None:
    endorsed(senior)
    endorsed(senior)
    assert beside(client_for(senior).get(ADDRESS), "second-approval") == ""
    assert beside(client_for(make_staff("Senior", "Tove Berg")).get(ADDRESS), "second-approval") == "2"
