"""What `make run` starts, in which order, and how it stops.

PostgreSQL and Valkey, the tables, the demonstration's data, the sandbox provider, web, worker, beat.
Each child has a process group of its own, so that Ctrl-C reaches this process alone and everything
stops in reverse order. The children's pids are written down: what a killed run has left behind is
stopped before the next one starts.
"""

import argparse
import fcntl
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from backoffice import demo, keys
from backoffice.embedded import ROOT, VAR, Services
from backoffice.installation import EmbeddedError
from backoffice.processes import command_line, is_gone, stop_group

RUN_FILE = VAR / "run.json"
READY_SECONDS = 90
REPEAT_SECONDS = 60
GRACE_SECONDS = {"worker": 30}  # a payout under way may finish; everything else is quick
WARNING = re.compile(r"(^|[\s\[])(WARNING|ERROR|CRITICAL)\b|\[(warning|error|critical) *\]")


class StartRefused(Exception):
    """The product cannot be started; the message says why in one sentence."""


def main() -> int:
    """Run everything until a signal or the death of a child; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args().port
    _on_signals(_interrupt)
    VAR.mkdir(exist_ok=True)
    run = Run(port)
    try:
        with _only_run():
            _stop_leftovers()
            _refuse_taken_port(port)
            return run.until_stopped()
    except (StartRefused, EmbeddedError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


class Run:
    """One run: the servers it holds and the children it has started."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.address = f"http://127.0.0.1:{port}/"
        self.children: list[Child] = []
        self.services = Services(VAR)
        self.embedded = False
        self.begun = time.monotonic()

    def until_stopped(self) -> int:
        """Start in order, watch, and stop in reverse order whatever happens."""
        failure = ""
        try:
            self.start()
            while True:
                self._watch()
                if down := self.services.down():
                    raise ChildDied(f"{down[0]} has stopped by itself; its log is in {VAR / 'log'}.")
                time.sleep(1)
        except KeyboardInterrupt:
            say("", "stopping")
        except ChildDied as death:
            failure = str(death)
            say("failed", f"{failure.partition('.')[0]}; stopping everything")
        finally:
            self.stop()
        print(failure, end="\n" if failure else "", file=sys.stderr)
        return 1 if failure else 0

    def start(self) -> None:
        self._write_down()
        self._start_servers()
        sandbox = f"http://127.0.0.1:{_free_port(self.port + 1)}"
        os.environ |= {"PYTHONUNBUFFERED": "1", "PGGSSENCMODE": "disable", "SANDBOX_URL": sandbox,
                       "DJANGO_SETTINGS_MODULE": "backoffice.settings"}  # fmt: skip
        keys.settle(os.environ, VAR)
        seeded = _prepare_database()
        for name, arguments in _commands(self.port, sandbox, trickle=seeded):
            child = Child(name, [sys.executable, *arguments])
            self.children.append(child)
            self._write_down()
            say(name, {"sandbox": sandbox, "web": self.address}.get(name, "started"))
        self._wait_until_ready()
        say("", f"ready in {time.monotonic() - self.begun:.1f} s; Ctrl-C stops everything")
        print("", f"ready {self.address}", "", *(demo.sign_ins() if seeded else ()), sep="\n", flush=True)

    def stop(self) -> None:
        """SIGTERM to each child in reverse order, then the servers, unless another command uses them."""
        _on_signals(signal.SIG_IGN)
        for child in reversed(self.children):
            stop_group(child.pid, GRACE_SECONDS.get(child.name, 10))
            child.close()
            say(child.name, "stopped")
        if self.embedded and not self.services.release():
            say("services", "left running: another command is using them and will stop them")
        RUN_FILE.unlink(missing_ok=True)

    def _start_servers(self) -> None:
        missing = {"postgres": not os.environ.get("DATABASE_URL"), "valkey": not os.environ.get("REDIS_URL")}
        self.embedded = any(missing.values())
        if self.embedded:
            urls = self.services.hold(**missing)
            os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or urls.database
            os.environ["REDIS_URL"] = os.environ.get("REDIS_URL") or urls.redis
        place = self.services.data_folder()
        say("postgres", f"embedded, data in {place}" if missing["postgres"] else "as given in DATABASE_URL")
        say("valkey", "embedded" if missing["valkey"] else "as given in REDIS_URL")

    def _watch(self) -> None:
        for child in list(self.children):
            death = child.death()
            if death and child.name == "trickle":  # without it the product is still whole
                say("failed", death)
                self.children.remove(child)
            elif death:
                raise ChildDied(death)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not _healthy(self.port):
            self._watch()
            if time.monotonic() > deadline:
                log = VAR / "log" / "web.log"
                raise ChildDied(f"{self.address}healthz did not answer 200 in {READY_SECONDS} s; see {log}.")
            time.sleep(0.1)

    def _write_down(self) -> None:
        children = [{"pid": child.pid, "command": " ".join(child.command)} for child in self.children]
        RUN_FILE.touch(mode=0o600)
        RUN_FILE.write_text(json.dumps({"address": self.address, "children": children}))


class ChildDied(Exception):
    """Something that has to run does not; the message names it and quotes its last lines."""


