"""Processes known by a number that was written down earlier: is it still that one, and how does it end."""

import os
import signal
import subprocess
import time
from pathlib import Path


def command_line(pid: int) -> str:
    """The command line of a running process, or nothing.

    Tells the process we mean from a later one that was given the same number.
    """
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    found = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def is_gone(pid: int) -> bool:
    """Whether a process has ended; collects it if it was our child."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return True
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def stop_server(pid_file: Path, mark: str, signals: tuple[signal.Signals, ...], grace: float) -> None:
    """Send the signals in turn, each with ``grace`` seconds, to the process named in a server's pid file.

    Nothing happens unless its command line bears ``mark``.
    """
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    for number in signals:
        if is_gone(pid) or mark not in command_line(pid):
            return
        os.kill(pid, number)
        _wait(pid, grace)


def stop_group(pid: int, grace: float) -> None:
    """SIGTERM to the leader alone, since Celery's pool must not see it; after the grace SIGKILL to all."""
    if not is_gone(pid):
        os.kill(pid, signal.SIGTERM)
        _wait(pid, grace)
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    _wait(pid, grace)


def _wait(pid: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
