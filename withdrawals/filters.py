"""The filters of the withdrawal lists."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from backoffice.money import EXPONENTS
from backoffice.ui.filters import BaseFilter, ChoicesFilter, DateRangeFilter, MoneyRangeFilter, NumberRangeFilter
from backoffice.ui.periods import PeriodFilter
from fraud.rules import INDICATORS, NOT_JUDGED
from fraud.states import Level
from kyc import queries as kyc
from kyc.models import Player
from kyc.states import StandingState
from providers import queries as providers
from providers.registry import PROVIDERS
from withdrawals import queries, totals, visibility
from withdrawals.models import CheckResult, Finding, Method, Withdrawal
from withdrawals.operations.findings import KINDS, kind_label
from withdrawals.reference import normalise
from withdrawals.states import UNDECIDED, WITH_PROVIDER, State
from withdrawals.visibility import Field

SIGNALS = [
    *((f"fraud.{one.code}", one.name.capitalize()) for one in INDICATORS),
    (f"fraud.{NOT_JUDGED}", "Could not be judged"),
    ("destination.shared", "Shared payout details"),
]
# Payout details that were not known long enough when the money was asked for.
NEW_DETAILS = Q(has_new_details=True)
REASONS = [
    *SIGNALS,
    ("destination.new", "New payout details"),
    ("identity", "Identity"),
    ("destination.not_owned", "Details not proved the player’s own"),
    ("destination.other_name", "Details in another name"),
    ("limits", "Over a limit"),
    ("limits.blocked", "Over a limit that blocks"),
]
LEVELS = [(level, f"Level {level}") for level in range(4)]
OWNERS = [("me", "Me"), ("others", "Somebody else"), ("nobody", "Nobody")]
_RISK = [(level.value, f"{level.label}, {level.scores}") for level in Level]


# What is or was with a provider, and for how long.
IN_FLIGHT = (*WITH_PROVIDER, State.FAILED, State.RETURNED)
AGES = (
    ("5min", "More than 5 min ago", timedelta(minutes=5)),
    ("1h", "More than 1 h ago", timedelta(hours=1)),
    ("1d", "More than 1 day ago", timedelta(days=1)),
)


class TermFilter(django_filters.CharFilter):
    """Whatever names a withdrawal, as far as the reader may see it."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        user = self.parent.request.user
        return qs.filter(
            queries.found_by(
                value.strip(),
                people=visibility.sees(user, Field.NAME),
                destinations=visibility.sees(user, Field.DESTINATION),
            )
        )


