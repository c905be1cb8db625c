"""What changes about a player. Each function is one transaction and leaves one audit entry, or none when
nothing changed."""

import re
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from backoffice.audit.actors import Actor
from backoffice.audit.record import record
from kyc.exceptions import InvalidPlayer, InvalidVerification
from kyc.models import Player, Verification
from kyc.names import canonical, fold, is_plain
from kyc.states import CAUTION, Kind, VerificationState

# Clocks differ a little; a decision from further ahead would block every later one.
CLOCK_SKEW = timedelta(minutes=10)
_LOCAL_AND_DOMAIN = re.compile(r"[^@\s]+@[^@\s]+")
_COUNTRY = re.compile(r"[A-Z]{2}")
_LONGEST = {field.name: field.max_length for field in Player._meta.fields if field.max_length}
_LONGEST_OF_VENDOR = {f.name: f.max_length for f in Verification._meta.fields if f.max_length}
# What may stand in the audit trail with its value; the rest is personal and only named.
_NOT_PERSONAL = frozenset({"country", "language", "jurisdiction", "self_excluded"})


@transaction.atomic
def create_or_update_player(
    *,
    external_id: str,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    birth_date: date | None = None,
    country: str | None = None,
    city: str | None = None,
    language: str | None = None,
    jurisdiction: str | None = None,
    registered_at: datetime | None = None,
    self_excluded: bool | None = None,
    now: datetime,
    actor: Actor,
) -> tuple[Player, bool]:
    """Take over what the platform says about a player; return the player and whether they are new.

    None means "not said" and keeps what we know; a new player needs a name. Saying the same again
    changes nothing. Raises InvalidPlayer.
    """
    said = {
        "name": name,
        "email": email,
        "phone": phone,
        "birth_date": birth_date,
        "country": country,
        "city": city,
        "language": language,
        "jurisdiction": jurisdiction,
        "registered_at": registered_at,
        "self_excluded": self_excluded,
    }
    values = _cleaned(
        {field: value for field, value in said.items() if value is not None}, today=timezone.localdate(now)
    )
    external_id = _line("external_id", external_id)
    if not external_id:
        raise InvalidPlayer("external_id", "A player needs the id that the platform knows them by.")

    player = Player.objects.select_for_update().filter(external_id=external_id).first()
    if player is None:
        if "name" not in values:
            raise InvalidPlayer("name", "A new player needs a name.")
        player, created = Player.objects.select_for_update().get_or_create(
            external_id=external_id, defaults={"registered_at": now, **values}
        )
        if created:
            _audit(player, "register", actor=actor, at=now)
            return player, True
    _apply(player, values, actor=actor, now=now)
    return player, False


@transaction.atomic
def record_verification(
    *,
    player: Player,
    kind: str,
    state: str,
    level: int,
    decided_at: datetime,
    expires_on: date | None = None,
    vendor: str = "",
    vendor_reference: str = "",
    now: datetime,
    actor: Actor,
) -> Verification:
    """Add a decision. The newest ``decided_at`` of a kind stands, in whatever order they arrive.

    The same decision told again returns the first row. Raises InvalidVerification.
    """
    _check_verification(kind=kind, state=state, level=level, decided_at=decided_at, now=now)
    _check_vendor(vendor=vendor, vendor_reference=vendor_reference)
    # The lock on the player puts the decisions about them in one line.
    Player.objects.select_for_update().get(pk=player.pk)
    told = {
        "kind": kind,
        "state": state,
        "decided_at": decided_at,
        "vendor": vendor,
        "vendor_reference": vendor_reference,
    }
    if vendor_reference:
        repeated = player.verifications.filter(**told).first()
        if repeated is not None:
            return repeated

    before = player.verifications.filter(kind=kind, current=True).first()
    overrides = before is None or _rank(state, decided_at) >= _rank(before.state, before.decided_at)
    if before is not None and overrides:
        before.current = False
        before.save(update_fields=["current"])
    verification = player.verifications.create(
        **told, level=level, expires_on=expires_on, recorded_at=now, current=overrides
    )
    _audit(
        player,
        "record_verification",
        actor=actor,
        at=now,
        data={
            "kind": kind,
            "state": state,
            "level": level,
            "expires_on": expires_on.isoformat() if expires_on else None,
            "decided_at": decided_at.isoformat(),
            "vendor": vendor,
            "overrides": overrides,
        },
    )
    return verification


