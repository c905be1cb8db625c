"""People, time, a browser and guards that every test may use."""

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from ipaddress import ip_address
from typing import Any

import pytest
from django.apps import AppConfig, apps
from django.contrib.auth.models import Group
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.models.signals import post_migrate
from django.test import Client
from playwright.sync_api import Browser, expect, sync_playwright

from backoffice import roles
from backoffice.accounts.models import User
from tests import browser as browsers
from withdrawals.models import Limit

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
# Nothing but the product itself may be reached: a page that needs another host shows it by failing.
ONLY_THIS_MACHINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"


@pytest.fixture(autouse=True, scope="session")
def _emptying_append_only_tables() -> Iterator[None]:
    """Let the flush after a test with real transactions remove what the database keeps for good.

    Row by row, as they are few: to truncate a hundred tables takes twenty times as long.
    """

    def past_the_triggers(self: DatabaseOperations, _style: Any, tables: Iterable[str], **_: Any) -> list[str]:
        emptied = [f"DELETE FROM {self.quote_name(table)}" for table in tables]
        return ["SET LOCAL session_replication_role = replica", *emptied] if emptied else []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", past_the_triggers)
        yield


@pytest.fixture(autouse=True, scope="session")
def _limits_after_emptying() -> Iterator[None]:
    """Put back the limits of a new installation when a test with real transactions has emptied the database."""
    migration = import_module("withdrawals.migrations.0003_limits")

    def put_back(sender: AppConfig, **_: Any) -> None:
        if sender.label == "withdrawals" and not Limit.objects.exists():
            migration.add(apps, None)

    post_migrate.connect(put_back)
    yield
    post_migrate.disconnect(put_back)


@pytest.fixture(autouse=True, scope="session")
def _this_machine_only() -> Iterator[None]:
    """Refuse every connection but those to this machine, and every look-up of another's name."""
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        def act(self: socket.socket, address: Any) -> Any:
            if self.family != socket.AF_UNIX:
                _require_this_machine(address[0])
            return method(self, address)

        return act

    def guarded_look_up(host: Any, *args: Any, **options: Any) -> Any:
        if str(host).endswith(".invalid"):  # the answer is known without asking anybody
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        _require_this_machine(host)
        return look_up(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(connect))
        patch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield


def _require_this_machine(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host or "localhost"
    try:
        ours = ip_address(name).is_loopback
    except ValueError:
        ours = name == "localhost"
    if not ours:
        # No OSError: what is tested here takes those for a network that is down.
        raise RuntimeError(f"a test must not reach {name}")


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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all; skipped where there is none, except under CI=true."""
    path = browsers.find()
    if path is None:
        complain = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        complain("there is no browser; see `python -m tests.browser`")
    # Playwright's event loop lives in this thread, which Django would take for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=15_000)  # the other worker may be at a page of its own
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=[*browsers.ARGUMENTS, ONLY_THIS_MACHINE])
        yield launched
        launched.close()
