"""Seals of the audit trail: what the chains cannot show, because entries and hashes were rewritten together."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import InternalError, connection, transaction
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.audit import seals
from backoffice.audit.queries import chain_faults
from backoffice.audit.record import record

pytestmark = pytest.mark.django_db


def act(person: User, action: str = "export") -> None:
    record(subject_type="staff", subject_id=str(person.pk), action=action, actor=person)


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)


@pytest.fixture
def file(tmp_path: Path, operator: User, senior: User) -> Path:
    """Two chains, sealed."""
    for _ in range(3):
        act(operator)
        act(senior)
    seals.seal(tmp_path / "seals.jsonl", now=timezone.now())
    return tmp_path / "seals.jsonl"


def test_chains_that_only_grow_extend_their_seals(file: Path, operator: User, make_staff: Any) -> None:
    assert seals.first_fault(file) == ""
    act(operator)
    act(make_staff("Fraud"))
    assert len(seals.seal(file, now=timezone.now()).heads) == 3
    assert seals.first_fault(file) == ""


@pytest.mark.parametrize("statement", [
    "UPDATE audit_audithead SET seq = seq", "DELETE FROM audit_audithead", "TRUNCATE audit_audithead",
    "INSERT INTO audit_audithead (subject_type, subject_id, seq, hash) VALUES ('staff', '0', 0, '')",
])  # fmt: skip
def test_heads_are_moved_by_the_chain_alone(file: Path, statement: str) -> None:
    with pytest.raises(InternalError), transaction.atomic():
        execute(statement)


def rewrite(person: User) -> None:
    """Rewrite the last entry of a chain with all its hashes, as the owner of the database can."""
    whose = f"subject_type = 'staff' AND subject_id = '{person.pk}'"
    execute(
        "SET session_replication_role = replica",
        f"UPDATE audit_auditentry SET action = 'look_up' WHERE {whose} AND seq = 3",
        "UPDATE audit_auditentry e SET hash = sha256(prev_hash || convert_to(audit_body(e), 'UTF8'))"
        f" WHERE {whose} AND seq = 3",
        "UPDATE audit_audithead SET hash ="
        f" (SELECT hash FROM audit_auditentry WHERE {whose} AND seq = 3) WHERE {whose}",
        "SET session_replication_role = origin",
    )


def remove(person: User) -> None:
    """Remove a chain altogether."""
    execute(
        "SET session_replication_role = replica",
        f"DELETE FROM audit_auditentry WHERE subject_type = 'staff' AND subject_id = '{person.pk}'",
        f"DELETE FROM audit_audithead WHERE subject_type = 'staff' AND subject_id = '{person.pk}'",
        "SET session_replication_role = origin",
    )


@pytest.mark.parametrize("attack", [rewrite, remove])
def test_what_the_chains_cannot_show_the_seals_do(file: Path, senior: User, attack: Callable[[User], None]) -> None:
    attack(senior)
    assert chain_faults() == []
    assert seals.first_fault(file).startswith(f"staff:{senior.pk}: entry 3, sealed ")

    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit):
        call_command("verify", "--seals", str(file), "--json", stdout=out, stderr=err)
    assert json.loads(out.getvalue())["invariants"]["SEAL"] == 1
    assert f"staff:{senior.pk}" in err.getvalue()


def test_a_later_seal_does_not_hide_an_earlier_one(file: Path, senior: User) -> None:
    rewrite(senior)
    seals.seal(file, now=timezone.now())
    assert seals.first_fault(file).startswith(f"staff:{senior.pk}: entry 3")


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[1:],
        lambda lines: lines[:-1],
        lambda lines: [lines[0].replace("3", "2", 1), *lines[1:]],
        lambda lines: [*lines[:-1], lines[-1].replace('"code": "', '"code": "0')],
        lambda lines: [*lines[:-1], "{}\n"],
        lambda lines: [*lines[:-1], "\n"],
    ],
)
def test_a_changed_file_is_found_and_not_extended(file: Path, change: Callable[[list[str]], list[str]]) -> None:
    file.write_text("".join(change(file.read_text().splitlines(keepends=True))))
    kept = file.read_text()
    assert "seals.jsonl" in seals.first_fault(file)
    with pytest.raises(seals.BrokenSeals):
        seals.seal(file, now=timezone.now())
    assert file.read_text() == kept


def test_the_command_seals_and_logs_the_code(
    tmp_path: Path, settings: Any, operator: User, caplog: pytest.LogCaptureFixture
) -> None:
    act(operator)
    settings.AUDIT_SEALS = tmp_path / "new" / "seals.jsonl"
    with caplog.at_level("INFO"):
        call_command("seal_audit", stdout=io.StringIO())
    code = json.loads(settings.AUDIT_SEALS.read_text().splitlines()[-1])["code"]
    assert f"Sealed 1 audit chains: {code}" in caplog.text
    settings.SECRET_KEY = "another"
    with pytest.raises(CommandError, match="Nothing was sealed"):
        call_command("seal_audit", stdout=io.StringIO())


def test_a_named_file_that_is_not_there_is_a_fault(db: None, tmp_path: Path) -> None:
    assert "No such file" in seals.first_fault(tmp_path / "nothing")
