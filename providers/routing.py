"""Which provider pays: filter by what they can do and whether they may be called, then the stated order."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from django.db import transaction
from django.db.models import Q, QuerySet

from backoffice.audit.actors import Actor, Machine
from backoffice.audit.record import record
from backoffice.money import format_money
from providers.contract import Capabilities, Limits
from providers.models import ProviderBalance, ProviderControl
from providers.registry import BY_CODE, PROVIDERS

WaitReason = Literal["", "paused", "global_stop", "waiting_for_funds", "no_route"]
# What a provider said about our float longer ago, or says of a time to come, is not known any more.
BALANCE_LASTS = timedelta(minutes=5)
EVERYTHING = ProviderControl.EVERYTHING
_NOBODY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Choice:
    """The provider's code, or None with the reason to wait. `why` is one sentence per provider."""

    provider: str | None
    why: list[str] = field(default_factory=list)
    wait_reason: WaitReason = ""


def choose(
    *,
    method: str,
    currency: str,
    amount: int,
    country: str = "",
    allowed: Collection[str] | None = None,
    exclude: Mapping[str, str] = _NOBODY,
    now: datetime,
) -> Choice:
    """Choose for an amount in minor units.

    `allowed`: only these (None: all). `exclude`: never these, each with why, as a predicate for the trace.
    A provider whose float is known to be too small is passed over; an unknown one stops nothing.
    """
    stopped = paused()
    if EVERYTHING in stopped:
        return Choice(None, [f"all payouts are stopped: {stopped[EVERYTHING].reason}"], "global_stop")
    balances = {row.provider: row for row in known_balances(now=now).filter(currency=currency)}
    why: list[str] = []
    waits: set[WaitReason] = set()
    for registered in PROVIDERS:
        code = registered.code
        problem = registered.capabilities.problem_with(method=method, currency=currency, amount=amount, country=country)
        if not problem and code in exclude:
            problem = exclude[code]
        if not problem and allowed is not None and code not in allowed:
            problem = "was not among those approved"
        if not problem and code in stopped:
            problem = f"is paused: {stopped[code].reason}"
            waits.add("paused")
        if not problem and code in balances and balances[code].available < amount:
            problem = f"has only {format_money(balances[code].available, currency)} of ours"
            waits.add("waiting_for_funds")
        if not problem:
            return Choice(code, [*why, f"{registered.label} is the first that can"])
        why.append(f"{registered.label} {problem}")
    return Choice(None, why, "paused" if "paused" in waits else "waiting_for_funds" if waits else "no_route")


def candidates(*, method: str, currency: str, amount: int, country: str = "") -> list[str]:
    """Codes of all providers that could pay this, paused or not, in order."""
    return [
        registered.code
        for registered in PROVIDERS
        if not registered.capabilities.problem_with(method=method, currency=currency, amount=amount, country=country)
    ]


def capabilities_of(code: str) -> Capabilities:
    """What a provider declares. Raises KeyError for a code that was never registered."""
    return BY_CODE[code].capabilities


def limits(*, method: str, currency: str) -> Limits | None:
    """The smallest and the largest payout that any provider makes; None if nobody pays this."""
    declared = [registered.capabilities.pays.get(method, {}).get(currency) for registered in PROVIDERS]
    known = [one for one in declared if one]
    if not known:
        return None
    largest = [one.maximum for one in known if one.maximum is not None]
    return Limits(min(one.minimum for one in known), max(largest) if len(largest) == len(known) else None)


def known_balances(*, now: datetime) -> QuerySet[ProviderBalance]:
    """Our float per provider and currency, as far as it was told lately enough to count."""
    lately = Q(as_of__gt=now - BALANCE_LASTS, as_of__lt=now + BALANCE_LASTS)
    return ProviderBalance.objects.filter(lately).order_by("provider", "currency")


def paused() -> dict[str, ProviderControl]:
    """The switches that are off, by provider code; "*" stands for all providers at once."""
    return {row.code: row for row in ProviderControl.objects.filter(paused=True).select_related("paused_by")}


def pause(code: str, *, actor: Actor, reason: str, now: datetime) -> bool:
    """Stop new payouts by `code` ("*": by anybody); queries and webhooks go on. False if it was paused.

    Raises KeyError for an unknown provider and ValueError without a reason.
    """
    return _switch(code, paused=True, actor=actor, reason=reason, now=now)


def resume(code: str, *, actor: Actor, reason: str, now: datetime) -> bool:
    """Let payouts go out again. False if they did. Raises as `pause()` does."""
    return _switch(code, paused=False, actor=actor, reason=reason, now=now)


def _switch(code: str, *, paused: bool, actor: Actor, reason: str, now: datetime) -> bool:
    if code not in BY_CODE and code != EVERYTHING:
        raise KeyError(code)
    if not reason.strip():
        raise ValueError("pausing and resuming need a reason")
    with transaction.atomic():
        ProviderControl.objects.get_or_create(code=code)
        control = ProviderControl.objects.select_for_update().get(code=code)
        if control.paused == paused:
            return False
        machine, person = (actor.name, None) if isinstance(actor, Machine) else ("", actor.pk)
        control.paused = paused
        control.paused_at = now if paused else None
        control.paused_by_id = person if paused else None
        control.paused_by_machine = machine if paused else ""
        control.reason = reason if paused else ""
        control.save()
        record(
            subject_type="provider",
            subject_id=code,
            action="pause_provider" if paused else "resume_provider",
            actor=actor,
            reason=reason,
            at=now,
        )
    return True
