"""Migrations have the time that pages have not."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db


def limit() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return str(cursor.fetchone()[0])


def test_a_migration_may_take_longer_than_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def migrate(_executor: Any, _targets: Any, *, state: Any, **_: Any) -> Any:
        seen.append(limit())
        return state

    monkeypatch.setattr(MigrationExecutor, "migrate", migrate)
    assert limit() == "1min"
    call_command("migrate", verbosity=0)
    assert (seen, limit()) == (["0"], "1min")
