"""The evidence of one withdrawal on paper: everything that its reader may see, in absolute times."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.generic import View

from backoffice.accounts.requests import StaffRequest
from backoffice.audit.record import record
from backoffice.ui.access import Permitted
from withdrawals import tables, usage, visibility
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Withdrawal
from withdrawals.pages import evidence, head, timeline
from withdrawals.pages import record as record_page
from withdrawals.pages.limits import bars_of
from withdrawals.pages.money_trail import trail_of
from withdrawals.pages.route import route_of
from withdrawals.statement import statement_of
from withdrawals.states import UNDECIDED, State
from withdrawals.views.decision import withdrawal_or_404
from withdrawals.views.origin import view_of


class Evidence(Permitted, View):
    """Opening it is recorded, because whoever has it open can print it."""

    permission_required = ("withdrawals.view_withdrawal", "withdrawals.print_evidence")

    def get(self, request: StaffRequest, ref: str) -> HttpResponse:
        now, user, withdrawal = timezone.now(), request.user, withdrawal_or_404(ref)
        record(subject_type=SUBJECT_TYPE, subject_id=withdrawal.ref, action="evidence", actor=user, at=now)
        presence = head.presence_of(withdrawal, user, now=now)
        context = head.head_of(withdrawal, user, presence, None, now=now) | self._sections(withdrawal, now=now)
        context |= {"record_url": tables.address_of(withdrawal, view_of(request)), "outcome": None}
        if withdrawal.state not in (*UNDECIDED, State.ON_HOLD):
            context["outcome"] = record_page.outcome_of(withdrawal, user, now=now)
        return render(request, "withdrawals/evidence.html", context)

    def _sections(self, withdrawal: Withdrawal, *, now: Any) -> dict[str, Any]:
        user = self.request.user
        signals = visibility.sees(user, visibility.Field.SIGNALS)
        sums = visibility.sees(user, visibility.Field.MONEY)
        used = usage.of_player(withdrawal) if sums else []
        entries = timeline.entries_of(withdrawal)
        notes = timeline.notes_for(withdrawal, user, entries=entries)
        return {
            "decisions": evidence.decisions_of(withdrawal, user),
            "checks": evidence.checks_of(withdrawal) if signals else None,
            "trail": trail_of(withdrawal, statement_of(withdrawal), user)
            if sums and not withdrawal.closed_at
            else None,
            "bars": bars_of(used),
            "route": route_of(withdrawal, user, now=now),
            "attempts": record_page.attempts_of(withdrawal, user),
            "journal": record_page.journal_of(withdrawal, user),
            "all_events": timeline.sealed_events_of(entries, user, notes=notes),
            "sealed": len(entries),
        }
