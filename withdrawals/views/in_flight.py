"""What is with providers."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.ui import inline
from backoffice.ui.paging import Page
from backoffice.ui.tabs import Tab
from withdrawals import filters, in_flight, tables, visibility
from withdrawals.models import Withdrawal
from withdrawals.pages import pending
from withdrawals.pages.peek import peek_of
from withdrawals.states import WITH_PROVIDER, State
from withdrawals.views.exporting import ExportedList

SEES = ("withdrawals.view_withdrawal", "providers.view_provider")


def _slow(request: HttpRequest) -> Q:
    """Looked up once for a request: what is slow decides rows, count and summary."""
    found: Q | None = getattr(request, "slow_payouts", None)
    if found is None:
        now = timezone.now()
        found = in_flight.is_slow(in_flight.usual_times(), now=now)
        request.slow_payouts = found  # type: ignore[attr-defined]
    return found


class InFlight(ExportedList):
    title = "In flight"
    queryset = in_flight.in_flight()
    table_class = tables.InFlightTable
    filterset_class = filters.InFlightFilter
    permission_required = SEES
    search_label = "Reference (ours or theirs), name"
    empty_title = "Nothing is with a provider."
    row_key = "ref"
    place = "in-flight"
    is_worked_off = False
    live_seconds = 10
    made_at = "sent_at"
    peek_template = "withdrawals/peek.html"
    tabs = (
        Tab("with-providers", "With providers", Q(state__in=WITH_PROVIDER)),
        Tab("unknown", "Unknown", Q(state=State.OUTCOME_UNKNOWN), hide=("state",), empty="No outcome is unknown."),
        Tab("slow", "Slow", _slow, empty="Nothing is slower than usual."),
        Tab(
            "failed",
            "Failed today",
            lambda _request: in_flight.failed_today(now=timezone.now()),
            hide=("state",),
            empty="Nothing failed today.",
        ),
        Tab("returned", "Returned", Q(state=State.RETURNED), hide=("state",), sort="-sent", empty="Nothing came back."),
    )
    export_columns = ("reference", "state", "player", "amount", "currency", "to", "sent", "attempt", "answer")

    @property
    def is_long(self) -> bool:
        return True

    def get_hidden_columns(self) -> tuple[str, ...]:
        codes = visibility.sees(self.request.user, visibility.Field.ATTEMPT_CODES)
        return (*super().get_hidden_columns(), *(() if codes else ("answer",)))

    @cached_property
    def figures(self) -> in_flight.Flight:
        return in_flight.flight(_slow(self.request))

    def prepare(self, table: Any) -> None:
        table.view = self.carried

    def get_peek_context(self, row: Withdrawal) -> dict[str, Any]:
        found = peek_of(row, self.request.user, view=self.carried, now=self.now)
        asks = row.state == State.OUTCOME_UNKNOWN
        return found | {"asks_url": found["address"] if asks else ""}

    def get_context_data(self, page: Page) -> dict[str, Any]:
        return super().get_context_data(page) | {
            "undo": pending.undo_offer(self.request.user, now=self.now, view=self.carried)
        }

    def get_summary(self) -> SafeString | str:
        figures = self.figures
        if not figures.count:
            return ""
        parts = [format_html("<b>{}</b> with providers", figures.count)]
        parts += [format_html("<b>{}</b>", amount) for amount in tables.money_words(figures.totals)]
        if figures.unknown:
            parts.append(inline.mark("attn", "warn", f"{figures.unknown} unknown"))
        if figures.slow:
            parts.append(format_html("<b>{}</b> slower than usual", figures.slow))
        return format_html_join(" · ", "{}", ((part,) for part in parts))
