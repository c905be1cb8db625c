from tests.sandbox_process import sandbox_process, sandbox_server

__all__ = ["sandbox_process", "sandbox_server"]
