"""The style guide shows every component there is, to those who build and to administrators."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from backoffice.accounts.models import User

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
TEMPLATES = Path(settings.BASE_DIR) / "templates"
COMPONENTS = sorted(path.stem for path in (TEMPLATES / "components").glob("*.html"))


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_is_shown(name: str) -> None:
    example = TEMPLATES / "styleguide" / f"{name}.html"
    assert example.exists(), f"show <c-{name}> in templates/styleguide/{name}.html"
    assert f"<c-{name.replace('_', '-')}" in example.read_text()


def test_no_example_is_left_behind() -> None:
    assert sorted(path.stem for path in (TEMPLATES / "styleguide").glob("*.html")) == COMPONENTS


def test_it_renders_in_both_themes(client_for: SignIn, admin: User) -> None:
    client = client_for(admin)
    for theme in ("light", "dark"):
        page = client.get(f"/styleguide/?theme={theme}")
        assert page.status_code == 200 and f'data-theme="{theme}"' in page.text
        shown = re.findall(r'<section class="example" id="(\w+)"', page.text)
        assert shown == COMPONENTS
    assert 'data-theme="else"' not in client.get("/styleguide/?theme=else").text


def test_nobody_else_knows_of_it(client_for: SignIn, operator: User, settings: object) -> None:
    client = client_for(operator)
    assert client.get("/styleguide/").status_code == 404
    settings.DEBUG = True  # type: ignore[attr-defined]
    assert client.get("/styleguide/").status_code == 200
