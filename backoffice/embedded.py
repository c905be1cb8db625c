"""PostgreSQL and Valkey, started by the product itself when no URL is given.

Both listen on Unix sockets in one private directory, never on the network. Their data stands under
``var/``. Every process that uses them holds a shared lock on ``var/embedded.users``; whoever leaves
last stops them. The kernel drops the lock of a killed process, so nobody has to count.
"""

import atexit
import fcntl
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from backoffice.installation import (
    Account,
    EmbeddedError,
    data_place,
    is_ours,
    postgres_binaries,
    private_folder,
    valkey_binary,
)
from backoffice.processes import stop_server

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
DATABASE = "payoutdesk"
DATABASE_USER = "backoffice"
SOCKETS = {"PostgreSQL": ".s.PGSQL.5432", "Valkey": "redis.sock"}
START_SECONDS = 60
STOP_SECONDS = 30

# The same collation on every system, whatever its locales.
INITDB = shlex.split(
    f"-U {DATABASE_USER} --auth=trust --encoding=UTF8 --locale=C --locale-provider=builtin"
    " --builtin-locale=C.UTF-8 --no-instructions"
)
POSTGRES = shlex.split(
    "-c listen_addresses= -c unix_socket_permissions=0700 -c max_connections=200 -c timezone=UTC -c log_timezone=UTC"
)
VALKEY = shlex.split("--port 0 --unixsocketperm 700 --maxmemory-policy noeviction --daemonize no --set-proc-title no")
# A test run's data dies with it, so nothing has to reach the disk.
THROWAWAY = shlex.split("-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off")


class Urls(NamedTuple):
    database: str
    redis: str


