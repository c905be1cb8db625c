"""The demonstration in a database of its own, served, and a browser to look at it with."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext
from pytest_django.live_server_helper import LiveServer

from backoffice import demo, roles
from backoffice.accounts.models import User
from backoffice.accounts.preferences import prefer
from backoffice.accounts.sign_in import MOST_FAILURES, count_try
from backoffice.platform.invented import seeding
from tests.screens.table import LOCKED_OUT, MARTA
from withdrawals import queries
from withdrawals.operations import bulk

Window = Callable[..., BrowserContext]


@pytest.fixture(scope="package")
def site(django_db_setup: None, django_db_blocker: Any) -> Iterator[LiveServer]:
    """The product with the demonstration in it, for all tests of this package: they only look."""
    with django_db_blocker.unblock():
        roles.synchronise()
        seeding.seed(now=timezone.now())
        stage()
        server = LiveServer("127.0.0.1")
        yield server
        server.stop()
        call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=False)
        connection.close()


def stage() -> None:
    """What nobody in the demonstration has done: a job that runs and one that is over, the wish for exact times, and
    guesses at a password.

    Neither job decides anything, so that everything else stays as it is: one is never worked off, and what the other
    saw is long out of date.
    """
    now, marta = timezone.now(), User.objects.get(name=MARTA)
    seen = dict(queries.review_queue().filter(claim=None).values_list("ref", "version")[:3])
    bulk.start(dict.fromkeys(seen, 0), title="Approve 3 payouts", user=marta, token="done", now=now)
    bulk.work_off(clock=timezone.now)
    bulk.start(seen, title="Approve 3 payouts", user=marta, token="running", now=now)
    prefer(marta, exact_times=True)
    for _ in range(MOST_FAILURES):
        count_try(f"typed {LOCKED_OUT}", address="192.0.2.1", now=now)


@pytest.fixture(scope="package")
def cookies(site: LiveServer) -> dict[str, str]:
    """The session of each of the demonstration's people, by name, and of the last one of each role."""
    signed_in = {}
    for person in demo.STAFF:
        client = Client()
        client.force_login(User.objects.get(email=person.email))
        signed_in[person.role] = signed_in[person.name] = client.cookies["sid"].value
    return signed_in


@pytest.fixture
def window(site: LiveServer, browser: Browser, cookies: dict[str, str]) -> Iterator[Window]:
    """Open a window as the demonstration's person of a role, or as nobody."""
    opened: list[BrowserContext] = []

    def open_one(role: str, **options: Any) -> BrowserContext:
        context = browser.new_context(reduced_motion="reduce", **options)
        if role:
            context.add_cookies([{"name": "sid", "value": cookies[role], "url": site.url}])
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def broken() -> Iterator[Callable[[str], None]]:
    """Take a column away from the served database until the test is over, whatever the test's own transaction holds."""
    gone: list[str] = []
    other = connection.copy()

    def rename(there: str, then: str) -> None:
        table, _, column = there.partition(".")
        with other.cursor() as cursor:
            cursor.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "{then.partition(".")[2]}"')

    def take(column: str) -> None:
        rename(column, f"{column}_gone")
        gone.append(column)

    yield take
    for column in gone:
        rename(f"{column}_gone", column)
    other.close()
