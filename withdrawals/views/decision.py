"""One withdrawal: the decision page while it can be decided by whoever looks, the record otherwise."""

import logging
import uuid
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.generic import View

from backoffice.accounts.models import User
from backoffice.accounts.preferences import preferences_of
from backoffice.accounts.requests import StaffRequest
from backoffice.ui.access import Permitted
from withdrawals import decided, player_words, pulse, queries, visibility
from withdrawals.exceptions import ClaimedByOther, NotAllowed
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import asking, claims
from withdrawals.pages import bar, pending, sheets
from withdrawals.pages import decision as facts_page
from withdrawals.pages import record as record_page
from withdrawals.pages.earlier import earlier_of
from withdrawals.pages.head import Presence, head_of, presence_of
from withdrawals.pages.people import linked_of, player_facts, similar_of, standing_of
from withdrawals.pages.route import route_of
from withdrawals.pages.why import results_of, why_of
from withdrawals.reference import normalise
from withdrawals.states import UNDECIDED, State
from withdrawals.views.origin import came_from, origin_of, view_of
from withdrawals.visibility import Field

logger = logging.getLogger(__name__)


def withdrawal_or_404(ref: str) -> Withdrawal:
    """Return the withdrawal of a reference in any spelling, with its claim and whether its player's payouts stop."""
    stopped = Exists(queries.stopping_payouts_of(OuterRef("player")))
    rows = queries.withdrawals().select_related("claim__owner", "claim__asked_by").annotate(player_is_stopped=stopped)
    return get_object_or_404(rows, ref=normalise(ref))


class Record(Permitted, View):
    """Opened from a list it claims what nobody has; opened by reference it never does. Of an unknown outcome
    the provider is asked at once."""

    permission_required = "withdrawals.view_withdrawal"
    request: StaffRequest

    def get(self, request: StaffRequest, ref: str) -> HttpResponse:
        now, user = timezone.now(), request.user
        withdrawal, origin = withdrawal_or_404(ref), origin_of(request)
        asking.ask_when_seen(withdrawal, now=now)
        last, undoable = decided.last_and_undoable(withdrawal, user, now=now)
        waiting = last if last is not None and last.is_waiting else None
        if origin and waiting is None and withdrawal.state in UNDECIDED:
            withdrawal = claimed(withdrawal, user, now=now)
        offered = sheets.sheets_for(withdrawal, user)
        open_ = decides(withdrawal, offered)
        presence, facts_seen = sensed(withdrawal, user, facts=open_, now=now)
        context = head_of(withdrawal, user, presence, last, now=now)
        otherwise = ("Withdrawals", reverse("withdrawals:queue"))
        context |= came_from(request, withdrawal, context["name"], otherwise=otherwise)
        context["undo"] = pending.offer_to_undo(undoable, user, now=now, view=origin.query if origin else "")
        if open_:
            context |= decision_of(withdrawal, offered, presence, waiting, user, now=now)
        else:
            context |= self._record(withdrawal, now=now)
        context |= live_of(withdrawal, presence, waiting, user, facts_seen=facts_seen)
        context |= bar_for(request, withdrawal, offered, presence, context, now=now)
        return render(request, f"withdrawals/{'decision' if open_ else 'record'}.html", context)

    def _record(self, withdrawal: Withdrawal, *, now: datetime) -> dict[str, Any]:
        user = self.request.user
        told = player_words.sentence(player_words.situation_of(withdrawal, now=now))
        standing = standing_of(withdrawal, user, now=now)
        return {
            "outcome": record_page.outcome_of(withdrawal, user, now=now),
            "say": told if visibility.sees(user, Field.PLAYER_WORDS) else "",
            "player": player_facts(withdrawal.player, standing, user, today=timezone.localdate(now)),
            "route": route_of(withdrawal, user, now=now),
            "earlier": earlier_of(withdrawal, user),
            "attempts": record_page.attempts_of(withdrawal, user),
            "journal": record_page.journal_of(withdrawal, user),
            "why": why_of(withdrawal, results_of(withdrawal), user),
            "people": linked_of(withdrawal, user, now=now) if visibility.sees(user, Field.SIGNALS) else None,
            "similar": similar_of(withdrawal, user),
            "question": record_page.question_of(withdrawal, user),
        }


