"""Which columns a list shows, and the views that people keep of it."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from backoffice.ui import chooser
from backoffice.ui.models import SavedView
from tests.backoffice.ui.lists import CrewTable

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.backoffice.ui.lists")]

SignIn = Callable[[User], Client]


@pytest.fixture
def client(admin: User, client_for: SignIn) -> Client:
    for n in range(1, 6):
        User.objects.create(email=f"crew{n}@staff.example", name=f"Crew {n}", approval_limit=n)
    return client_for(admin)


def headings(html: str) -> list[str]:
    found = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]*)', html.split("<dialog")[0])
    return [one.strip() for one in found if one.strip()]


def get(client: Client, address: str = "/crew/") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.text


def test_a_table_shows_its_own_columns_until_somebody_chooses(client: Client) -> None:
    assert headings(get(client)) == ["Name", "Email"]
    assert headings(get(client, "/crew/?cols=limit,name,joined")) == ["Limit", "Name", "Joined"]
    assert headings(get(client, "/crew/?cols=joined&cols=name")) == ["Joined", "Name"]


def test_what_is_fixed_stays_and_what_is_unknown_is_named(client: Client) -> None:
    html = get(client, "/crew/?cols=joined,secret")
    assert headings(html) == ["Name", "Joined"] and "Left out of the address: cols." in html


def test_choosing_columns_keeps_the_filters_and_filtering_keeps_the_columns(client: Client) -> None:
    html = get(client, "/crew/?q=crew&working=true&sort=-name&cols=name,limit")
    form = re.search(r'<form class="pop columns".*?</form>', html, re.S)
    assert form
    kept = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0])
    assert kept == [("q", "crew"), ("working", "true"), ("sort", "-name"), ("cols", "name")]
    search = re.search(r'<form class="filters-form".*?</form>', html, re.S)
    assert search and '<input type="hidden" name="cols" value="name,limit">' in search[0]


def test_a_column_moves_by_a_button_and_the_address_is_the_order_that_came_of_it(client: Client) -> None:
    response = client.get("/crew/?cols=name&cols=email&cols=limit&move=up:limit", headers={"HX-Request": "true"})
    assert headings(response.text) == ["Name", "Limit", "Email"]
    assert response["HX-Push-Url"] == "/crew/?cols=name%2Climit%2Cemail"


@pytest.mark.parametrize("move", ["up:name", "down:joined", "sideways:name", "up:", "up:secret"])
def test_a_move_that_makes_no_sense_changes_nothing(move: str) -> None:
    choice = chooser.choose(CrewTable, ["name", "joined"], move=move, hidden=(), off=())
    assert choice.shown == ("name", "joined")


def test_a_column_that_is_hidden_from_the_reader_cannot_be_chosen() -> None:
    choice = chooser.choose(CrewTable, ["name,limit"], move="", hidden=("limit",), off=())
    assert choice.shown == ("name",) and "limit" not in choice.offered


def test_rows_are_as_high_as_the_list_was_asked_to(client: Client) -> None:
    assert 'data-density="compact"' in get(client, "/crew/?density=compact")
    html = get(client, "/crew/?density=huge")
    assert "data-density" not in html and "Left out of the address: density." in html


# Saved views -------------------------------------------------------------------------------------------------


def save(client: Client, address: str, **posted: str) -> str:
    response = client.post(address, {"act": "save-as", "label": "Mine own", **posted})
    assert response.status_code == 303
    return response["Location"].removeprefix("/crew/")


def test_a_view_is_filters_columns_order_and_row_height(client: Client, admin: User) -> None:
    address = save(client, "/crew/?sort=-name&working=true&cols=name,limit&density=compact&nonsense=1")
    view = SavedView.objects.get()
    assert (view.owner, view.list, view.label) == (admin, "crew", "Mine own")
    assert view.query == "cols=name%2Climit&density=compact&sort=-name&view=all&working=true"
    response = client.get(f"/crew/{address}")
    assert response.context["views"].open == view and not response.context["views"].edited
    assert headings(response.text) == ["Name", "Limit"]
    assert client.get(f"/crew/?saved={view.slug}")["Location"] == f"/crew/{address}"


def test_a_view_that_was_changed_says_so_and_can_be_saved_or_reset(client: Client) -> None:
    address = save(client, "/crew/?working=true")
    changed = f"/crew/{address}&sort=-name"
    html = get(client, changed)
    assert "Edited" in html and 'value="save"' in html and f'href="{address.replace("&", "&amp;")}"' in html
    assert client.post(changed, {"act": "save"}).status_code == 303
    assert SavedView.objects.get().query == "sort=-name&view=all&working=true"
    assert "Edited" not in get(client, changed) and "Edited" in get(client, f"/crew/{address}")


@pytest.mark.parametrize("change", ["sort=-name", "working=true", "cols=name%2Climit", "density=compact"])
def test_a_built_in_view_that_was_changed_says_so_too(client: Client, change: str) -> None:
    html = get(client, f"/crew/?view=second&{change}")
    assert '<span class="edited">Edited · <a href="?view=second" hx-boost="true">Reset</a></span>' in html
    assert "Save as" in html and 'value="save"' not in html
    assert "Edited" not in get(client, "/crew/?view=second") and "Edited" not in get(client, "/crew/")


def test_a_view_without_dates_keeps_those_that_were_chosen(client: Client) -> None:
    save(client, "/crew/?since_from=2026-01-01", label="Dated")
    save(client, "/crew/?working=true", label="Undated")
    User.objects.filter(email="crew1@staff.example").update(date_joined="2020-05-05T12:00Z")
    views = client.get("/crew/?since_to=2021-01-01&working=true&sort=-name").context["views"]
    by_label = {tab["label"]: tab for tab in views.all}
    assert by_label["All"]["url"] == "?view=all&since_to=2021-01-01"
    assert by_label["Undated"]["url"].endswith("&since_to=2021-01-01")
    assert "since_to" not in by_label["Dated"]["url"] and "since_from=2026-01-01" in by_label["Dated"]["url"]
    # What it leads to has as many rows as it says.
    assert (
        by_label["All"]["count"] == "1"
        and len(client.get("/crew/?view=all&since_to=2021-01-01").context["page"].rows) == 1
    )
    assert {tab["url"] for tab in client.get("/crew/?working=true").context["views"].tabs[:2]} == {
        "?view=all",
        "?view=second",
    }


def test_every_view_is_in_the_menu_of_the_key(client: Client) -> None:
    menu = re.search(r'<details class="menu" id="all-views">.*?</details>', get(client, "/crew/?view=second"), re.S)
    assert menu and 'data-key="v"' in menu[0] and menu[0].count("<a ") == 2
    assert re.search(r'<a href="\?view=second" aria-current="page">', menu[0])
    assert get(client, "/crew/").count('data-key="v"') == 1


def test_a_view_is_renamed_and_deleted_by_its_owner(client: Client) -> None:
    address = f"/crew/{save(client, '/crew/')}"
    client.post(address, {"act": "rename", "label": "  Other   name "})
    assert SavedView.objects.get().label == "Other name"
    client.post(address, {"act": "rename", "label": " "})
    assert SavedView.objects.get().label == "Other name"
    assert "A view needs a name of 1 to 60 characters." in get(client, address)
    client.post(address, {"act": "delete"})
    assert not SavedView.objects.exists()


def test_built_in_views_stay_as_they_are(client: Client) -> None:
    for act in ("save", "rename", "share", "delete"):
        client.post("/crew/?view=second", {"act": act, "label": "x"})
    assert not SavedView.objects.exists()
    assert "Built-in views stay as they are." in get(client, "/crew/")


def test_a_shared_view_is_seen_by_the_role_and_changed_by_its_owner_alone(
    client: Client, admin: User, make_staff: Callable[..., User], client_for: SignIn
) -> None:
    address = f"/crew/{save(client, '/crew/?working=true', role='Administrator')}"
    view = SavedView.objects.get()
    entry = AuditEntry.objects.get(action="share_view")
    assert (entry.actor_user, entry.subject_id) == (admin, view.slug)
    assert entry.data["after"] == {"seen_by": "Administrator"}
    other = client_for(make_staff("Administrator", "Other Admin"))
    html = get(other, address)
    assert "Mine own" in html and 'value="rename"' not in html
    for act in ("save", "rename", "share", "delete"):
        other.post(f"{address}&sort=-name", {"act": act, "label": "Stolen"})
    view.refresh_from_db()
    assert (view.label, view.query, view.shared_with) == ("Mine own", "view=all&working=true", Group.objects.get(
        name="Administrator"
    ))  # fmt: skip
    client.post(address, {"act": "share", "role": ""})
    get(other, "/crew/")  # reads what the refusals said
    assert "Mine own" not in get(other, "/crew/")
    assert "Left out of the address: saved." in get(other, address)
    assert AuditEntry.objects.filter(action="share_view").count() == 2


def test_a_view_is_shared_with_a_role_of_ones_own_only(client: Client) -> None:
    response = client.post("/crew/", {"act": "save-as", "label": "x", "role": "Support"})
    assert response.status_code == 303
    assert not SavedView.objects.exists() and not AuditEntry.objects.filter(action="share_view").exists()


def test_a_list_opens_with_the_view_of_somebodys_choice(client: Client) -> None:
    address = save(client, "/crew/?working=true")
    client.post(f"/crew/{address}", {"act": "open-with", "on": "1"})
    assert client.get("/crew/")["Location"] == f"/crew/{address}"
    client.post("/crew/?view=second", {"act": "open-with", "on": "1"})
    assert client.get("/crew/")["Location"] == "/crew/?view=second"
    client.post("/crew/?view=second", {"act": "open-with"})
    assert client.get("/crew/").status_code == 200
    assert [view.label for view in SavedView.objects.all()] == ["Mine own"]


def test_at_most_seven_views_stand_side_by_side_and_the_open_one_is_among_them(client: Client) -> None:
    addresses = [save(client, "/crew/", label=f"View {n}") for n in range(8)]
    bar = client.get(f"/crew/{addresses[7]}").context["views"]
    assert len(bar.tabs) == 7 and len(bar.more) == 3
    assert [tab["label"] for tab in bar.tabs if tab["current"]] == ["View 7"]


# No row ---------------------------------------------------------------------------------------------------------


def test_no_row_offers_to_remove_the_narrowest_filter(client: Client) -> None:
    html = get(client, "/crew/?q=crew&limit_min=99999999&working=true")
    assert "No row matches Search for crew and Working is Yes and Limit from €99,999,999.00." in html
    assert "Remove Limit from €99,999,999.00: 5 rows" in html


def test_chips_have_an_operator(client: Client) -> None:
    html = get(client, "/crew/?theme=1&theme=2&working=true&limit_max=9")
    assert "Limit is is any of <b>One, Two</b>" in html
    assert "Working is <b>Yes</b>" in html and "Limit to <b>€9.00</b>" in html


def test_a_single_value_is_a_link_that_applies_it(client: Client) -> None:
    html = get(client, "/crew/?q=crew")
    assert 'href="?q=crew&amp;working=true"' in html
    html = get(client, "/crew/?q=crew&working=true")
    assert '<a href="?q=crew" aria-current="true">Yes' in html
    assert '<input type="hidden" name="working" value="true">' in html
