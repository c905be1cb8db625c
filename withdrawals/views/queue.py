"""The list of withdrawals."""

from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html

from backoffice.accounts.models import User
from backoffice.ui.paging import COUNT_CAP, Page
from backoffice.ui.tabs import Notice, Tab
from fraud import queries as fraud
from kyc import queries as kyc
from providers import queries as providers
from withdrawals import filters, in_flight, queries, tables, totals, visibility
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import claims
from withdrawals.pages import pending
from withdrawals.pages.peek import peek_of
from withdrawals.views.exporting import ExportedList
from withdrawals.views.summary import summary_of
from withdrawals.views.tabs import (
    APPROVABLE,
    ASKED,
    NEEDS_DECISION,
    PAGES,
    PROPOSALS,
    SUMMED,
    decisions_today,
    proposals_for,
    tabs_for,
)


class Queue(ExportedList):
    title = "Withdrawals"
    queryset = queries.withdrawals().select_related("claim__owner")
    table_class = tables.QueueTable
    file_class = tables.QueueFile
    filterset_class = filters.QueueFilter
    permission_required = "withdrawals.view_withdrawal"
    template_name = "withdrawals/queue.html"
    row_key = "ref"
    live_seconds = 10
    made_at = "requested_at"
    peek_template = "withdrawals/peek.html"
    bulk_url = "withdrawals:bulk-preview"
    bulk_permission = "withdrawals.approve_withdrawal"
    bulk_acts = (("approve", "Preview approval"), ("hold", "Hold…"), ("reject", "Reject…"), ("assign", "Assign…"))

    @cached_property
    def tabs(self) -> tuple[Tab, ...]:  # type: ignore[override]
        return tuple(tab for tab in tabs_for(self.request.user) if tab.slug not in PAGES)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        page, permission = PAGES.get(request.GET.get("view", ""), ("", ""))
        if page and request.user.has_perm(permission):  # the way back from what was opened there
            return redirect(page)
        return super().get(request, *args, **kwargs)

    @cached_property
    def search_label(self) -> str:  # type: ignore[override]
        named = visibility.sees(self.request.user, visibility.Field.NAME)
        return "Reference, name, last 4" if named else "Reference or player ID"

    @cached_property
    def waiting(self) -> totals.Waiting | None:
        return totals.waiting_summary(self.filterset.qs, now=self.now) if self.is_summed else None

    @property
    def is_summed(self) -> bool:
        return self.tab is not None and self.tab.slug in SUMMED

    @cached_property
    def troubles(self) -> dict[str, providers.Trouble]:
        return in_flight.troubles(self.now)

    @cached_property
    def export_columns(self) -> tuple[str, ...]:  # type: ignore[override]
        return tables.columns_for(self.request.user)

    def load(self, table: Any, rows: list[Withdrawal]) -> None:
        if visibility.sees(self.request.user, visibility.Field.STANDING):
            table.standings = kyc.standings_of({row.player_id for row in rows}, on=timezone.localdate(self.now))

    def get_hidden_columns(self) -> tuple[str, ...]:
        """A column that says the same in every row is left out; a second approval shows among the reasons."""
        user = self.request.user
        told = self.is_summed and (
            visibility.sees(user, visibility.Field.SIGNALS) or self.waiting is None or self.waiting.states <= 1
        )
        return (
            *super().get_hidden_columns(),
            *visibility.hidden_columns(user),
            *(("state",) if told else ()),
            *(("proposal",) if self.tab is not PROPOSALS else ()),
            *(() if self.is_decided else ("decided", "decider")),
        )

    @property
    def may_select(self) -> bool:
        """Rows are selected to approve them."""
        return super().may_select and self.tab is not None and self.tab.slug in APPROVABLE

    @property
    def is_long(self) -> bool:
        return self.slug not in {*SUMMED, ASKED.slug}

    @property
    def is_decided(self) -> bool:
        return self.tab is not None and self.tab.slug == "decided"

    def get_queryset(self) -> QuerySet[Withdrawal]:
        rows = super().get_queryset()
        if not self.is_decided:
            return rows
        last = decisions_today(self.request.user)
        return rows.annotate(
            decided_at=Subquery(last.values("decided_at")[:1]), decider_id=Subquery(last.values("actor")[:1])
        )

    def get_live_queryset(self) -> QuerySet[Withdrawal]:
        waiting = Decision.objects.filter(withdrawal=OuterRef("pk"), status=Decision.Status.WAITING)
        return self.get_queryset().annotate(is_decided=Exists(waiting))

    def get_offered(self, name: str) -> Collection[str] | None:
        """Of the currencies those that occur."""
        if name != "currency":
            return None
        return self.waiting.totals if self.waiting is not None else queries.currencies()

    def get_empty_text(self) -> str:
        if self.tab is not NEEDS_DECISION or not any(tab.slug == "decided" for tab in self.tabs):
            return ""
        return f"{self.count_of('decided'):,} decided today."

    def get_ways_on(self) -> list[tuple[str, str]]:
        ways = []
        if self.tab is NEEDS_DECISION and (held := self.count_of("on-hold")):
            ways.append((f"On hold {held:,}", "?view=on-hold"))
        if self.request.user.has_perm("withdrawals.view_flagged") and (flagged := queries.flagged_count()):
            ways.append((f"Flagged {flagged:,}", reverse("withdrawals:flagged")))
        return ways

    @property
    def claim_url(self) -> str:
        user: Any = self.request.user
        if not self.is_summed or not claims.may_claim(user):
            return ""
        return reverse("withdrawals:claim", args=["KEY"])

    def get_peek_context(self, row: Withdrawal) -> dict[str, Any]:
        return peek_of(row, self.request.user, view=self.carried, now=self.now)

    def prepare(self, table: Any) -> None:
        table.view, table.slug = self.carried, self.slug

    def may_sort(self, column: str) -> bool:
        """In who reads less of the states, their order would tell the rest."""
        return column != "state" or visibility.sees(self.request.user, visibility.Field.STATE)

    def get_summary(self) -> str:
        waiting = self.waiting
        if waiting is None or not waiting.count:
            return ""
        on_hold = self.tab is not None and self.tab.slug == "on-hold"
        return summary_of(waiting, word="on hold" if on_hold else "waiting", late=not on_hold, now=self.now)

    def get_notices(self) -> list[Notice]:
        """A provider that does not work and without which rows of this list cannot be paid."""
        notices: list[Notice] = []
        if self.waiting is None or "held" in self.parameters:
            return notices
        for code, trouble in self.troubles.items():
            here = filters.held_up(self.filterset.qs, code, self.troubles).order_by()[:COUNT_CAP].count()
            if here:
                text = format_html(
                    '<b>{}</b> Approving still works; {} here would wait. <a href="{}">Show {}</a>',
                    trouble.sentence,
                    here,
                    self.url(changes={"held": code}),
                    "it" if here == 1 else f"the {here}",
                )
                notices.append(Notice(text))
        return notices

    def get_context_data(self, page: Page) -> dict[str, Any]:
        owners = (claims.owner_of(row, now=self.now) for row in page.rows)
        self.filterset.owners = {owner.pk: owner.name for owner in owners if owner}
        context = super().get_context_data(page)
        table: tables.QueueTable = context["table"]
        table.waiting = self.waiting
        table.troubles = self.troubles
        if self.tab is PROPOSALS:
            proposals = proposals_for(self.request.user).filter(withdrawal__in=page.rows).select_related("actor")
            table.proposals = {proposal.withdrawal_id: proposal for proposal in proposals}
        if visibility.sees(self.request.user, visibility.Field.STANDING):
            players = {row.player_id for row in page.rows}
            table.standings = kyc.standings_of(players, on=timezone.localdate(self.now)) if players else {}
        if self.is_decided:
            table.deciders = User.objects.in_bulk({row.decider_id for row in page.rows})
        if not {"wagered", "deposits"}.isdisjoint(self.columns.shown):
            table.facts = fraud.facts_of([row.ref for row in page.rows])
        context["undo"] = pending.undo_offer(self.request.user, now=self.now)
        return context
