"""What must be true of the configured providers before anything is started: Django's system checks."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from providers.registry import BY_CODE


@register
def providers_are_configured(**_: Any) -> list[CheckMessage]:
    """There is a provider, and each one that is configured is known."""
    unknown: list[CheckMessage] = [
        Error(
            f"settings.PROVIDERS configures {code}, which providers/registry.py does not know.",
            hint="A provider is an entry in the registry and a configuration under the same code.",
            id="providers.E001",
        )
        for code in sorted(settings.PROVIDERS.keys() - BY_CODE.keys())
    ]
    if settings.PROVIDERS:
        return unknown
    return [
        Error(
            "settings.PROVIDERS is empty: nothing could be paid.",
            hint="Configure one of the providers of providers/registry.py.",
            id="providers.E004",
        )
    ]


@register
def nobody_pays_by_mistake(**_: Any) -> list[CheckMessage]:
    """No real money in debug mode, and no pretended payment where it is off, unless that is wanted."""
    pretending = [code for code, values in settings.PROVIDERS.items() if values.get("control_page")]
    real = [code for code in settings.PROVIDERS if code not in pretending]
    if settings.DEBUG and real:
        return [
            Error(
                f"DEBUG is on while {', '.join(real)} would pay real money.",
                hint="Set DEBUG=0, or take the provider out of settings.PROVIDERS.",
                id="providers.E002",
            )
        ]
    if not settings.SANDBOX_ALLOWED and pretending:
        return [
            Error(
                f"DEBUG is off while {', '.join(pretending)} would only pretend to pay.",
                hint="Register a real provider, or set SANDBOX_ALLOWED=1 to try the product.",
                id="providers.E003",
            )
        ]
    return []
