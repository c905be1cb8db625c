"""What the books say. Amounts are minor units, credit positive; balances are sums over an account's shards."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Sum

from ledger.models import GUARDED, AccountKind, Balance, Entry, EntryKind, Posting

# What says that the law froze a player’s money.
FREEZES = (EntryKind.FREEZE, EntryKind.UNFREEZE)
_KIND_WORDS: dict[str, str] = {str(kind): label for kind, label in EntryKind.choices}


def balance_of(kind: str, holder: str, currency: str) -> int:
    """Return the balance of one account; 0 if it was never posted to."""
    total = Balance.objects.filter(account__kind=kind, account__holder=holder, account__currency=currency).aggregate(
        total=Sum("amount")
    )["total"]
    return int(total or 0)


def held_of(purses: Mapping[str, int]) -> int:
    """Return what is reserved of a player's purses in one currency; a legal hold is not told apart."""
    return purses.get(AccountKind.PLAYER_HELD, 0) + purses.get(AccountKind.LEGAL_HOLD, 0)


def balances_of_player(holder: str) -> dict[str, dict[str, int]]:
    """Return currency → account kind → balance: the player's own four kinds and what they owe us."""
    rows = (
        Balance.objects.filter(account__holder=holder, account__kind__in=(*GUARDED, AccountKind.OVERPAID_RECEIVABLE))
        .values_list("currency", "account__kind")
        .annotate(total=Sum("amount"))
        .order_by("currency", "account__kind")
    )
    balances: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for currency, kind, total in rows:
        balances[currency][kind] = int(total)
    return dict(balances)


def journal() -> QuerySet[Entry]:
    """Return all entries, newest first, with their postings and accounts."""
    postings = Posting.objects.select_related("account").order_by("leg")
    return Entry.objects.prefetch_related(Prefetch("postings", queryset=postings)).order_by("-id")


def journal_for(user: Any) -> QuerySet[Entry]:
    """Return the entries that this person may read: those of legal holds are for few."""
    return journal() if user.has_perm("ledger.view_freezes") else journal().exclude(kind__in=FREEZES)


def entry_id(key: str) -> int | None:
    """Return the id of the entry that was booked under this key, if there is one."""
    return Entry.objects.filter(key=key).values_list("pk", flat=True).first()


@dataclass(frozen=True, slots=True)
class Booked:
    """What one entry moved in one currency: the sum of its credits."""

    entry_id: int
    kind: str
    occurred_at: datetime
    booked_at: datetime
    currency: str
    amount: int

    @property
    def label(self) -> str:
        return _KIND_WORDS[self.kind]


def booked_for(references: Collection[str], *, freezes: bool) -> dict[str, list[Booked]]:
    """Return what was booked for each withdrawal, in the order it was booked; one statement for all.

    ``freezes``: whether the reader may know of legal holds.
    """
    rows = (
        Entry.objects.filter(reference__in=references, postings__amount__gt=0)
        .exclude(reference="")
        .exclude(kind__in=() if freezes else FREEZES)
        .values_list("reference", "id", "kind", "occurred_at", "booked_at", "postings__currency")
        .annotate(Sum("postings__amount"))
        .order_by("id", "postings__currency")
    )
    found: defaultdict[str, list[Booked]] = defaultdict(list)
    for reference, entry_id, kind, occurred_at, booked_at, currency, amount in rows:
        found[reference].append(Booked(entry_id, kind, occurred_at, booked_at, currency, int(amount)))
    return dict(found)


def returned_of(references: Collection[str] | QuerySet[Any]) -> dict[str, int]:
    """Return currency → what came back for these withdrawals and was neither given back nor re-issued since."""
    rows = (
        Entry.objects.filter(kind=EntryKind.RETURNED, reference__in=references, postings__amount__gt=0)
        .exclude(Exists(Entry.objects.filter(reverses=OuterRef("pk"))))
        .values_list("postings__currency")
        .annotate(Sum("postings__amount"))
        .order_by("postings__currency")
    )
    return {currency: int(amount) for currency, amount in rows}


def with_posting(**conditions: str) -> Exists:
    """Return the condition that an entry has a line such as ``account__kind="fee_income"``."""
    return Exists(Posting.objects.filter(entry=OuterRef("pk"), **conditions))


@dataclass(frozen=True, slots=True)
class Turnover:
    """The sums of both sides of some entries in one currency; the books are right while they are equal."""

    currency: str
    debits: int
    credits: int

    @property
    def is_balanced(self) -> bool:
        return self.debits == self.credits


def turnover(entries: QuerySet[Entry]) -> list[Turnover]:
    """Return the debits and credits of exactly these entries, per currency."""
    rows = (
        Posting.objects.filter(entry__in=entries.order_by().values("pk"))
        .values_list("currency")
        .annotate(debits=Sum("amount", filter=Q(amount__lt=0)), credits=Sum("amount", filter=Q(amount__gt=0)))
        .order_by("currency")
    )
    return [Turnover(currency, -int(debits or 0), int(credits or 0)) for currency, debits, credits in rows]
