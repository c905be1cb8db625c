import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from backoffice.accounts.models import User
from providers.registry import BY_CODE
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from tests.providers.conftest import sandbox
from tests.sandbox_process import sandbox_process, sandbox_server
from withdrawals.models import Withdrawal
from withdrawals.states import State

__all__ = ["sandbox", "sandbox_process", "sandbox_server"]


@pytest.fixture
def at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def people(
    operator: User, senior: User, compliance: User, finance: User, make_staff: Callable[..., User]
) -> dict[str, User]:
    return {
        "operator": operator,
        "senior": senior,
        "compliance": compliance,
        "finance": finance,
        "colleague": make_staff("Senior", "Piotr Maj"),
    }


@pytest.fixture
def quick_to_believe(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe a "no such payout" after a moment instead of a minute."""
    settings.PROVIDER_SETTLE_TIME = timedelta(milliseconds=50)
    for code, registered in BY_CODE.items():
        quick = dataclasses.replace(registered.capabilities, visibility_delay=timedelta(0))
        monkeypatch.setitem(BY_CODE, code, dataclasses.replace(registered, capabilities=quick))


@pytest.fixture
def approved(operator: User) -> Callable[..., Withdrawal]:
    def make(amount: int = 18_000, **request: Any) -> Withdrawal:
        return make_withdrawal(State.APPROVED, by=operator, amount=amount, now=timezone.now(), **request)

    return make
