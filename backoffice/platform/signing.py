"""Signatures between the platform and us: the same three headers in both directions.

``X-Signature`` is the hexadecimal HMAC-SHA256 of timestamp, method, path with query, Idempotency-Key
and raw body, joined by line feeds. A signature that changes something is good for once.
"""

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import APIKeyHeader

from backoffice.platform.models import ApiClient, ReceivedSignature, Scope
from backoffice.platform.problems import Refused

TIMESTAMP_WINDOW_SECONDS = 300
LARGEST_BODY = 256 * 1024
# A timestamp from the future stays good for longer than one window.
REMEMBERED = timedelta(seconds=2 * TIMESTAMP_WINDOW_SECONDS + 60)
_READING = ("GET", "HEAD", "OPTIONS")
# The decimals let a sender make two signatures in one second.
_TIMESTAMP = re.compile(r"([0-9]{1,12})(\.[0-9]{1,6})?", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)


def signature(secret: str, *, timestamp: str, method: str, path: str, key: str = "", body: bytes) -> str:
    """Return the signature in lower-case hexadecimal.

    ``path`` includes the query as it is sent; ``key`` is the Idempotency-Key, empty where there is none.
    """
    message = f"{timestamp}\n{method}\n{path}\n{key}\n".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def headers(
    key_id: str, secret: str, *, method: str, path: str, key: str = "", body: bytes, now: datetime
) -> dict[str, str]:
    """Return the three headers of a request that is sent now."""
    timestamp = f"{now.timestamp():.6f}"
    return {
        "X-Key-Id": key_id,
        "X-Timestamp": timestamp,
        "X-Signature": signature(secret, timestamp=timestamp, method=method, path=path, key=key, body=body),
    }


class Signature(APIKeyHeader):
    """HMAC-SHA256 of timestamp, method, path with query, Idempotency-Key and body; with X-Key-Id, X-Timestamp."""

    param_name = "X-Signature"

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, key: str | None) -> ApiClient:
        """Return the client that signed the request, if it may do this. Raises Refused."""
        given, now = key or "", timezone.now()
        client = signer_of(request, given=given, now=now)
        if self.scope not in client.scopes:
            raise Refused("out_of_scope", f"This key was given out without the scope {self.scope}.")
        if request.method not in _READING:
            _use_up(client, given, now=now)
        return client


def client_of(request: HttpRequest) -> ApiClient:
    """Return the client that signed a request which got in."""
    client: ApiClient = request.auth  # type: ignore[attr-defined]
    return client


def signer_of(request: HttpRequest, *, given: str, now: datetime) -> ApiClient:
    """Return the active client whose secret made the signature ``given``; raise Refused otherwise."""
    key_id, timestamp = request.headers.get("X-Key-Id", ""), request.headers.get("X-Timestamp", "")
    if not (key_id and timestamp and given):
        raise _unauthorized("Send the headers X-Key-Id, X-Timestamp and X-Signature.")
    if (seconds := _TIMESTAMP.fullmatch(timestamp)) is None:
        raise _unauthorized("X-Timestamp must be the time in seconds since 1970, with six decimals at most.")
    off = int(now.timestamp()) - int(seconds[1])
    if abs(off) > TIMESTAMP_WINDOW_SECONDS:
        raise _unauthorized(f"X-Timestamp is {abs(off)} seconds off; sign anew with a clock that is right.")
    client = _client(key_id)
    # An unknown key takes the same path with a secret that nobody has.
    expected = signature(
        client.secret if client else settings.SECRET_KEY,
        timestamp=timestamp,
        method=str(request.method),
        path=request.get_full_path(),
        key=request.headers.get("Idempotency-Key", ""),
        body=_body(request),
    )
    shown = given if _SIGNATURE.fullmatch(given) else ""
    if not hmac.compare_digest(expected, shown) or client is None:
        raise _unauthorized("The key id or the signature is wrong.")
    return client


def forget_signatures(*, now: datetime) -> int:
    """Remove the signatures whose timestamps are refused by now anyway; return how many."""
    return ReceivedSignature.objects.filter(at__lt=now - REMEMBERED).delete()[0]


def _use_up(client: ApiClient, given: str, *, now: datetime) -> None:
    """Remember a signature, outside of what the request does. Raises Refused for one that came before."""
    try:
        with transaction.atomic():
            ReceivedSignature.objects.create(client=client, signature=given, at=now)
    except IntegrityError:
        raise Refused(
            "replayed",
            "This very signature came before. To send the same again, sign it anew with a new X-Timestamp "
            "and the same Idempotency-Key or ids.",
        ) from None


def _client(key_id: str) -> ApiClient | None:
    if not key_id.isascii() or "\0" in key_id:
        return None
    return ApiClient.objects.filter(key_id=key_id, is_active=True).first()


def _body(request: HttpRequest) -> bytes:
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > LARGEST_BODY:
        raise Refused("too_large", "The body may have 256 KB; send a long list in parts.")
    return request.body


def _unauthorized(sentence: str) -> Refused:
    return Refused("unauthorized", sentence)


def request_headers_documented() -> list[dict[str, Any]]:
    """Return the OpenAPI parameters of the headers beside the signature."""
    return [
        {
            "in": "header",
            "name": "X-Key-Id",
            "required": True,
            "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,29}$"},
            "description": "The key id that was given out with the secret.",
        },
        {
            "in": "header",
            "name": "X-Timestamp",
            "required": True,
            "schema": {"type": "string", "pattern": "^[0-9]{1,12}(\\.[0-9]{1,6})?$"},
            "description": f"Seconds since 1970, at most {TIMESTAMP_WINDOW_SECONDS} off; another for every request.",
        },
    ]
