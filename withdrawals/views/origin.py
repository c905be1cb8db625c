"""The list that a page was opened from, exactly as it stood there: view, filters, columns and order.

It travels in the address of the page and of everything that is sent from it, as the list itself writes it (see
SearchedList.carried), and is read there again for whoever asks.
"""

from dataclasses import dataclass, field
from functools import cached_property

from django.http import HttpRequest
from django.urls import reverse

from backoffice.ui.paging import Listing, capped_words
from withdrawals.models import Withdrawal
from withdrawals.views.queue import Queue
from withdrawals.views.searched import TYPED, SearchedList
from withdrawals.views.second_approval import SecondApproval
from withdrawals.views.tabs import ASKED, PAGES, SECOND_APPROVAL, SUMMED, tabs_for

# Lists with a page of their own that is not the queue, by the view that stands in the address for all of it.
ELSEWHERE: dict[str, type[SearchedList]] = {SECOND_APPROVAL.slug: SecondApproval}


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
        open_ones = self.screen.slug in {*SUMMED, ASKED.slug}
        return Listing(self.screen.filterset.qs, self.screen.keyset, is_long=not open_ones)

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


def _read(request: HttpRequest) -> Origin | None:
    asked = request.GET.copy()
    asked.pop(TYPED, None)
    slug = asked.get("view", "")
    tab = next((tab for tab in tabs_for(request.user) if tab.slug == slug), None)
    if tab is None or (slug in PAGES and slug not in ELSEWHERE):
        return None
    if slug not in ELSEWHERE:
        return Origin(tab.label, Queue.opened(request, asked.urlencode(), path=reverse("withdrawals:queue")))
    del asked["view"]
    page, _permission = PAGES[slug]
    return Origin(tab.label, ELSEWHERE[slug].opened(request, asked.urlencode(), path=reverse(page)))
