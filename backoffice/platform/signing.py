"""Signatures between the platform and us: the same three headers in both directions.

``X-Signature`` is the hexadecimal HMAC-SHA256 of timestamp, method, path with query and raw body,
joined by line feeds.
"""

import hashlib
import hmac
import re
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import APIKeyHeader

from backoffice.platform.models import ApiClient
from backoffice.platform.problems import Refused

TIMESTAMP_WINDOW_SECONDS = 300
LARGEST_BODY = 256 * 1024
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)


def signature(secret: str, *, timestamp: str, method: str, path: str, body: bytes) -> str:
    """Return the signature in lower-case hexadecimal; ``path`` includes the query as it is sent."""
    message = f"{timestamp}\n{method}\n{path}\n".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def headers(key_id: str, secret: str, *, method: str, path: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the three headers of a request that is sent now."""
    timestamp = str(int(now.timestamp()))
    return {
        "X-Key-Id": key_id,
        "X-Timestamp": timestamp,
        "X-Signature": signature(secret, timestamp=timestamp, method=method, path=path, body=body),
    }


class Signature(APIKeyHeader):
    """HMAC-SHA256 of timestamp, method, path with query and raw body; with X-Key-Id and X-Timestamp."""

    param_name = "X-Signature"

    def authenticate(self, request: HttpRequest, key: str | None) -> ApiClient:
        """Return the client that signed the request. Raises Refused."""
        return signer_of(request, given=key or "", now=timezone.now())


def client_of(request: HttpRequest) -> ApiClient:
    """Return the client that signed a request which got in."""
    client: ApiClient = request.auth  # type: ignore[attr-defined]
    return client


def signer_of(request: HttpRequest, *, given: str, now: datetime) -> ApiClient:
    """Return the active client whose secret made the signature ``given``; raise Refused otherwise."""
    key_id, timestamp = request.headers.get("X-Key-Id", ""), request.headers.get("X-Timestamp", "")
    if not (key_id and timestamp and given):
        raise _unauthorized("Send the headers X-Key-Id, X-Timestamp and X-Signature.")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise _unauthorized("X-Timestamp must be the time in whole seconds since 1970.")
    off = int(now.timestamp()) - int(timestamp)
    if abs(off) > TIMESTAMP_WINDOW_SECONDS:
        raise _unauthorized(f"X-Timestamp is {abs(off)} seconds off; sign anew with a clock that is right.")
    client = _client(key_id)
    # An unknown key takes the same path with a secret that nobody has.
    expected = signature(
        client.secret if client else settings.SECRET_KEY,
        timestamp=timestamp,
        method=str(request.method),
        path=request.get_full_path(),
        body=_body(request),
    )
    shown = given if _SIGNATURE.fullmatch(given) else ""
    if not hmac.compare_digest(expected, shown) or client is None:
        raise _unauthorized("The key id or the signature is wrong.")
    return client


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
            "schema": {"type": "string", "pattern": "^[0-9]{1,12}$"},
            "description": f"Seconds since 1970, at most {TIMESTAMP_WINDOW_SECONDS} off.",
        },
    ]
