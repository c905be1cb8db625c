"""The whole product as real processes, to be hurt: provider, web, worker, beat, their own database and Valkey.

The test's own process is a client beside them: it opens withdrawals, reads rows and asks the provider
what it really paid. The database is one of their own on the server of the test run.
"""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg2
import pytest
import redis
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from backoffice.installation import valkey_binary
from tests.factories.withdrawals import make_clean_player, open_withdrawal
from tests.sandbox_process import API_KEY, ROOT, WEBHOOK_SECRET, SandboxProcess, start_sandbox
from withdrawals.models import Finding, Withdrawal
from withdrawals.states import CLOSED, State

CELERY = [sys.executable, "-m", "celery", "--quiet", "--app", "backoffice.celery"]
# What a person looks at: the machines have nothing more to do.
AT_REST = (*CLOSED, State.UNDER_REVIEW, State.OUTCOME_UNKNOWN)


class Topology:
    """The running processes. Whatever a test breaks, ``heal()`` puts right again."""

    def __init__(self, home: Path, database: str, sandbox: SandboxProcess) -> None:
        self.home, self.sandbox = home, sandbox
        self.armed = home / "armed"
        self.armed.mkdir()
        self.socket = home / "v.sock"
        self.port = _free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
            "DATABASE_URL": database,
            "REDIS_URL": f"unix://{self.socket}",
            "SANDBOX_URL": sandbox.base_url,
            "SANDBOX_API_KEY": API_KEY,
            "SANDBOX_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "CRASH_AT": str(self.armed),
            "AUDIT_SEALS": str(home / "audit-seals.jsonl"),
            "PROVIDER_SETTLE_SECONDS": "2",
            "POLL_SCALE_PERCENT": "1",
            "UNDO_SECONDS": "0",
            "SECOND_FACTOR": "offered",
        }

    # -- processes ------------------------------------------------------------------------------

    def start(self) -> None:
        self.start_valkey()
        for name, command in self._commands().items():
            self.spawn(name, command)
        self.wait(self._answers, 60, "the topology to start")

    def start_valkey(self) -> None:
        command = [str(valkey_binary()), "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly"]
        self.spawn("valkey", [*command, "no", "--daemonize", "no", "--dir", str(self.home)])
        self.wait(lambda: _connects(self.socket), 20, "Valkey to start")

    def start_worker(self) -> None:
        self.spawn("worker", self._commands()["worker"])

    def spawn(self, name: str, command: list[str]) -> None:
        # The name by which PostgreSQL knows its connections.
        environment = self.environment | {"PGAPPNAME": name}
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """As a power cut: the process and all its children at once."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def stop(self) -> None:
        for name in ("beat", "worker", "web", "valkey"):
            if name in self.processes:
                self.kill(name)

    def heal(self) -> None:
        """No faults at the provider, nothing armed, everything running."""
        self.sandbox.control("POST", "scenarios", {"name": "calm"})
        for file in self.armed.iterdir():
            file.unlink()
        if "valkey" not in self.processes:
            self.start_valkey()
        if "worker" not in self.processes:
            self.start_worker()

    def arm(self, point: str) -> None:
        (self.armed / point).touch()

    def wait_for_crash(self, point: str, seconds: float = 30) -> float:
        """Wait until somebody died at the point; return when, on the monotonic clock."""
        self.wait(lambda: not (self.armed / point).exists(), seconds, f"a crash at {point}")
        return time.monotonic()

    def redis(self) -> Any:
        return redis.Redis(unix_socket_path=str(self.socket))

    def web(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    # -- withdrawals ----------------------------------------------------------------------------

    def open(self, amount: int = 18_000, count: int = 1) -> list[Withdrawal]:
        """Open clean withdrawals, which the machines approve and pay by themselves."""
        made = []
        for _number in range(count):
            now = timezone.now()
            made.append(open_withdrawal(player=make_clean_player(now=now), amount=amount, now=now))
        return made

    def states(self, withdrawals: list[Withdrawal]) -> list[str]:
        keys = [withdrawal.pk for withdrawal in withdrawals]
        return list(Withdrawal.objects.filter(pk__in=keys).order_by("pk").values_list("state", flat=True))

    def settle(self, withdrawals: list[Withdrawal], expected: State = State.COMPLETED, seconds: float = 30) -> None:
        """Wait until every withdrawal has reached its end."""
        wanted = [expected] * len(withdrawals)
        self.wait(lambda: self.states(withdrawals) == wanted, seconds, f"{expected}", lambda: self.states(withdrawals))

    def wait(
        self, holds: Callable[[], Any], seconds: float, what: str, told: Callable[[], object] = lambda: ""
    ) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}; {told()}\n{self.log_ends()}"
            time.sleep(0.05)

    def log_ends(self) -> str:
        ends = []
        for name in ("worker", "beat", "web"):
            lines = (self.home / f"{name}.log").read_text(errors="replace").splitlines()[-25:]
            ends.append(f"--- {name}\n" + "\n".join(lines))
        return "\n".join(ends)

    # -- the truth ------------------------------------------------------------------------------

    def prove(self, withdrawals: list[Withdrawal], *, paid: int = 1) -> None:
        """The provider paid each ``paid`` times, nothing is in flight unexplained, and no invariant is broken."""
        for withdrawal in withdrawals:
            told = self.sandbox.oracle(withdrawal.ref)
            assert (told["accepted"] <= 1, told["paid_times"]) == (True, paid), (withdrawal.ref, told)
        for withdrawal in Withdrawal.objects.exclude(state__in=CLOSED):
            explained = Finding.objects.filter(withdrawal=withdrawal, resolved_at=None).exists()
            assert withdrawal.state in AT_REST and explained, (withdrawal.ref, withdrawal.state)
        self.wait(self._nothing_under_way, 15, "every message to arrive")
        file = self.home / "statement.json"
        file.write_text(json.dumps(self.sandbox.statement()))
        told = io.StringIO()
        try:
            call_command("verify", at_rest=True, statement=file, stdout=told, stderr=told)
        except SystemExit:
            pytest.fail(told.getvalue())

    def _nothing_under_way(self) -> bool:
        """No webhook is still to be sent or applied, and nothing to be told to the platform."""
        if any(letter["done_at"] is None for letter in self.sandbox.control("GET", "deliveries")["deliveries"]):
            return False
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT NOT EXISTS (SELECT FROM inv.outbox WHERE done IS NULL AND tries = 0)"
                " AND NOT EXISTS (SELECT FROM inv.webhook WHERE verified AND applied IS NULL)"
            )
            return bool(cursor.fetchone()[0])

    # -- parts ----------------------------------------------------------------------------------

    def _commands(self) -> dict[str, list[str]]:
        gunicorn = ["-m", "gunicorn", "backoffice.wsgi:application", "--bind", f"127.0.0.1:{self.port}"]
        gunicorn += ["--worker-class", "gthread", "--workers", "1", "--threads", "4", "--no-control-socket"]
        worker = ["worker", "--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        beat = ["beat", "--loglevel", "WARNING", "--schedule", str(self.home / "beat"), "--pidfile="]
        return {"web": [sys.executable, *gunicorn], "worker": [*CELERY, *worker], "beat": [*CELERY, *beat]}

    def _answers(self) -> bool:
        try:
            return httpx.get(self.web("/healthz"), timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


@contextmanager
def running(home: Path) -> Iterator[Topology]:
    """Start everything on a database of its own, which this process uses too until the end."""
    settings, name = connection.settings_dict, f"faults_{uuid.uuid4().hex[:10]}"
    before = settings["NAME"]
    _on_the_server(f'CREATE DATABASE "{name}"')
    parts = urlsplit(os.environ["DATABASE_URL"])
    sandbox = start_sandbox(home / "sandbox")
    topology = Topology(home, urlunsplit(parts._replace(path=f"/{name}")), sandbox)
    sandbox.send_webhooks_to(topology.web("/webhooks/{account}/"))
    connection.close()
    settings["NAME"] = name
    try:
        call_command("migrate", verbosity=0)
        topology.start()
        yield topology
    finally:
        topology.stop()
        sandbox.stop()
        connection.close()
        settings["NAME"] = before
        _on_the_server(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def topology(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Topology]:
    """One running product for all tests of a module; nothing is rolled back between them."""
    with django_db_blocker.unblock(), running(tmp_path_factory.mktemp("faults")) as started:
        yield started


def _on_the_server(statement: str) -> None:
    parts = urlsplit(os.environ["DATABASE_URL"])
    server = psycopg2.connect(urlunsplit(parts._replace(path="/postgres")))
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(statement)
    server.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _connects(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(address))
        except OSError:
            return False
        return True


def log_lines(topology: Topology, name: str, pattern: str) -> list[str]:
    """The lines of a process's log that match."""
    text = (topology.home / f"{name}.log").read_text(errors="replace")
    return [line for line in text.splitlines() if re.search(pattern, line)]
