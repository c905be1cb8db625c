"""What waits for a second person, with what the first one said."""

from dataclasses import replace
from typing import Any

from django.db.models import Min, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from backoffice.ui.paging import Page
from backoffice.ui.tabs import Notice, Tab
from withdrawals import decided, filters, queries, tables, totals
from withdrawals.models import Decision, Withdrawal
from withdrawals.pages import pending
from withdrawals.pages.peek import peek_of
from withdrawals.states import Move
from withdrawals.views.searched import SearchedList
from withdrawals.views.summary import summary_of
from withdrawals.views.tabs import SECOND_APPROVAL


def _own(request: HttpRequest) -> Q:
    user: Any = request.user
    return decided.decided_by(user)


class SecondApproval(SearchedList):
    title = "Second approval"
    queryset = queries.second_approvals()
    table_class = tables.SecondApprovalTable
    filterset_class = filters.SecondApprovalFilter
    permission_required = ("withdrawals.view_withdrawal", "withdrawals.confirm_withdrawal")
    search_label = "Reference, name, last 4"
    empty_title = "No second approvals wait."
    row_key = "ref"
    live_seconds = 10
    made_at = "endorsed_at"
    peek_template = "withdrawals/peek.html"
    tabs = (
        Tab("to-confirm", "To confirm", lambda request: ~_own(request)),
        Tab("yours", "You approved these", _own, empty="Nothing of yours waits for someone else."),
    )

    @property
    def is_own(self) -> bool:
        return self.tab is not None and self.tab.slug == "yours"

    @property
    def slug(self) -> str:
        """One's own are opened without taking them."""
        return "" if self.is_own else SECOND_APPROVAL.slug

    @property
    def claim_url(self) -> str:
        return "" if self.is_own else reverse("withdrawals:claim", args=["KEY"])

    def prepare(self, table: Any) -> None:
        table.view = self.carried

    def get_summary(self) -> SafeString | str:
        waiting = totals.waiting_summary(self.filterset.qs, now=self.now)
        if not waiting.count:
            return ""
        since = self.filterset.qs.aggregate(since=Min("endorsed_at"))["since"]
        return summary_of(replace(waiting, oldest_at=since), word="waiting", now=self.now)

    def get_notices(self) -> list[Notice]:
        return [Notice("You approved these; someone else must confirm.", "info", "two")] if self.is_own else []

    def get_peek_context(self, row: Withdrawal) -> dict[str, Any]:
        return peek_of(row, self.request.user, view=self.carried, now=self.now)

    def get_context_data(self, page: Page) -> dict[str, Any]:
        context = super().get_context_data(page)
        made = Decision.objects.filter(withdrawal__in=page.rows, move=Move.ENDORSE, status=Decision.Status.APPLIED)
        context["table"].firsts = {one.withdrawal_id: one for one in made.select_related("actor").order_by("pk")}
        context["undo"] = pending.undo_offer(self.request.user, now=self.now, view=self.carried)
        return context
