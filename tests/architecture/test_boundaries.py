"""What no file may do. Who may import whom is checked by import-linter, in `make check`."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("backoffice", "withdrawals", "kyc", "fraud", "providers", "ledger", "sandbox")
SOURCES = [path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]


def test_only_the_lifecycle_changes_a_state() -> None:
    """django-fsm stops assignment; update(state=…) and raw SQL pass it by."""
    pattern = re.compile(r"update\([^)]*\bstate\s*=|SET\s+state\s*=", re.IGNORECASE)
    found = [str(path.relative_to(ROOT)) for path in SOURCES if pattern.search(path.read_text())]
    assert found == []


@pytest.mark.parametrize("word", ["float(", "FloatField", "DecimalField"])
def test_money_is_never_a_float_or_a_decimal_column(word: str) -> None:
    # Seconds and milliseconds may be fractions; money may not.
    allowed = {"providers/queries.py"}
    found = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(rf"(?<![\w.]){re.escape(word)}", path.read_text()) and "sandbox" not in path.parts
    ]
    assert set(found) <= allowed


def test_broad_excepts_stand_where_they_are_explained() -> None:
    """The check runner, the loops of sweeper and jobs, the nudge, a page's panels; all else crashes and is seen."""
    allowed = {
        "backoffice/jobs/operations.py",
        "withdrawals/checks/__init__.py",
        "withdrawals/nudge.py",
        "withdrawals/operations/work.py",
        "withdrawals/operations/inbox.py",
        "withdrawals/operations/decisions.py",
        "withdrawals/pages/decision.py",
    }
    pattern = re.compile(r"except (Exception|BaseException)\b|except:")
    found = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if pattern.search(path.read_text()) and path.parts[len(ROOT.parts)] not in ("sandbox",)
    }
    assert found <= allowed, found - allowed


def test_no_place_of_a_machine_is_written_down() -> None:
    suffixes = {".py", ".md", ".html", ".css", ".js", ".toml", ".yml", ".sql", ""}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    bad = []
    for name in listed.split():
        path = ROOT / name
        if path.suffix in suffixes and path.is_file() and name != "tests/architecture/test_boundaries.py":
            text = path.read_text(errors="ignore")
            bad += [name for word in ("/work/", "/root/", "files.pythonhosted") if word in text]
    assert bad == []
