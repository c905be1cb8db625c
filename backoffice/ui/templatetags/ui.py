"""The template tags of every page; they are built in, so no template loads them.

Inline pieces are tags (backoffice.ui.inline documents them); blocks are components (templates/components/).
"""

from typing import Any

from django import template

from backoffice.money import Money
from backoffice.ui import inline, menus

register = template.Library()

for piece in (
    inline.badge,
    inline.due,
    inline.duration,
    inline.icon,
    inline.mark,
    inline.masked,
    inline.money,
    inline.person,
    inline.ref,
    inline.state,
    inline.time,
    menus.column_line,
    menus.filter_line,
):
    register.simple_tag(piece)


@register.simple_tag
def share(part: int, whole: int) -> str:
    """A width for SVG: ``share 34 100`` is ``34%``; never below 0 or above 100."""
    if whole <= 0:
        return "100%"
    return f"{min(max(part / whole, 0), 1) * 100:.2f}%"


@register.filter
def cells(row: Any, drawn: Any) -> Any:
    """The cells of a row, drawn by the ``cells`` of their table."""
    return drawn.of(row)


@register.filter
def written(money: Money) -> str:
    """An amount as plain text in the marks of whoever reads it."""
    return inline.written(money.amount, money.currency)


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """Look a key up in a dictionary; empty when it is not there."""
    return mapping.get(key, "")
