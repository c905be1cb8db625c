"""A list screen over staff: what its address can ask for, and what it answers to nonsense."""

import csv
import io
from collections.abc import Callable
from urllib.parse import urlencode

import django_filters
import pytest
from django.db.models import Q
from django.test import Client
from django.urls import include, path

from backoffice.accounts.models import User
from backoffice.ui.columns import Column, TimeColumn
from backoffice.ui.filters import BaseFilter, ChoicesFilter, DateRangeFilter, MoneyRangeFilter
from backoffice.ui.screens import ListScreen
from backoffice.ui.tables import BaseTable
from backoffice.ui.tabs import Tab


class PeopleTable(BaseTable):
    caption = "Staff by name"
    sort = "name"
    phone = {"name": "title", "limit": "amount"}
    name = Column(sort_by="name")
    email = Column()
    limit = Column(accessor="approval_limit", sort_by="approval_limit")
    joined = TimeColumn(accessor="date_joined", form="exact", sort_by="date_joined")


class PeopleFilter(BaseFilter):
    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Search")
    working = django_filters.BooleanFilter(field_name="is_active", label="Working")
    theme = ChoicesFilter(choices=[("light", "Light"), ("dark", "Dark")], label="Theme")
    limit = MoneyRangeFilter(field_name="approval_limit", currency="EUR", label="Limit")
    joined = DateRangeFilter(field_name="date_joined", label="Joined")


class People(ListScreen):
    title = "People"
    queryset = User.objects.all()
    table_class = PeopleTable
    filterset_class = PeopleFilter
    permission_required = "accounts.view_user"
    page_size = 3
    tabs = (
        Tab("all", "All"),
        Tab(
            "limited",
            "Limited",
            Q(approval_limit__isnull=False),
            hide=("joined",),
            empty="Nobody has a limit.",
        ),
        Tab("me", "Me", lambda request: Q(pk=request.user.pk), counted=False),
    )
    export_columns = ("name", "email", "joined")


urlpatterns = [path("people/", People.as_view()), path("", include("backoffice.urls"))]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def client(admin: User, client_for: Callable[[User], Client]) -> Client:
    for n in range(7):
        User.objects.create(email=f"{n}@staff.example", name=f"Person {n}", approval_limit=n * 100_000 or None)
    return client_for(admin)


def names(response: object) -> list[str]:
    return [row.name for row in response.context["page"].rows]  # type: ignore[attr-defined]


def test_first_page_and_the_way_on(client: Client) -> None:
    first = client.get("/people/")
    assert names(first) == ["Ada Moreau", "Person 0", "Person 1"]
    assert "1–3 of 8" in first.text
    second = client.get("/people/" + first.context["page"].next_url)
    assert names(second) == ["Person 2", "Person 3", "Person 4"]
    assert names(client.get("/people/" + second.context["page"].previous_url)) == names(first)


def test_sort_by_a_heading_and_not_by_others(client: Client) -> None:
    assert names(client.get("/people/?sort=-name"))[0] == "Person 6"
    assert names(client.get("/people/?sort=-limit"))[0] == "Person 6"
    refused = client.get("/people/?sort=password")
    assert names(refused)[0] == "Ada Moreau"
    assert "Left out of the address: sort." in refused.text


def test_filters_show_as_chips_that_take_them_away(client: Client) -> None:
    response = client.get("/people/?limit_min=2+000,00&limit_max=4000&q=person&working=true&sort=-name")
    assert names(response) == ["Person 4", "Person 3", "Person 2"]
    chips = {chip["label"]: chip for chip in response.context["chips"]}
    assert chips["Limit"]["value"] == "€2,000.00 to €4,000.00"
    assert chips["Working"]["value"] == "Yes"
    assert chips["Limit"]["remove_url"] == "?q=person&working=true&sort=-name"
    assert response.context["clear_url"] == "?sort=-name"


def test_tabs_narrow_count_and_hide_columns(client: Client) -> None:
    response = client.get("/people/?view=limited")
    assert [(tab["label"], tab["count"], tab["current"]) for tab in response.context["views"].tabs] == [
        ("All", "8", False),
        ("Limited", "6", True),
        ("Me", "", False),
    ]
    assert "Joined</a>" not in response.text
    assert names(client.get("/people/?view=me")) == ["Ada Moreau"]


