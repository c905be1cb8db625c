"""The style guide shows every component there is, to those who build and to administrators."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from backoffice.accounts.models import User
from backoffice.ui.templatetags.ui import register

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
TEMPLATES = Path(settings.BASE_DIR) / "templates"
COMPONENTS = sorted(path.stem for path in (TEMPLATES / "components").glob("*.html"))


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_is_shown(name: str) -> None:
    example = TEMPLATES / "styleguide" / f"{name}.html"
    assert example.exists(), f"show <c-{name}> in templates/styleguide/{name}.html"
    assert f"<c-{name.replace('_', '-')}" in example.read_text()


# What a component takes that changes nothing one sees on the page.
UNSEEN = {"busy", "copy", "css", "download", "name", "opens", "print", "target", "type", "value", "boost", "oob"} | {
    "digest", "facts", "keep", "query", "summary_id", "explains", "token", "version"
}  # fmt: skip


@pytest.mark.parametrize("name", COMPONENTS)
def test_an_example_shows_all_that_its_component_takes(name: str) -> None:
    tag = re.escape(f"c-{name.replace('_', '-')}")
    declared = re.search(r"<c-vars (.*?)/>", (TEMPLATES / "components" / f"{name}.html").read_text(), re.S)
    takes = set(re.findall(r":?(\w+)=", declared[1])) if declared else set()
    example = re.sub(r"\{#.*?#\}", "", (TEMPLATES / "styleguide" / f"{name}.html").read_text())
    calls = "".join(re.findall(rf'<{tag}((?:\s+:?\w+="[^"]*")*)\s*/?>', example))
    given = set(re.findall(r'\s:?(\w+)="', calls))
    slots = set(re.findall(r'slot name="(\w+)"', example))
    assert given <= takes, "not a parameter"
    assert takes - given - slots - UNSEEN == set(), "shown in no state"


def test_no_example_is_left_behind() -> None:
    assert sorted(path.stem for path in (TEMPLATES / "styleguide").glob("*.html")) == COMPONENTS


PARTS = {"share", "column_line", "filter_line"}  # of components, where they show
PIECES = sorted(set(register.tags) - PARTS)


@pytest.mark.parametrize("name", PIECES)
def test_every_small_piece_is_shown(name: str) -> None:
    assert f"{{% {name} " in (TEMPLATES / "styleguide.html").read_text()


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
