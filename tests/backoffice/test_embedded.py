"""The embedded services: shared by several processes, stopped by the last, whatever kills them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from backoffice import embedded, installation, pytest_embedded
from backoffice.embedded import Services

HOLDER = """
import sys
from pathlib import Path
from backoffice.embedded import Services
print(Services(Path(sys.argv[1]), durable=False).hold().database, flush=True)
sys.stdin.readline()
"""
Processes = Callable[[Path], list[str]]


class Holder:
    """A process that holds the services in a folder until it is told to leave."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", HOLDER, str(folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate("\n")
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def held(folder: Path) -> Iterator[Path]:
    """A folder whose services are stopped whatever happens."""
    yield folder
    Services(folder).stop()


def test_the_last_user_stops_the_servers_and_nobody_else(held: Path, processes: Processes) -> None:
    first, second = Holder(held), Holder(held)
    assert first.url == second.url
    first.leave()
    assert len(set(processes(held / "postgres"))) == 1  # its children are named like it at first
    second.leave()
    assert processes(held) == []


def test_a_killed_user_is_not_counted_and_the_next_one_clears_up(held: Path, processes: Processes) -> None:
    killed = Holder(held)
    killed.kill()
    assert len(set(processes(held / "postgres"))) == 1
    heir = Holder(held)
    assert heir.url == killed.url
    heir.leave()
    assert processes(held) == []


def test_data_outlives_a_restart_and_the_sockets_do_not(folder: Path) -> None:
    services = Services(folder)
    first = services.hold()
    connection = psycopg2.connect(first.database)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    connection.close()
    assert services.release()
    assert not Path(first.redis.removeprefix("unix://")).parent.exists()
    second = services.hold()
    connection = psycopg2.connect(second.database)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT answer FROM kept")
        assert cursor.fetchone() == (42,)
    connection.close()
    assert services.down() == []
    assert services.release()


def test_only_what_is_missing_is_started(folder: Path) -> None:
    services = Services(folder, durable=False)
    services.hold(postgres=False)
    assert not (folder / "postgres").exists()
    assert services.down() == []
    assert services.release()


def test_given_urls_start_nothing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(embedded, "VAR", folder / "var")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/payoutdesk")
    monkeypatch.setenv("REDIS_URL", "redis://redis.example:6379")
    assert embedded.urls() == ("postgresql://db.example/payoutdesk", "redis://redis.example:6379")
    assert not (folder / "var").exists()


def test_each_library_gets_the_redis_url_in_its_own_words() -> None:
    assert embedded.redis_database("unix:///tmp/x/redis.sock", 2) == "unix:///tmp/x/redis.sock?db=2"
    assert embedded.redis_database("rediss://:secret@r.example:6380/0", 2) == "rediss://:secret@r.example:6380/2"
    assert embedded.celery_broker("unix:///tmp/x/redis.sock") == "redis+socket:///tmp/x/redis.sock?virtual_host=0"
    assert embedded.celery_broker("redis://r.example:6379") == "redis://r.example:6379"


def test_a_socket_folder_made_by_somebody_else_is_not_trusted(folder: Path) -> None:
    (folder / "link").symlink_to(folder)
    assert installation.is_ours(folder)
    assert not installation.is_ours(folder / "link")
    assert not installation.is_ours(folder / "absent")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run PostgreSQL as somebody else")
def test_root_keeps_the_data_outside_a_closed_folder_and_opens_nothing(folder: Path) -> None:
    folder.chmod(0o700)
    home = folder / "var"
    services = Services(home, durable=False)
    services.hold(valkey=False)
    data = services.data_folder()
    try:
        assert data is not None and folder not in data.parents
        assert data.stat().st_uid != 0
        assert folder.stat().st_mode & 0o777 == 0o700
        assert services.release()
    finally:
        if data is not None:
            shutil.rmtree(data.parent)


def test_a_command_works_by_itself_and_leaves_nothing_running(
    clone: Path, environment: dict[str, str], processes: Processes
) -> None:
    query = "from django.db import connection; print(connection.cursor().connection.info.dbname)"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", query]
    asked = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert asked.stdout.strip() == "payoutdesk", asked.stderr
    assert processes(clone) == []


def test_what_a_killed_test_run_left_is_cleared_by_the_next(processes: Processes) -> None:
    code = (
        "import os; from backoffice.pytest_embedded import Run; run = Run(); "
        "run.start(postgres=True, valkey=True); print(run.home, flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    home = Path(killed.stdout.strip())
    assert len(processes(home)) >= 2
    long_ago = time.time() - 2 * pytest_embedded.YOUNG_SECONDS
    os.utime(home, (long_ago, long_ago))
    pytest_embedded.clear_leftovers()
    assert processes(home) == []
    assert not home.exists()
