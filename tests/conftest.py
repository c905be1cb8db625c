"""People, time and guards that every test may use."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client

from backoffice import roles
from backoffice.accounts.models import User

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True, scope="session")
def _emptying_append_only_tables() -> Iterator[None]:
    """Let the flush after a test with real transactions truncate what the database keeps for good."""
    flush = DatabaseOperations.sql_flush

    def past_the_triggers(self: DatabaseOperations, *args: Any, **kwargs: Any) -> list[str]:
        statements = flush(self, *args, **kwargs)
        return ["SET LOCAL session_replication_role = replica", *statements] if statements else []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", past_the_triggers)
        yield


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def make_staff(db: None) -> Callable[..., User]:
    """Make a member of staff with one role; names are invented."""

    def make(role: str, name: str = "", **fields: object) -> User:
        if not Group.objects.filter(name=role).exists():
            roles.synchronise()  # a test with real transactions empties the groups
        name = name or f"{role} Person"
        email = f"{name.lower().replace(' ', '.')}@staff.example"
        user = User.objects.filter(email=email).first() or User.objects.create_user(email, name, "a password", **fields)
        user.groups.add(Group.objects.get(name=role))
        return User.objects.get(pk=user.pk)

    return make


@pytest.fixture
def operator(make_staff: Callable[..., User]) -> User:
    return make_staff("Operator", "Dana Kovac")


@pytest.fixture
def senior(make_staff: Callable[..., User]) -> User:
    return make_staff("Senior", "Marta Keller")


@pytest.fixture
def fraud_analyst(make_staff: Callable[..., User]) -> User:
    return make_staff("Fraud", "Priya Nair")


@pytest.fixture
def support(make_staff: Callable[..., User]) -> User:
    return make_staff("Support", "Sol Ito")


@pytest.fixture
def finance(make_staff: Callable[..., User]) -> User:
    return make_staff("Finance", "Finn Olsen")


@pytest.fixture
def compliance(make_staff: Callable[..., User]) -> User:
    return make_staff("Compliance", "Clara Novak")


@pytest.fixture
def admin(make_staff: Callable[..., User]) -> User:
    return make_staff("Administrator", "Ada Moreau")


@pytest.fixture
def client_for() -> Callable[[User], Client]:
    """Return a signed-in test client."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture(autouse=True)
def _no_broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nudges reach nobody in a test unless it brings real workers; the sweeper's work is called by hand."""
    if "real_workers" not in request.keywords:
        from celery import current_app

        monkeypatch.setattr(current_app, "send_task", lambda *_args, **_kwargs: None)
    yield


@pytest.fixture(scope="session", autouse=True)
def _history_can_be_emptied() -> None:
    """Let the flush after a test with real transactions empty tables whose triggers refuse it to everybody."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    ordinary = DatabaseOperations.sql_flush

    def sql_flush(self: DatabaseOperations, *arguments: Any, **options: Any) -> list[str]:
        return ["SET LOCAL session_replication_role = replica", *ordinary(self, *arguments, **options)]

    DatabaseOperations.sql_flush = sql_flush
