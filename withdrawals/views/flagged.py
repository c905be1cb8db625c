"""What fraud analysts work from."""

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from backoffice.ui.paging import Page
from backoffice.ui.tabs import Tab
from withdrawals import filters, queries, tables, totals
from withdrawals.models import Decision
from withdrawals.pages import pending
from withdrawals.views.searched import SearchedList
from withdrawals.views.summary import summary_of


def _proposed(_request: HttpRequest) -> Q:
    waiting = Decision.objects.filter(withdrawal=OuterRef("pk"), status=Decision.Status.PROPOSED)
    return Q(Exists(waiting))


class Flagged(SearchedList):
    title = "Flagged"
    queryset = queries.flagged()
    table_class = tables.FlaggedTable
    filterset_class = filters.FlaggedFilter
    permission_required = "withdrawals.view_flagged"
    place = "flagged"
    row_key = "ref"
    search_label = "Reference, name, last 4"
    empty_title = "Nothing is flagged"
    empty_text = "Withdrawals with fraud signals wait here for a verdict."
    tabs = (
        Tab("open", "To decide", lambda request: ~_proposed(request)),
        Tab("high", "High risk", lambda request: ~_proposed(request) & Q(risk_level="high")),
        Tab("proposed", "Waits for a second person", _proposed, empty="No proposal waits for a second person."),
    )

    def get_summary(self) -> SafeString | str:
        waiting = totals.waiting_summary(self.filterset.qs, now=self.now)
        if not waiting.count:
            return ""
        return summary_of(waiting, word="withdrawal" if waiting.count == 1 else "withdrawals", now=self.now)

    def prepare(self, table: Any) -> None:
        table.view = self.carried

    def get_context_data(self, page: Page) -> dict[str, Any]:
        context = super().get_context_data(page)
        context["table"].open_totals = totals.open_totals({row.player_id for row in page.rows})
        context["undo"] = pending.undo_offer(self.request.user, now=self.now, view=self.carried)
        return context