def test_a_tab_whose_order_is_hidden_from_somebody_has_the_order_of_the_table(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(People, "tabs", (Tab("newest", "Newest", hide=("name",), sort="-limit"),))
    assert names(client.get("/people/"))[0] == "Person 6"
    monkeypatch.setattr(People, "get_hidden_columns", lambda _screen: ("name", "limit"))
    assert names(client.get("/people/"))[0] == "Ada Moreau"


NONSENSE = [
    {"foo": "1"},
    {"view": "nothing"},
    {"sort": "-"},
    {"sort": "name; drop table"},
    {"after": "x"},
    {"before": "eyJ4Ijo:1:2"},
    {"after": "\x01"},
    {"limit_min": "abc"},
    {"limit_max": "9" * 40},
    {"joined_from": "31.02.2026"},
    {"joined_to": "0000-00-00"},
    {"theme": "pink"},
    {"working": "maybe", "page": "-1"},
    {"\x01": "\x01"},
]


@pytest.mark.parametrize("parameters", NONSENSE, ids=str)
def test_nonsense_in_the_address_is_left_out_with_a_notice(client: Client, parameters: dict[str, str]) -> None:
    response = client.get(f"/people/?{urlencode(parameters)}")
    assert response.status_code == 200
    assert names(response) == ["Ada Moreau", "Person 0", "Person 1"]


def test_nonsense_is_named_and_the_rest_still_counts(client: Client) -> None:
    response = client.get("/people/?limit_min=abc&foo=1&q=person&joined_to=9999-12-31&joined_from=0001-01-01")
    assert "Left out of the address: limit_min, foo" in response.text
    assert next(chip["label"] for chip in response.context["chips"]) == "Search"


def test_no_row_names_the_filters(client: Client) -> None:
    response = client.get("/people/?q=zzz")
    assert "No row matches Search for zzz." in response.text and "Look in" not in response.text
    assert '<a href="?view=all&amp;q=zzz">Look in All</a>' in client.get("/people/?q=zzz&view=limited").text
    User.objects.update(approval_limit=None)
    assert "Nobody has a limit." in client.get("/people/?view=limited").text


def test_export_holds_exactly_the_filtered_rows(
    client: Client, admin: User, client_for: Callable[[User], Client]
) -> None:
    User.objects.filter(name="Person 5").update(name="=1+1 Person 5")
    response = client.get("/people/?q=person&limit_min=4000&export=csv")
    rows = list(csv.reader(io.StringIO(response.getvalue().decode())))  # type: ignore[attr-defined]
    assert [row[:2] for row in rows] == [
        ["Name", "Email"],
        ["'=1+1 Person 5", "5@staff.example"],
        ["Person 4", "4@staff.example"],
        ["Person 6", "6@staff.example"],
    ]
    assert response["Content-Disposition"].startswith('attachment; filename="people-')


def test_a_part_for_htmx_and_a_page_for_everybody_else(client: Client) -> None:
    page, part = client.get("/people/"), client.get("/people/", headers={"HX-Request": "true"})
    assert page.text.startswith("<!doctype html>")
    assert part.text.lstrip().startswith('<section class="list"')
    for response in (page, part):
        assert "HX-Request" in response["Vary"]
        assert response["Cache-Control"] == "no-store"


def test_a_missing_permission_is_named(client_for: Callable[[User], Client], support: User) -> None:
    response = client_for(support).get("/people/")
    assert response.status_code == 403
    assert "None of your roles lets you see the staff." in response.text


def test_nobody_signed_in_is_sent_to_sign_in() -> None:
    assert Client().get("/people/")["Location"].startswith("/sign-in/")


def test_a_list_takes_few_queries(client: Client, django_assert_max_num_queries: Callable[..., object]) -> None:
    client.get("/people/")
    with django_assert_max_num_queries(10):  # type: ignore[attr-defined]
        client.get("/people/?q=person&view=limited")
