"""What is with providers, and the page of one whose outcome is unknown."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.generic import View

from backoffice.accounts.requests import StaffRequest
from backoffice.ui import inline
from backoffice.ui.access import Permitted
from backoffice.ui.paging import Page
from backoffice.ui.tabs import Tab
from withdrawals import decided, filters, in_flight, queries, tables, visibility
from withdrawals.models import Withdrawal
from withdrawals.operations import asking
from withdrawals.pages import pending, unknown
from withdrawals.pages.peek import peek_of
from withdrawals.pages.route import provider_label
from withdrawals.states import LOOKS, WITH_PROVIDER, State
from withdrawals.views.decision import withdrawal_or_404
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

    def get_hidden_columns(self) -> tuple[str, ...]:
        codes = visibility.sees(self.request.user, visibility.Field.ATTEMPT_CODES)
        return (*super().get_hidden_columns(), *(() if codes else ("answer",)))

    @cached_property
    def figures(self) -> in_flight.Flight:
        return in_flight.flight(_slow(self.request))

    def get_peek_context(self, row: Withdrawal) -> dict[str, Any]:
        asks = row.state == State.OUTCOME_UNKNOWN
        return peek_of(row, self.request.user, view="", now=self.now) | {
            "address": tables.flight_address(row),
            "asks_url": tables.flight_address(row) if asks else "",
        }

    def get_context_data(self, page: Page) -> dict[str, Any]:
        return super().get_context_data(page) | {"undo": pending.undo_offer(self.request.user, now=self.now)}

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


class Unknown(Permitted, View):
    """What is known of an unknown outcome. POST has the provider asked; nothing here sends it again."""

    permission_required = SEES
    request: StaffRequest

    def get(self, request: StaffRequest, ref: str) -> HttpResponse:
        now, user = timezone.now(), request.user
        withdrawal = withdrawal_or_404(ref)
        if withdrawal.state != State.OUTCOME_UNKNOWN:
            return redirect(tables.address_of(withdrawal))
        attempt = withdrawal.live_attempt
        waiting = decided.waiting_decision(withdrawal)
        context = {
            "withdrawal": withdrawal,
            "attempt": attempt,
            "look": LOOKS[State.OUTCOME_UNKNOWN],
            "name": visibility.player_name(user, withdrawal.player),
            "provider": provider_label(attempt.provider),
            "destination": visibility.destination_words(user, withdrawal),
            "said": unknown.said_about(attempt, user),
            "settlings": [] if waiting else unknown.settlings_of(withdrawal, user),
            "proposed": waiting is not None,
            "findings": queries.open_findings_of(withdrawal, user),
            "now": now,
        }
        return render(request, "withdrawals/unknown.html", context)

    def post(self, request: StaffRequest, ref: str) -> HttpResponse:
        withdrawal = withdrawal_or_404(ref)
        provider = provider_label(withdrawal.provider)
        if asking.ask_at_once(withdrawal, now=timezone.now()):
            words = f"{provider} is being asked. Its answer shows here in a few seconds."
        elif withdrawal.state == State.OUTCOME_UNKNOWN:
            words = f"{provider} was asked less than {inline.duration(asking.ASKED_JUST_NOW)} ago. Its answer is below."
        else:
            words = "It is settled by now. Nothing was asked."
        messages.info(request, words)
        return redirect(reverse("withdrawals:unknown", args=[withdrawal.ref]))
