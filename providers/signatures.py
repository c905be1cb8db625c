"""Webhook signature schemes, checked on raw bytes in constant time. They answer, they never raise. Pure."""

import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache

from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15

from providers.contract import VerifiedWebhook, WebhookRejected

TOLERANCE = 300  # seconds
STANDARD_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
PAYPAL_HEADERS = (
    "paypal-transmission-id", "paypal-transmission-time", "paypal-transmission-sig", "paypal-auth-algo",
    "paypal-cert-url",
)  # fmt: skip
# Printable without a comma: a header that was sent twice is joined by one.
_EVENT_ID = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,128}")


def standard_webhook(
    headers: Mapping[str, str], body: bytes, now: datetime, *, secrets: Iterable[str]
) -> VerifiedWebhook | WebhookRejected:
    """Standard Webhooks: HMAC-SHA256 over id.timestamp.body with any of the whsec_ secrets valid now."""
    event_id, timestamp, signatures = (headers.get(name, "") for name in STANDARD_HEADERS)
    if not _EVENT_ID.fullmatch(event_id):
        return WebhookRejected("the event id is missing or malformed")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return WebhookRejected("the timestamp is missing or malformed")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        return WebhookRejected("the timestamp is too far from our clock")
    signed = f"{event_id}.{timestamp}.".encode() + body
    given = [part.encode("ascii", "replace") for part in signatures.split(" ")[:10]]
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        good = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
        if any(hmac.compare_digest(good, one) for one in given):
            return VerifiedWebhook(event_id=event_id, body=body)
    return WebhookRejected("the signature does not match")


def hex_keyed_body(signature: str, body: bytes, *, keys: Iterable[str]) -> VerifiedWebhook | WebhookRejected:
    """Adyen's scheme: base64 of HMAC-SHA256 over the body with any of the hexadecimal keys valid now.

    No time is signed, so an old webhook stays good; and no event is named: the same bytes are the same event.
    """
    given = signature.encode("ascii", "replace")
    for key in keys:
        good = base64.b64encode(hmac.digest(bytes.fromhex(key), body, hashlib.sha256))
        if hmac.compare_digest(good, given):
            return VerifiedWebhook(event_id=hashlib.sha256(body).hexdigest(), body=body)
    return WebhookRejected("the signature does not match")


def hex_sha512(signature: str, body: bytes, *, keys: Iterable[str]) -> VerifiedWebhook | WebhookRejected:
    """Hyperswitch's scheme: hexadecimal HMAC-SHA512 over the body with any of the keys valid now.

    No time is signed, and the same bytes are the same event, as in Adyen's.
    """
    given = signature.encode("ascii", "replace")
    for key in keys:
        if hmac.compare_digest(hmac.digest(key.encode(), body, hashlib.sha512).hex().encode(), given):
            return VerifiedWebhook(event_id=hashlib.sha256(body).hexdigest(), body=body)
    return WebhookRejected("the signature does not match")


def hex_timed_body(
    signatures: str, body: bytes, now: datetime, *, secrets: Iterable[str]
) -> VerifiedWebhook | WebhookRejected:
    """Stripe's scheme, t=…,v1=…,v1=…: hexadecimal HMAC-SHA256 over t.body with any of the secrets valid now.

    A secret is its text, whsec_ included. No event is named: the same bytes are the same event.
    """
    parts = [part.partition("=") for part in signatures.split(",")[:10]]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not re.fullmatch(r"[0-9]{1,12}", times[0]):
        return WebhookRejected("the timestamp is missing or malformed")
    if abs(now.timestamp() - int(times[0])) > TOLERANCE:
        return WebhookRejected("the timestamp is too far from our clock")
    signed = f"{times[0]}.".encode() + body
    given = [value.encode("ascii", "replace") for name, _, value in parts if name == "v1"]
    for secret in secrets:
        good = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
        if any(hmac.compare_digest(good, one) for one in given):
            return VerifiedWebhook(event_id=hashlib.sha256(body).hexdigest(), body=body)
    return WebhookRejected("the signature does not match")


def certified_checksum(
    headers: Mapping[str, str], body: bytes, now: datetime, *, webhook_id: str, certificates: Iterable[str]
) -> VerifiedWebhook | WebhookRejected:
    """PayPal's scheme: RSA with SHA-256 over id|time|webhook id|CRC-32 of the body, by a certificate given to us.

    The address of a certificate that the message names is never called. Another body with the same checksum is easily
    made, so the id of the transmission, which is signed as well, is the event: each counts once.
    """
    event_id, sent_at, signature, algorithm, _address = (headers.get(name, "") for name in PAYPAL_HEADERS)
    if not _EVENT_ID.fullmatch(event_id) or "|" in event_id:
        return WebhookRejected("the transmission id is missing or malformed")
    if algorithm != "SHA256withRSA":
        return WebhookRejected("the algorithm is missing or not the one that is documented")
    try:
        age = (now - datetime.fromisoformat(sent_at)).total_seconds()
        given = base64.b64decode(signature, validate=True)
    except (ValueError, TypeError):  # a time without a zone is none
        return WebhookRejected("the time or the signature is missing or malformed")
    if abs(age) > TOLERANCE:
        return WebhookRejected("the time is too far from our clock")
    signed = SHA256.new(f"{event_id}|{sent_at}|{webhook_id}|{zlib.crc32(body)}".encode())
    for certificate in certificates:
        try:
            pkcs1_15.new(_public_key(certificate)).verify(signed, given)
        except ValueError:
            continue
        return VerifiedWebhook(event_id=event_id, body=body)
    return WebhookRejected("the signature does not match")


@cache
def _public_key(certificate: str) -> RSA.RsaKey:
    return RSA.import_key(certificate)
