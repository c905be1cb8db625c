"""What the first page is made of: sentences whose numbers lead to the list that has exactly so many rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from backoffice.ui.paging import capped_counts, capped_words

TONES = {"danger": "late", "attn": "warn", "second": "two"}


@dataclass(frozen=True, slots=True)
class Number:
    """``before`` count ``words``: the count is the link. ``slug`` keeps the focus on it when the line is shown anew.

    ``more`` is what else is to be said of these rows, as markup.
    """

    slug: str
    count: int
    words: str
    url: str
    before: str = ""
    tone: str = ""
    more: Any = ""

    @property
    def icon(self) -> str:
        return TONES.get(self.tone, "")

    @property
    def shown(self) -> str:
        return capped_words(self.count)


@dataclass(frozen=True, slots=True)
class Said:
    """Words between or instead of numbers."""

    text: Any
    tone: str = ""

    @property
    def icon(self) -> str:
        return TONES.get(self.tone, "")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, its parts, and where to go on."""

    label: str
    parts: tuple[Number | Said, ...]
    url: str = ""
    link: str = ""
    # The key that follows the link, for the one that is the first thing to do.
    key: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A number before it is counted: the rows of a list as its own declaration narrows them."""

    slug: str
    one: str
    many: str
    url: str
    rows: QuerySet[Any]
    tone: str = ""


def list_url(url_name: str, **parameters: Any) -> str:
    """Return the address of a list with these filters; a list of values repeats its parameter."""
    query = urlencode(parameters, doseq=True)
    return reverse(url_name) + (f"?{query}" if query else "")


def counted(asked: Sequence[Asked]) -> tuple[Number, ...]:
    """Return the numbers that are not zero, counted together in one statement."""
    found = zip(asked, capped_counts([one.rows for one in asked]), strict=True)
    return tuple(
        Number(one.slug, count, one.one if count == 1 else one.many, one.url, tone=one.tone)
        for one, count in found
        if count
    )
