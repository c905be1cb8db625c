"""Lists of withdrawals that can be searched by who the player is: who was found so is written down."""

from typing import Any

from backoffice.ui.paging import Page
from backoffice.ui.screens import ListScreen
from withdrawals.operations import searches


class SearchedList(ListScreen):
    """A list whose search field finds players too; see withdrawals.filters.TermFilter."""

    def get_context_data(self, page: Page) -> dict[str, Any]:
        user: Any = self.request.user
        searches.shown_by(self.parameters.get("q", ""), page.rows, actor=user, now=self.now)
        return super().get_context_data(page)
