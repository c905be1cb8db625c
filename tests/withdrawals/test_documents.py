"""What is generated from the declarations stays equal to them."""

import re

import pytest
from django.conf import settings
from django.db import connection

from withdrawals import reasons
from withdrawals.management.commands.lifecycle import render
from withdrawals.models import Withdrawal
from withdrawals.states import LOOKS, MOVE_LOOKS, Move, State


def test_the_lifecycle_page_is_true() -> None:
    page = (settings.BASE_DIR / "docs" / "lifecycle.md").read_text()
    generated = page.partition("<!-- generated -->\n")[2]
    assert generated.strip() == render().strip(), "run: manage.py lifecycle, and put it into docs/lifecycle.md"


@pytest.mark.django_db
def test_the_checker_knows_the_declared_edges() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT from_state, to_state FROM inv.allowed")
        known = sorted(cursor.fetchall())
    assert known == sorted([("", "requested"), *Withdrawal.edges()])


def test_every_state_and_move_has_its_words() -> None:
    assert set(LOOKS) == set(State)
    assert set(MOVE_LOOKS) == set(Move)
    icons = set(re.findall(r'id="([\w-]+)"', (settings.BASE_DIR / "static" / "icons.svg").read_text()))
    assert {look.icon for look in [*LOOKS.values(), *MOVE_LOOKS.values()]} <= icons


def test_a_reason_code_has_one_wording() -> None:
    """It is looked up by its code alone, wherever it is shown."""
    labels: dict[str, set[str]] = {}
    for listed in reasons.BY_MOVE.values():
        for reason in listed:
            labels.setdefault(reason.code, set()).add(reason.label)
    assert {code: words for code, words in labels.items() if len(words) > 1} == {}
