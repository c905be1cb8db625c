"""The list of withdrawals with its built-in views, the next item to decide, and the search field."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.generic import View

from backoffice.accounts.models import User
from backoffice.accounts.requests import StaffRequest
from backoffice.ui import inline
from backoffice.ui.access import Permitted
from backoffice.ui.paging import Page
from backoffice.ui.screens import ListScreen, Notice, Tab
from kyc import queries as kyc
from providers import queries as providers
from withdrawals import filters, guards, policy, queries, tables, visibility
from withdrawals.checks.destination import COOLING_TIME
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import claims
from withdrawals.pages import sheets
from withdrawals.reference import normalise
from withdrawals.states import WITH_PROVIDER, HoldKind, Move, State

_ONCE = ("requested", "wake", "provider")
MOST_CURRENCIES = 3


def _mine(request: HttpRequest) -> Q:
    return queries.NEEDS_DECISION & Q(claim__owner=request.user, claim__until__gt=timezone.now())


def _decided_today(request: HttpRequest) -> Q:
    return Q(Exists(_decisions_today(request.user)))


def _decisions_today(user: Any) -> QuerySet[Decision]:
    """Return a withdrawal's decisions of today, the last one first; of a legal hold only to who may know of it."""
    morning = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    counted = [Decision.Status.WAITING, Decision.Status.APPLIED]
    made = Decision.objects.filter(withdrawal=OuterRef("pk"), decided_at__gte=morning, status__in=counted)
    if not visibility.sees(user, visibility.Field.LEGAL):
        # Of releases only those from a legal hold take two people.
        made = made.exclude(facts__contains={"kind": HoldKind.LEGAL}).exclude(
            move=Move.RELEASE, proposed_by__isnull=False
        )
    return made.order_by("-decided_at", "-pk")


def _proposals_for(user: Any) -> QuerySet[Decision]:
    """Return what waits for a second person and is of this person's kind of work."""
    moves = [move for permission, moves in guards.SECONDED_WITH.items() if user.has_perm(permission) for move in moves]
    return queries.proposals(moves)


def _proposed(request: HttpRequest) -> Q:
    return Q(Exists(_proposals_for(request.user).filter(withdrawal=OuterRef("pk"))))


NEEDS_DECISION = Tab(
    "needs-decision",
    "Needs a decision",
    queries.NEEDS_DECISION,
    hide=_ONCE,
    empty="Nothing waits for a decision.",
)
SECOND_APPROVAL = Tab(
    "second-approval",
    "Second approval",
    queries.NEEDS_DECISION & Q(state=State.SECOND_APPROVAL),
    hide=(*_ONCE, "state"),
    empty="No second approvals wait.",
)
PROPOSALS = Tab(
    "proposals",
    "Proposals",
    _proposed,
    hide=("due", "wake", "why", "owner"),
    sort="requested",
    empty="No proposal waits for a second person.",
)
MINE = Tab("mine", "Mine", _mine, hide=(*_ONCE, "owner"), empty="You have claimed nothing.")
ALL = Tab("all", "All", hide=("due", "wake", "why", "owner", "provider"), sort="-requested", counted=False)
TABS = (
    NEEDS_DECISION,
    MINE,
    SECOND_APPROVAL,
    PROPOSALS,
    Tab(
        "on-hold",
        "On hold",
        Q(state=State.ON_HOLD),
        hide=("due", "requested", "state", "owner", "provider"),
        sort="wake",
        empty="Nothing is on hold.",
    ),
    Tab(
        "high-value",
        "High value",
        queries.NEEDS_DECISION & (Q(reference_amount__gt=policy.ONE_PERSON_CAP) | Q(reference_amount__isnull=True)),
        hide=_ONCE,
        sort="-amount",
        empty="Nothing of high value waits.",
    ),
    Tab(
        "new-details",
        "New payout details",
        queries.NEEDS_DECISION & Q(destination__first_seen_at__gt=F("requested_at") - COOLING_TIME),
        hide=_ONCE,
        empty="Nothing with new payout details waits.",
    ),
    Tab(
        "decided",
        "Decided today",
        _decided_today,
        hide=("due", "requested", "wake", "why", "owner", "provider"),
        sort="-decided",
        empty="Nothing was decided today.",
    ),
    Tab(
        "with-provider",
        "With provider",
        Q(state__in=WITH_PROVIDER),
        hide=("due", "wake", "why", "owner"),
        # The unknown come before what is being processed, each the oldest first.
        sort="state",
        empty="Nothing is with a provider.",
    ),
    ALL,
)
# Lists of what is open, small enough to be added up each time.
_SUMMED = {"needs-decision", "second-approval", "mine", "on-hold", "high-value", "new-details"}


