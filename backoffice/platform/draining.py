"""Working off what is due: waiting for the workers, or doing their work here when there are none.

The work is the workers' own: the same operations with the same clock. Only what calls back is missing,
so the provider is asked instead, at a quick pace.
"""

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from backoffice.celery import app
from withdrawals.models import Withdrawal
from withdrawals.operations import asking, due_decisions, holds, inbox, payouts, screening
from withdrawals.states import WITH_PROVIDER, State

UNFINISHED = (State.REQUESTED, State.APPROVED, *WITH_PROVIDER)
# Nothing changed for so long: what is left waits for something else than work.
QUIET_SECONDS = 45
THREADS = 2
# The place of `make run`: what is still open when the command ends goes on there.
SANDBOX_DATA = settings.BASE_DIR / "var" / "sandbox"
# 1 % of the usual pauses between two questions to the provider.
QUICK_POLLING_PERCENT = 1
_STEPS = (screening.screen_due, payouts.pay_due, asking.ask_due, holds.wake_due, inbox.apply_due)

Watcher = Callable[[Counter[str]], None]


@dataclass
class Drained:
    """Who did the work, how long it took, and what is still open because it waits for something else."""

    by: str
    seconds: float
    left: Counter[str] = field(default_factory=Counter)


def drain(*, source: str, watch: Watcher = lambda _left: None, quiet_seconds: float = QUIET_SECONDS) -> Drained:
    """Return once no withdrawal of ``source`` is between states, or nothing has changed for a while.

    ``watch`` is called about once a second with the number of unfinished withdrawals by state.
    """
    begun = time.monotonic()
    elsewhere = workers_answer()
    with nullcontext() if elsewhere else _work_here():
        left = _until_quiet(source, watch, quiet_seconds)
    by = "the running workers" if elsewhere else "this command itself, as no worker is running"
    return Drained(by=by, seconds=time.monotonic() - begun, left=left)


def workers_answer() -> bool:
    """Whether a worker is there to do the work; a dead broker means that none can be reached."""
    try:
        return bool(app.control.ping(timeout=1.0))
    except (BrokerError, OSError):
        return False


def unfinished(source: str) -> Counter[str]:
    rows = Withdrawal.objects.filter(source=source, state__in=UNFINISHED).values("state").annotate(count=Count("pk"))
    return Counter({row["state"]: row["count"] for row in rows.order_by("state")})


def _until_quiet(source: str, watch: Watcher, quiet_seconds: float) -> Counter[str]:
    left, changed_at = unfinished(source), time.monotonic()
    while left and time.monotonic() - changed_at < quiet_seconds:
        watch(left)
        time.sleep(min(1.0, quiet_seconds))
        before, left = left, unfinished(source)
        if left != before:
            changed_at = time.monotonic()
    watch(left)
    return left


@contextmanager
def _work_here() -> Iterator[None]:
    """Do the workers' work in threads of this process, with a provider to pay through."""
    stop = threading.Event()
    threads = [threading.Thread(target=_work, args=(stop,), name=f"work-{n}") for n in range(THREADS)]
    with _provider(), _quick_polling():
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def _work(stop: threading.Event) -> None:
    try:
        while not stop.is_set():
            done = sum(step(clock=timezone.now) for step in _STEPS)
            done += due_decisions.apply_due_decisions(now=timezone.now())
            if not done:
                stop.wait(0.2)
    finally:
        connection.close()


@contextmanager
def _quick_polling() -> Iterator[None]:
    usual = settings.POLL_SCALE_PERCENT
    settings.POLL_SCALE_PERCENT = min(usual, QUICK_POLLING_PERCENT)
    try:
        yield
    finally:
        settings.POLL_SCALE_PERCENT = usual


@contextmanager
def _provider() -> Iterator[None]:
    """Have a provider: the one at SANDBOX_URL, or a sandbox of our own there for the time of the work."""
    place = urlsplit(settings.SANDBOX_URL)
    if _reachable() or place.hostname not in {"127.0.0.1", "localhost"}:
        yield
        return
    command = [sys.executable, "-m", "sandbox", "--port", str(place.port or 80), "--data", str(SANDBOX_DATA)]
    command += ["--delay", "0.1", "--api-key", settings.SANDBOX_API_KEY]
    with tempfile.TemporaryFile() as said:
        sandbox = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=said, stderr=said, start_new_session=True)
        try:
            _wait_until_reachable(sandbox)
            yield
        finally:
            sandbox.terminate()
            sandbox.wait(10)


def _wait_until_reachable(sandbox: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 10
    while not _reachable():
        if sandbox.poll() is not None or time.monotonic() > until:
            raise SandboxNotStarted(f"No provider answers at {settings.SANDBOX_URL} and none could be started there.")
        time.sleep(0.05)


class SandboxNotStarted(Exception):
    """There is no provider to pay through."""


def _reachable() -> bool:
    place = urlsplit(settings.SANDBOX_URL)
    try:
        socket.create_connection((place.hostname, place.port or 80), timeout=2).close()
    except OSError:
        return False
    return True
