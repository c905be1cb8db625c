"""One field for everything: what a typed term names, as far as the reader may see it.

Who was found is audited, not what was typed: a term may be a piece of personal data itself. An answer is written down
when it shows a player whom the last ten minutes of searching did not show; narrowing a name while typing is one search.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from backoffice.audit.record import record
from backoffice.money import EXPONENTS, AmountError, parse_amount
from backoffice.ui.filters import plain_decimal
from kyc import queries as kyc
from kyc.models import Player
from withdrawals import queries, visibility
from withdrawals.models import Withdrawal
from withdrawals.reference import normalise
from withdrawals.visibility import Field

MOST = 8
SHORTEST, LONGEST = 2, 200
# Amounts are looked for among what was requested last: older ones are found by the lists, which have filters.
RECENT = timedelta(days=30)
ONE_SEARCH = timedelta(minutes=10)
ACTION = "search"


@dataclass(frozen=True, slots=True)
class Found:
    """``exact`` is the withdrawal or player that the term names by itself."""

    exact: Withdrawal | Player | None
    withdrawals: tuple[Withdrawal, ...]
    players: tuple[Player, ...]


def search(term: str, *, actor: User, now: datetime) -> Found:
    """Return at most eight withdrawals and eight players."""
    term = term.strip()[:LONGEST]
    reference = normalise(term)
    if reference and (row := queries.withdrawals().filter(ref=reference).first()):
        return Found(row, (), ())
    if len(term) < SHORTEST:
        return Found(None, (), ())
    people = kyc.look_up(term)[:MOST] if visibility.sees(actor, Field.NAME) else []
    remember(people, actor=actor, now=now)
    rows = tuple(_withdrawals(term, people, actor=actor, now=now))
    if len(people) == 1 and ("@" in term or term.upper() in (people[0].ref, people[0].external_id.upper())):
        return Found(people[0], rows, ())
    return Found(None, rows, tuple(people))


def shown_again(references: Iterable[str], *, actor: User) -> list[Withdrawal | Player]:
    """Return what was opened before and may still be seen, in the given order."""
    wanted = list(references)
    found: dict[str, Any] = {row.ref: row for row in queries.withdrawals().filter(ref__in=wanted)}
    if visibility.sees(actor, Field.NAME):
        found |= kyc.by_refs(wanted)
    return [found[ref] for ref in wanted if ref in found]


def _withdrawals(term: str, people: list[Player], *, actor: User, now: datetime) -> list[Withdrawal]:
    """Those of the players that were found, and those that a reference, last four or an amount names."""
    destinations = visibility.sees(actor, Field.DESTINATION)
    found = queries.found_by(term, people=False, destinations=destinations) | Q(
        player_id__in=[one.pk for one in people]
    )
    newest = ("-requested_at", "-pk")
    rows = list(queries.withdrawals().filter(found).order_by(*newest)[:MOST])
    if len(rows) < MOST and (amounts := _amounts(term)):
        same = (
            queries.withdrawals()
            .filter(amounts, requested_at__gte=now - RECENT)
            .exclude(pk__in=[one.pk for one in rows])
        )
        rows += same.order_by(*newest)[: MOST - len(rows)]
    return rows


def _amounts(term: str) -> Q | None:
    """Return the withdrawals of this amount in any currency: 2450 is 245000 cents, and 2450 yen."""
    found: dict[int, list[str]] = {}
    for currency in EXPONENTS:
        try:
            found.setdefault(parse_amount(plain_decimal(term, currency), currency), []).append(currency)
        except AmountError:
            continue
    same = Q()
    for amount, currencies in found.items():
        if amount > 0:
            same |= Q(amount=amount, currency__in=currencies)
    return same or None


def shown_by(term: str, rows: Iterable[Withdrawal], *, actor: User, now: datetime) -> None:
    """Write down the players whom a term found by themselves, among the withdrawals that a list shows for it."""
    if not term or not visibility.sees(actor, Field.NAME):
        return
    listed = {row.player_id for row in rows}
    remember([one for one in kyc.look_up(term.strip()) if one.pk in listed], actor=actor, now=now)


def remember(people: list[Player], *, actor: User, now: datetime) -> None:
    """Write down who was shown, once per search."""
    if not people:
        return
    before = AuditEntry.objects.filter(actor_user=actor, at__gt=now - ONE_SEARCH, action=ACTION)
    known = {ref for data in before.values_list("data", flat=True) for ref in data["players"]}
    refs = [one.ref for one in people]
    if not set(refs) <= known:
        record(
            subject_type="staff",
            subject_id=str(actor.pk),
            action=ACTION,
            actor=actor,
            data={"players": refs},
            at=now,
        )
