"""The list that a page was opened from, exactly as it stood there: view, filters, columns and order.

It travels in the address of the page and of everything that is sent from it, as the list itself writes it (see
SearchedList.carried), and is read there again for whoever asks.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from backoffice.accounts.models import User
from backoffice.ui import inline
from backoffice.ui.paging import Listing, capped_words
from withdrawals import tables
from withdrawals.models import Withdrawal
from withdrawals.operations import claims
from withdrawals.views.flagged import Flagged
from withdrawals.views.in_flight import InFlight
from withdrawals.views.queue import Queue
from withdrawals.views.searched import TYPED, SearchedList
from withdrawals.views.second_approval import SecondApproval
from withdrawals.views.tabs import PAGES, SECOND_APPROVAL, tabs_for

# Lists with a page of their own that is not the queue, by what stands in an address for them; one of their tabs
# follows after a dot.
ELSEWHERE: dict[str, tuple[type[SearchedList], str]] = {
    SECOND_APPROVAL.slug: (SecondApproval, "withdrawals:second-approval"),
    InFlight.place: (InFlight, "withdrawals:in-flight"),
    Flagged.place: (Flagged, "withdrawals:flagged"),
}
_REFERENCE = re.compile(r"/(WD-[\w-]+)/")


@dataclass(frozen=True)
class Origin:
    """``label`` is the view's own name; a saved view has another."""

    label: str
    screen: SearchedList
    _places: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def query(self) -> str:
        """What an address says of it, always written the same way."""
        return self.screen.carried

    @property
    def listing(self) -> Listing:
        return Listing(self.screen.filterset.qs, self.screen.keyset, is_long=self.screen.is_long)

    def is_worked_off_by(self, user: User) -> bool:
        """Whether this person goes on to the next row after deciding one."""
        return self.screen.is_worked_off and claims.works_through_lists(user)

    def place_of(self, withdrawal: Withdrawal) -> str:
        """Return ``4 of 41``; nothing where it is not in the list, or too far down to count."""
        place, total = self._place_of(withdrawal)
        return f"{place:,} of {capped_words(total)}" if place else ""

    def is_last(self, withdrawal: Withdrawal) -> bool:
        place, total = self._place_of(withdrawal)
        return place == total

    def _place_of(self, withdrawal: Withdrawal) -> tuple[int, int]:
        if withdrawal.pk not in self._places:
            self._places[withdrawal.pk] = self.listing.place_of(withdrawal)
        return self._places[withdrawal.pk]

    @cached_property
    def back(self) -> tuple[str, str]:
        """The name of the list and its address."""
        screen, name = self.screen, self.screen.parameters.get("saved", "")
        saved = next((view for view in screen.saved_views if view.slug == name), None) if name else None
        address = screen.url()
        path = screen.request.path
        return saved.label if saved else self.label, address if address.startswith(path) else f"{path}{address}"


def origin_of(request: HttpRequest) -> Origin | None:
    """Return the list that a page was opened from, if it is one of this person's; whatever else of its address makes
    no sense is left out."""
    if not hasattr(request, "origin"):
        request.origin = _read(request)  # type: ignore[attr-defined]
    found: Origin | None = request.origin  # type: ignore[attr-defined]
    return found


def view_of(request: HttpRequest) -> str:
    """Return what an address says of the list that a page was opened from, or nothing."""
    origin = origin_of(request)
    return origin.query if origin else ""


def came_from(request: HttpRequest, withdrawal: Withdrawal, name: str, *, otherwise: tuple[str, str]) -> dict[str, Any]:
    """Return what a page says of the list that it was opened from: the way back (``otherwise`` without one), its place
    there, and for who comes from another row which one this is. ``name`` is the player's."""
    origin = origin_of(request)
    if origin is None:
        return {"view": "", "place": "", "place_in_list": "", "next_words": "", "back": otherwise}
    place = origin.place_of(withdrawal)
    words = (inline.written(withdrawal.amount, withdrawal.currency), name, place)
    last = _REFERENCE.search(request.headers.get("Referer", ""))
    goes_on = last is not None and last[1] != withdrawal.ref
    return {
        "view": origin.query,
        "place": origin.query,
        "place_in_list": place,
        "next_words": f"Next: {', '.join(filter(None, words))}" if goes_on else "",
        "back": origin.back,
    }


def next_url_of(request: HttpRequest, withdrawal: Withdrawal) -> str:
    """Return the address of the next row for who is done with this one; nothing where nobody goes on."""
    origin = origin_of(request)
    return tables.next_address(origin.query, decided=withdrawal.ref) if origin and origin.screen.is_worked_off else ""


def _read(request: HttpRequest) -> Origin | None:
    asked = request.GET.copy()
    asked.pop(TYPED, None)
    slug = asked.get("view", "")
    name, _, part = slug.partition(".")
    if name in ELSEWHERE:
        of, page = ELSEWHERE[name]
        asked["view"] = part
        screen = of.opened(request, asked.urlencode(), path=reverse(page))
        return Origin(screen.title, screen) if screen.has_permission() else None
    tab = next((tab for tab in tabs_for(request.user) if tab.slug == slug), None)
    if tab is None or slug in PAGES:
        return None
    return Origin(tab.label, Queue.opened(request, asked.urlencode(), path=reverse("withdrawals:queue")))
