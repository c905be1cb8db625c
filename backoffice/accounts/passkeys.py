"""Passkeys, through ``fido2``: ours are which key is whose, and the challenge that stands in the session.

A passkey always asks for a finger, a face or a PIN, so it is two factors at once.
"""

import ipaddress
import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    AttestedCredentialData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from backoffice.accounts import second_factor
from backoffice.accounts.addresses import address_of
from backoffice.accounts.models import Passkey, User
from backoffice.accounts.sign_in import count_try, forget_tries, record_failure
from backoffice.audit.actors import Actor
from backoffice.audit.record import record

_CHALLENGE = "passkey_challenge"
_VERIFIED = UserVerificationRequirement.REQUIRED


class PasskeyRefused(Exception):
    """What the browser sent proves nothing; ``sentence`` says what to do."""

    sentence = "The passkey could not be checked. Try again, or use another way."


def possible(request: HttpRequest) -> bool:
    """Whether browsers allow passkeys here: they belong to a name, never to a bare address."""
    try:
        ipaddress.ip_address(_host(request).strip("[]"))
    except ValueError:
        return True
    return False


def adding_options(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return what the browser needs to make a new key; the answer goes to ``add``."""
    options, state = _server(request).register_begin(
        PublicKeyCredentialUserEntity(id=str(user.pk).encode(), name=user.email, display_name=user.name),
        credentials=[_credential(key) for key in user.passkeys.all()],
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=_VERIFIED,
    )
    request.session[_CHALLENGE] = state
    return dict(dict(options)["publicKey"])


def using_options(request: HttpRequest, user: User | None) -> dict[str, Any]:
    """Return what the browser needs to use a key: of one person, or, before anybody is known, of whoever it is."""
    keys = [_credential(key) for key in user.passkeys.all()] if user else None
    options, state = _server(request).authenticate_begin(keys, user_verification=_VERIFIED)
    request.session[_CHALLENGE] = state
    return dict(dict(options)["publicKey"])


@transaction.atomic
def add(request: HttpRequest, user: User, *, name: str, answer: str, now: datetime) -> list[str]:
    """Keep a new key. Returns new recovery codes when it is the first second factor. Raises PasskeyRefused."""
    try:
        made = _server(request).register_complete(request.session.pop(_CHALLENGE, None), json.loads(answer))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PasskeyRefused from error
    credential = made.credential_data
    if credential is None or Passkey.objects.filter(credential_id=credential.credential_id).exists():
        raise PasskeyRefused
    second_factor.lock(user)
    first = not second_factor.has_one(user)
    Passkey.objects.create(
        user=user, name=name, credential_id=credential.credential_id, credential=bytes(credential), added_at=now
    )
    _record(user, "add_second_factor", user, name, now=now)
    return second_factor.new_recovery_codes(user, now=now) if first else []


def use(request: HttpRequest, answer: str, *, user: User | None, now: datetime) -> User:
    """Return whose key answered the challenge; with ``user`` it must be theirs.

    Counted like passwords and codes. Raises PasskeyRefused, TooManyTries.
    """
    address = address_of(request)
    account = f"passkey of {f'staff {user.pk}' if user else address}"
    count_try(account, address=address, now=now)
    try:
        said = json.loads(answer)
        state = request.session.pop(_CHALLENGE)  # good for one answer
        keys = Passkey.objects.filter(user=user) if user else Passkey.objects.filter(user__is_active=True)
        known = keys.select_related("user").get(credential_id=_id_of(said))
        _server(request).authenticate_complete(state, [_credential(known)], said)
    except (ValueError, TypeError, KeyError, AttributeError, Passkey.DoesNotExist) as error:
        record_failure(user, address=address, now=now, step="passkey")
        raise PasskeyRefused from error
    forget_tries(account)
    Passkey.objects.filter(pk=known.pk).update(used_at=now)
    return known.user


@transaction.atomic
def remove(passkey: Passkey, *, actor: Actor, now: datetime) -> None:
    """Raises LastOne where a second factor is required and this is the only one."""
    second_factor.lock(passkey.user)
    second_factor.require_another(passkey.user)
    passkey.delete()
    _record(passkey.user, "remove_second_factor", actor, passkey.name, now=now)
    if not second_factor.has_one(passkey.user):
        passkey.user.recovery_codes.all().delete()


def _server(request: HttpRequest) -> Fido2Server:
    origin = f"{request.scheme}://{request.get_host()}"
    house = PublicKeyCredentialRpEntity(name=settings.PRODUCT_NAME, id=_host(request))
    return Fido2Server(house, verify_origin=lambda said: said == origin)


def _host(request: HttpRequest) -> str:
    """The name in the address bar, without a port; ALLOWED_HOSTS says which there can be."""
    host = request.get_host()
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _credential(passkey: Passkey) -> AttestedCredentialData:
    return AttestedCredentialData(bytes(passkey.credential))


def _id_of(said: Any) -> bytes:
    return websafe_decode(said["rawId"])


def _record(user: User, action: str, actor: Actor, name: str, *, now: datetime) -> None:
    data = {"state": f"passkey {name}"}
    record(subject_type="staff", subject_id=str(user.pk), action=action, actor=actor, data=data, at=now)
