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
from backoffice.platform.invented import seeding

Window = Callable[..., BrowserContext]


@pytest.fixture(scope="package")
def site(django_db_setup: None, django_db_blocker: Any) -> Iterator[LiveServer]:
    """The product with the demonstration in it, for all tests of this package: they only look."""
    with django_db_blocker.unblock():
        roles.synchronise()
        seeding.seed(now=timezone.now())
        server = LiveServer("127.0.0.1")
        yield server
        server.stop()
        call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=False)
        connection.close()


@pytest.fixture(scope="package")
def cookies(site: LiveServer) -> dict[str, str]:
    """The session of the demonstration's person of each role."""
    signed_in = {}
    for person in demo.STAFF:
        client = Client()
        client.force_login(User.objects.get(email=person.email))
        signed_in[person.role] = client.cookies["sid"].value
    return signed_in


@pytest.fixture
def window(site: LiveServer, browser: Browser, cookies: dict[str, str]) -> Iterator[Window]:
    """Open a window as the demonstration's person of a role."""
    opened: list[BrowserContext] = []

    def open_one(role: str, **options: Any) -> BrowserContext:
        context = browser.new_context(reduced_motion="reduce", **options)
        context.add_cookies([{"name": "sid", "value": cookies[role], "url": site.url}])
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()
