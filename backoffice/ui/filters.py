"""Filters of a list: django-filter fields, the words of their chips, and money and date ranges.

A field named ``q`` is the search field of the toolbar; all others stand behind "Filter".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django_filters.fields import RangeField
from django_filters.widgets import RangeWidget

from backoffice.money import AmountError, exponent_of, parse_amount
from backoffice.ui import inline
from backoffice.ui.periods import PeriodFilter

_GROUPING = str.maketrans("", "", " \u00a0\u202f'€£$")


@dataclass(frozen=True, slots=True)
class ActiveFilter:
    """A filter that narrows the list: ``parameters`` are what its chip removes from the address."""

    label: str
    value: str
    parameters: tuple[str, ...]
    operator: str = "is"

    @property
    def words(self) -> str:
        return f"{self.label} {self.operator} {self.value}"


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a field that takes a single one: its link applies it at once."""

    value: str
    label: str
    current: bool


class BaseFilter(django_filters.FilterSet):
    """Declare django-filter filters; lists ask for ``parameters`` and ``active``."""

    @cached_property
    def parameters(self) -> dict[str, tuple[str, ...]]:
        """The query parameters of each field: two for a range."""
        return {name: parameter_names(name, field.widget) for name, field in self.form.fields.items()}

    @cached_property
    def dates(self) -> tuple[str, ...]:
        """The query parameters that narrow the rows to a time."""
        dated = [name for name, one in self.filters.items() if isinstance(one, (DateRangeFilter, PeriodFilter))]
        return tuple(parameter for name in dated for parameter in self.parameters[name])

    @cached_property
    def active(self) -> list[ActiveFilter]:
        """The filters with a value, in words."""
        return list(self._active()) if self.is_bound and self.form.is_valid() else []

    def _active(self) -> Iterator[ActiveFilter]:
        for name, names in self.parameters.items():
            value = self.form.cleaned_data[name]
            if value not in (None, "", []):
                field = self.form.fields[name]
                operator, words = _operator(value, name), _words(value, field)
                yield ActiveFilter(str(field.label), words.removeprefix(f"{operator} "), names, operator)

    def control(self, name: str) -> SafeString:
        """Return a field as it stands in the menu; one with nothing in it is drawn once per process."""
        field, names = self.form[name], self.parameters[name]
        if any(self.data.get(one) for one in names) or isinstance(field.field, forms.ModelChoiceField):
            return _drawn(field)
        kind: Any = type(self)
        return _empty(kind, name)

    def options(self, name: str) -> list[Option]:
        """Return the values of a field that takes one of a few; empty for one that is typed or takes several."""
        field = self.form.fields[name]
        if isinstance(field, forms.NullBooleanField):
            choices: Any = [("true", "Yes"), ("false", "No")]
        elif isinstance(field, forms.ChoiceField) and not isinstance(field, forms.MultipleChoiceField):
            pairs: Any = field.choices
            choices = [pair for pair in pairs if pair[0] not in ("", None)]
        else:
            return []
        chosen = self.data.get(name, "")
        return [Option(str(value), str(label), str(value) == chosen) for value, label in choices]


@cache
def _empty(kind: type[BaseFilter], name: str) -> SafeString:
    return _drawn(type("Empty", (forms.Form,), {name: kind.base_filters[name].field})()[name])


def _drawn(field: forms.BoundField) -> SafeString:
    return render_to_string("ui/control.html", {"field": field})


