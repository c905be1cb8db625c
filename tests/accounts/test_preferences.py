"""How somebody likes to work: kept with them, on every page, and only what is offered."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.accounts.preferences import Preferences, prefer, preferences_of, undo_time
from backoffice.money import Money
from backoffice.ui import inline
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from withdrawals.states import State

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
PROFILE = {"theme": "dark", "density": "compact", "numbers": "space", "exact_times": "on", "undo_seconds": "45"}


def again(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_the_profile_is_kept_with_the_person(operator: User, client_for: ClientFor) -> None:
    client = client_for(operator)
    assert client.post("/me/profile/", PROFILE)["Location"] == "/me/profile/"
    chosen = preferences_of(again(operator))
    assert chosen == Preferences("dark", "compact", "", "space", "", exact_times=True, open_next=False, undo_seconds=45)
    assert client.session["open_next"] is False
    # Another browser, which has no cookie of it.
    page = client_for(operator).get("/me/profile/")
    assert '<html lang="en" data-theme="dark" data-density="compact"' in page.text
    assert 'value="45"' in page.text
    assert client_for(again(operator)).session["open_next"] is False


@pytest.mark.parametrize("seconds", ["9", "61", "-1", "ten", "1e3"])
def test_an_undo_time_out_of_range_is_named(operator: User, client_for: ClientFor, seconds: str) -> None:
    refused = client_for(operator).post("/me/profile/", {**PROFILE, "undo_seconds": seconds})
    assert refused.status_code == 422 and "Undo time in seconds:" in refused.text
    assert again(operator).preferences == {}


def test_the_undo_time_is_theirs_or_the_houses(operator: User, settings: Any) -> None:
    settings.UNDO_TIME = timedelta(seconds=17)
    assert undo_time(operator) == timedelta(seconds=17)
    prefer(operator, undo_seconds=60)
    assert undo_time(again(operator)) == timedelta(seconds=60)


def test_what_is_not_offered_is_left_out(operator: User) -> None:
    prefer(operator, theme="blue", undo_seconds=True, exact_times="yes", numbers="point")
    assert again(operator).preferences == {"numbers": "point"}
    operator.preferences = {"theme": ["dark"], "numbers": "old", "gone": 1, "undo_seconds": 5}
    assert preferences_of(operator) == Preferences()


def test_shortcuts_with_alt_reach_the_page(operator: User, client_for: ClientFor) -> None:
    client = client_for(operator)
    client.post("/me/shortcuts/", {"shortcuts": "alt"})
    assert 'data-shortcuts="alt"' in client.get("/withdrawals/").text
    assert preferences_of(again(operator)).theme == ""


def test_exact_times_are_exact_on_the_pages_of_that_person_alone(
    admin: User, senior: User, client_for: ClientFor
) -> None:
    client = client_for(admin)
    seen = timezone.localtime(User.objects.get(pk=admin.pk).last_login)
    exact = f"{seen.day} {seen:%b %Y, %H:%M:%S}</time>"
    assert exact not in client.get("/staff/").text
    prefer(admin, exact_times=True)
    assert exact in client.get("/staff/").text
    assert inline.time(NOW, "relative", NOW + timedelta(minutes=5)).endswith(">5 min ago</time>")


@pytest.mark.parametrize(
    ("numbers", "written"), [("", "€2,450.00"), ("space", "€2\N{NO-BREAK SPACE}450,00"), ("point", "€2.450,00")]
)
def test_amounts_in_the_chosen_marks(numbers: str, written: str) -> None:
    token = inline.reading.set(inline.Reading(numbers=numbers))
    try:
        assert f">{written}<" in inline.money(245_000, "EUR")
    finally:
        inline.reading.reset(token)


def test_they_stand_wherever_an_amount_does(operator: User, client_for: ClientFor) -> None:
    now = timezone.now()
    row = make_withdrawal(State.UNDER_REVIEW, now=now - timedelta(minutes=30), amount=245_000)
    paid = make_withdrawal(State.COMPLETED, now=now - timedelta(minutes=9), amount=245_000, by=operator)
    prefer(operator, numbers="point")
    client = client_for(operator)
    for address in (
        "/withdrawals/?view=needs-decision&amount_min=2450",
        f"/withdrawals/{row.ref}/?view=needs-decision",
        f"/withdrawals/{row.ref}/reject/",
        f"/withdrawals/{paid.ref}/",
    ):
        page = client.get(address).text
        assert "€2.450,00" in page and "2,450.00" not in page, address
    assert '"2450.00"' in client.get("/withdrawals/?view=all&export=csv").getvalue().decode()


def test_what_is_kept_does_not_depend_on_who_made_it(operator: User) -> None:
    token = inline.reading.set(inline.Reading(numbers="point"))
    try:
        assert str(Money(245_000, "EUR")) == "€2,450.00"
    finally:
        inline.reading.reset(token)


def test_the_staff_list_names_who_has_no_second_factor(
    admin: User, operator: User, senior: User, client_for: ClientFor, give_app: Any
) -> None:
    give_app(operator)
    User.objects.filter(pk=senior.pk).update(is_active=False)
    client = client_for(admin)
    active = client.get("/staff/")
    assert operator.name in active.text and senior.name not in active.text
    unsafe = client.get("/staff/?view=unsafe").text.partition('class="data')[2]
    assert admin.name in unsafe and operator.name not in unsafe
    assert senior.name in client.get("/staff/?view=left").text


def test_the_staff_list_asks_no_more_with_more_people(
    admin: User, make_staff: Any, client_for: ClientFor, django_assert_num_queries: Any
) -> None:
    client = client_for(admin)
    client.get("/staff/")
    for n in range(3):
        make_staff("Operator", f"Person {'ABC'[n]}")
    with django_assert_num_queries(7):
        client.get("/staff/")


@pytest.mark.parametrize("page", ["profile", "security", "shortcuts"])
def test_each_of_ones_own_pages_leads_to_the_others(operator: User, client_for: ClientFor, page: str) -> None:
    text = client_for(operator).get(f"/me/{page}/").text
    tabs = [f'<a href="/me/{name}/"' for name in ("profile", "security", "shortcuts")]
    assert all(tab in text for tab in tabs)
    assert f'<a href="/me/{page}/" id="tab-{page}" aria-current="page"' in text
    assert 'id="view-menu"' not in text
