"""Past assessments, and the players that one player shares something with."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet, Sum

from fraud.activity import Deposit, Login
from fraud.models import Assessment

MOST_LINKED = 20
# More players than this on one network are a carrier or a café, which says nothing about any two: our own choice.
MOST_ON_A_NETWORK = 10


@dataclass(frozen=True, slots=True)
class LinkedPlayer:
    """Another player and what is shared, strongest first: ``payment method Visa •••• 4417, device``."""

    player_id: int
    shared: str


def facts_of(subjects: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the facts by which each of these subjects was last judged, in one statement."""
    found = Assessment.objects.filter(subject__in=subjects).order_by("subject", "-id").distinct("subject")
    return dict(found.values_list("subject", "facts"))


def linked_players(player_id: int, *, since: datetime) -> list[LinkedPlayer]:
    """Return at most 20 players who used a payment method, device or network of this player since then.

    Those who share more come first. Three statements.
    """
    deposits = Deposit.objects.filter(at__gte=since).exclude(instrument="")
    logins = Login.objects.filter(at__gte=since)
    shared: defaultdict[int, list[str]] = defaultdict(list)
    for other, label in _sharing(deposits, "instrument", player_id).values_list("player_id", "instrument_label"):
        shared[other].append(f"payment method {label}".strip())
    for other in _sharing(logins.exclude(device=""), "device", player_id).values_list("player_id", flat=True):
        shared[other].append("device")
    near = _sharing(logins.filter(network__in=_small_networks(logins, player_id)), "network", player_id)
    for other in near.values_list("player_id", flat=True):
        shared[other].append("network address")
    most_first = sorted(shared.items(), key=lambda item: (-len(item[1]), item[0]))
    return [LinkedPlayer(other, ", ".join(words)) for other, words in most_first[:MOST_LINKED]]


def deposited_with(player_id: int, *, label: str, currency: str) -> int:
    """Return how much a player deposited with what reads like this (``Visa •••• 4417``), in minor units."""
    made = Deposit.objects.filter(player_id=player_id, currency=currency, instrument_label=label)
    return made.aggregate(total=Sum("amount"))["total"] or 0


def _sharing(events: QuerySet[Any], attribute: str, player_id: int) -> QuerySet[Any]:
    """Return the others' events with a value of ``attribute`` that the player used too, each player once."""
    own = events.filter(player_id=player_id).values(attribute)
    return events.filter(**{f"{attribute}__in": own}).exclude(player_id=player_id).order_by().distinct()


def _small_networks(logins: QuerySet[Login], player_id: int) -> QuerySet[Login, Any]:
    own = logins.filter(player_id=player_id).values("network")
    return (
        logins.filter(network__in=own)
        .values("network")
        .annotate(players=Count("player_id", distinct=True))
        .filter(players__lte=MOST_ON_A_NETWORK)
        .values("network")
    )
