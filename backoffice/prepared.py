"""Querysets that are written as SQL once per process and asked with other values each time.

Writing a large one takes Django ten times as long as the database needs to answer it. What differs from one time to the
next is a ``Slot`` in the queryset, and given its value by name when it is asked.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Field, QuerySet, Value


class Slot(Value):
    """The place of a value that is not known yet."""

    def __init__(self, name: str, output_field: "Field[Any, Any]") -> None:
        super().__init__(name, output_field=output_field)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


def filled(parameters: Iterable[Any], values: Mapping[str, Any]) -> list[Any]:
    """Return the parameters of a statement with what stands in the places now. Raises KeyError for one left empty."""
    return [values[one.value] if isinstance(one, Slot) else one for one in parameters]


class Prepared:
    """A queryset that is built when it is first asked, so apps may be loaded later than this is made."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self._build = build

    @cached_property
    def _queryset(self) -> QuerySet[Any, Any]:
        return self._build()

    @cached_property
    def _written(self) -> tuple[str, tuple[Any, ...]]:
        return self._queryset.query.sql_with_params()

    @property
    def _sql(self) -> str:
        return self._written[0]

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows as the database gives them: JSON is text."""
        with connection.cursor() as cursor:
            cursor.execute(self._sql, filled(self._written[1], values))
            return cursor.fetchall()

    def instances(self, **values: Any) -> Iterator[Any]:
        """Yield the rows as instances of the queryset's model, annotations among their attributes."""
        return iter(self._queryset.model._base_manager.raw(self._sql, filled(self._written[1], values)))
