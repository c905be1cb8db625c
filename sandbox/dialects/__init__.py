"""How providers speak. A dialect is a small module with the names of `Dialect`; a payout keeps that of its own."""

from collections.abc import Mapping
from typing import Any, Protocol

from sandbox.dialects import adyen, hyperswitch, native, paypal, stripe
from sandbox.engine import Engine
from sandbox.wire import Reply, Request


class Dialect(Protocol):
    """`secret` is a Standard Webhooks one (whsec_…), whatever form of it a dialect's own scheme wants."""

    NAME: str
    PREFIX: str  # of its addresses

    def answer(self, request: Request, engine: Engine, api_key: str) -> Reply: ...

    def describe(self, payout: Mapping[str, Any], event_id: str, at: float) -> str:
        """The body of a webhook about the payout as it is now."""

    def sign(self, secret: str, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
        """The headers that prove the body."""


DIALECTS: tuple[Dialect, ...] = (native, adyen, hyperswitch, paypal, stripe)
BY_NAME = {dialect.NAME: dialect for dialect in DIALECTS}


def describe(payout: Mapping[str, Any], event_id: str, at: float) -> str:
    return BY_NAME[payout["dialect"]].describe(payout, event_id, at)


def sign(dialect: str, secret: str, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    return BY_NAME[dialect].sign(secret, event_id, timestamp, body)
