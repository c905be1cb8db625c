"""Reading players and their standing. The rule that turns decisions into a standing is here, once, in SQL."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DateField,
    F,
    FilteredRelation,
    IntegerField,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Greatest, Least

from kyc.models import NAME_WORDS, Player, Verification
from kyc.names import canonical, fold, is_plain
from kyc.states import EXPIRES_SOON_DAYS, Kind, Standing, StandingState, VerificationState

MOST_FOUND = 20
_REF = re.compile(r"P-[0-9]{6,18}")
_SHORTEST_NAME = 2
_MOST_WORDS = 5


def standings(*, on: date) -> QuerySet[Player]:
    """Return all players with ``standing_level``, ``standing_expires_on`` and ``standing_state`` for one day.

    One statement; filter, order and slice it like any other. It knows the decisions recorded until
    now: ``on`` decides only what has run out. Turn a row into a Standing with ``standing_in``.
    """
    valid = {kind: _counts(kind, on=on) for kind in Kind}
    identity = valid[Kind.IDENTITY]
    others = [kind for kind in Kind if kind != Kind.IDENTITY]
    level = Case(
        When(identity, then=Greatest(*[_if_valid(valid[kind], f"{kind}_check__level") for kind in Kind])),
        default=Value(0),
        output_field=IntegerField(),
    )
    # LEAST skips what is NULL, so verifications without an end do not count.
    first_to_expire = Least(
        F("identity_check__expires_on"),
        *[_if_valid(valid[kind], f"{kind}_check__expires_on") for kind in others],
    )
    rejected = Q()
    for kind in Kind:
        rejected |= Q(**{f"{kind}_check__state": VerificationState.REJECTED})
    soon = on + timedelta(days=EXPIRES_SOON_DAYS)
    state = Case(
        When(rejected, then=Value(StandingState.REJECTED.value)),
        When(identity_check__isnull=True, then=Value(StandingState.NONE.value)),
        When(identity_check__state=VerificationState.PENDING, then=Value(StandingState.PENDING.value)),
        When(~identity, then=Value(StandingState.EXPIRED.value)),
        When(standing_expires_on__lte=soon, then=Value(StandingState.EXPIRES_SOON.value)),
        default=Value(StandingState.VERIFIED.value),
        output_field=CharField(),
    )
    return (
        Player.objects.annotate(**{f"{kind}_check": _current(kind) for kind in Kind})
        .annotate(
            standing_level=level,
            standing_expires_on=Case(
                When(identity, then=first_to_expire),
                default=F("identity_check__expires_on"),
                output_field=DateField(),
            ),
        )
        .annotate(standing_state=state)
    )


def unsettled(*, until: date) -> QuerySet[Verification, int]:
    """Return the keys of players with a current verification that ends by then or is not valid.

    Quick, and wider than any standing: for narrowing ``standings()`` before it computes.
    """
    ends = Q(expires_on__lte=until) | ~Q(state=VerificationState.VERIFIED)
    return Verification.objects.filter(ends, current=True).values_list("player_id", flat=True)


def standing_in(row: Player, *, on: date) -> Standing:
    """Return the standing that ``standings(on=on)`` annotated on this row."""
    return Standing(
        level=row.standing_level,  # type: ignore[attr-defined]
        state=StandingState(row.standing_state),  # type: ignore[attr-defined]
        expires_on=row.standing_expires_on,  # type: ignore[attr-defined]
        on=on,
    )


def standing_of(player: Player, *, on: date) -> Standing:
    """Return what KYC allows this player on that day."""
    return standings_of([player.pk], on=on)[player.pk]


def standings_of(player_ids: Iterable[int], *, on: date) -> dict[int, Standing]:
    """Return the standing of each of these players in one query, for a page of a list."""
    statement, values = _statement(on)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, list(player_ids)])
        return {
            key: Standing(level=level, state=StandingState(state), expires_on=expires_on, on=on)
            for key, level, state, expires_on in cursor.fetchall()
        }


@lru_cache(maxsize=8)
def _statement(on: date) -> tuple[str, tuple[Any, ...]]:
    """Return ``standings`` for the keys that are its last value: it takes longer to write than to run."""
    columns = ("pk", "standing_level", "standing_state", "standing_expires_on")
    wanted = RawSQL("kyc_player.id = ANY(%s)", [None], output_field=BooleanField())
    statement, values = standings(on=on).filter(wanted).values_list(*columns).query.sql_with_params()
    return statement, values[:-1]


def names_players(term: str) -> bool:
    """Whether a term has the shape of an e-mail address or of a player's reference, and so is nothing else."""
    return "@" in term or _REF.fullmatch(canonical(term).upper()) is not None


def look_up(term: str) -> list[Player]:
    """Return at most 20 players for what somebody typed, by name.

    An e-mail address, a reference (P-284071, in any case) and the platform's id must match exactly;
    anything else is read as the beginnings of the words of a name.
    """
    if not is_plain(term):
        return []
    term = canonical(term)
    if "@" in term:
        return list(Player.objects.filter(email=term.lower()).order_by("name", "pk")[:MOST_FOUND])
    if _REF.fullmatch(term.upper()):
        return list(Player.objects.filter(ref=term.upper()))
    return list(Player.objects.filter(external_id=term)) or _by_name(term)


def by_refs(refs: Iterable[str]) -> dict[str, Player]:
    """Return the players with these references; unknown ones are left out."""
    return {player.ref: player for player in Player.objects.filter(ref__in=list(refs))}


def _by_name(term: str) -> list[Player]:
    words = fold(term).split()[:_MOST_WORDS]
    if len("".join(words)) < _SHORTEST_NAME:
        return []
    beginnings = SearchQuery(" & ".join(f"{word}:*" for word in words), config="simple", search_type="raw")
    named = Player.objects.alias(name_words=NAME_WORDS).filter(name_words=beginnings)
    # By the folded name, which no index orders: walking the names in their order would look at every player.
    return list(named.order_by("folded_name", "pk")[:MOST_FOUND])


def _current(kind: Kind) -> FilteredRelation:
    return FilteredRelation("verifications", condition=Q(verifications__kind=kind, verifications__current=True))


def _counts(kind: Kind, *, on: date) -> Q:
    check = f"{kind}_check"
    return Q(**{f"{check}__state": VerificationState.VERIFIED}) & (
        Q(**{f"{check}__expires_on__isnull": True}) | Q(**{f"{check}__expires_on__gte": on})
    )


def _if_valid(valid: Q, field: str) -> Case:
    return Case(When(valid, then=F(field)))
