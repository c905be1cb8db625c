"""The filters of the audit log."""

from typing import Any

import django_filters
from django import forms
from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from backoffice.audit.models import AuditEntry
from backoffice.ui.filters import BaseFilter, DateRangeFilter

_TYPED = {"attrs": {"autocomplete": "off"}}


def _staff(_request: Any) -> QuerySet[Any]:
    return get_user_model().objects.order_by("name", "pk")


class AuditFilter(BaseFilter):
    q = django_filters.CharFilter(label="Search", method="by_object")
    person = django_filters.ModelChoiceFilter(label="Person", field_name="actor_user", queryset=_staff)
    machine = django_filters.CharFilter(
        label="System", field_name="actor_machine", max_length=60, widget=forms.TextInput(**_TYPED)
    )
    act = django_filters.CharFilter(
        label="Act",
        method="by_act",
        max_length=40,
        widget=forms.TextInput(**_TYPED),
        help_text="As in the list: approve, put on hold, sign in.",
    )
    at = DateRangeFilter(field_name="at", label="Time")

    class Meta:
        model = AuditEntry
        fields: tuple[str, ...] = ()

    def by_object(self, entries: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return entries.filter(subject_id__in={value.strip(), value.strip().upper(), value.strip().lower()})

    def by_act(self, entries: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return entries.filter(action="_".join(value.lower().split()))
