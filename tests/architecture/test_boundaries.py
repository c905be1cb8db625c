"""What no file may do. Who may import whom is checked by import-linter, in `make check`."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("backoffice", "withdrawals", "kyc", "fraud", "providers", "ledger", "sandbox")
SOURCES = [path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]


def test_the_picture_shows_every_part_of_the_staircase() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = " ".join(layer for contract in contracts[:3] for layer in contract.get("layers", ()))
    picture = (ROOT / "docs" / "architecture.md").read_text().partition("## One withdrawal")[0]
    parts = {part.removeprefix("backoffice.") for part in re.findall(r"[a-z][\w.]*", layers)}
    assert {part for part in parts if not re.search(rf"\b{part}\b", picture)} == set()


def test_only_the_lifecycle_changes_a_state() -> None:
    """django-fsm stops assignment; update(state=…) and raw SQL pass it by."""
    statement = re.compile(r"SET\s+state\s*=", re.IGNORECASE)
    found = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if statement.search(text := path.read_text()) or _updates_a_state(ast.parse(text))
    ]
    assert found == []


def _updates_a_state(tree: ast.Module) -> bool:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    named = {(call.func.attr, keyword.arg) for call in calls for keyword in call.keywords}  # type: ignore[attr-defined]
    return bool(named & {("update", "state"), ("bulk_update", "state")})


@pytest.mark.parametrize("call", ["rows.update(next_step_at=now(), state='paid')", "rows.update(state=F('x'))"])
def test_an_update_of_a_state_is_seen(call: str) -> None:
    assert _updates_a_state(ast.parse(call))


@pytest.mark.parametrize("word", ["float(", "FloatField", "DecimalField"])
def test_money_is_never_a_float_or_a_decimal_column(word: str) -> None:
    # Seconds and milliseconds may be fractions; money may not.
    allowed = {"FloatField": {"providers/queries.py"}}.get(word, set())
    found = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(rf"(?<![\w.]){re.escape(word)}", path.read_text()) and "sandbox" not in path.parts
    ]
    assert set(found) == allowed


def test_broad_excepts_stand_where_they_are_explained() -> None:
    """The check runner, the loops of sweeper and jobs, the nudge, a page's panels; all else crashes and is seen."""
    allowed = {
        "backoffice/jobs/operations.py",
        "withdrawals/checks/__init__.py",
        "withdrawals/nudge.py",
        "withdrawals/operations/work.py",
        "withdrawals/operations/inbox.py",
        "withdrawals/operations/due_decisions.py",
        "withdrawals/pages/decision.py",
    }
    pattern = re.compile(r"except (Exception|BaseException)\b|except:")
    found = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if pattern.search(path.read_text()) and path.parts[len(ROOT.parts)] not in ("sandbox",)
    }
    assert found == allowed


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
