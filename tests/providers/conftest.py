from datetime import UTC, datetime

import hypothesis
import pytest

from backoffice import sandbox_accounts
from tests.sandbox_process import API_KEY, WEBHOOK_SECRET, SandboxProcess, sandbox_process, sandbox_server

pytest.register_assert_rewrite("tests.providers.contract")
# How long an example takes says something of the machine, and nothing of a parser.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")

__all__ = ["sandbox_process", "sandbox_server"]


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess, settings) -> SandboxProcess:
    """The running provider, with every registered provider pointing at it."""
    settings.PROVIDERS = sandbox_accounts.at(sandbox_process.base_url, api_key=API_KEY, webhook_secret=WEBHOOK_SECRET)
    return sandbox_process


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)
