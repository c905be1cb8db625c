"""Keyset paging: the next page begins after the last row that was seen, however many rows come before.

A cursor holds the sort value and the primary key of one row and how many rows stood before it. It is
sealed for its sort: a changed one is refused (BadCursor) instead of reaching the database, and nobody reads
in it a value that the page itself would not show them. The value is in it, not read back from the row,
because rows change and leave a list while somebody turns its pages.
"""

import binascii
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from Crypto.Cipher import AES
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, Model, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.functions import Coalesce
from django.utils.crypto import salted_hmac

from backoffice.prepared import filled

COUNT_CAP = 10_000


class BadCursor(ValueError):
    """The cursor was not made by us, or for another order."""


def capped_words(count: int) -> str:
    """Return a count as it is shown: ``9,874``, or ``10,000+`` for more."""
    return f"{COUNT_CAP:,}+" if count > COUNT_CAP else f"{count:,}"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows. ``start`` is the place of the first row; ``total`` stops at COUNT_CAP + 1."""

    rows: list[Any]
    start: int
    total: int
    before: str | None
    after: str | None
    previous_url: str = ""
    next_url: str = ""

    @property
    def total_words(self) -> str:
        return capped_words(self.total)

    @property
    def place_words(self) -> str:
        if not self.rows:
            return "No rows"
        return f"{self.start:,}–{self.start + len(self.rows) - 1:,} of "

    @property
    def words(self) -> str:
        return f"{self.place_words}{self.total_words}" if self.rows else self.place_words


@dataclass(frozen=True, slots=True)
class Keyset:
    """An order by one path or annotation, then by primary key the same way. Empty values come last.

    ``sorts``: rows are found by their conditions and sorted, and not looked for along the index of the order.
    """

    path: str
    descending: bool
    nullable: bool
    sorts: bool = False

    @classmethod
    def of(cls, queryset: QuerySet[Any], path: str, *, descending: bool) -> "Keyset":
        return cls(path=path, descending=descending, nullable=_is_nullable(queryset, path))

    def page(self, queryset: QuerySet[Any], *, size: int, total: int, after: str = "", before: str = "") -> Page:
        """Return one page; raises BadCursor. With neither cursor it is the first page."""
        backwards = bool(before)
        place, rows = 0, self.ordered(queryset, reverse=backwards)
        if after or before:
            place, value, key = self._read(after or before)
            rows = rows.filter(self.beyond(value, key, reverse=backwards))
        found = list(rows[: size + 1])
        more, found = len(found) > size, found[:size]
        if backwards:
            found.reverse()
        start = (max(place - len(found), 1) if more else 1) if backwards else place + 1
        return Page(
            rows=found,
            start=start,
            total=total,
            before=self._write(found[0], start) if found and (more if backwards else after) else None,
            after=self._write(found[-1], start + len(found) - 1) if found and (backwards or more) else None,
        )

    def ordered(self, queryset: QuerySet[Any], *, reverse: bool = False) -> QuerySet[Any]:
        down = self.descending != reverse
        empty = {("nulls_first" if reverse else "nulls_last"): True} if self.nullable else {}
        value = self._by.desc(**empty) if down else self._by.asc(**empty)
        return queryset.order_by(value, "-pk" if down else "pk")

    def beyond(self, value: Any, key: Any, *, reverse: bool) -> Q:
        """Return what stands after a row with this value and primary key; ``reverse``: before it."""
        down = self.descending != reverse
        by_key = Q(pk__lt=key) if down else Q(pk__gt=key)
        if value is None:
            same = Q(**{f"{self.path}__isnull": True}) & by_key
            return same | Q(**{f"{self.path}__isnull": False}) if reverse else same
        compare = TupleLessThan if down else TupleGreaterThan
        beyond = Q(compare(Tuple(self._by, F("pk")), (value, key)))
        if LOOKUP_SEP in self.path and not self.sorts:
            # Follows from the line above, but no index spans two tables: this much one of them can begin at.
            beyond &= Q(**{f"{self.path}__{'lte' if down else 'gte'}": value})
        return beyond | Q(**{f"{self.path}__isnull": True}) if self.nullable and not reverse else beyond

    @property
    def _by(self) -> F | Coalesce:
        # No index has the second expression, whose value is that of the first.
        return Coalesce(F(self.path), F(self.path)) if self.sorts else F(self.path)

    def value_of(self, row: Model) -> Any:
        """Return what a row is ordered by; None as well where the row does not hold it."""
        value: Any = row
        for name in self.path.split(LOOKUP_SEP):
            value = getattr(value, name, None)
        return value

    def _write(self, row: Model, place: int) -> str:
        return seal([place, _pack(self.value_of(row)), _pack(row.pk)], purpose=self._purpose)

    def _read(self, cursor: str) -> tuple[int, Any, Any]:
        place, value, key = unseal(cursor, purpose=self._purpose)
        return place, _unpack(value), _unpack(key)

    @property
    def _purpose(self) -> str:
        return f"page:{'-' if self.descending else ''}{self.path}"


@dataclass(frozen=True, slots=True)
class Listing:
    """All rows of a list in their order, for whoever walks along it. A row that has left the list has a place in it
    still: the one where it stood. Only where the order is by an annotation that such a row lacks, it is before all.

    ``is_long``: it holds what was closed, too, so that of its rows only few are worked on.
    """

    rows: QuerySet[Any]
    order: Keyset
    is_long: bool = False

    def among(self, where: Q) -> "Listing":
        return replace(self, rows=self.rows.filter(where))

    def few(self, where: Q) -> "Listing":
        """Return what is worked on. In a long list none of it may stand behind a row for a million others."""
        return replace(self.among(where), order=replace(self.order, sorts=self.is_long))

    def ordered(self, *, back: bool = False) -> QuerySet[Any]:
        return self.order.ordered(self.rows, reverse=back)

    def beyond(self, row: Model, *, back: bool = False) -> QuerySet[Any]:
        """Return the rows after this one, the nearest first; ``back``: those before it."""
        return self.ordered(back=back).filter(self._beyond(row, back=back))

    def following(self, row: Model, *, back: bool = False) -> Any | None:
        """Return the next row, behind the last one the first; None when there is no other."""
        # Its place is looked up among all rows, its own included.
        beyond = self.beyond(row, back=back).exclude(pk=row.pk)
        return beyond.first() or self.among(~Q(pk=row.pk)).ordered(back=back).first()

    def place_of(self, row: Model) -> tuple[int, int]:
        """Return the place of a row, 0 when it is not here, and how many there are, to COUNT_CAP + 1. One statement."""
        # Along the order: those before it may be the last that anything else would find.
        before = Countable.of(self.beyond(row, back=True), along=True)
        own, ahead, total = capped_counts([self.rows.filter(pk=row.pk), before, self.rows])
        return (ahead + 1 if own and ahead < COUNT_CAP else 0), total

    def _beyond(self, row: Model, *, back: bool) -> Q:
        if self.order.path not in self.rows.query.annotations or hasattr(row, self.order.path):
            return self.order.beyond(self.order.value_of(row), row.pk, reverse=back)
        known: Model | None = self.rows.filter(pk=row.pk).first()
        if known is None:
            return Q(pk__in=[]) if back else Q()
        return self.order.beyond(self.order.value_of(known), row.pk, reverse=back)


@dataclass(frozen=True, slots=True)
class Countable:
    """Rows as they are counted, up to COUNT_CAP + 1. Writing it takes longer than counting a few rows does, so it is
    worth keeping, with Slots for who asks and when."""

    sql: str
    values: tuple[Any, ...]

    @classmethod
    def of(cls, queryset: QuerySet[Any], *, along: bool = False) -> "Countable":
        """``along``: the first ones in the order of the queryset, else any."""
        try:
            rows = queryset if along else queryset.order_by()
            sql, values = rows.values("pk")[: COUNT_CAP + 1].query.sql_with_params()
        except EmptyResultSet:
            return cls("SELECT 1 WHERE FALSE", ())
        # Lists among the parameters have no hash.
        return cls(sql, tuple(tuple(value) if isinstance(value, list) else value for value in values))


def capped_counts(asked: Sequence[QuerySet[Any] | Countable], **slots: Any) -> list[int]:
    """Count each up to COUNT_CAP + 1, all in one round trip; equal ones are counted once. ``slots`` by name."""
    if not asked:
        return []
    wanted = [one if isinstance(one, Countable) else Countable.of(one) for one in asked]
    distinct = list(dict.fromkeys(wanted))
    text = ", ".join(f"(SELECT COUNT(*) FROM ({one.sql}) AS counted)" for one in distinct)  # noqa: S608 - Django's own
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {text}", filled((value for one in distinct for value in one.values), slots))
        counts = dict(zip(distinct, cursor.fetchone(), strict=True))
    return [counts[one] for one in wanted]


def _is_nullable(queryset: QuerySet[Any], path: str) -> bool:
    if path in queryset.query.annotations:
        return True
    model, nullable = queryset.model, False
    for name in path.split(LOOKUP_SEP):
        field = model._meta.get_field("id" if name == "pk" else name)
        nullable, model = nullable or field.null, field.related_model
    return nullable


_NONCE, _TAG = 12, 16


def seal(value: Any, *, purpose: str) -> str:
    """Return JSON encrypted and authenticated (AES-GCM), fit for an address."""
    cipher = AES.new(_key(purpose), AES.MODE_GCM, nonce=secrets.token_bytes(_NONCE), mac_len=_TAG)
    text, tag = cipher.encrypt_and_digest(json.dumps(value).encode())
    return urlsafe_b64encode(cipher.nonce + tag + text).decode().rstrip("=")


def unseal(sealed: str, *, purpose: str) -> Any:
    try:
        raw = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        nonce, tag, text = raw[:_NONCE], raw[_NONCE : _NONCE + _TAG], raw[_NONCE + _TAG :]
        cipher = AES.new(_key(purpose), AES.MODE_GCM, nonce=nonce, mac_len=_TAG)
        return json.loads(cipher.decrypt_and_verify(text, tag))
    except (binascii.Error, ValueError) as error:
        raise BadCursor("The page address was changed or belongs to another order.") from error


def _key(purpose: str) -> bytes:
    return salted_hmac("backoffice.ui.paging", purpose, algorithm="sha256").digest()


def _pack(value: Any) -> list[Any]:
    """JSON has no times and no exact decimals: a tag says what the text was."""
    if isinstance(value, datetime):
        return ["t", value.isoformat()]
    if isinstance(value, date):
        return ["d", value.isoformat()]
    if isinstance(value, Decimal):
        return ["n", str(value)]
    return ["", value]


def _unpack(packed: list[Any]) -> Any:
    match packed:
        case ["t", text]:
            return datetime.fromisoformat(text)
        case ["d", text]:
            return date.fromisoformat(text)
        case ["n", text]:
            return Decimal(text)
    return packed[1]
