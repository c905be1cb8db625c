"""The examples of docs/api.md work as they stand, against a running server."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from backoffice import demo
from kyc.models import Player
from tests.platform.conftest import make_client
from withdrawals.models import Withdrawal

pytestmark = pytest.mark.django_db(transaction=True)

MANUAL = (Path(settings.BASE_DIR) / "docs" / "api.md").read_text()
HERE = "http://127.0.0.1:8000"


def blocks(language: str) -> str:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL)
    return "\n".join(found)


@pytest.fixture(autouse=True)
def _demo_client() -> None:
    make_client("demo", secret=demo.API_SECRET)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
def test_the_shell_examples(live_server: object) -> None:
    script = blocks("sh").replace(HERE, live_server.url).replace(".venv/bin/python", sys.executable)  # type: ignore[attr-defined]
    for _ in range(2):  # everything may be sent again
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert '"withdrawable": "150.00"' in done.stdout
    assert Withdrawal.objects.get().state == "cancelled"


def test_the_python_example(live_server: object) -> None:
    script = blocks("python").replace(HERE, live_server.url)  # type: ignore[attr-defined]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert Player.objects.get(external_id="manual-2").name == "Py Thon"
