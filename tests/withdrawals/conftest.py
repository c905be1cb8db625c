from collections.abc import Iterator

import pytest
import time_machine

from tests.conftest import NOW
from tests.providers.conftest import sandbox
from tests.sandbox_process import sandbox_process, sandbox_server

__all__ = ["sandbox", "sandbox_process", "sandbox_server"]


@pytest.fixture
def at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield
