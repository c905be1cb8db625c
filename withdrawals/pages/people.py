"""Who asks, and who shares something with them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from backoffice.ui.masking import mask_email, mask_phone
from kyc import queries as kyc
from kyc.models import Player
from kyc.states import Standing
from withdrawals import queries, visibility
from withdrawals.models import Withdrawal
from withdrawals.states import LOOKS, State
from withdrawals.visibility import Field

MOST_LINKED = 3
# From fewer nothing can be told.
FEWEST_ALIKE = 20
LINKED_SINCE = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class PlayerFacts:
    """Empty where the reader may not see."""

    name: str
    ref: str
    standing: Standing | None
    since: datetime | None
    person: str
    restrictions: str
    contact: tuple[str, ...]


def player_facts(player: Player, standing: Standing | None, user: Any, *, today: date) -> PlayerFacts | None:
    """Return who asks, to those who work with names. Contact is always masked; a full birth date is never shown."""
    if not visibility.sees(user, Field.NAME):
        return None
    person = visibility.sees(user, Field.PERSON)
    contact = visibility.sees(user, Field.CONTACT)
    born = player.birth_date
    age = f"{today.year - born.year - ((today.month, today.day) < (born.month, born.day))} y" if born else ""
    told = [
        mask_email(player.email) if player.email else "",
        mask_phone(player.phone) if player.phone else "",
    ]
    limits = ["self-excluded"] * player.self_excluded + ["suspended"] * player.suspended
    return PlayerFacts(
        name=player.name,
        ref=player.ref,
        standing=standing if visibility.sees(user, Field.STANDING) else None,
        since=player.registered_at if contact else None,
        person=", ".join(part for part in (age, player.city, player.country) if part) if person else "",
        restrictions=(" and ".join(limits).capitalize() or "No restrictions") if person else "",
        contact=tuple(part for part in told if part) if contact else (),
    )


@dataclass(frozen=True, slots=True)
class Linked:
    """Another player who shares something, with their standing in words."""

    name: str
    ref: str
    shared: str
    standing: str


@dataclass(frozen=True, slots=True)
class People:
    """Who shares something with the player: the strongest, and how many more there are."""

    linked: tuple[Linked, ...]
    more: int


def linked_of(withdrawal: Withdrawal, user: Any, *, now: datetime) -> People | None:
    """Return who shares something with the player; None for whoever works without names."""
    if not visibility.sees(user, Field.NAME):
        return None
    links, today = queries.links_of(withdrawal, since=now - LINKED_SINCE), timezone.localdate(now)
    rows = {row.pk: row for row in kyc.standings(on=today).filter(pk__in=list(links))} if links else {}
    known = [(rows[pk], shared) for pk, shared in links.items() if pk in rows]
    linked = tuple(_linked(player, shared, today) for player, shared in known[:MOST_LINKED])
    return People(linked=linked, more=max(len(known) - MOST_LINKED, 0))


def similar_of(withdrawal: Withdrawal, user: Any) -> str:
    """Return how payouts like this one ended, in words; empty where too few are known to tell anything."""
    if not visibility.sees(user, Field.SIGNALS):
        return ""
    ended = queries.similar_outcomes(withdrawal)
    total = sum(ended.values())
    if total < FEWEST_ALIKE:
        return ""
    parts = sorted(ended.items(), key=lambda item: -item[1])
    ends = ", ".join(f"{number} {LOOKS[State(state)].label.lower()}" for state, number in parts)
    return f"{total} like this one lately, by the same method and of half to twice the amount: {ends}."


def standing_of(withdrawal: Withdrawal, user: Any, *, now: datetime) -> Standing | None:
    """Return what KYC says of the player today, to those who may know it."""
    if not visibility.sees(user, Field.STANDING):
        return None
    return kyc.standing_of(withdrawal.player, on=timezone.localdate(now))


def _linked(player: Player, shared: str, today: date) -> Linked:
    words = kyc.standing_in(player, on=today).words
    return Linked(player.name, player.ref, shared, f"{words}, suspended" if player.suspended else words)
