"""Whose verification needs attention, and how much money waits for it."""

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from backoffice.ui.paging import Page
from backoffice.ui.screens import ListScreen
from backoffice.ui.tabs import Tab
from kyc import queries as kyc
from kyc.states import EXPIRES_SOON_DAYS, StandingState
from withdrawals import filters, queries, tables, totals
from withdrawals.operations import searches

_ATTENTION = (StandingState.EXPIRES_SOON, StandingState.EXPIRED, StandingState.PENDING, StandingState.REJECTED)


def _in(*states: StandingState) -> Any:
    """Narrow to states, first by what the index knows: computing every player's standing takes half a second."""

    def where(_request: HttpRequest) -> Q:
        soon = timezone.localdate() + timedelta(days=EXPIRES_SOON_DAYS)
        return Q(standing_state__in=states, pk__in=kyc.unsettled(until=soon))

    return where


def _attention(request: HttpRequest) -> Q:
    """What has run out, runs out, waits or was rejected; and who was never checked while money waits for it."""
    unchecked = Q(standing_state=StandingState.NONE, pk__in=queries.players_waiting())
    return _in(*_ATTENTION)(request) | unchecked


class Standings(ListScreen):
    title = "KYC"
    table_class = tables.StandingTable
    filterset_class = filters.StandingFilter
    permission_required = "kyc.view_standings"
    search_label = "Name, e-mail, player id"
    empty_title = "Nobody needs attention"
    empty_text = "No verification has run out, runs out soon, waits or was rejected, and no money waits for one."
    tabs = (
        Tab("attention", "Needs attention", _attention, sort="-waiting", counted=False),
        Tab("expiring", f"Expires within {EXPIRES_SOON_DAYS} d", _in(StandingState.EXPIRES_SOON), counted=False),
        Tab("expired", "Expired", _in(StandingState.EXPIRED), counted=False),
        Tab("pending", "Waits for an answer", _in(StandingState.PENDING), counted=False),
        Tab("rejected", "Rejected", _in(StandingState.REJECTED), counted=False),
        Tab("all", "All players", counted=False),
    )

    def get_queryset(self) -> QuerySet[Any]:
        return kyc.standings(on=timezone.localdate()).annotate(waiting_value=totals.waiting_value("pk"))

    def get_context_data(self, page: Page) -> dict[str, Any]:
        context = super().get_context_data(page)
        if self.parameters.get("q"):
            user: Any = self.request.user
            searches.remember(list(page.rows), actor=user, now=self.now)
        context["table"].open_totals = totals.open_totals([row.pk for row in page.rows])
        return context
