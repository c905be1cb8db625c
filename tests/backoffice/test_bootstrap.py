"""From a bare Python to a virtual environment; the lock files here name nothing, so no network is needed."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRETEND = """
import runpy, sys
sys.version_info = {version}
sys.argv = ["bootstrap.py"]
runpy.run_path({path!r}, run_name="__main__")
"""


@pytest.fixture
def bare(folder: Path) -> Path:
    """A project folder with the bootstrap and three empty lock files."""
    (folder / "backoffice").mkdir()
    (folder / "backoffice" / "bootstrap.py").write_bytes((ROOT / "backoffice" / "bootstrap.py").read_bytes())
    for name in ("requirements.txt", "requirements-test.txt", "requirements-dev.txt"):
        (folder / name).write_text(f"# {name} names nothing\n")
    return folder


def bootstrap(folder: Path, wanted: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "backoffice/bootstrap.py", wanted]
    return subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def test_it_makes_a_working_environment_once_and_is_silent_afterwards(bare: Path) -> None:
    first = bootstrap(bare, "test")
    assert first.returncode == 0, first.stderr
    assert "Installing" in first.stdout
    ask = [bare / ".venv" / "bin" / "python", "-c", "import sys; print(sys.path)"]
    where = subprocess.check_output(ask, cwd="/", text=True)
    assert str(bare) in where
    for wanted in ("test", "run"):
        again = bootstrap(bare, wanted)
        assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert "Installing" in bootstrap(bare, "dev").stdout


def test_a_changed_lock_file_is_installed(bare: Path) -> None:
    bootstrap(bare, "run")
    (bare / "requirements.txt").write_text("# nothing new\n")
    assert "Installing" in bootstrap(bare, "run").stdout


def test_a_broken_environment_is_made_anew(bare: Path) -> None:
    bootstrap(bare, "run")
    python = bare / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    assert bootstrap(bare, "run").returncode == 0
    assert subprocess.call([python, "-c", ""]) == 0


def test_without_any_pip_it_says_what_to_install(bare: Path) -> None:
    (bare / "nopip").mkdir()
    for module in ("pip", "ensurepip"):
        (bare / "nopip" / f"{module}.py").write_text("raise SystemExit(1)\n")
    refused = bootstrap(bare, "run", PYTHONPATH=str(bare / "nopip"))
    assert refused.returncode == 1
    assert "has no pip; install it" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_pip_says_is_shown_when_it_fails(bare: Path) -> None:
    (bare / "requirements.txt").write_text("not a requirement\n")
    refused = bootstrap(bare, "run")
    assert refused.returncode == 1
    assert "Invalid requirement" in refused.stderr
    assert not (bare / ".venv" / "installed.txt").exists()


def test_an_old_python_is_refused_in_one_sentence(bare: Path) -> None:
    code = PRETEND.format(version=(3, 10, 4), path=str(bare / "backoffice" / "bootstrap.py"))
    refused = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("Payout Desk needs Python 3.11 or newer, and this is Python 3.10;")
    assert len(refused.stderr.splitlines()) == 1


def test_an_old_python_can_read_the_file_far_enough_to_refuse() -> None:
    ast.parse((ROOT / "backoffice" / "bootstrap.py").read_text(), feature_version=(3, 7))