def _apply(player: Player, values: dict[str, Any], *, actor: Actor, now: datetime) -> None:
    before = {field: getattr(player, field) for field in values if getattr(player, field) != values[field]}
    if not before:
        return
    for field in before:
        setattr(player, field, values[field])
    player.save(update_fields=list(before))
    changed = sorted(before.keys() - {"folded_name"})
    _audit(
        player,
        "update",
        actor=actor,
        at=now,
        data={
            "changed": changed,
            "before": {field: before[field] for field in changed if field in _NOT_PERSONAL},
            "after": {field: values[field] for field in changed if field in _NOT_PERSONAL},
        },
    )


def _audit(player: Player, action: str, *, actor: Actor, at: datetime, **entry: Any) -> None:
    record(subject_type="player", subject_id=player.ref, action=action, actor=actor, at=at, **entry)


def _rank(state: str, decided_at: datetime) -> tuple[datetime, int]:
    return decided_at, CAUTION.index(VerificationState(state))


def _check_verification(*, kind: str, state: str, level: int, decided_at: datetime, now: datetime) -> None:
    if kind not in Kind.values:
        raise InvalidVerification("kind", f"The kind must be one of {', '.join(Kind.values)}.")
    if state not in VerificationState.values:
        raise InvalidVerification("state", f"The state must be one of {', '.join(VerificationState.values)}.")
    if not 1 <= level <= 3:
        raise InvalidVerification("level", "The level must be 1, 2 or 3.")
    if decided_at > now + CLOCK_SKEW:
        raise InvalidVerification("decided_at", "The decision lies in the future.")


def _check_vendor(**texts: str) -> None:
    for field, text in texts.items():
        longest = _LONGEST_OF_VENDOR[field]
        if not is_plain(text) or len(text) > longest:
            words = field.replace("_", " ")
            raise InvalidVerification(field, f"The {words} must be plain text of at most {longest} characters.")


def _cleaned(said: dict[str, Any], *, today: date) -> dict[str, Any]:
    values: dict[str, Any] = {
        field: _line(field, value) if isinstance(value, str) else value for field, value in said.items()
    }
    if "name" in values:
        if not values["name"]:
            raise InvalidPlayer("name", "The name is empty.")
        values["folded_name"] = fold(values["name"])
    if "email" in values:
        values["email"] = _email(values["email"])
    if "country" in values:
        values["country"] = _country(values["country"])
    if "birth_date" in values and values["birth_date"] > today:
        raise InvalidPlayer("birth_date", "The date of birth lies in the future.")
    return values


def _line(field: str, text: str) -> str:
    """Return one line of text as we keep it, or say what is wrong with it."""
    words = field.replace("_", " ")
    if not is_plain(text):
        raise InvalidPlayer(field, f"The {words} contains a control or direction character.")
    line = canonical(text)
    if len(line) > _LONGEST[field]:
        raise InvalidPlayer(field, f"The {words} is longer than {_LONGEST[field]} characters.")
    return line


def _email(email: str) -> str:
    email = email.lower()
    if email and not _LOCAL_AND_DOMAIN.fullmatch(email):
        raise InvalidPlayer("email", "The e-mail address must look like name@example.org.")
    return email


def _country(country: str) -> str:
    country = country.upper()
    if country and not _COUNTRY.fullmatch(country):
        raise InvalidPlayer("country", "The country must be two letters, such as HR.")
    return country
