"""Which providers are known, and which of them this installation pays by, in the order in which they are tried.

Adding one is an entry here; its configuration under the same code in settings.PROVIDERS makes it one to pay by.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from providers.adapters.adyen import Adyen
from providers.adapters.hyperswitch import Hyperswitch
from providers.adapters.paypal import PayPal
from providers.adapters.sandbox import Sandbox
from providers.adapters.stripe import Stripe
from providers.contract import Capabilities, Limits, Provider

_FIAT = ["EUR", "USD", "GBP", "SEK", "NOK", "DKK", "PLN", "CZK", "CHF", "CAD", "AUD", "JPY", "KWD", "BRL"]
# In which Adyen counts minor units as ISO 4217 does, and pays to bank accounts with an IBAN.
_SEPA_AND_NORDIC = ["EUR", "GBP", "SEK", "NOK", "DKK", "PLN", "CZK", "CHF"]
# Among what PayPal holds, those of which it counts the decimals as ISO 4217 does.
_PAYPAL = ["EUR", "USD", "GBP", "AUD", "CAD", "CHF", "CZK", "DKK", "JPY", "NOK", "PLN", "SEK"]
_CRYPTO = {"BTC": 10_000, "ETH": 1_000_000, "LTC": 1_000_000, "USDT": 1_000_000, "USDC": 1_000_000}


@dataclass(frozen=True)
class Registered:
    """One provider: `code` is for ever, it stands in attempts and in the ledger."""

    code: str
    label: str
    adapter: type[Provider]
    capabilities: Capabilities


# What holds for every merchant account at the sandbox provider.
_SANDBOX = Capabilities(
    pays={},
    idempotency="header",
    idempotency_window=timedelta(days=30),
    may_repeat=True,
    lookup="by_our_reference",
    visibility_delay=settings.PROVIDER_SETTLE_TIME,
    balance=True,
    failed_is_final=True,
)

KNOWN = (
    Registered(
        code="northgate",
        label="Northgate Pay",
        adapter=Sandbox,
        capabilities=replace(
            _SANDBOX,
            pays={"iban": dict.fromkeys(_FIAT, Limits(100)), "card": dict.fromkeys(_FIAT, Limits(500))},
        ),
    ),
    Registered(
        code="volta",
        label="Volta",
        adapter=Sandbox,
        capabilities=replace(
            _SANDBOX,
            pays={
                "iban": dict.fromkeys(_FIAT, Limits(1_000, 5_000_000)),
                "wallet": {currency: Limits(minimum) for currency, minimum in _CRYPTO.items()},
            },
        ),
    ),
    Registered(
        code="adyen",
        label="Adyen",
        adapter=Adyen,
        capabilities=Capabilities(
            pays={
                "iban": dict.fromkeys(_SEPA_AND_NORDIC, Limits(100)),
                "card": dict.fromkeys(["EUR", "GBP"], Limits(500)),
            },
            idempotency="header",
            idempotency_window=timedelta(days=31),
            may_repeat=True,
            lookup="by_our_reference",
            visibility_delay=settings.PROVIDER_SETTLE_TIME,
            balance=True,
            failed_is_final=True,
            signs_time=False,
        ),
    ),
    Registered(
        code="hyperswitch",
        label="Hyperswitch",
        adapter=Hyperswitch,
        capabilities=Capabilities(
            pays={"iban": {"EUR": Limits(100)}},
            lookup="by_our_reference",
            visibility_delay=settings.PROVIDER_SETTLE_TIME,
            signs_time=False,
        ),
    ),
    Registered(
        code="paypal",
        label="PayPal",
        adapter=PayPal,
        capabilities=Capabilities(
            pays={"paypal": dict.fromkeys(_PAYPAL, Limits(100))},
            idempotency="body field",
            idempotency_window=timedelta(days=30),
            may_repeat=True,
            lookup="by_repeat_create",
            visibility_delay=settings.PROVIDER_SETTLE_TIME,
            balance=True,
            failed_is_final=True,
        ),
    ),
    Registered(
        code="stripe",
        label="Stripe",
        adapter=Stripe,
        capabilities=Capabilities(
            # What our financial account holds: nothing is exchanged on the way.
            pays={"stripe": dict.fromkeys(["EUR", "GBP", "USD"], Limits(100))},
            idempotency="header",
            idempotency_window=timedelta(days=30),
            may_repeat=True,
            lookup="by_our_reference",
            visibility_delay=timedelta(minutes=5),  # its lists lag behind, by how much is told nowhere
            balance=True,
            failed_is_final=True,
        ),
    ),
)
# Also those that were paid by once: attempts and the ledger name them for ever.
BY_CODE = {registered.code: registered for registered in KNOWN}
PROVIDERS = tuple(registered for registered in KNOWN if registered.code in settings.PROVIDERS)


def is_configured(code: str) -> bool:
    """Whether this installation can talk to the provider."""
    return code in BY_CODE and code in settings.PROVIDERS


def provider(code: str) -> Provider:
    """The adapter, configured and shared.

    Raises KeyError for a code that was never registered, ImproperlyConfigured for one that nothing is set for.
    """
    registered = BY_CODE[code]
    if not is_configured(code):
        raise ImproperlyConfigured(f"settings.PROVIDERS says nothing about {code}.")
    values = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in settings.PROVIDERS[code].items()
        if name != "control_page"  # concerns people alone
    }
    # By process too: a forked worker must not share its parent's connections.
    return _build(registered.code, os.getpid(), **values)


@cache
def _build(code: str, process: int, **values: Any) -> Provider:
    registered = BY_CODE[code]
    make: Callable[..., Provider] = registered.adapter
    return make(code=code, capabilities=registered.capabilities, **values)
