"""The way from one withdrawal of a list to another."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property
from django.views.generic import View

from backoffice.accounts.requests import StaffRequest
from backoffice.ui.access import Permitted
from backoffice.ui.paging import Listing
from withdrawals import figures, queries, tables
from withdrawals.models import Withdrawal
from withdrawals.operations import claims
from withdrawals.pages import pending
from withdrawals.reference import normalise
from withdrawals.views.origin import origin_of
from withdrawals.views.tabs import NEEDS_DECISION, tabs_for

# What the address may say of the withdrawal that somebody comes from: whether they move on from it or back without
# deciding, or have decided it.
AFTER, BEFORE, DECIDED = "after", "before", "decided"


class Next(Permitted, View):
    """Lead to the next one of a list that this person can do something about, and claim it; say so when there is none.

    Whoever moves on without deciding gives theirs back, and gets the row beside it, whatever can be done about that.
    """

    request: StaffRequest

    @property
    def is_step(self) -> bool:
        return AFTER in self.request.GET or BEFORE in self.request.GET

    def get_permission_required(self) -> tuple[str, ...]:
        return ("withdrawals.view_withdrawal",) if self.is_step else claims.WORKERS

    def has_permission(self) -> bool:
        return any(self.request.user.has_perm(one) for one in self.get_permission_required())

    @cached_property
    def listing(self) -> Listing:
        origin = origin_of(self.request)
        if origin is not None:
            return origin.listing
        # Who may not know which of them wait for a decision must not be led from one to the other either.
        known = NEEDS_DECISION in tabs_for(self.request.user)
        return Listing(queries.review_queue() if known else Withdrawal.objects.none(), claims.BY_URGENCY)

    @property
    def view(self) -> str:
        origin = origin_of(self.request)
        return origin.query if origin else f"view={NEEDS_DECISION.slug}"

    def get(self, request: StaffRequest) -> HttpResponse:
        now, user = timezone.now(), request.user
        left = self._named(AFTER) or self._named(BEFORE)
        if left is not None:
            return self._go_to(self._beside(left) or left)
        found = claims.next_for(user, now=now, listing=self.listing, after=self._named(DECIDED))
        if found is not None:
            return self._go_to(found)
        context = {"undo": pending.undo_offer(user, now=now), "counts": figures.day_of(user, now=now)}
        return render(request, "withdrawals/clear.html", context)

    def _beside(self, left: Withdrawal) -> Withdrawal | None:
        now, user = timezone.now(), self.request.user
        claims.let_go(left, user=user)
        beside = claims.neighbour_of(left, user, now=now, listing=self.listing, back=BEFORE in self.request.GET)
        if beside is None:
            messages.info(self.request, "There is no other row for you in this list now.")
        return beside

    def _named(self, name: str) -> Withdrawal | None:
        reference = normalise(self.request.GET.get(name, ""))
        return queries.withdrawals().filter(ref=reference).first() if reference else None

    def _go_to(self, withdrawal: Withdrawal) -> HttpResponse:
        return HttpResponseRedirect(tables.address_of(withdrawal, self.view), status=303)
