"""`make run`, with the real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Processes = Callable[[Path], list[str]]


class Product:
    """A copy of the product, started and stopped as somebody at a terminal would."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment | {"DEMO_TRICKLE": "0"}
        self.port = free_port()
        self.said: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "backoffice.devserver", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self.process

    def wait_until_ready(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("ready http://"):
                return
        pytest.fail("".join(self.said))

    def end(self) -> tuple[int, str]:
        """Wait for the end; the exit code and what was said since."""
        assert self.process is not None
        said, _ = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def pid_of(self, name: str) -> int:
        """The main process of a component, as written down by the run."""
        children = json.loads((self.folder / "var" / "run.json").read_text())["children"]
        return next(int(child["pid"]) for child in children if name in child["command"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def product(clone: Path, environment: dict[str, str]) -> Iterator[Product]:
    started = Product(clone, environment)
    yield started
    if started.process is not None and started.process.poll() is None:
        started.process.terminate()
        started.process.wait(timeout=60)


def test_a_taken_port_is_said_before_anything_starts(product: Product) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", product.port))
        taken.listen()
        product.start()
        code, said = product.end()
    assert code == 1
    assert said.startswith(f"Port {product.port} cannot be used")
    assert len(said.splitlines()) == 1
    assert not (product.folder / "var" / "postgres").exists()


def test_it_runs_once_stops_without_a_trace_and_clears_up_after_a_kill(product: Product, processes: Processes) -> None:
    product.start()
    product.wait_until_ready()
    address = f"http://127.0.0.1:{product.port}/"
    assert urllib.request.urlopen(f"{address}healthz", timeout=10).status == 200
    assert b"<svg" in urllib.request.urlopen(f"{address}favicon.ico", timeout=10).read()
    with pytest.raises(urllib.error.HTTPError) as nothing:
        urllib.request.urlopen(f"{address}nowhere/", timeout=10)
    page = nothing.value.read().decode()
    assert nothing.value.code == 404
    assert "There is nothing here" in page and "DEBUG" not in page

    second = Product(product.folder, product.environment)
    second.start()
    code, said = second.end()
    assert (code, said) == (1, f"Payout Desk already runs from this folder, at {address}; stop that first.\n")

    assert product.process is not None
    product.process.send_signal(signal.SIGTERM)
    code, said = product.end()
    assert code == 0, said
    names = [line.split("|")[0].strip() for line in said.splitlines() if line.endswith("| stopped")]
    assert names == ["beat", "worker", "web", "sandbox"]
    assert processes(product.folder) == []

    # On the demonstration that is there now: a run that is killed, and one that loses a part of itself.
    product.start()
    product.wait_until_ready()
    product.process.kill()
    product.process.communicate()
    orphan = product.pid_of("gunicorn")
    os.kill(orphan, 0)

    product.start()
    product.wait_until_ready()
    assert any("of a run that was killed" in line for line in product.said)
    assert product.pid_of("gunicorn") != orphan

    os.kill(product.pid_of(" beat "), signal.SIGKILL)
    begun = time.monotonic()
    code, said = product.end()
    assert code == 1
    assert "beat has stopped by itself (exit code -9)." in said
    assert time.monotonic() - begun < 40
    assert processes(product.folder) == []