class Child:
    """One process in a group of its own; what it says goes to its log file, warnings also to the terminal."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.command = command
        (VAR / "log").mkdir(exist_ok=True)
        self.log = VAR / "log" / f"{name}.log"
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, text=True, errors="replace",
        )  # fmt: skip
        self.pid = self._process.pid
        self._lines: list[str] = []
        self._shown: dict[str, float] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def death(self) -> str:
        """Empty while the process lives; afterwards its name, exit code and last lines."""
        code = self._process.poll()
        if code is None:
            return ""
        self._reader.join(timeout=2)
        said = "\n".join(f"  {line}" for line in self._lines[-15:])
        return f"{self.name} has stopped by itself (exit code {code}). The end of {self.log}:\n{said}"

    def close(self) -> None:
        self._process.poll()
        self._reader.join(timeout=2)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self.log.open("a") as log:
            for line in self._process.stdout:
                log.write(line)
                log.flush()
                self._lines = [*self._lines[-14:], line.rstrip()]
                if WARNING.search(line) and self._is_news(line):
                    say(self.name, line.rstrip())

    def _is_news(self, line: str) -> bool:
        """A fault that comes back every second is shown once a minute; the log has them all."""
        text = re.sub(r"\d+", "", line)
        if time.monotonic() - self._shown.get(text, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return False
        self._shown[text] = time.monotonic()
        return True


def _commands(port: int, sandbox: str, *, trickle: bool) -> Iterator[tuple[str, list[str]]]:
    from django.core.management import get_commands

    sandbox_port = sandbox.rpartition(":")[2]
    webhooks = f"http://127.0.0.1:{port}/webhooks/{{account}}/"
    celery = "-m celery --quiet --app backoffice.celery"
    for name, command in (
        ("sandbox", f"-m sandbox --port {sandbox_port} --webhook-url {webhooks}"),
        ("web", f"-m gunicorn backoffice.wsgi:application --bind 127.0.0.1:{port} --worker-class gthread"
                " --workers 2 --threads 4 --graceful-timeout 10 --no-control-socket"),
        ("worker", f"{celery} worker --concurrency 2 --loglevel INFO --without-gossip --without-mingle"),
        ("beat", f"{celery} beat --loglevel WARNING --schedule var/beat-schedule --pidfile="),
    ):  # fmt: skip
        yield name, command.split()
    if trickle and os.environ.get("DEMO_TRICKLE", "1") != "0" and "demo_trickle" in get_commands():
        yield "trickle", ["manage.py", "demo_trickle"]


def _prepare_database() -> bool:
    """Bring the tables up to date and fill an empty database; returns whether the demo people are in it."""
    import django
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import CommandError, call_command, get_commands
    from django.db import OperationalError, connections

    try:
        django.setup()
        from django.contrib.auth import get_user_model

        staff = get_user_model().objects
        call_command("migrate", interactive=False, verbosity=0)
        say("migrate", "the tables are up to date")
        if not staff.exists() and "seed_demo" in get_commands():
            say("seed", "filling the empty database with invented people and withdrawals ...")
            call_command("seed_demo")
        call_command("collectstatic", interactive=False, verbosity=0)
        # Both ends of the sandbox's door, as the settings have them.
        os.environ["SANDBOX_API_KEY"] = settings.SANDBOX_API_KEY
        os.environ["SANDBOX_WEBHOOK_SECRET"] = settings.SANDBOX_WEBHOOK_SECRET
        return staff.filter(email=demo.STAFF[0].email).exists()
    except (ImproperlyConfigured, CommandError, OperationalError) as error:
        raise StartRefused(f"The database or its contents could not be made ready: {error}") from error
    finally:
        connections.close_all()


@contextmanager
def _only_run() -> Iterator[None]:
    with (VAR / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = _read_run_file().get("address", "an address not known yet")
            raise StartRefused(f"Payout Desk already runs from this folder, at {where}; stop that first.") from None
        yield


def _stop_leftovers() -> None:
    """Stop the children of a run that was killed. A pid counts only if its command line is still the same."""
    for child in reversed(_read_run_file().get("children", [])):
        if not is_gone(child["pid"]) and command_line(child["pid"]) == child["command"].strip():
            say("leftover", f"stopping process {child['pid']} of a run that was killed")
            stop_group(child["pid"], 10)
    RUN_FILE.unlink(missing_ok=True)


def _read_run_file() -> dict[str, Any]:
    try:
        return dict(json.loads(RUN_FILE.read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def _refuse_taken_port(port: int) -> None:
    try:
        _bind(port)
    except OSError as error:
        raise StartRefused(f"Port {port} cannot be used ({error.strerror}); choose another, as in "
                           f"`make run PORT={port + 1000}`.") from None  # fmt: skip


def _free_port(preferred: int) -> int:
    try:
        return _bind(preferred)
    except OSError:
        return _bind(0)


def _bind(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return int(probe.getsockname()[1])


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def say(name: str, text: str) -> None:
    with suppress(OSError):  # the terminal may be gone; stopping in order matters more
        print(f"{name:>9} | {text}", flush=True)


def _on_signals(handler: Callable[[int, Any], NoReturn] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> NoReturn:
    _on_signals(signal.SIG_IGN)  # a second Ctrl-C must not interrupt the stopping
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
