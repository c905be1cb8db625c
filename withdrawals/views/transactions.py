"""The transactions report: every payout with what was booked for it, and the same rows as a file."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.http import HttpResponseBase
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.money import to_major_string
from backoffice.ui import inline
from backoffice.ui.exports import csv_line, csv_lines
from backoffice.ui.paging import Page
from backoffice.ui.periods import period_tabs
from backoffice.ui.screens import CHUNK, ListScreen
from ledger import queries as ledger
from ledger.queries import Booked
from withdrawals import filters, queries, tables, visibility
from withdrawals.models import Withdrawal
from withdrawals.operations.exports import record_export


class Transactions(ListScreen):
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

    @cached_property
    def sums(self) -> list[queries.Total]:
        """The sums of exactly the filtered rows; screen, file and audit entry show these."""
        return queries.totals_of(self.filterset.qs)

    def get_hidden_columns(self) -> tuple[str, ...]:
        """A column of zeros says nothing."""
        return () if any(total.fee for total in self.sums) else ("fee",)

    def get_totals(self) -> SafeString | str:
        return format_html_join("", "<span>{}</span>", ((_total(total),) for total in self.sums))

    def get_context_data(self, page: Page) -> dict[str, Any]:
        context = super().get_context_data(page)
        context["table"].booked = self._booked(page.rows)
        return context

    def export(self) -> HttpResponseBase:
        """Write down who takes which rows along."""
        user: Any = self.request.user
        record_export(
            what=self.title,
            actor=user,
            filters=dict(self.parameters.lists()),
            totals=self.sums,
            now=self.now,
        )
        return super().export()

    def _booked(self, rows: Iterable[Withdrawal]) -> dict[str, list[Booked]]:
        freezes = visibility.sees(self.request.user, visibility.Field.LEGAL)
        return ledger.booked_for([row.ref for row in rows], freezes=freezes)

    def export_lines(self, rows: Iterable[Withdrawal]) -> Iterator[str]:
        """The rows and, below them, their number and sums as they were written."""
        table: Any = self._table([])
        written: dict[str, queries.Total] = {}

        def chunked() -> Iterator[Withdrawal]:
            """Fetch the entries of a chunk at a time; add up what is written."""
            source = iter(rows)
            while chunk := list(islice(source, CHUNK)):
                table.booked = self._booked(chunk)
                for row in chunk:
                    yield row
                    before = written.get(row.currency, queries.Total(row.currency, 0, 0, 0))
                    written[row.currency] = queries.Total(
                        row.currency, before.count + 1, before.amount + row.amount, before.fee + row.fee
                    )

        yield from csv_lines(table, chunked(), self.export_columns)
        yield self._summing_line("Rows", sum(total.count for total in written.values()))
        for total in sorted(written.values(), key=lambda total: total.currency):
            yield self._summing_line(
                "Total",
                total.count,
                amount=to_major_string(total.amount, total.currency),
                fee=to_major_string(total.fee, total.currency),
                currency=total.currency,
            )

    def _summing_line(self, label: str, count: int, **sums: str) -> str:
        """A line as wide as the others, each sum under the heading that it adds up."""
        words = "withdrawal" if count == 1 else "withdrawals"
        cells = {"requested": label, "ref": f"{count} {words}", **sums}
        return csv_line(*(cells.get(name, "") for name in self.export_columns))


def _total(total: queries.Total) -> SafeString:
    words = format_html("<b>{}</b> in {}", inline.money(total.amount, total.currency), f"{total.count:,}")
    return format_html("{}, fees {}", words, inline.money(total.fee, total.currency)) if total.fee else words