def urls() -> Urls:
    """The URLs of the database and of Redis: from the environment, else of the embedded services.

    Starts what is missing and keeps it up for as long as this process lives. The result is also put
    into the environment, so that child processes use the same services without asking again.
    """
    given = Urls(os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", ""))
    if not all(given):
        found = Services(VAR).hold(postgres=not given.database, valkey=not given.redis)
        given = Urls(given.database or found.database, given.redis or found.redis)
        os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = given
    return given


def redis_database(url: str, number: int) -> str:
    """The given Redis URL, pointing at another database number; for redis-py and Django's cache."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={number}"
    return urlunsplit(parts._replace(path=f"/{number}"))


def celery_broker(url: str) -> str:
    """The given Redis URL in the words of Celery, which has its own scheme for sockets."""
    parts = urlsplit(url)
    return f"redis+socket://{parts.path}?virtual_host=0" if parts.scheme == "unix" else url


class Services:
    """The pair of servers whose data and locks stand in ``home``."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home
        self.durable = durable
        self._state = home / "embedded.json"
        self._users: int | None = None
        self._holder = 0
        self._held: set[str] = set()

    def hold(self, *, postgres: bool = True, valkey: bool = True) -> Urls:
        """Start what does not run yet and use it until ``release()`` or the end of this process."""
        private_folder(self.home)
        with self._only_one():
            if self._users is None:
                self._users = os.open(self.home / "embedded.users", os.O_RDWR | os.O_CREAT, 0o600)
                self._holder = os.getpid()
                atexit.register(self.release)
            fcntl.flock(self._users, fcntl.LOCK_SH)
            self._held |= {name for name, wanted in zip(SOCKETS, (postgres, valkey), strict=True) if wanted}
            return self._start(postgres=postgres, valkey=valkey)

    def release(self) -> bool:
        """Stop using the servers; the last user stops them. Returns whether they were stopped."""
        if self._users is None or self._holder != os.getpid():
            return False
        with self._only_one():
            users, self._users = self._users, None
            atexit.unregister(self.release)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            finally:
                os.close(users)
            self.stop()
            return True

    def stop(self) -> None:
        """Stop both servers whoever uses them; for ``release()`` and for clearing up after a killed run."""
        state = self._read()
        _stop_valkey(self.home / "valkey")
        if state.get("data"):
            _stop_postgres(Path(state["data"]))
        if state.get("sockets") and is_ours(Path(state["sockets"])):
            shutil.rmtree(state["sockets"], ignore_errors=True)
        self._state.unlink(missing_ok=True)

    def down(self) -> list[str]:
        """Names of the servers held by this object that no longer answer."""
        sockets = Path(self._read().get("sockets", "/nonexistent"))
        return [name for name in sorted(self._held) if not _answers(sockets / SOCKETS[name])]

    def data_folder(self) -> Path | None:
        """Where PostgreSQL keeps its files, once it has been started."""
        data = self._read().get("data")
        return Path(data) if data else None

    def _start(self, *, postgres: bool, valkey: bool) -> Urls:
        state = self._read()
        if not (state.get("sockets") and is_ours(Path(state["sockets"]))):
            # The path of a socket may have about 100 bytes, so it cannot stand in the project's folder.
            state["sockets"] = tempfile.mkdtemp(prefix="pd-", dir="/tmp")
        sockets = Path(state["sockets"])
        log_folder = private_folder(self.home / "log")
        if postgres and not _answers(sockets / SOCKETS["PostgreSQL"]):
            data, account = data_place(self.home)
            private_folder(sockets, account)
            state["data"] = str(data)
            self._write(state)
            _start_postgres(data, sockets, account, log=log_folder / "postgres.log", durable=self.durable)
        if valkey and not _answers(sockets / SOCKETS["Valkey"]):
            self._write(state)
            data = private_folder(self.home / "valkey")
            _start_valkey(data, sockets, log=log_folder / "valkey.log", durable=self.durable)
        result = Urls(f"postgresql://{DATABASE_USER}@/{DATABASE}?host={sockets}", f"unix://{sockets}/redis.sock")
        self._write(state | result._asdict())
        return result

    def _read(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._state.read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def _write(self, state: dict[str, Any]) -> None:
        draft = self._state.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(state, indent=1))
        draft.replace(self._state)

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        """Starting and stopping happen in one process at a time."""
        lock = os.open(self.home / "embedded.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _start_postgres(data: Path, sockets: Path, account: Account, *, log: Path, durable: bool) -> None:
    _stop_postgres(data)
    binaries = postgres_binaries(account)
    if not (data / "PG_VERSION").exists():
        # Beside the final place, so that a killed attempt is never taken for a database.
        draft = data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        private_folder(draft, account)
        sync = [] if durable else ["--no-sync"]
        command: list[str | Path] = [binaries / "initdb", "-D", draft, *INITDB, *sync]
        initdb = _spawn("PostgreSQL", command, log, account)
        if initdb.wait() != 0:
            raise _cannot("PostgreSQL", "initdb failed", log)
        draft.rename(data)
    options = POSTGRES if durable else POSTGRES + THROWAWAY
    command = [binaries / "postgres", "-D", data, "-c", f"unix_socket_directories={sockets}", *options]
    _wait_for("PostgreSQL", _spawn("PostgreSQL", command, log, account), lambda: _database_ready(sockets), log)


def _database_ready(sockets: Path) -> bool:
    """Whether PostgreSQL takes connections; creates our database on the first one."""
    import psycopg2

    try:
        connection = psycopg2.connect(host=str(sockets), user=DATABASE_USER, dbname="postgres")
    except psycopg2.OperationalError:
        return False
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {DATABASE}")
    connection.close()
    return True


def _stop_postgres(data: Path) -> None:
    # SIGINT is PostgreSQL's fast, clean shutdown; SIGQUIT leaves recovery to the next start.
    stop_server(data / "postmaster.pid", str(data), (signal.SIGINT, signal.SIGQUIT), STOP_SECONDS)


def _start_valkey(data: Path, sockets: Path, *, log: Path, durable: bool) -> None:
    _stop_valkey(data)
    address = sockets / SOCKETS["Valkey"]
    keep = ["--appendonly", "yes"] if durable else ["--appendonly", "no", "--save", ""]
    places: list[str | Path] = ["--unixsocket", address, "--dir", data, "--pidfile", data / "valkey.pid"]
    process = _spawn("Valkey", [valkey_binary(), *places, *VALKEY, *keep], log, {})
    _wait_for("Valkey", process, lambda: _answers(address, b"PING\r\n", b"+PONG"), log)


def _stop_valkey(data: Path) -> None:
    stop_server(data / "valkey.pid", str(data), (signal.SIGTERM, signal.SIGKILL), STOP_SECONDS)


def _answers(address: Path, question: bytes = b"", answer: bytes = b"") -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(address))
            connection.sendall(question)
            return not question or connection.recv(100).startswith(answer)
        except OSError:
            return False


def _spawn(name: str, command: Sequence[str | Path], log: Path, account: Account) -> "subprocess.Popen[Any]":
    """Start a program in a session of its own, so that a Ctrl-C at the terminal does not reach it."""
    with log.open("ab") as output:
        try:
            return subprocess.Popen(
                command,
                cwd="/",
                env=os.environ | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **account,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise _cannot(name, str(error), log) from error


def _wait_for(name: str, process: "subprocess.Popen[Any]", ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise _cannot(name, "it stopped or did not answer", log)
        time.sleep(0.02)
    # The server outlives this object on purpose; another process may be the one to stop it.
    process.returncode = 0


def _cannot(name: str, reason: str, log: Path) -> EmbeddedError:
    variable = {"PostgreSQL": "DATABASE_URL", "Valkey": "REDIS_URL"}[name]
    said = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
    return EmbeddedError(
        f"{name} could not be started ({reason}); to use a server of your own, set {variable}. "
        f"The end of {log}:\n{said}"
    )
