"""The page of a payout whose outcome is unknown."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.generic import View

from backoffice.accounts.requests import StaffRequest
from backoffice.ui import inline
from backoffice.ui.access import Permitted
from withdrawals import decided, queries, tables, visibility
from withdrawals.operations import asking
from withdrawals.pages import unknown
from withdrawals.pages.route import provider_label
from withdrawals.pages.sheets import with_view
from withdrawals.states import LOOKS, State
from withdrawals.views.decision import withdrawal_or_404
from withdrawals.views.in_flight import InFlight
from withdrawals.views.origin import came_from, view_of


class Unknown(Permitted, View):
    """What is known of an unknown outcome. POST has the provider asked; nothing here sends it again."""

    permission_required = InFlight.permission_required
    request: StaffRequest

    def get(self, request: StaffRequest, ref: str) -> HttpResponse:
        now, user, view = timezone.now(), request.user, view_of(request)
        withdrawal = withdrawal_or_404(ref)
        if withdrawal.state != State.OUTCOME_UNKNOWN:
            return redirect(tables.address_of(withdrawal, view))
        attempt = withdrawal.live_attempt
        waiting = decided.waiting_decision(withdrawal)
        name = visibility.player_name(user, withdrawal.player)
        context = came_from(request, withdrawal, name, otherwise=("In flight", reverse("withdrawals:in-flight"))) | {
            "withdrawal": withdrawal,
            "attempt": attempt,
            "look": LOOKS[State.OUTCOME_UNKNOWN],
            "name": name,
            "provider": provider_label(attempt.provider),
            "destination": visibility.destination_words(user, withdrawal),
            "asked_by_repeating": asking.is_asked_by_repeating(attempt),
            "said": unknown.said_about(attempt, user),
            "settlings": [] if waiting else unknown.settlings_of(withdrawal, user, view=view),
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
        return redirect(with_view(reverse("withdrawals:unknown", args=[withdrawal.ref]), view_of(request)))
