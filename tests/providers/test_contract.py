"""Runs the contract suite over the registry."""

from tests.providers.contract import (
    TestCapabilities,
    TestErrors,
    TestMagicAmounts,
    TestPayouts,
    TestWebhooks,
    code,
    provider,
)

__all__ = [
    "TestCapabilities", "TestErrors", "TestMagicAmounts", "TestPayouts", "TestWebhooks", "code", "provider",
]  # fmt: skip
