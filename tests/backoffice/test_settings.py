"""What the settings refuse at start-up: nothing runs on well-known secrets unless somebody said so."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {"DATABASE_URL": "postgresql://nobody@192.0.2.1/none", "REDIS_URL": "redis://192.0.2.1:6379"}
SECRETS = dict.fromkeys(("SECRET_KEY", "INSTALLATION_ID", "SANDBOX_API_KEY", "SANDBOX_WEBHOOK_SECRET"), "given")
SECRETS["SANDBOX_WEBHOOK_SECRET"] = "whsec_" + base64.b64encode(bytes(24)).decode()
SECRETS["FIELD_KEY"] = base64.urlsafe_b64encode(bytes(32)).decode()


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def read(**environment: str) -> "subprocess.CompletedProcess[str]":
    return run(
        "-c", "from backoffice import settings; print(settings.DEBUG, settings.SESSION_COOKIE_NAME)", **environment
    )


@pytest.mark.parametrize("services", [{}, ELSEWHERE], ids=["embedded", "given"])
def test_a_server_without_secrets_does_not_start(environment: dict[str, str], services: dict[str, str]) -> None:
    refused = read(**environment, **services)
    assert refused.returncode != 0
    assert "SECRET_KEY is not set, and DEBUG is off" in refused.stderr


@pytest.mark.parametrize("missing", SECRETS)
def test_each_missing_secret_is_named(environment: dict[str, str], missing: str) -> None:
    given = {name: value for name, value in SECRETS.items() if name != missing}
    assert f"{missing} is not set" in read(**environment, **ELSEWHERE, **given).stderr


def test_with_its_secrets_it_is_no_debug_mode(environment: dict[str, str]) -> None:
    assert read(**environment, **ELSEWHERE, **SECRETS).stdout.split() == ["False", "__Host-sid"]


def test_a_command_on_a_database_of_somebody_s_own_needs_secrets_too(environment: dict[str, str]) -> None:
    refused = run("manage.py", "diffsettings", **environment, **ELSEWHERE)
    assert "SECRET_KEY is not set" in refused.stderr
    assert run("manage.py", "diffsettings", **environment, **ELSEWHERE, DEBUG="1").returncode == 0


@pytest.mark.parametrize(("name", "value"), [("FIELD_KEY", "short"), ("SECOND_FACTOR", "maybe")])
def test_nonsense_is_refused(environment: dict[str, str], name: str, value: str) -> None:
    assert f"{name} must be " in read(**environment, **ELSEWHERE, **{**SECRETS, name: value}).stderr


def test_a_webhook_secret_of_another_form_is_refused(environment: dict[str, str]) -> None:
    given = environment | ELSEWHERE | SECRETS | {"SANDBOX_WEBHOOK_SECRET": "whsec_no"}
    assert "SANDBOX_WEBHOOK_SECRET must be whsec_ and after it base 64." in read(**given).stderr