class QueueFilter(BaseFilter):
    """``owners`` are offered by name, by their key: those of the rows that are shown."""

    owners: Mapping[int, str] = MappingProxyType({})

    q = TermFilter(label="Search")
    state = ChoicesFilter(label="Status", choices=State.choices)
    amount = MoneyRangeFilter(
        label=f"Amount in {settings.HOUSE_CURRENCY}",
        field_name="reference_amount",
        currency=settings.HOUSE_CURRENCY,
    )
    currency = django_filters.ChoiceFilter(label="Currency", choices=[(code, code) for code in sorted(EXPONENTS)])
    due = django_filters.ChoiceFilter(
        label="Due", method="by_due", choices=[("late", "Late"), ("hour", "Within 1 hour"), ("in_time", "On time")]
    )
    due_on = DateRangeFilter(label="Due on", field_name="due_at")
    risk = ChoicesFilter(label="Risk", field_name="risk_level", choices=_RISK)
    score = NumberRangeFilter(label="Risk score", field_name="risk_score")
    reason = django_filters.ChoiceFilter(label="Reason", method="by_reason", choices=REASONS)
    method = ChoicesFilter(label="Method", choices=Method.choices)
    provider = django_filters.ChoiceFilter(
        label="Provider", method="by_provider", choices=[(one.code, one.label) for one in PROVIDERS]
    )
    held = django_filters.ChoiceFilter(
        label="Held up by", method="by_held", choices=[(one.code, one.label) for one in PROVIDERS]
    )
    country = django_filters.CharFilter(
        label="Country of the player",
        method="by_country",
        max_length=2,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    standing = django_filters.ChoiceFilter(label="KYC", method="by_standing", choices=StandingState.choices)
    level = django_filters.ChoiceFilter(label="KYC level", method="by_standing", choices=LEVELS)
    first = django_filters.BooleanFilter(label="First withdrawal", method="by_first")
    new_details = django_filters.BooleanFilter(label="New payout details", method="by_new_details")
    owner = django_filters.ChoiceFilter(label="Owner", method="by_owner", choices=OWNERS)
    within = PeriodFilter(label="Requested within", field_name="requested_at")
    requested = DateRangeFilter(label="Requested", field_name="requested_at")
    closed = DateRangeFilter(label="Closed", field_name="closed_at")

    class Meta:
        model = Withdrawal
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A function, not a method: the form copies it, and would copy this filter with it.
        self.filters["owner"].extra["choices"] = lambda: _owners(self)
        for name in visibility.hidden_filters(self.request.user):
            del self.filters[name]

    def by_due(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        now, rows = timezone.now(), rows.filter(state__in=UNDECIDED)
        if value == "late":
            return rows.filter(due_at__lt=now)
        if value == "in_time":
            return rows.filter(due_at__gte=now)
        return rows.filter(due_at__gte=now, due_at__lt=now + totals.SOON)

    def by_provider(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return uses_provider(rows, value)

    def by_held(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return held_up(rows, value, providers.troubles(timezone.now()))

    def by_reason(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return with_concern(rows, value)

    def by_standing(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        standings = kyc.standings(on=timezone.localdate()).filter(pk=OuterRef("player_id"))
        return rows.filter(Exists(standings.filter(**{f"standing_{'level' if name == 'level' else 'state'}": value})))

    def by_first(self, rows: QuerySet[Any], _name: str, value: bool) -> QuerySet[Any]:
        earlier = Withdrawal.objects.filter(player=OuterRef("player"), requested_at__lt=OuterRef("requested_at"))
        return rows.filter(~Exists(earlier) if value else Exists(earlier))

    def by_new_details(self, rows: QuerySet[Any], _name: str, value: bool) -> QuerySet[Any]:
        return rows.filter(NEW_DETAILS if value else ~NEW_DETAILS)

    def by_country(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return rows.filter(player__country=value.upper())

    def by_owner(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        now = timezone.now()
        if value == "me":
            return rows.filter(claim__owner=self.request.user, claim__until__gt=now)
        if value == "others":
            return rows.filter(claim__until__gt=now).exclude(claim__owner=self.request.user)
        if value == "nobody":
            return rows.filter(Q(claim=None) | Q(claim__until__lte=now))
        return rows.filter(claim__owner=value, claim__until__gt=now)


def _owners(filterset: QueueFilter) -> list[tuple[Any, str]]:
    """Return who may be asked for as an owner: only whom the address names is looked up."""
    asked, user = str(filterset.data.get("owner", "")), filterset.request.user
    people = {pk: name for pk, name in filterset.owners.items() if pk != user.pk}
    if asked.isdecimal() and len(asked) < 10 and int(asked) not in people:
        people |= dict(queries.claimers().filter(pk=asked).values_list("pk", "name"))
    return [*OWNERS, *sorted(people.items(), key=lambda person: person[1])]


def with_concern(rows: QuerySet[Any], code: str) -> QuerySet[Any]:
    """Return what a check found something about in its last run."""
    found = CheckResult.objects.filter(
        withdrawal=OuterRef("pk"), code=code, is_current=True, outcome__in=CheckResult.CONCERNS
    )
    return rows.filter(Exists(found))


def uses_provider(rows: QuerySet[Any], code: str) -> QuerySet[Any]:
    """Return what a provider pays, or could pay."""
    return rows.filter(Q(provider=code) | Q(provider="", routes__contains=[code]))


def held_up(rows: QuerySet[Any], code: str, troubles: Mapping[str, providers.Trouble]) -> QuerySet[Any]:
    """Return what a provider's trouble keeps waiting: of a pause what nobody else could pay, of anything else what
    would go there, because whoever comes before is paused."""
    paused = [other for other, trouble in troubles.items() if trouble.is_pause]
    if code in paused or code not in troubles:
        return rows.filter(routes__contains=[code], routes__contained_by=sorted({code, *paused}))
    goes_there, passed_over = Q(pk__in=[]), Q()
    for place in range(len(PROVIDERS)):
        goes_there |= Q(passed_over, **{f"routes__{place}": code})
        passed_over &= Q(**{f"routes__{place}__in": paused})
    return rows.filter(goes_there)


class FlaggedFilter(BaseFilter):
    q = TermFilter(label="Search")
    signal = django_filters.ChoiceFilter(label="Signal", method="by_signal", choices=SIGNALS)
    risk = ChoicesFilter(label="Risk", field_name="risk_level", choices=_RISK)
    amount = MoneyRangeFilter(
        label=f"Amount in {settings.HOUSE_CURRENCY}",
        field_name="reference_amount",
        currency=settings.HOUSE_CURRENCY,
    )
    method = ChoicesFilter(label="Method", choices=Method.choices)
    country = django_filters.CharFilter(
        label="Country of the player",
        field_name="player__country",
        lookup_expr="iexact",
        max_length=2,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    requested = DateRangeFilter(label="Requested", field_name="requested_at")

    class Meta:
        model = Withdrawal
        fields: tuple[str, ...] = ()

    def by_signal(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return with_concern(rows, value)


class SecondApprovalFilter(BaseFilter):
    q = TermFilter(label="Search")
    amount = MoneyRangeFilter(
        label=f"Amount in {settings.HOUSE_CURRENCY}",
        field_name="reference_amount",
        currency=settings.HOUSE_CURRENCY,
    )
    method = ChoicesFilter(label="Method", choices=Method.choices)
    requested = DateRangeFilter(label="Requested", field_name="requested_at")

    class Meta:
        model = Withdrawal
        fields: tuple[str, ...] = ()


class InFlightFilter(BaseFilter):
    q = TermFilter(label="Search")
    provider = django_filters.ChoiceFilter(label="Provider", choices=[(one.code, one.label) for one in PROVIDERS])
    state = ChoicesFilter(label="Status", choices=[(state.value, state.label) for state in IN_FLIGHT])
    age = django_filters.ChoiceFilter(
        label="Sent", method="by_age", choices=[(code, words) for code, words, _age in AGES]
    )
    amount = MoneyRangeFilter(
        label=f"Amount in {settings.HOUSE_CURRENCY}",
        field_name="reference_amount",
        currency=settings.HOUSE_CURRENCY,
    )

    class Meta:
        model = Withdrawal
        fields: tuple[str, ...] = ()

    def by_age(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        age = next(age for code, _words, age in AGES if code == value)
        return rows.filter(sent_at__lt=timezone.now() - age)


class TransactionFilter(BaseFilter):
    q = TermFilter(label="Search")
    requested = DateRangeFilter(label="Requested", field_name="requested_at")
    closed = DateRangeFilter(label="Closed", field_name="closed_at")
    state = ChoicesFilter(label="Status", choices=State.choices)
    provider = django_filters.ChoiceFilter(label="Provider", choices=[(one.code, one.label) for one in PROVIDERS])
    currency = django_filters.ChoiceFilter(label="Currency", choices=[(code, code) for code in sorted(EXPONENTS)])

    class Meta:
        model = Withdrawal
        fields: tuple[str, ...] = ()


class FindingFilter(BaseFilter):
    q = django_filters.CharFilter(label="Search", method="by_withdrawal")
    kind = django_filters.ChoiceFilter(label="Kind", choices=[(kind, kind_label(kind)) for kind in KINDS])
    provider = django_filters.ChoiceFilter(label="Provider", choices=[(one.code, one.label) for one in PROVIDERS])
    at = DateRangeFilter(label="Since", field_name="at")

    class Meta:
        model = Finding
        fields: tuple[str, ...] = ()

    def by_withdrawal(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return rows.filter(withdrawal__ref=normalise(value) or "")


class StandingFilter(BaseFilter):
    q = django_filters.CharFilter(label="Search", method="by_player")
    state = ChoicesFilter(label="Verification", field_name="standing_state", choices=StandingState.choices)
    level = django_filters.ChoiceFilter(label="Level", field_name="standing_level", choices=LEVELS)
    expires = DateRangeFilter(label="Expires", field_name="standing_expires_on")
    country = django_filters.CharFilter(
        label="Country", lookup_expr="iexact", max_length=2, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    class Meta:
        model = Player
        fields: tuple[str, ...] = ()

    def by_player(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return rows.filter(pk__in=[player.pk for player in kyc.look_up(value)])