def decides(withdrawal: Withdrawal, offered: list[sheets.Sheet]) -> bool:
    """Whether somebody to whom these moves are offered gets the decision page; everybody else reads the record."""
    return bool(offered) and withdrawal.state in (*UNDECIDED, State.ON_HOLD)


def decision_of(
    withdrawal: Withdrawal,
    offered: list[sheets.Sheet],
    presence: Presence,
    waiting: Decision | None,
    user: User,
    *,
    now: datetime,
) -> dict[str, Any]:
    """Return the panels of a decision page and the policy line."""
    taken = f"{presence.owner} is deciding this." if presence.is_others else ""
    if waiting is not None:
        told = visibility.sees_decision(user, waiting)
        taken = "Proposed." if told and waiting.status == Decision.Status.PROPOSED else "Already decided."
    return facts_page.context_of(facts_page.Facts(withdrawal, user, now=now), offered, taken=taken)


def sensed(withdrawal: Withdrawal, user: User, *, facts: bool, now: datetime) -> tuple[Presence, str]:
    """Return who is at a withdrawal and, for a page with ``facts``, those that it is about to show, for live_of().

    Where a fact cannot be read there are none: its panel says so.
    """
    if facts:
        try:
            present, found = pulse.opened(withdrawal.ref, reader=user, now=now)
            return presence_of(withdrawal, user, now=now, sensed=present), pulse.write(found)
        except DatabaseError:
            logger.exception("The facts of %s could not be read.", withdrawal.ref)
    return presence_of(withdrawal, user, now=now), ""


def live_of(
    withdrawal: Withdrawal, presence: Presence, waiting: Decision | None, user: User, *, facts_seen: str
) -> dict[str, Any]:
    """Return what the open page asks about later: what it shows now, as opaque words."""
    return {
        "seen": presence.digest,
        "waits_for": waiting.pk if waiting and visibility.sees(user, Field.STATE) else 0,
        "facts_seen": facts_seen,
    }


def bar_for(
    request: StaffRequest,
    withdrawal: Withdrawal,
    offered: list[sheets.Sheet],
    presence: Presence,
    context: dict[str, Any],
    *,
    now: datetime,
) -> dict[str, Any]:
    """Return the decision bar; what is blocked, decided or somebody else's is left out of it."""
    user, view, waiting = request.user, view_of(request), context.get("waiting")
    stopped = bool(context.get("blocker") or context.get("needs_senior"))
    free = context.get("waits_for") == 0 and not presence.is_others
    asked = [sheet for sheet in offered if free and not (stopped and sheet.look.inline)]
    answers = bar.answers_to(waiting, view=context.get("place", view)) if waiting and context.get("may_agree") else []
    asks = bar.asked_of(withdrawal, asked, view=view, now=now)
    ahead = going_on(request, withdrawal, asks=bool(asks))
    return bar.bar_of(withdrawal, [*answers, *asks], user, view=view, **ahead, now=now)


def going_on(request: StaffRequest, withdrawal: Withdrawal, *, asks: bool) -> dict[str, Any]:
    """Return what the bar must know of the list, for who decides one of its rows and goes on to the next."""
    origin, user = origin_of(request), request.user
    ahead = origin if asks and origin and origin.is_worked_off_by(user) else None
    return {
        "listing": ahead.listing if ahead else None,
        "is_last": ahead is not None and ahead.is_last(withdrawal),
        "open_next": request.session.get("open_next", preferences_of(user).open_next),
    }


def claimed(withdrawal: Withdrawal, user: Any, *, now: datetime) -> Withdrawal:
    """Claim what nobody has, for somebody who can decide it now; return the withdrawal with whoever has it."""
    if not claims.may_claim(user):
        return withdrawal
    try:
        withdrawal.claim = claims.claim(withdrawal, user=user, now=now, page=uuid.uuid4().hex)
    except ClaimedByOther:
        return withdrawal_or_404(withdrawal.ref)
    except NotAllowed:
        return withdrawal
    return withdrawal
