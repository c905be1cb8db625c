"""Folders and copies of the product in which real processes can be started and counted."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (".venv", "var", ".git", "docs", "tests", "bench", "__pycache__", ".*_cache")
# What belongs to the test run around this one, and must not be inherited by a product started inside it.
INHERITED = (
    "DATABASE_URL",
    "REDIS_URL",
    "PYTEST_XDIST_WORKER",
    "PYTEST_CURRENT_TEST",
    "DJANGO_SETTINGS_MODULE",
    "DEBUG",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other accounts may enter, as an ordinary project folder; pytest's own are closed."""
    path = Path(tempfile.mkdtemp(prefix="pd-work-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def clone(folder: Path) -> Path:
    """A copy of the product without its virtual environment and data."""
    shutil.copytree(ROOT, folder / "clone", ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
    return folder / "clone"


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of somebody who has configured nothing."""
    return {name: value for name, value in os.environ.items() if name not in INHERITED}


@pytest.fixture
def processes() -> Callable[[Path], list[str]]:
    """The command lines of running processes that name a folder."""

    def naming(folder: Path) -> list[str]:
        if Path("/proc/self").exists():
            lines = [_command_line(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
        else:
            lines = subprocess.check_output(["ps", "-axo", "command="], text=True).splitlines()
        return [line for line in lines if str(folder) in line]

    return naming


def _command_line(path: Path) -> str:
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
