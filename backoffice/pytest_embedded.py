"""A PostgreSQL and a Valkey of its own for each test run, thrown away at its end.

Loaded by ``addopts = -p backoffice.pytest_embedded``, because pytest-django reads the settings before
any conftest.py runs. Workers of pytest-xdist inherit the URLs. TEST_DATABASE_URL and TEST_REDIS_URL
name servers to use instead; DATABASE_URL and REDIS_URL are never touched by a test run.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from backoffice.embedded import Services

FOLDERS = Path("/tmp")
PREFIX = "pd-test-"
# A folder younger than this may belong to a run that has not locked it yet.
YOUNG_SECONDS = 60


class Run:
    """The servers of one test run and the folder, locked for as long as the run lives, that holds them."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=FOLDERS))
        self.lock = os.open(self.home / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.services = Services(self.home, durable=False)

    def start(self, *, postgres: bool, valkey: bool) -> None:
        urls = self.services.hold(postgres=postgres, valkey=valkey)
        if postgres:
            os.environ["DATABASE_URL"] = urls.database
        if valkey:
            os.environ["REDIS_URL"] = urls.redis

    def end(self) -> None:
        self.services.release()
        shutil.rmtree(self.home, ignore_errors=True)
        os.close(self.lock)


_run: Run | None = None


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Before anything reads the settings."""
    global _run
    if "PYTEST_XDIST_WORKER" not in os.environ:
        clear_leftovers()
        given = {name: os.environ.get(f"TEST_{name}", "") for name in ("DATABASE_URL", "REDIS_URL")}
        os.environ.update({name: url for name, url in given.items() if url})
        if not all(given.values()):
            _run = Run()
            _run.start(postgres=not given["DATABASE_URL"], valkey=not given["REDIS_URL"])
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    global _run
    if _run is not None:
        _run.end()
        _run = None


def clear_leftovers() -> None:
    """Stop the servers of test runs that were killed and remove their folders."""
    for home in FOLDERS.glob(f"{PREFIX}*"):
        try:
            status = home.lstat()
            if status.st_uid != os.geteuid() or time.time() - status.st_mtime < YOUNG_SECONDS:
                continue
            lock = os.open(home / "run.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            Services(home, durable=False).stop()
            shutil.rmtree(home, ignore_errors=True)
        finally:
            os.close(lock)
