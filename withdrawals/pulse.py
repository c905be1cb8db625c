"""Whether anything about an open page changed, in one statement: who is there, how it stands, and its facts.

An answer is a short digest. Whoever gets an equal one need not ask for more.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, JSONObject

from backoffice.prepared import Prepared, Slot
from kyc.models import Verification
from ledger.models import AccountKind, Balance
from providers import queries as providers
from providers.models import ProviderControl
from withdrawals import visibility
from withdrawals.models import CheckResult, Decision, Destination, Finding, Limit, Visit, Withdrawal
from withdrawals.states import COUNTED
from withdrawals.usage import PERIODS
from withdrawals.visibility import Field

# Somebody who was not heard of for so long looks no more; an open page speaks every 30 seconds.
SEEN_WITHIN = timedelta(seconds=70)
_REF, _NOW = Slot("ref", CharField()), Slot("now", DateTimeField())
# Facts that a decision is made by, by the panel that shows them: who decides on other ones is asked to look again.
# The balance is none of them: it moves with every stake while somebody plays, and what is paid out is reserved.
DECISIVE = {
    "player": "the player’s standing",
    "why": "what the checks say",
    "limits": "the player’s limits",
    "route": "the payout details",
    "findings": "what a provider says",
}


@dataclass(frozen=True, slots=True)
class Presence:
    """How a withdrawal stands and who is at it, as far as the reader may know: keys of people, those of the others who
    look sorted. ``stands`` is a word that changes when the reader can see that it moved."""

    stands: str
    owner_id: int | None
    asked_by_id: int | None
    decision_id: int | None
    lookers: tuple[int, ...]

    @property
    def digest(self) -> str:
        return _digest([self.stands, self.owner_id, self.asked_by_id, self.decision_id, self.lookers])


def presence_of(ref: str, *, reader: Any, now: datetime) -> Presence | None:
    """Return how it stands now, or None where there is no such withdrawal. One statement."""
    found = _PRESENCE.rows(ref=ref, reader=reader.pk, now=now, heard_since=now - SEEN_WITHIN)
    return _presence(found[0], reader) if found else None


def opened(ref: str, *, reader: Any, now: datetime) -> tuple[Presence | None, dict[str, str]]:
    """Return what presence_of() and facts_of() say, in one statement."""
    for found in _OPENED.rows(
        ref=ref, reader=reader.pk, now=now, heard_since=now - SEEN_WITHIN, called_since=now - providers.SHORT
    ):
        return _presence(found[: len(_PRESENT)], reader), _facts(found[len(_PRESENT) :])
    return None, {}


def _presence(found: Sequence[Any], reader: Any) -> Presence:
    version, stands, hold_kind, owner, asked_by, decision, lookers = found
    people, state = visibility.sees(reader, Field.OWNER), visibility.sees(reader, Field.STATE)
    return Presence(
        stands=str(version) if state else visibility.state_for(reader, stands, hold_kind).value,
        owner_id=owner if people else None,
        asked_by_id=asked_by if people else None,
        decision_id=decision if state else None,
        lookers=tuple(one for one in lookers if one != owner) if people else (),
    )


_PRESENT = ("version", "state", "hold_kind", "owner_id", "asked_by_id", "decision_id", "lookers")


def _with_presence() -> QuerySet[Withdrawal, Any]:
    heard_since, reader = Slot("heard_since", DateTimeField()), Slot("reader", IntegerField())
    visits = Visit.objects.filter(withdrawal=OuterRef("pk"), seen_at__gt=heard_since).exclude(visitor=reader)
    waiting = Decision.objects.filter(
        withdrawal=OuterRef("pk"), status__in=[Decision.Status.WAITING, Decision.Status.PROPOSED]
    )
    held = Q(claim__until__gt=_NOW)
    return Withdrawal.objects.filter(ref=_REF).annotate(
        owner_id=Case(When(held, then=F("claim__owner")), default=Value(None)),
        asked_by_id=Case(When(held, then=F("claim__asked_by")), default=Value(None)),
        decision_id=Subquery(waiting.values("pk")[:1]),
        lookers=ArraySubquery(visits.order_by("visitor").values("visitor")),
    )


def facts_of(withdrawal_ref: str, *, now: datetime) -> dict[str, str]:
    """Return a digest of the facts of each panel as they are now; empty without such a withdrawal. One statement."""
    found = _FACTS.rows(ref=withdrawal_ref, now=now, called_since=now - providers.SHORT)
    return _facts(found[0]) if found else {}


def _facts(found: Sequence[Any]) -> dict[str, str]:
    facts = iter(found)
    return {panel: _digest([next(facts) for _name in names]) for panel, names in _FACTS_OF.items()}


# The panels, as withdrawals.pages.decision shows them, and what stands in each.
_FACTS_OF = {
    "player": ("verifications", "standing"),
    "why": ("checks", "risk_score", "risk_level"),
    "limits": ("limits", "others"),
    "house": ("last_approved",),
    "money": ("balance",),
    "route": ("details", "routes"),
    "provider": ("stopped", "failing"),
    "findings": ("open_findings",),
}


_EACH_FACT = tuple(name for names in _FACTS_OF.values() for name in names)


def _with_facts(rows: QuerySet[Withdrawal, Any]) -> QuerySet[Withdrawal, Any]:
    verifications = Verification.objects.filter(player=OuterRef("player"), current=True)
    checks = CheckResult.objects.filter(withdrawal=OuterRef("pk"), is_current=True)
    others = Withdrawal.objects.filter(
        player=OuterRef("player"),
        pk__lt=OuterRef("pk"),
        state__in=COUNTED,
        requested_at__gt=OuterRef("requested_at") - max(PERIODS.values()),
    )
    approved = Withdrawal.objects.filter(approved_at__isnull=False).order_by("-approved_at")
    findings = Finding.objects.filter(withdrawal=OuterRef("pk"), resolved_at=None)
    destination = Destination.objects.filter(pk=OuterRef("destination"))
    balance = Balance.objects.filter(
        account__kind=AccountKind.PLAYER_CASH,
        account__holder=Cast(OuterRef("player"), CharField()),
        account__currency=OuterRef("currency"),
    )
    since = Slot("called_since", DateTimeField())
    limits = Limit.objects.annotate(cap=_object("scope", "period", "cap_amount", "cap_count", "effect"))
    return rows.annotate(
        verifications=_list(verifications, "pk", "state", "level", "expires_on"),
        standing=_object("player__self_excluded", "player__suspended", "player__name"),
        checks=ArraySubquery(checks.order_by("pk").values("pk")),
        details=_list(destination, "holder_name", "owned"),
        limits=ArraySubquery(limits.order_by("pk").values("cap")),
        others=ArraySubquery(others.order_by("pk").values("pk")),
        last_approved=Subquery(approved.values("approved_at")[:1]),
        open_findings=ArraySubquery(findings.order_by("pk").values("pk")),
        balance=Subquery(balance.values("amount")[:1]),
        stopped=ArraySubquery(ProviderControl.objects.filter(paused=True).order_by("code").values("code")),
        failing=ArraySubquery(providers.failing_creates(_NOW, since=since).values("provider")),
    )


_PRESENCE = Prepared(lambda: _with_presence().values_list(*_PRESENT))
_FACTS = Prepared(lambda: _with_facts(Withdrawal.objects.filter(ref=_REF)).values_list(*_EACH_FACT))
_OPENED = Prepared(lambda: _with_facts(_with_presence()).values_list(*_PRESENT, *_EACH_FACT))


def write(facts: dict[str, str]) -> str:
    """Return the facts as one opaque word for an address or a form."""
    return ".".join(f"{name}-{digest}" for name, digest in facts.items())


def changed_since(seen: str, facts: dict[str, str]) -> list[str]:
    """Return the names of the facts that differ from what a page showed; nothing where it does not say what it did."""
    known = dict(part.split("-", 1) for part in seen.split(".") if "-" in part)
    return [name for name, digest in facts.items() if name in known and known[name] != digest]


def _object(*fields: str) -> JSONObject:
    return JSONObject(**{name.replace("__", "_"): name for name in fields})


def _list(rows: QuerySet[Any], *fields: str) -> ArraySubquery:
    return ArraySubquery(rows.order_by("pk").annotate(seen=_object(*fields)).values("seen"))


def _digest(parts: Iterable[Any]) -> str:
    return hashlib.sha256(json.dumps(list(parts), cls=DjangoJSONEncoder).encode()).hexdigest()[:10]
