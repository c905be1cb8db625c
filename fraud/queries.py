"""Past assessments, and the players that one player shares something with."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, CharField, Count, DateTimeField, QuerySet, Sum, Value
from django.db.models.functions import Concat, Trim

from backoffice.prepared import Slot
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


def by_links(rows: Iterable[tuple[int, int, str]]) -> list[LinkedPlayer]:
    """Return at most 20 players of these rows of links(), those who share more first."""
    shared: defaultdict[int, list[str]] = defaultdict(list)
    for _kind, other, words in sorted(rows):
        shared[other].append(words)
    most_first = sorted(shared.items(), key=lambda item: (-len(item[1]), item[0]))
    return [LinkedPlayer(other, ", ".join(words)) for other, words in most_first[:MOST_LINKED]]


def links() -> QuerySet[Any, Any]:
    """Return everything that others share with ``player`` since ``since``, two slots, as the kind of it (a number
    that begins at 0), the other and the words for it."""
    player_id, since = Slot("player", BigIntegerField()), Slot("since", DateTimeField())
    deposits = Deposit.objects.filter(at__gte=since).exclude(instrument="")
    logins = Login.objects.filter(at__gte=since)
    near = logins.filter(network__in=_small_networks(logins, player_id))
    methods = Trim(Concat(Value("payment method "), "instrument_label"))
    kinds = (
        (_sharing(deposits, "instrument", player_id), methods),
        (_sharing(logins.exclude(device=""), "device", player_id), Value("device")),
        (_sharing(near, "network", player_id), Value("network address")),
    )
    first, *others = [
        rows.annotate(kind=Value(kind), words=words).values_list("kind", "player_id", "words")
        for kind, (rows, words) in enumerate(kinds)
    ]
    return first.union(*others)


def deposited_with() -> QuerySet[Any, Any]:
    """Return how much ``player`` deposited with what reads like ``label`` (``Visa •••• 4417``), in minor units of
    ``currency``: three slots, one row, empty for nothing."""
    player, label, currency = (
        Slot("player", BigIntegerField()),
        Slot("label", CharField()),
        Slot("currency", CharField()),
    )
    made = Deposit.objects.filter(player_id=player, currency=currency, instrument_label=label)
    return made.order_by().values("currency").annotate(total=Sum("amount")).values("total")


def _sharing(events: QuerySet[Any], attribute: str, player_id: Slot) -> QuerySet[Any]:
    """Return the others' events with a value of ``attribute`` that the player used too, each player once."""
    own = events.filter(player_id=player_id).values(attribute)
    return events.filter(**{f"{attribute}__in": own}).exclude(player_id=player_id).order_by().distinct()


def _small_networks(logins: QuerySet[Login], player_id: Slot) -> QuerySet[Login, Any]:
    own = logins.filter(player_id=player_id).values("network")
    return (
        logins.filter(network__in=own)
        .values("network")
        .annotate(players=Count("player_id", distinct=True))
        .filter(players__lte=MOST_ON_A_NETWORK)
        .values("network")
    )
