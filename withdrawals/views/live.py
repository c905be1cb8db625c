"""What an open page asks again and again: who is there and how it stands, and whether its facts are still true.

Nothing new is 204, after one statement of its own. What is new comes as parts of the page.
"""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.generic import View

from backoffice.accounts.models import User
from backoffice.accounts.requests import StaffRequest
from backoffice.ui.access import Permitted
from withdrawals import decided, pulse, tables, visibility
from withdrawals.models import Withdrawal
from withdrawals.operations import claims
from withdrawals.operations.decisions import words_of
from withdrawals.pages import sheets, timeline
from withdrawals.pages.decision import PANEL_OF
from withdrawals.pages.head import Presence, head_of, presence_of
from withdrawals.reference import normalise
from withdrawals.states import UNDECIDED
from withdrawals.views.decision import bar_for, decides, decision_of, live_of, sensed, withdrawal_or_404
from withdrawals.views.origin import next_url_of, view_of

NOTHING_NEW = 204
# Of what somebody had begun on a page that can no longer decide.
NOT_APPLIED = "What you had begun here was not applied."


class Fragment(Permitted, View):
    permission_required = "withdrawals.view_withdrawal"
    request: StaffRequest

    @property
    def seen(self) -> str:
        return self.request.GET.get("v", "")


class Status(Fragment):
    """Who has it, who looks, and whether somebody decided it, as far as the reader may know. Asked with ``v``, what the
    page shows; ``at``, how it stands there; ``waits``, the decision that it shows; ``mine`` or ``theirs``, whose claim
    it shows, if any; ``acts``, whether something can be begun there."""

    def get(self, request: StaffRequest, ref: str) -> HttpResponse:
        now, user = timezone.now(), request.user
        present = pulse.presence_of(normalise(ref) or "", reader=user, now=now)
        if present is None:
            raise Http404
        if present.digest == self.seen:
            return HttpResponse(status=NOTHING_NEW)
        withdrawal = withdrawal_or_404(ref)
        presence = presence_of(withdrawal, user, now=now, sensed=present)
        context = {
            "withdrawal": withdrawal,
            "now": now,
            "presence": presence,
            "sees_owner": visibility.sees(user, visibility.Field.OWNER),
            "due": withdrawal.state in UNDECIDED and visibility.sees(user, visibility.Field.STATE),
            "place": view_of(request),
            "seen": present.digest,
            "at": request.GET.get("at", ""),
            "waits_for": request.GET.get("waits", ""),
            "mine": request.GET.get("mine", ""),
            "theirs": request.GET.get("theirs", ""),
            "acts": request.GET.get("acts", ""),
            "notice": notice_of(request, withdrawal, presence, present, now=now),
            "record_url": tables.address_of(withdrawal, view_of(request)),
            "next_url": next_url_of(request, withdrawal),
        }
        return render(request, "withdrawals/fragments/status.html", context)


def notice_of(
    request: StaffRequest, withdrawal: Withdrawal, presence: Presence, present: pulse.Presence, *, now: datetime
) -> dict[str, Any] | None:
    """Return what an open page must say now: the sentence, and whether the page can still decide."""
    user, asked = request.user, request.GET
    not_applied = f" {NOT_APPLIED}" if asked.get("acts") else ""
    if asked.get("at") != present.stands:
        said = timeline.last_word(withdrawal, user, now=now) or "It moved on since you opened it."
        return {"text": f"{said}{not_applied}", "blocks": True}
    sees_state = visibility.sees(user, visibility.Field.STATE)
    if sees_state and str(present.decision_id or 0) != asked.get("waits"):
        return {"text": f"{_decided(withdrawal, user)}{not_applied}", "blocks": True}
    if not visibility.sees(user, visibility.Field.OWNER):
        return None
    if presence.mine:
        return _of_mine(presence, shown=bool(asked.get("mine")))
    if presence.owner is None:
        return _of_nobody(withdrawal, user, asked)
    if asked.get("mine"):
        return {"text": f"{timeline.last_claim(withdrawal, user)} What you typed is kept.", "blocks": True}
    if not asked.get("theirs") and asked.get("acts") and claims.may_claim(user):
        return {"text": f"{presence.owner.name} is deciding this now. What you typed is kept.", "blocks": True}
    return None


def _of_mine(presence: Presence, *, shown: bool) -> dict[str, Any] | None:
    """What a page says while the reader has it."""
    if not shown:
        return {"text": "It is yours now.", "blocks": True}
    if presence.asked_by is None:
        return None
    return {"text": f"{presence.asked_by.name} asks you to hand this over.", "hands_over": presence.asked_by.pk}


def _of_nobody(withdrawal: Withdrawal, user: User, asked: QueryDict) -> dict[str, Any] | None:
    """What a page says that showed somebody's claim, when nobody has it any more."""
    takes = claims.may_claim(user) and claims.can_decide(withdrawal, user)
    if asked.get("mine"):
        return {"text": "Your claim ended. Somebody else can take it now.", "blocks": False, "takes": takes}
    if asked.get("theirs"):
        return {"text": "It is free now: nobody is deciding it.", "blocks": False, "takes": takes}
    return None


def _decided(withdrawal: Withdrawal, user: User) -> str:
    waiting = decided.waiting_decision(withdrawal)
    if waiting is None:
        return "The decision was taken back."
    return words_of(waiting, user) if visibility.sees_decision(user, waiting) else "It is decided already."


class FactsNow(Fragment):
    """The panels whose facts changed since the page showed them, marked, with the bar that decides on them."""

    def get(self, request: StaffRequest, ref: str) -> HttpResponse:
        now, reference = timezone.now(), normalise(ref) or ""
        found = pulse.facts_of(reference, now=now)
        if not found:
            raise Http404
        changed = pulse.changed_since(self.seen, found)
        if not changed:
            return HttpResponse(status=NOTHING_NEW)
        withdrawal = withdrawal_or_404(ref)
        if not decides(withdrawal, sheets.sheets_for(withdrawal, request.user)):
            return HttpResponse(status=NOTHING_NEW)  # whoever decides nothing has a record, without these panels
        context = facts_context(request, withdrawal, changed, now=now)
        return render(request, "withdrawals/fragments/facts.html", context)


def facts_context(request: HttpRequest, withdrawal: Withdrawal, changed: list[str], *, now: datetime) -> dict[str, Any]:
    """Return what a page needs to show its changed panels: those by name, and everything that follows from them."""
    staff: Any = request
    user = staff.user
    last = decided.last_decision(withdrawal)
    waiting = last if last is not None and last.is_waiting else None
    presence, facts_seen = sensed(withdrawal, user, facts=True, now=now)
    offered = sheets.sheets_for(withdrawal, user)
    context = head_of(withdrawal, user, presence, last, now=now)
    context |= {"view": view_of(request), "place": view_of(request)}
    context |= decision_of(withdrawal, offered, presence, waiting, user, now=now)
    context |= live_of(withdrawal, presence, waiting, user, facts_seen=facts_seen)
    context |= bar_for(staff, withdrawal, offered, presence, context, now=now)
    marked = {PANEL_OF[name] for name in changed if name in PANEL_OF}
    return context | {"changed": marked, "oob": "1", "panels": sorted(marked | {"why"})}
