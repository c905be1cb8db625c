"""How the cells of a table are put together: what is escaped, and what is drawn how often."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils.functional import lazystr
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from backoffice.accounts.models import User
from backoffice.ui.cells import Cells
from backoffice.ui.columns import Column
from backoffice.ui.markup import markup
from backoffice.ui.tables import BaseTable


@pytest.mark.parametrize(
    "value",
    [
        '<b title="x">&\'',
        mark_safe("<b>as it is</b>"),
        lazystr("<i>later</i>"),
        SimpleNamespace(__html__=lambda: "<u>knows itself</u>"),
        7,
        None,
        datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
    ],
)
def test_markup_escapes_as_django_does(value: Any) -> None:
    pattern = '<a href="{0}">{0}</a>{1}'
    drawn = markup(pattern, value, "x")
    assert drawn == format_html(pattern, value, "x")
    assert isinstance(drawn, SafeString)


class _Counting(Column):
    drawn = 0

    def render(self, value: str) -> str:
        _Counting.drawn += 1
        return f"<{value}>"


class _People(BaseTable):
    name = _Counting()
    email = Column()
    live = ("name",)


def test_a_followed_cell_is_drawn_once_for_the_row_and_for_who_follows_it() -> None:
    _Counting.drawn = 0
    table = _People([User(pk=3, name="Ada", email="a@b.example"), User(pk=4, name="Bo", email="b@b.example")])
    table.follows = True
    cells: Cells = table.cells
    rows = list(table.rows)
    live = [cells.live(row)["name"] for row in rows]
    drawn = [cells.of(row) for row in rows]
    assert live == ["&lt;Ada&gt;", "&lt;Bo&gt;"]
    for key, cell, row in zip("34", live, drawn, strict=True):
        assert f'<span id="c-{key}-name">{cell}</span>' in row
    assert _Counting.drawn == 2
