"""Giving out keys of the API."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings

from backoffice.audit.actors import Actor
from backoffice.audit.record import record
from backoffice.platform.models import ApiClient, every_scope

_HERE = ("127.0.0.1", "localhost", "::1")


class InvalidNotifyUrl(ValueError):
    """The message says which addresses are called."""


def add_client(
    *, name: str, notify_url: str = "", scopes: Sequence[str] = (), actor: Actor, now: datetime
) -> ApiClient:
    """Make a client with new secrets; its key id is made of the name. No scopes: all. Raises InvalidNotifyUrl."""
    _check_notify_url(notify_url)
    word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:20].strip("-") or "client"
    client = ApiClient(
        key_id=f"{word}-{secrets.token_hex(4)}",
        name=name,
        scopes=sorted(set(scopes)) or every_scope(),
        notify_url=notify_url,
        created_at=now,
    )
    client.give_secrets(new_secret(), new_secret())
    client.save()
    record(
        subject_type="api_client",
        subject_id=client.key_id,
        action="add_api_client",
        actor=actor,
        data={"scopes": client.scopes},
        at=now,
    )
    return client


def new_secret() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def _check_notify_url(url: str) -> None:
    """Only ever https to a named host, or this machine where nothing is really paid."""
    if not url:
        return
    parts = urlsplit(url)
    local = settings.SANDBOX_ALLOWED and parts.scheme == "http" and parts.hostname in _HERE
    if not (parts.hostname and (parts.scheme == "https" or local)) or parts.username or parts.fragment:
        raise InvalidNotifyUrl("The address must begin with https:// and hold no user name or fragment.")
