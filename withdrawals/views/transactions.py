"""The transactions report: every payout with what was booked for it, and the same rows as a file."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.ui import inline
from backoffice.ui.paging import Page
from backoffice.ui.periods import period_tabs
from ledger import queries as ledger
from ledger.queries import Booked
from withdrawals import filters, queries, tables, totals, visibility
from withdrawals.models import Withdrawal
from withdrawals.views.exporting import ExportedList

# What a line of the file is made of; making whole rows of a withdrawal and two more took a third of its time.
_WRITTEN = (
    "requested_at", "ref", "amount", "fee", "currency", "state", "hold_kind", "method", "provider",
    "provider_reference", "closed_at", "player__ref", "player__name",
)  # fmt: skip


class Transactions(ExportedList):
    title = "Transactions"
    queryset = queries.withdrawals()
    table_class = tables.TransactionTable
    filterset_class = filters.TransactionFilter
    permission_required = "withdrawals.view_transactions"
    export_permission = "withdrawals.export_transactions"
    search_label = "Reference (ours or theirs), player"
    empty_title = "No transactions"
    empty_text = "Nothing was requested in this period."
    tabs = period_tabs("requested_at", first="this-month")
    export_columns = (
        "requested",
        "ref",
        "player_ref",
        "player",
        "amount",
        "fee",
        "currency",
        "state",
        "method",
        "provider",
        "provider_reference",
        "closed",
        "entries",
    )

    def get_hidden_columns(self) -> tuple[str, ...]:
        """A column of zeros says nothing."""
        return () if any(total.fee for total in self.sums) else ("fee",)

    def get_totals(self) -> SafeString | str:
        return format_html_join("", "<span>{}</span>", ((_total(total),) for total in self.sums))

    def get_context_data(self, page: Page) -> dict[str, Any]:
        context = super().get_context_data(page)
        context["table"].booked = self._booked(page.rows)
        return context

    def _booked(self, rows: Iterable[Withdrawal]) -> dict[str, list[Booked]]:
        freezes = visibility.sees(self.request.user, visibility.Field.LEGAL)
        return ledger.booked_for([row.ref for row in rows], freezes=freezes)

    def get_export_limit(self) -> int:
        return 0

    def get_file_rows(self) -> QuerySet[Withdrawal]:
        return super().get_file_rows().select_related(None).select_related("player").only(*_WRITTEN)

    def load(self, table: Any, rows: list[Withdrawal]) -> None:
        table.booked = self._booked(rows)


def _total(total: totals.Total) -> SafeString:
    words = format_html("<b>{}</b> in {}", inline.money(total.amount, total.currency), f"{total.count:,}")
    return format_html("{}, fees {}", words, inline.money(total.fee, total.currency)) if total.fee else words
