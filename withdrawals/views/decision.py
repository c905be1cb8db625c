"""One withdrawal: the decision page while it can be decided by whoever looks, the record otherwise."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.generic import View

from backoffice.accounts.requests import StaffRequest
from backoffice.ui import inline
from backoffice.ui.access import Permitted
from backoffice.ui.screens import Tab
from withdrawals import player_words, queries, usage, visibility
from withdrawals.exceptions import ClaimedByOther
from withdrawals.forms import MoveForm
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import asking, claims, decisions
from withdrawals.pages import money_trail, pending, sheets, timeline
from withdrawals.pages import record as record_page
from withdrawals.pages.approval import blocker, first_approval, policy_line
from withdrawals.pages.earlier import earlier_of
from withdrawals.pages.limits import MOST_BARS, bars_of, over_limits
from withdrawals.pages.people import people_of, player_facts, standing_of
from withdrawals.pages.route import route_of
from withdrawals.pages.why import concerns_of, results_of, why_of
from withdrawals.reference import normalise
from withdrawals.states import LOOKS, UNDECIDED, State
from withdrawals.views.queue import queue_of
from withdrawals.views.tabs import tab_of, view_of
from withdrawals.visibility import Field

MOST_EVENTS = 7
# Looking again within this time does not write the claim anew.
RENEWED_AFTER = timedelta(minutes=1)


def withdrawal_or_404(ref: str) -> Withdrawal:
    """Return the withdrawal of a reference in any spelling, with its claim."""
    rows = queries.withdrawals().select_related("claim__owner")
    return get_object_or_404(rows, ref=normalise(ref))


@dataclass(frozen=True, slots=True)
class Presence:
    """Who decides this now, and whether the reader can take it over."""

    owner: Any
    since: datetime | None
    left: str
    mine: bool
    may_take_over: bool

    @property
    def is_others(self) -> bool:
        return self.owner is not None and not self.mine


def presence_of(withdrawal: Withdrawal, user: Any, *, now: datetime) -> Presence:
    owner = claims.owner_of(withdrawal, now=now)
    claim = withdrawal.claim if owner is not None else None
    return Presence(
        owner=owner,
        since=claim.since if claim else None,
        left=inline.duration(claim.until - now) if claim else "",
        mine=owner == user,
        may_take_over=owner is not None and owner != user and claims.may_take_over(withdrawal, user, now=now),
    )


class Record(Permitted, View):
    """Opened from a list it claims what nobody has; opened by reference it never does. Of an unknown outcome
    the provider is asked at once."""

    permission_required = "withdrawals.view_withdrawal"
    request: StaffRequest

    def get(self, request: StaffRequest, ref: str) -> HttpResponse:
        now, user = timezone.now(), request.user
        withdrawal, tab = withdrawal_or_404(ref), tab_of(request)
        asking.ask_at_once(withdrawal, now=now)
        last = queries.last_decision(withdrawal)
        waiting = last if last is not None and last.is_waiting else None
        if tab and waiting is None and withdrawal.state in UNDECIDED:
            withdrawal = claimed(withdrawal, user, now=now)
        presence = presence_of(withdrawal, user, now=now)
        offered = sheets.sheets_for(withdrawal, user)
        decides = bool(offered) and withdrawal.state in (*UNDECIDED, State.ON_HOLD)
        context = shared_context(withdrawal, user, presence, last, now=now) | self._came_from(tab, now)
        free = waiting is None and not presence.is_others
        if decides:
            taken = f"{presence.owner} is deciding this." if presence.is_others else ""
            if waiting is not None:
                told = visibility.sees_decision(user, waiting, withdrawal)
                proposed = told and waiting.status == Decision.Status.PROPOSED
                taken = "Proposed." if proposed else "Already decided."
            context |= self._decision(withdrawal, offered, taken, wait=context["route"].wait, now=now)
        else:
            context |= self._record(withdrawal, now=now)
        context |= bar_of(withdrawal, offered if free else [], request, blocked=context.get("blocker", ""), now=now)
        response = render(request, f"withdrawals/{'decision' if decides else 'record'}.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def _came_from(self, tab: Tab | None, now: datetime) -> dict[str, Any]:
        view, address = tab.slug if tab else "", reverse("withdrawals:queue")
        return {
            "view": view,
            "place": view,
            "back": (tab.label, f"{address}?view={view}") if tab else ("Withdrawals", address),
            "undo": pending.undo_offer(self.request.user, now=now, view=view),
        }

    def _decision(
        self, withdrawal: Withdrawal, offered: list[sheets.Sheet], taken: str, *, wait: str, now: datetime
    ) -> dict[str, Any]:
        user = self.request.user
        people = people_of(withdrawal, user, now=now)
        of_player = usage.of_player(withdrawal, now=withdrawal.requested_at)
        of_house = usage.of_house(withdrawal, now=now)
        blocked = blocker(withdrawal, people.standing, of_player, of_house, now=now)
        results, bars = results_of(withdrawal), bars_of([*of_player, *of_house])
        return {
            "why": why_of(withdrawal, results, user),
            "policy": policy_line(
                withdrawal,
                offered,
                user,
                all_passed=not concerns_of(results),
                blocker=blocked,
                taken=taken,
                besides=[*over_limits([*of_player, *of_house]), *filter(None, [wait])],
            ),
            "blocker": blocked,
            "bars": bars[:MOST_BARS],
            "more_bars": bars[MOST_BARS:],
            "first_approval": first_approval(withdrawal, user),
            "player": player_facts(withdrawal.player, people.standing, user, today=timezone.localdate(now)),
            "people": people,
            "trail": money_trail.trail_of(withdrawal, user),
            "earlier": earlier_of(withdrawal, user),
        }

    def _record(self, withdrawal: Withdrawal, *, now: datetime) -> dict[str, Any]:
        user = self.request.user
        told = player_words.sentence(player_words.situation_of(withdrawal, now=now))
        standing = standing_of(withdrawal, user, now=now)
        return {
            "outcome": record_page.outcome_of(withdrawal, user, now=now),
            "say": told if visibility.sees(user, Field.PLAYER_WORDS) else "",
            "player": player_facts(withdrawal.player, standing, user, today=timezone.localdate(now)),
            "earlier": earlier_of(withdrawal, user),
            "attempts": record_page.attempts_of(withdrawal, user),
            "journal": record_page.journal_of(withdrawal, user),
            "why": why_of(withdrawal, results_of(withdrawal), user),
        }


def claimed(withdrawal: Withdrawal, user: Any, *, now: datetime) -> Withdrawal:
    """Claim what nobody has, for somebody who can decide it now; return the withdrawal with whoever has it."""
    if not claims.can_decide(withdrawal, user):
        return withdrawal
    mine = claims.owner_of(withdrawal, now=now) == user
    if mine and withdrawal.claim.until - now > settings.CLAIM_TIME - RENEWED_AFTER:
        return withdrawal
    try:
        withdrawal.claim = claims.claim(withdrawal, user=user, now=now)
    except ClaimedByOther:
        return withdrawal_or_404(withdrawal.ref)
    return withdrawal


def shared_context(
    withdrawal: Withdrawal, user: Any, presence: Presence, last: Decision | None, *, now: datetime
) -> dict[str, Any]:
    """Return what the head and the timeline of every page about a withdrawal show. ``last``: the last decision."""
    notes = timeline.notes_for(withdrawal, user)
    events = timeline.events_of(withdrawal, user, notes=notes)
    name = visibility.player_name(user, withdrawal.player)
    state = visibility.state_for(user, withdrawal.state, withdrawal.hold_kind)
    context = {
        "withdrawal": withdrawal,
        "now": now,
        "name": name,
        "player_first": name.split()[0],
        "destination": visibility.destination_words(user, withdrawal),
        "presence": presence,
        "look": LOOKS[state],
        "due": withdrawal.state in UNDECIDED and visibility.sees(user, Field.STATE),
        "route": route_of(withdrawal, user, now=now),
        "notes": notes[:1],
        "events": events[:MOST_EVENTS],
        "older_events": events[MOST_EVENTS:],
        "sees_owner": visibility.sees(user, Field.OWNER),
        "hold": pending.hold_words(withdrawal, user),
        "findings": queries.open_findings_of(withdrawal, user),
    }
    if last is None or not visibility.sees_decision(user, last, withdrawal):
        return context
    if last.is_waiting:
        proposal = last.status == Decision.Status.PROPOSED
        context |= {
            "waiting": last,
            "waiting_words": pending.waiting_words(last, user),
            "waiting_facts": pending.waiting_facts(last),
            "may_withdraw": proposal and last.actor_id == user.pk,
            "may_agree": decisions.may_second(last, withdrawal, user),
        }
    elif last.status == Decision.Status.DECLINED and last.version == withdrawal.version:
        context["declined"] = pending.declined_words(last)
    return context


def bar_of(
    withdrawal: Withdrawal, offered: list[sheets.Sheet], request: StaffRequest, *, blocked: str, now: datetime
) -> dict[str, Any]:
    """Return the buttons and sheets of the decision bar; what is blocked now is left out of it."""
    user, view = request.user, view_of(request)
    offered = [sheet for sheet in offered if not (blocked and sheet.look.inline)]
    asked = [
        (
            sheet,
            sheets.move_address(withdrawal, sheet.move, view),
            MoveForm(sheet=sheet, now=now, auto_id=f"id_{sheet.move}_%s"),
        )
        for sheet in offered
    ]
    actions = [sheets.action_of(sheet, address) for sheet, address, _form in asked]
    if user.has_perm("withdrawals.add_note"):
        actions.append(sheets.note_action(withdrawal, view))
    goes_on, following = bool(offered and view) and claims.may_claim(user), None
    if goes_on:
        following = claims.claimable(user, now=now, queue=queue_of(request)).exclude(pk=withdrawal.pk).first()
    return {
        "actions": actions,
        "asked": asked,
        "token": uuid.uuid4().hex,
        "open_next": request.session.get("open_next", True) if goes_on else None,
        "following": following,
        "following_name": visibility.player_name(user, following.player) if following else "",
    }
