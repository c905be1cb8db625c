"""What an open list is told of changes, and how many rows are selected."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.backoffice.ui.lists")]

SignIn = Callable[[User], Client]


def crew(n: int, **fields: Any) -> User:
    return User.objects.create(email=f"crew{n}@staff.example", name=f"Crew {n}", approval_limit=n, **fields)


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def client(admin: User, client_for: SignIn) -> Client:
    for n in range(1, 6):
        crew(n, date_joined=timezone.now() - timedelta(days=1))
    return client_for(admin)


def poll_address(text: str) -> str:
    found = re.search(r'hx-get="(\?[^"]*live=[^"]+)"', text)
    assert found
    return "/crew/" + found[1].replace("&amp;", "&")


def test_nothing_is_answered_while_nothing_changed(client: Client, django_assert_num_queries: Any) -> None:
    address = poll_address(client.get("/crew/?working=true").text)
    with django_assert_num_queries(4):  # session, person with their rights, and two for the list
        response = client.get(address)
    assert (response.status_code, response.content) == (204, b"")
    assert response["X-Live-At"] == "12:00:00"


def test_a_changed_cell_is_sent_and_no_other(client: Client) -> None:
    address = poll_address(client.get("/crew/").text)
    changed = User.objects.get(name="Crew 2")
    User.objects.filter(pk=changed.pk).update(email="crew-two@staff.example")
    response = client.get(address)
    cells = re.findall(r'<span id="(c-[^"]+)" hx-swap-oob="true">([^<]*)', response.text)
    assert cells == [(f"c-{changed.pk}-email", "crew-two@staff.example")]
    assert client.get(poll_address(response.text)).status_code == 204


def test_new_rows_are_counted_and_not_shown(client: Client) -> None:
    address = poll_address(client.get("/crew/").text)
    crew(7, date_joined=timezone.now() + timedelta(seconds=1))
    response = client.get(address)
    assert 'data-new="1"' in response.text and "Crew 7" not in response.text
    assert '<span id="total" hx-swap-oob="true">6</span>' in response.text


def test_what_comes_back_to_the_list_counts_as_new(client: Client) -> None:
    User.objects.filter(name="Crew 5").update(is_active=False)
    address = poll_address(client.get("/crew/?working=true").text)
    User.objects.filter(name="Crew 5").update(is_active=True)
    assert 'data-new="1"' in client.get(address).text


def test_a_row_that_left_stays_and_says_so(client: Client) -> None:
    address = poll_address(client.get("/crew/?working=true").text)
    left = User.objects.get(name="Crew 1")
    User.objects.filter(pk=left.pk).update(is_active=False)
    response = client.get(address)
    cell = re.search(rf'<span id="c-{left.pk}-name" hx-swap-oob="true">(.*?)</span>\n', response.text, re.S)
    assert cell and "is-gone" in cell[1] and "Crew 1" in cell[1] and "Left this list" in cell[1]


@pytest.mark.parametrize("token", ["", "x", "eyJ4IjoxfQ"])
def test_a_foreign_token_is_refused(client: Client, token: str) -> None:
    assert client.get("/crew/", {"live": token}).status_code == 400


def test_a_token_is_good_for_its_own_view_only(client: Client) -> None:
    address = poll_address(client.get("/crew/?working=true").text)
    assert client.get(address.replace("working=true", "working=false")).status_code == 400


# Selection -------------------------------------------------------------------------------------------------------


def picked(*numbers: int) -> list[str]:
    return [str(User.objects.get(name=f"Crew {n}").pk) for n in numbers]


def bar(client: Client, address: str = "/crew/", **posted: Any) -> str:
    response = client.post(address, posted)
    assert response.status_code == 200
    return response.text


def fields(text: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))


def test_the_bar_counts_and_adds_up_on_the_server(client: Client) -> None:
    text = bar(client, pick=picked(1, 2))
    assert "<b>2 selected</b>" in text and "€0.03" in text and "Select all 5 in this view" in text


def test_rows_that_the_filters_do_not_show_are_not_counted(client: Client) -> None:
    text = bar(client, "/crew/?q=crew+1", pick=picked(1, 2, 3))
    assert "<b>1 selected</b>" in text and "Select all" not in text


def test_named_rows_arrive_as_they_were_named(client: Client) -> None:
    text = bar(client, pick=picked(2, 4))
    posted = fields(text) | {"pick": picked(2, 4)}
    assert client.post("/crew/bulk/", posted).text == "Crew 2, Crew 4"


def test_a_whole_view_arrives_with_its_filters_and_is_refused_when_it_changed(client: Client) -> None:
    text = bar(client, "/crew/?limit_min=0.02", pick=picked(2), whole="1")
    posted = fields(text)
    assert "<b>4 selected</b>" in text and posted["count"] == "4"
    assert client.post("/crew/bulk/", posted).text == "Crew 2, Crew 3, Crew 4, Crew 5"
    gone = User.objects.get(name="Crew 5")
    User.objects.filter(pk=gone.pk).update(approval_limit=1)
    assert client.post("/crew/bulk/", posted).status_code == 409
    crew(6)
    assert client.post("/crew/bulk/", posted).status_code == 409  # as many as before, but not the same


def test_there_are_no_boxes_for_who_may_not_select(
    client: Client, compliance: User, admin: User, client_for: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.backoffice.ui.lists import Crew

    assert client.get("/crew/").text.count('name="pick"') == 3
    monkeypatch.setattr(Crew, "bulk_permission", "withdrawals.approve_withdrawal")
    assert 'name="pick"' not in client.get("/crew/").text
    assert client.post("/crew/", {"pick": picked(1)}).status_code == 404


@pytest.mark.parametrize("posted", [{"whole": "1", "count": "x"}, {"count": "9" * 30, "whole": "1"}, {}])
def test_nonsense_that_is_posted_selects_nothing(client: Client, posted: dict[str, str]) -> None:
    assert client.post("/crew/bulk/", posted).text in (
        "",
        "The view held 0 rows when you selected them and holds others now.",
    )