class ChoicesFilter(django_filters.MultipleChoiceFilter):
    """Any of some choices, each with its own box."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Of columns of the row itself; DISTINCT would compare all rows of the list with each other.
        super().__init__(*args, widget=forms.CheckboxSelectMultiple, distinct=False, **kwargs)


class MoneyField(forms.CharField):
    """An amount as people type it (``2 450,00``, ``2,450.00``) to minor units of ``currency``."""

    def __init__(self, *, currency: str, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(**kwargs)
        self.currency = currency

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return parse_amount(plain_decimal(text, self.currency), self.currency)
        except AmountError as error:
            raise ValidationError(f"{text} is not an amount of {self.currency}.") from error


class _LabelledRange(RangeWidget):
    """Two inputs under the label of the field, each with its own beside it: a date field shows no placeholder."""

    use_fieldset = True
    ends = ("From", "To")

    def __init__(self, widget: type[forms.Widget] = forms.TextInput, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.widgets = [widget() for _end in self.ends]

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        inputs = self.get_context(name, value, attrs)["widget"]["subwidgets"]
        drawn = [self._render(one["template_name"], {"widget": one}, renderer) for one in inputs]
        lines = zip(self.ends, drawn, strict=True)
        return format_html_join("", "<label><span>{}</span>{}</label>", lines)


class _MoneyRange(RangeField):
    widget = _LabelledRange

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        fields = (MoneyField(currency=currency), MoneyField(currency=currency))
        super().__init__(fields, *args, **kwargs)

    def words_of(self, amount: int) -> str:
        return inline.written(amount, self.currency)


class MoneyRangeFilter(django_filters.RangeFilter):
    """From and to: typed in whole units of ``currency``, compared in minor. Parameters ``_min``, ``_max``."""

    field_class = _MoneyRange


class NumberRangeFilter(django_filters.RangeFilter):
    """From and to of a plain number. Parameters ``_min`` and ``_max``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, widget=_LabelledRange, **kwargs)


class _DateInput(forms.DateInput):
    input_type = "date"


class _DateRangeWidget(_LabelledRange):
    suffixes = ("from", "to")

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(_DateInput, attrs)


class DateRangeFilter(django_filters.DateFromToRangeFilter):
    """Whole days in the reader's time zone, both included. Parameters ``_from`` and ``_to``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, widget=_DateRangeWidget, **kwargs)


def plain_decimal(text: str, currency: str) -> str:
    """Read grouping and decimal signs of either style; parse_amount refuses what stays unclear."""
    text = text.strip().translate(_GROUPING)
    last = max(text.rfind(","), text.rfind("."))
    if last < 0:
        return text
    whole, sign, fraction = text[:last], text[last], text[last + 1 :]
    other = "." if sign == "," else ","
    grouped = re.fullmatch(rf"\d{{1,3}}(\{sign}\d{{3}})+", text)
    if grouped and (sign == "," or text.count(sign) > 1) and exponent_of(currency) != 3:
        return text.replace(sign, "")
    return f"{whole.replace(other, '')}.{fraction}"


def parameter_names(name: str, widget: forms.Widget) -> tuple[str, ...]:
    """``amount`` is one parameter; a range is ``amount_min`` and ``amount_max``."""
    suffixes = getattr(widget, "suffixes", None)
    return tuple(f"{name}_{suffix}" for suffix in suffixes) if suffixes else (name,)


def _operator(value: Any, name: str) -> str:
    if isinstance(value, slice):
        return "from" if value.stop is None else "to" if value.start is None else "is"
    if isinstance(value, (list, tuple)) and len(value) > 1:
        return "is any of"
    return "for" if name == "q" else "is"


def _words(value: Any, field: forms.Field) -> str:
    if isinstance(value, slice):
        words_of = getattr(field, "words_of", _end)
        start, stop = (None if end is None else words_of(end) for end in (value.start, value.stop))
        return f"{start} to {stop}" if start and stop else f"from {start}" if start else f"to {stop}"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    choices = {str(key): str(label) for key, label in getattr(field, "choices", ())}
    values = value if isinstance(value, (list, tuple, QuerySet)) else [value]
    return ", ".join(choices.get(str(getattr(one, "pk", one)), str(one)) for one in values)


def _end(value: Any) -> str:
    return _day(value) if isinstance(value, datetime) else str(value)


def _day(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %Y}"
