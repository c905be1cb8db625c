"""How providers speak. A dialect is a small module with the names of `Dialect`."""

from typing import Protocol

from sandbox.dialects import native
from sandbox.engine import Engine
from sandbox.wire import Reply, Request


class Dialect(Protocol):
    PREFIX: str

    def answer(self, request: Request, engine: Engine, api_key: str) -> Reply: ...


DIALECTS: tuple[Dialect, ...] = (native,)
