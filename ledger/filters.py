"""The filters of the journal."""

from collections.abc import Collection
from typing import Any

import django_filters
from django.db.models import QuerySet

from backoffice.money import EXPONENTS
from backoffice.ui.filters import BaseFilter, ChoicesFilter, DateRangeFilter
from ledger import queries
from ledger.models import AccountKind, Entry, EntryKind


class JournalFilter(BaseFilter):
    q = django_filters.CharFilter(label="Search", method="by_reference")
    booked = DateRangeFilter(field_name="booked_at", label="Booked")
    kind = ChoicesFilter(choices=EntryKind.choices, label="Kind")
    account = django_filters.ChoiceFilter(choices=AccountKind.choices, label="Account", method="by_account")
    currency = django_filters.ChoiceFilter(
        choices=[(code, code) for code in sorted(EXPONENTS)], label="Currency", method="by_currency"
    )

    class Meta:
        model = Entry
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.request.user.has_perm("ledger.view_freezes"):
            self._leave_out("kind", queries.FREEZES)
            self._leave_out("account", (AccountKind.LEGAL_HOLD,))

    def _leave_out(self, name: str, values: Collection[str]) -> None:
        """Do not offer what the reader may not know of."""
        extra = self.filters[name].extra
        extra["choices"] = [choice for choice in extra["choices"] if choice[0] not in values]

    def by_reference(self, entries: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return entries.filter(reference=value.strip().upper()).exclude(reference="")

    def by_account(self, entries: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return entries.filter(queries.with_posting(account__kind=value))

    def by_currency(self, entries: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return entries.filter(queries.with_posting(currency=value))
