"""Views of a list, and the sentences above its rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest


@dataclass(frozen=True, slots=True, eq=False)
class Tab:
    """A named view of a list. ``where`` narrows the rows, for one request if it is a function;
    ``hide`` names columns that say the same in every row, ``off`` those that are not shown unless asked for;
    ``sort`` and ``empty`` replace the order of the table and the list's empty text; ``dated`` is one that is a period
    itself."""

    slug: str
    label: str
    where: Q | Callable[[HttpRequest], Q] | None = None
    hide: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    sort: str = ""
    empty: str = ""
    counted: bool = True
    dated: bool = False

    def narrow(self, queryset: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        where = self.where(request) if callable(self.where) else self.where
        return queryset if where is None else queryset.filter(where)


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence above the rows. Tone and icon as in backoffice.ui.inline."""

    text: str
    tone: str = "attn"
    icon: str = "warn"
