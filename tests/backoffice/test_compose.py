"""docker-compose.yml, Dockerfile and .env.example, held against each other and against the settings."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import __main__ as sandbox_command

ROOT = Path(__file__).resolve().parents[2]
APPS = ("backoffice", "withdrawals", "kyc", "fraud", "providers", "ledger", "sandbox")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
EXAMPLE = dict(
    line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")
)
# A variable is read by one of the strict readers, or straight from the environment.
READ = re.compile(r"""(?:env_\w+\(|environ(?:\.get\(|\[))\s*"([A-Z_]+)\"""")
OURS = ("web", "worker", "beat", "sandbox", "migrate")


CODE = [path for name in APPS for path in (ROOT / name).rglob("*.py")] + [ROOT / "manage.py"]
# Set by Django's own and pytest's own conventions, never by whoever installs the product.
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER"}


def test_every_variable_that_is_read_is_in_the_example() -> None:
    read = {name for path in CODE for name in READ.findall(path.read_text())}
    assert {"DATABASE_URL", "CRASH_AT", "DEMO_TRICKLE", "UNDO_SECONDS"} <= read
    assert read - NOT_OURS <= EXAMPLE.keys()


def test_the_example_names_no_variable_that_nothing_reads() -> None:
    text = "\n".join(path.read_text() for path in [*CODE, ROOT / "docker-compose.yml"])
    assert {name for name in EXAMPLE if name not in text} == set()


def test_the_example_is_safe_to_copy() -> None:
    """Debug mode is off, and a secret left empty is refused rather than well known."""
    assert EXAMPLE["DEBUG"] == "0"
    assert [name for name in EXAMPLE if name.endswith(("KEY", "SECRET", "_ID")) and EXAMPLE[name]] == []


def test_the_services_are_the_products_parts_and_its_two_engines() -> None:
    assert set(COMPOSE["services"]) == {*OURS, "postgres", "redis"}
    assert COMPOSE["services"]["postgres"]["image"] == "postgres:18"
    assert COMPOSE["services"]["redis"]["image"] == "valkey/valkey:9"


@pytest.mark.parametrize("name", OURS)
def test_each_part_is_told_where_its_services_are(name: str) -> None:
    environment = COMPOSE["services"][name]["environment"]
    assert environment["DATABASE_URL"].startswith("postgresql://backoffice:")
    assert environment["REDIS_URL"].startswith("redis://redis:")
    assert set(environment) <= EXAMPLE.keys()


def test_compose_asks_for_no_variable_without_an_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert asked <= EXAMPLE.keys()


def test_only_the_web_application_has_a_port_and_only_on_this_machine() -> None:
    ports = {name: service.get("ports", []) for name, service in COMPOSE["services"].items()}
    assert ports.pop("web") == ["127.0.0.1:8000:8000"]
    assert not any(ports.values())


def test_the_worker_is_given_as_long_as_in_make_run() -> None:
    from backoffice.devserver import GRACE_SECONDS

    assert int(COMPOSE["services"]["worker"]["stop_grace_period"].rstrip("s")) > GRACE_SECONDS["worker"]


def test_the_sandbox_understands_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    command = COMPOSE["services"]["sandbox"]["command"].split()
    assert command[:3] == ["python", "-m", "sandbox"]
    monkeypatch.setattr("sys.argv", command[2:])
    assert sandbox_command._arguments().port == 9100


def test_the_image_is_locked_and_not_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes --only-binary :all: -r requirements.txt" in text
    assert text.index("\nUSER payoutdesk") < text.index("\nCMD ")
    version = re.search(r"^FROM python:3\.(\d+)-slim$", text, re.MULTILINE)
    assert version and int(version[1]) >= 11
