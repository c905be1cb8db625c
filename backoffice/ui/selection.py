"""The rows that somebody ticked: named one by one, or a whole view exactly as it was when they looked."""

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, QueryDict

from backoffice.ui import inline

if TYPE_CHECKING:
    from backoffice.ui.screens import ListScreen

# A larger view is narrowed first: nobody can look through it.
MOST_SELECTED = 1000


class SelectionChanged(Exception):
    """The view no longer holds the rows that were selected; the text says so."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a list posts to its ``bulk_url``. ``whole``: every row of the view that ``query`` names, of which there
    were ``count`` with this ``digest`` of their keys."""

    keys: tuple[str, ...]
    query: str
    whole: bool
    count: int
    digest: str

    @classmethod
    def of(cls, posted: QueryDict) -> "Selection":
        count = posted.get("count", "")
        return cls(
            keys=tuple(dict.fromkeys(posted.getlist("pick")))[:MOST_SELECTED],
            query=posted.get("query", ""),
            whole=posted.get("whole") == "1",
            count=int(count) if count.isdecimal() and len(count) < 10 else 0,
            digest=posted.get("digest", ""),
        )

    def rows(self, screen_class: type["ListScreen"], request: HttpRequest) -> QuerySet[Any]:
        """Return the selected rows as this person may read them. Raises SelectionChanged when a whole view is
        not what it was; of rows named one by one it returns those there are, in the view or no longer."""
        screen = screen_class.opened(request, self.query)
        if not self.whole:
            return screen.get_queryset().filter(**{f"{screen.row_key}__in": self.keys})
        keys = keys_of(screen)
        if len(keys) != self.count or digest_of(keys) != self.digest:
            raise SelectionChanged(f"The view held {self.count} rows when you selected them and holds others now.")
        return screen.filterset.qs


def keys_of(screen: "ListScreen") -> list[str]:
    """Return the keys of every row of the view, one more than may be selected at most."""
    screen.taken()
    keys = screen.filterset.qs.order_by("pk").values_list(screen.row_key, flat=True)
    return [str(key) for key in keys[: MOST_SELECTED + 1]]


def digest_of(keys: list[str]) -> str:
    return sha256("\n".join(sorted(keys)).encode()).hexdigest()


def bar_of(screen: "ListScreen", posted: QueryDict) -> dict[str, Any]:
    """Return what the bar under the rows says of what is ticked: how many and how much, counted in the view."""
    asked = Selection.of(posted)
    keys = keys_of(screen) if asked.whole else []
    whole = asked.whole and 0 < len(keys) <= MOST_SELECTED
    rows = screen.filterset.qs
    if not whole:
        rows = rows.filter(**{f"{screen.row_key}__in": asked.keys})
    amount, currency = screen.sum_by
    lines = rows.order_by(currency).values_list(currency).annotate(Count("pk"), Sum(amount))
    sums = [(code, count, int(total)) for code, count, total in lines]
    return {
        "screen": screen,
        "count": sum(count for _code, count, _total in sums),
        "sums": [inline.money(total, code) for code, _count, total in sums],
        "whole": whole,
        "digest": digest_of(keys) if whole else "",
        "query": screen.query,
        "total": screen.total if not whole and screen.total <= MOST_SELECTED else 0,
    }
