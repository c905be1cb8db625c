"""Timed blocks: worker processes that do one thing over and over between two moments.

Standard library only, because the peers' workers run it in an environment of their own.
"""

import json
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LEAD_SECONDS = 0.05  # from the order to the start, so that all workers start together
PATIENCE_SECONDS = 90
WARM_UP = 7  # the first calls on a connection also make its plans


class CannotMeasure(RuntimeError):
    """A worker could not be started or failed; the message says why."""


def serve(variants: Mapping[str, Callable[[], int]]) -> None:
    """In a worker: answer each line ``variant start end`` with how many things were done in that time."""
    for act in variants.values():
        for _ in range(WARM_UP):
            act()
    print("ready", flush=True)
    for line in sys.stdin:
        variant, start, end = line.split()
        act, stop, done = variants[variant], float(end), 0
        time.sleep(max(0.0, float(start) - time.time()))
        while time.time() < stop:
            done += act()
        print(done, flush=True)


class Crew:
    """Up to ``size`` worker processes of one kind, kept between blocks."""

    def __init__(self, command: list[str | Path], *, size: int, environment: Mapping[str, str]) -> None:
        # A pipe that nobody reads would fill up.
        self._complaints = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 — closed with its workers
        self._workers = [
            subprocess.Popen(
                [*map(str, command), str(number)],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                text=True,
            )
            for number in range(size)
        ]
        try:
            for worker in self._workers:
                self._read(worker)
        except CannotMeasure:
            self.dismiss()
            raise

    def rate(self, variant: str, *, clients: int, seconds: float) -> float:
        """Return things done per second by so many workers at once."""
        start = time.time() + LEAD_SECONDS
        for worker in self._workers[:clients]:
            assert worker.stdin is not None
            with suppress(BrokenPipeError):  # the answer that does not come says why
                worker.stdin.write(f"{variant} {start} {start + seconds}\n")
                worker.stdin.flush()
        return sum(int(self._read(worker)) for worker in self._workers[:clients]) / seconds

    def dismiss(self) -> None:
        for worker in self._workers:
            worker.kill()
            worker.wait()
        self._complaints.close()

    def _read(self, worker: "subprocess.Popen[str]") -> str:
        assert worker.stdout is not None
        answers, _, _ = select.select([worker.stdout], [], [], PATIENCE_SECONDS)
        line = worker.stdout.readline().strip() if answers else ""
        if not line:
            self._complaints.seek(0)
            last = self._complaints.read().strip().rpartition("\n")[2]
            ended = f"ended with {worker.poll()}" if answers else f"said nothing for {PATIENCE_SECONDS} seconds"
            raise CannotMeasure(f"a worker {ended}: {last}")
        return line


def report(goal: str, *, ratio: float | None, target: float, at_most: bool = False, **more: Any) -> None:
    """Print the JSON line of one goal; without a ratio it was not measured. ``at_most``: the less the better."""
    held = None if ratio is None else ratio <= target if at_most else ratio >= target
    shown = None if ratio is None else round(ratio, 5 if at_most else 2)
    line = {"goal": goal, "ratio": shown, "at_most" if at_most else "target": target, "held": held, **more}
    print(json.dumps(line), flush=True)
