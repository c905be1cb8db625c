"""Theme and row height are kept with the person, and in cookies for the time before they have signed in."""

from collections.abc import Callable

import pytest
from django.test import Client, RequestFactory

from backoffice.accounts.models import User
from backoffice.ui.appearance import appearance

pytestmark = pytest.mark.django_db


def test_a_choice_is_kept_and_the_page_comes_back(operator: User, client_for: Callable[[User], Client]) -> None:
    client = client_for(operator)
    response = client.post(
        "/me/appearance/",
        {"theme": "dark", "density": "", "next": "/withdrawals/?view=mine"},
    )
    assert response["Location"] == "/withdrawals/?view=mine"
    assert {name: morsel.value for name, morsel in client.cookies.items() if name != "sid"} == {
        "theme": "dark",
        "density": "",
    }
    assert User.objects.get(pk=operator.pk).preferences == {"theme": "dark"}


def test_foreign_values_and_addresses_are_ignored(operator: User, client_for: Callable[[User], Client]) -> None:
    client = client_for(operator)
    response = client.post("/me/appearance/", {"theme": '"><script>', "next": "https://elsewhere.example/"})
    assert response["Location"] == "/"
    assert client.cookies["theme"].value == ""
    assert User.objects.get(pk=operator.pk).preferences == {}


def test_pages_are_rendered_in_the_chosen_look(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.COOKIES = {"theme": "dark", "density": '"><script>'}
    context = appearance(request)
    assert (context["theme"], context["density"], context["shortcuts"]) == ("dark", "", "")


def test_the_width_of_the_menu_is_kept_beside_the_rest(operator: User, client_for: Callable[[User], Client]) -> None:
    client = client_for(operator)
    client.post("/me/appearance/", {"theme": "dark"})
    client.post("/me/appearance/", {"rail": "on"})
    page = client.get("/withdrawals/").text
    assert 'data-theme="dark"' in page and 'class="shell is-rail"' in page
    client.post("/me/appearance/", {"rail": "off"})
    assert 'class="shell "' in client.get("/withdrawals/").text
