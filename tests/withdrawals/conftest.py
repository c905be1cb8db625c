from tests.providers.conftest import sandbox
from tests.sandbox_process import sandbox_process, sandbox_server

__all__ = ["sandbox", "sandbox_process", "sandbox_server"]