def tabs_for(user: Any) -> tuple[Tab, ...]:
    """Return the lists this person works from; those about other people's work or suspicions are left out."""
    if not visibility.sees(user, visibility.Field.STATE):
        return (ALL,)  # which list a withdrawal stands in would tell what its status does not
    hidden = set()
    if not user.has_perm("withdrawals.confirm_withdrawal"):
        hidden.add("second-approval")
    if not any(user.has_perm(permission) for permission in guards.SECONDED_WITH):
        hidden.add("proposals")
    if not visibility.sees(user, visibility.Field.OWNER):
        hidden.add("mine")
    if not visibility.sees(user, visibility.Field.SIGNALS):
        hidden.add("new-details")
    return tuple(tab for tab in TABS if tab.slug not in hidden)


def tab_of(request: HttpRequest) -> Tab | None:
    """Return the list that a page was opened from, if it is one of this person's."""
    asked = request.GET.get("view", "")
    return next((tab for tab in tabs_for(request.user) if tab.slug == asked), None)


def view_of(request: HttpRequest) -> str:
    """Return the slug of the list that a page was opened from, or nothing."""
    tab = tab_of(request)
    return tab.slug if tab else ""


def sums_of(waiting: queries.Waiting) -> list[SafeString]:
    """Return the sums of a list for its heading: the largest currencies, and how many more there are."""
    sums = tables.money_words(waiting.totals)
    parts = [format_html("<b>{}</b>", amount) for amount in sums[:MOST_CURRENCIES]]
    if (more := len(sums) - MOST_CURRENCIES) > 0:
        parts.append(format_html("{} more {}", more, "currency" if more == 1 else "currencies"))
    return parts


class Queue(ListScreen):
    title = "Withdrawals"
    queryset = queries.withdrawals().select_related("claim__owner")
    table_class = tables.QueueTable
    filterset_class = filters.QueueFilter
    permission_required = "withdrawals.view_withdrawal"
    template_name = "withdrawals/queue.html"

    @cached_property
    def tabs(self) -> tuple[Tab, ...]:  # type: ignore[override]
        return tabs_for(self.request.user)

    @cached_property
    def search_label(self) -> str:  # type: ignore[override]
        named = visibility.sees(self.request.user, visibility.Field.NAME)
        return "Reference, name, last 4" if named else "Reference or player ID"

    @cached_property
    def waiting(self) -> queries.Waiting | None:
        summed = self.tab is not None and self.tab.slug in _SUMMED
        return queries.waiting_summary(self.filterset.qs, now=self.now) if summed else None

    @cached_property
    def troubles(self) -> dict[str, providers.Trouble]:
        return providers.troubles(self.now)

    def get_hidden_columns(self) -> tuple[str, ...]:
        """A column that says the same in every row is left out; a second approval shows among the reasons."""
        user, waiting = self.request.user, self.waiting
        told = waiting is not None and (waiting.states <= 1 or visibility.sees(user, visibility.Field.SIGNALS))
        return (
            *super().get_hidden_columns(),
            *visibility.hidden_columns(user),
            *(("state",) if told else ()),
            *(("proposal",) if self.tab is not PROPOSALS else ()),
            *(() if self.is_decided else ("decided", "decider")),
        )

    @property
    def is_decided(self) -> bool:
        return self.tab is not None and self.tab.slug == "decided"

    def get_queryset(self) -> QuerySet[Withdrawal]:
        rows = super().get_queryset()
        if not self.is_decided:
            return rows
        last = _decisions_today(self.request.user)
        return rows.annotate(
            decided_at=Subquery(last.values("decided_at")[:1]), decider_id=Subquery(last.values("actor")[:1])
        )

    def may_sort(self, column: str) -> bool:
        """In who reads less of the states, their order would tell the rest."""
        return column != "state" or visibility.sees(self.request.user, visibility.Field.STATE)

    def get_summary(self) -> str:
        waiting = self.waiting
        if waiting is None or not waiting.count:
            return ""
        word = "on hold" if self.tab and self.tab.slug == "on-hold" else "waiting"
        parts = [format_html("<b>{}</b> {}", waiting.count, word)]
        parts += sums_of(waiting)
        if waiting.oldest_at is not None:
            parts.append(format_html("oldest <b>{}</b>", tables.waited(waiting.oldest_at, self.now)))
        if waiting.late and word == "waiting":
            parts.append(inline.mark("danger", "late", f"{waiting.late} late"))
        return format_html_join(" · ", "{}", ((part,) for part in parts))

    def get_notices(self) -> list[Notice]:
        """A provider that does not work and without which rows of this list cannot be paid."""
        notices: list[Notice] = []
        if self.waiting is None or "held" in self.parameters:
            return notices
        for code, trouble in self.troubles.items():
            here = filters.held_up(self.filterset.qs, code, self.troubles).count()
            if here:
                text = format_html(
                    '<b>{}</b> Approving still works; {} here may wait. <a href="{}">Show {}</a>',
                    trouble.sentence,
                    here,
                    self._url(held=code),
                    "it" if here == 1 else f"the {here}",
                )
                notices.append(Notice(text))
        return notices

    def get_context_data(self, page: Page) -> dict[str, Any]:
        context = super().get_context_data(page)
        table: tables.QueueTable = context["table"]
        table.view = self.tab.slug if self.tab else ""
        table.waiting = self.waiting
        table.troubles = {code: trouble.word for code, trouble in self.troubles.items()}
        if self.tab is PROPOSALS:
            proposals = _proposals_for(self.request.user).filter(withdrawal__in=page.rows).select_related("actor")
            table.proposals = {proposal.withdrawal_id: proposal for proposal in proposals}
        if visibility.sees(self.request.user, visibility.Field.STANDING):
            players = {row.player_id for row in page.rows}
            table.standings = kyc.standings_of(players, on=timezone.localdate(self.now)) if players else {}
        if self.is_decided:
            table.deciders = User.objects.in_bulk({row.decider_id for row in page.rows})
        context["undo"] = sheets.undo_offer(self.request.user, now=self.now)
        return context


def queue_of(request: HttpRequest) -> QuerySet[Withdrawal]:
    """Return the rows of the view that the address names, or of the whole queue."""
    tab = tab_of(request) or NEEDS_DECISION
    return tab.narrow(queries.withdrawals().select_related("claim__owner"), request)


class Next(Permitted, View):
    """Claim the next item of a view and go there; say so when there is none."""

    def has_permission(self) -> bool:
        user: Any = self.request.user
        return any(user.has_perm(one) for one in self.get_permission_required())

    def get_permission_required(self) -> tuple[str, ...]:
        return ("withdrawals.decide_withdrawal", "withdrawals.decide_flagged")

    def get(self, request: StaffRequest) -> HttpResponse:
        now, user = timezone.now(), request.user
        left = self._left_behind(request, now)
        view = view_of(request) or NEEDS_DECISION.slug
        found = claims.next_for(user, now=now, queue=queue_of(request), after=left)
        if found is None:
            context = {
                "undo": sheets.undo_offer(user, now=now),
                "counts": queries.day_of(user, now=now),
                "view": view,
            }
            return render(request, "withdrawals/clear.html", context)
        response = redirect(tables.address_of(found, view))
        response.status_code = 303
        return response

    def _left_behind(self, request: StaffRequest, now: datetime) -> Withdrawal | None:
        """What somebody moves on from without deciding goes back to the others."""
        reference = normalise(request.GET.get("after", ""))
        left = queries.withdrawals().filter(ref=reference).first() if reference else None
        if left is not None:
            claims.let_go(left, user=request.user)
        return left


class Go(Permitted, View):
    """The search field of every page: a reference opens its record, and for whoever works from the look-up what
    names one player opens that player; anything else searches the list."""

    permission_required = "withdrawals.view_withdrawal"

    def get(self, request: HttpRequest) -> HttpResponse:
        term = request.GET.get("q", "").strip()
        reference = normalise(term)
        if reference and (found := queries.withdrawals().filter(ref=reference).first()) is not None:
            return redirect(tables.address_of(found))
        user: Any = request.user
        answers = visibility.sees(user, visibility.Field.PLAYER_WORDS) and not visibility.sees(
            user, visibility.Field.STATE
        )
        if term and answers and len(players := kyc.look_up(term)) == 1:
            return redirect(tables.player_address(players[0]))
        query = f"?{urlencode({'view': 'all', 'q': term})}" if term else ""
        return redirect(reverse("withdrawals:queue") + query)
