"""Lists of withdrawals that can be searched by who the player is: who was found so is written down."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.utils.http import urlencode

from backoffice.ui.paging import Page
from backoffice.ui.screens import ListScreen
from withdrawals.models import Withdrawal
from withdrawals.operations import searches

TYPED = "q"


class SearchedList(ListScreen):
    """A list whose search field finds players too; see withdrawals.filters.TermFilter."""

    # What a list that is not the queue is called in the address of a page opened from it.
    place: ClassVar[str] = ""
    # Whether whoever decided one of its rows goes on to the next one.
    is_worked_off: ClassVar[bool] = True

    @property
    def slug(self) -> str:
        """What the view is called where a page is opened from it; nothing where that page goes on in no list."""
        tab = self.tab.slug if self.tab else ""
        return f"{self.place}.{tab}" if self.place else tab

    @property
    def is_long(self) -> bool:
        """Whether it holds what was closed, too; see Listing."""
        return False

    @property
    def carried(self) -> str:
        """What the address of a page opened here says of this list, always written the same way: all of it but what
        was typed to search. That may name a person, and such a page asks for itself every few seconds."""
        if not self.slug:
            return ""
        said = {name: values for name, values in self.parameters.lists() if name != TYPED} | {"view": [self.slug]}
        return urlencode(sorted(said.items()), doseq=True)

    def get_context_data(self, page: Page) -> dict[str, Any]:
        self._write_down(page.rows)
        return super().get_context_data(page)

    def taken(self) -> None:
        self._write_down(self.filterset.qs)

    def _write_down(self, rows: Iterable[Withdrawal]) -> None:
        user: Any = self.request.user
        searches.shown_by(self.parameters.get(TYPED, ""), rows, actor=user, now=self.now)
