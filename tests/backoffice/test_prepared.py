"""Querysets that are written once and asked with other values each time."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import CharField, DateTimeField, Exists, OuterRef, QuerySet, Value

from backoffice.accounts.models import User
from backoffice.prepared import Prepared, Slot
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _people() -> None:
    for n, name in enumerate(("Ada", "Bo", "100% '; --")):
        User.objects.create(email=f"{n}@staff.example", name=name, date_joined=NOW - timedelta(days=n))


def test_it_is_written_once_and_answers_as_the_queryset_would() -> None:
    written = 0

    def build() -> QuerySet[User, Any]:
        nonlocal written
        written += 1
        same = User.objects.filter(name=Slot("name", CharField()), pk=OuterRef("pk"))
        since = Slot("since", DateTimeField())
        return User.objects.filter(Exists(same), date_joined__gte=since).values_list("email", Value("50%"))

    asked = Prepared(build)
    assert asked.rows(name="Ada", since=NOW - timedelta(days=1)) == [("0@staff.example", "50%")]
    assert asked.rows(name="Bo", since=NOW) == []
    assert asked.rows(name="100% '; --", since=NOW - timedelta(days=9)) == [("2@staff.example", "50%")]
    assert written == 1


def test_instances_carry_what_was_annotated() -> None:
    asked = Prepared(lambda: User.objects.filter(name=Slot("name", CharField())).annotate(of=Value("staff")))
    (found,) = asked.instances(name="Bo")
    assert (found, found.of) == (User.objects.get(name="Bo"), "staff")


def test_a_value_that_is_not_given_is_no_null() -> None:
    asked = Prepared(lambda: User.objects.filter(name=Slot("name", CharField())).values_list("pk"))
    with pytest.raises(KeyError, match="name"):
        asked.rows()
