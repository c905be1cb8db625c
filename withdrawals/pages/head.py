"""What stands at the head of every page about a withdrawal, and its timeline."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backoffice.accounts.models import User
from backoffice.ui import inline
from withdrawals import pulse, queries, visibility
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import claims, proposals
from withdrawals.pages import pending, timeline
from withdrawals.states import LOOKS, UNDECIDED
from withdrawals.visibility import Field

MOST_EVENTS = 7


@dataclass(frozen=True, slots=True)
class Presence:
    """Who decides this now, who else looks, and what the reader can do about it."""

    owner: User | None
    since: datetime | None
    until: datetime | None
    page: str
    left: str
    mine: bool
    may_take_over: bool
    may_ask: bool
    asked_by: User | None
    lookers: tuple[str, ...]
    stands: str
    digest: str

    @property
    def is_others(self) -> bool:
        return self.owner is not None and not self.mine


def presence_of(withdrawal: Withdrawal, user: User, *, now: datetime, sensed: pulse.Presence | None = None) -> Presence:
    """Return who is at a withdrawal. ``sensed``: what the pulse said just now, if it was asked."""
    sensed = sensed or pulse.presence_of(withdrawal.ref, reader=user, now=now)
    owner = claims.owner_of(withdrawal, now=now)
    claim = withdrawal.claim if owner is not None else None
    others = owner is not None and owner != user
    lookers = User.objects.filter(pk__in=sensed.lookers).order_by("name") if sensed and sensed.lookers else []
    return Presence(
        owner=owner,
        since=claim.since if claim else None,
        until=claim.until if claim else None,
        page=claim.page if claim else "",
        left=inline.duration(claim.until - now) if claim else "",
        mine=owner == user,
        may_take_over=others and claims.may_take_over(withdrawal, user, now=now),
        may_ask=others and claims.can_decide(withdrawal, user),
        asked_by=claim.asked_by if claim else None,
        lookers=tuple(person.name.split()[0] for person in lookers),
        stands=sensed.stands if sensed else "",
        digest=sensed.digest if sensed else "",
    )


def head_of(
    withdrawal: Withdrawal, user: User, presence: Presence, last: Decision | None, *, now: datetime
) -> dict[str, Any]:
    """Return what the head and the timeline of every page about a withdrawal show. ``last``: the last decision."""
    entries = timeline.entries_of(withdrawal)
    notes = timeline.notes_for(withdrawal, user, entries=entries)
    events = timeline.events_of(entries, user, notes=notes)
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
        "notes": notes[:1],
        "events": events[:MOST_EVENTS],
        "older_events": events[MOST_EVENTS:],
        "sees_owner": visibility.sees(user, Field.OWNER),
        "hold": pending.hold_words(withdrawal, user),
        "findings": queries.open_findings_of(withdrawal, user),
        "may_print": user.has_perm("withdrawals.print_evidence"),
    }
    if last is None or not visibility.sees_decision(user, last):
        return context
    if last.is_waiting:
        proposal = last.status == Decision.Status.PROPOSED
        context |= {
            "waiting": last,
            "waiting_words": pending.waiting_words(last, user),
            "waiting_facts": pending.waiting_facts(last),
            "may_withdraw": proposal and last.actor_id == user.pk,
            "may_agree": proposals.may_second(last, withdrawal, user),
        }
    elif last.status == Decision.Status.DECLINED and last.version == withdrawal.version:
        context["declined"] = pending.declined_words(last)
    return context
