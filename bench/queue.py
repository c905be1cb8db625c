"""C. The list of withdrawals over a million rows, beside the admin, a django-tables2 list and SQL itself.

``python -m bench.queue [--rows N] [--rounds N] [--home FOLDER]`` starts a PostgreSQL of its own, fills it (minutes for
a million; a FOLDER that is named keeps the data for the next time), measures everything in turn, round after round,
and prints one JSON line per goal: the median over the rounds of the ratio within a round. Most goals are "at most".
It exits 0 whether the goals hold or not. Pages are whole requests in process, of a person who is signed in.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backoffice.embedded import Services
from bench.board import Board
from bench.queue_lists import counts, deep_pages, first_pages, report_counts, report_pages, report_searches, searches
from bench.queue_waits import report_decisions, report_export, report_waits

SETTINGS = "bench.queue_settings"
ROLES = ("Operator", "Senior", "Fraud", "Finance")


@contextmanager
def database(home: Path, *, rows: int) -> Iterator[None]:
    """A PostgreSQL and a Valkey in a folder, filled the first time."""
    services = Services(home, durable=True)
    try:
        urls = services.hold()
        own = {"DATABASE_URL": urls.database, "REDIS_URL": urls.redis, "DEBUG": "1", "DJANGO_SETTINGS_MODULE": SETTINGS}
        os.environ.update(own)
        import django

        django.setup()
        if not (home / "filled").exists():
            fill(rows)
            (home / "filled").touch()
        yield
    finally:
        services.release()


def fill(rows: int) -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from bench import queue_data

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")  # a crash while filling loses nothing that anybody wants
        queue_data.fill(cursor, rows=rows, staff=[person.pk for person in staff().values()], now=timezone.now())
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SET synchronous_commit = on")


def staff() -> dict[str, Any]:
    """One person of each role."""
    from django.contrib.auth.models import Group

    from backoffice.accounts.models import User

    people = {}
    for role in ROLES:
        person, _new = User.objects.get_or_create(email=f"{role.lower()}@staff.invalid", name=f"{role} Person")
        person.groups.add(Group.objects.get(name=role))
        people[role] = person
    return people


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="how many withdrawals")
    parser.add_argument("--rounds", type=int, default=3, help="how often each block is measured")
    parser.add_argument("--home", type=Path, help="keep the database here and use it again")
    options, _others = parser.parse_known_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # stop the servers and clear up then, too
    home = options.home or Path(tempfile.mkdtemp(prefix="pd-bench-"))
    try:
        with database(home, rows=options.rows):
            run(options.rounds)
    finally:
        if options.home is None:
            shutil.rmtree(home, ignore_errors=True)


def say_machine() -> None:
    """Ratios of a machine that others use as well are to be read with what it had to do besides."""
    load = [round(one, 1) for one in os.getloadavg()]
    print(json.dumps({"machine": {"cores": os.cpu_count(), "load": load}}), flush=True)


def run(rounds: int) -> None:
    from django.test import Client

    say_machine()

    people, client, board = staff(), Client(), Board()
    person = people["Senior"]
    client.force_login(person)
    first_pages(board, client)
    deep_pages(board, client)
    searches(board, client)
    counted = counts(board, person)
    board.measure(rounds)
    report_pages(board, client)
    report_searches(board)
    report_counts(board, counted)
    report_waits(client)
    report_decisions(client)
    client.force_login(people["Finance"])
    report_export(client)
    say_machine()


if __name__ == "__main__":
    main()
