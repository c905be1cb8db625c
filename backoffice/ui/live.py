"""What changed of a list while somebody looks at it: two statements, and no answer when nothing did.

The token that a page is given holds, sealed, the rows that it shows with a digest of their live cells, how many
rows there were, and since when. A row is new when it was made after that; where the list has grown by more
(something came back to it), by as many as it has grown.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from django_tables2.rows import BoundRow

from backoffice.ui.markup import markup
from backoffice.ui.paging import COUNT_CAP, BadCursor, Page, capped_counts, seal, unseal
from backoffice.ui.tables import BaseTable

if TYPE_CHECKING:
    from backoffice.ui.screens import ListScreen


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page shows: digests of the live cells by primary key, since when, how many rows there were then,
    and how many rows and new ones it was told of last."""

    rows: dict[str, list[str]]
    since: str
    then: int
    total: int
    new: int = 0


class Live:
    """The live part of a page that has just been made; the template asks for its token last, when the table is
    complete."""

    def __init__(self, screen: "ListScreen", table: BaseTable, page: Page) -> None:
        self.screen, self.table, self.page = screen, table, page
        self.new = 0
        self.at = timezone.localtime(screen.now)

    @property
    def seconds(self) -> int:
        return self.screen.live_seconds

    @property
    def url(self) -> str:
        rows = {str(row.pk): _digests(_cells(self.table, row)) for row in self.page.rows}
        return _url(self.screen, Seen(rows, self.screen.now.isoformat(), self.page.total, self.page.total))

    @property
    def reload_url(self) -> str:
        return self.screen.url()


def answer(screen: "ListScreen", token: str) -> HttpResponse:
    """Return 204 when nothing changed since the token was made; else the live part and the cells that changed."""
    try:
        seen = Seen(*unseal(token, purpose=_purpose(screen)))
    except (BadCursor, TypeError):
        return HttpResponse(status=400)
    rows = screen.filterset.qs
    total, made = capped_counts([rows, rows.filter(**{f"{screen.made_at}__gt": seen.since})])
    shown = screen.get_live_queryset().filter(pk__in=list(seen.rows))
    table = screen.table(list(shown.annotate(is_here=Exists(rows.filter(pk=OuterRef("pk"))))))
    cells = {str(row.pk): (row, _cells(table, row)) for row in table.data}
    now = Seen(
        {key: _digests(drawn) for key, (_row, drawn) in cells.items()},
        seen.since,
        seen.then,
        total,
        max(made, total - seen.then, 0),
    )
    if now == seen:
        response = HttpResponse(status=204)
    else:
        changed = [
            (f"c-{table.key_of(row)}-{name}", cell)
            for key, (row, drawn) in cells.items()
            for (name, cell), digest, before in zip(drawn.items(), now.rows[key], seen.rows.get(key, []), strict=False)
            if digest != before
        ]
        context = {
            "cells": changed,
            "summary": screen.get_summary(),
            "total_words": Page([], 0, min(total, COUNT_CAP + 1), None, None).total_words,
            "live": {
                "url": _url(screen, now),
                "new": now.new,
                "at": timezone.localtime(screen.now),
                "seconds": screen.live_seconds,
                "reload_url": screen.url(),
            },
        }
        response = render(screen.request, "screens/live.html", context)
    response["X-Live-At"] = f"{timezone.localtime(screen.now):%H:%M:%S}"
    return response


def _cells(table: BaseTable, record: Any) -> dict[str, SafeString]:
    """Return the live cells of one row as they are drawn now; the first one tells when the row has left."""
    drawn = table.cells.live(BoundRow(record, table=table))
    if getattr(record, "is_here", True):
        return drawn
    first = next(iter(drawn))
    kept = drawn[first] if first in table.fixed else ""
    return drawn | {first: markup('<span class="is-gone">{} {}</span>', kept, table.gone(record))}


def _digests(cells: dict[str, SafeString]) -> list[str]:
    return [blake2b(cell.encode(), digest_size=4).hexdigest() for cell in cells.values()]


def _url(screen: "ListScreen", seen: Seen) -> str:
    parts = [seen.rows, seen.since, seen.then, seen.total, seen.new]
    return screen.url(without=("saved",), changes={"live": seal(parts, purpose=_purpose(screen))})


def _purpose(screen: "ListScreen") -> str:
    return f"live:{screen.list_name}:{screen.query}"
