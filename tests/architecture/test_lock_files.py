"""The requirement files: exact, hashed, free of addresses, and of one mind."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ("requirements.txt", "requirements-test.txt", "requirements-dev.txt")
PIN = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^ ;\\]+)", re.MULTILINE)


@pytest.mark.parametrize("name", FILES)
def test_no_address_is_locked_in(name: str) -> None:
    """A mirror or a company index must keep working, so the files name packages and nothing else."""
    assert "://" not in (ROOT / name).read_text()


@pytest.mark.parametrize("name", FILES)
def test_every_package_has_a_version_and_a_hash(name: str) -> None:
    entries = re.split(r"\n(?=[\w])", (ROOT / name).read_text())[1:]
    assert entries
    for entry in entries:
        assert PIN.match(entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_three_files_agree() -> None:
    """Each file contains the one before it, at the same versions, so installing more never changes less."""
    run, test, dev = (set(PIN.findall((ROOT / name).read_text())) for name in FILES)
    assert run <= test <= dev
