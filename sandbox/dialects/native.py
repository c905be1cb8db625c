"""The native dialect: JSON, RFC 9457 problems, Standard Webhooks signatures.

`POST /v1/payouts` with an Idempotency-Key, `GET /v1/payouts/{id}`, `GET /v1/payouts?reference=`,
`POST /v1/payouts/{id}/cancel`, `GET /v1/balance`. A bearer key opens every merchant account of the
organisation; the Merchant-Account header names the one that is meant.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.dialects.manners import answered
from sandbox.engine import (
    Creation,
    Declined,
    Dropped,
    Engine,
    InProgress,
    KeyReused,
    Order,
    Refusal,
    TooMany,
)  # fmt: skip
from sandbox.wire import DROPPED, Reply, Request, as_json, as_problem

NAME = "native"
PREFIX = "/v1/"
DECLINES = {
    "account_closed": (422, "The destination account is closed."),
    "insufficient_float": (402, "The merchant account does not hold enough to pay this."),
}
FIELDS = {"reference": str, "amount": int, "currency": str, "method": str, "destination": dict}


def answer(request: Request, engine: Engine, api_key: str) -> Reply:
    if engine.switches.unauthorised or not _may_enter(request, api_key):
        return as_problem(401, "unauthorised", "The API key is missing, wrong or expired.")
    account = request.headers.get("Merchant-Account") or "main"
    match request.method, request.path.removeprefix(PREFIX).strip("/").split("/"):
        case "POST", ["payouts"]:
            return _create(request, engine, account)
        case "POST", ["payouts", payout_id, "cancel"]:
            return _cancel(engine, account, payout_id)
        case "GET", _ if engine.queries_fail(request.path):
            return as_problem(503, "unavailable", "Queries are not answered at the moment.")
        case "GET", ["payouts"]:
            found = engine.find_by_reference(account, request.query.get("reference", ""))
            return as_json(200, {"data": [view(dict(payout)) for payout in found]})
        case "GET", ["payouts", payout_id]:
            payout = engine.find(account, payout_id)
            return as_json(200, view(dict(payout))) if payout else _unknown_payout()
        case "GET", ["balance"]:
            return as_json(200, {"as_of": _time(engine.now()), "balances": engine.balance(account)})
    return as_problem(404, "not_found", "There is nothing at this address.")


def view(payout: Mapping[str, Any]) -> dict[str, Any]:
    """A payout as this dialect shows it, in answers and in webhooks alike."""
    names = ("id", "reference", "amount", "currency", "method", "status", "sequence")
    shown = {name: payout[name] for name in names}
    return shown | {
        "idempotency_key": payout["key"],
        "reason": payout["reason"] or None,
        "created_at": _time(payout["created_at"]),
        "updated_at": _time(payout["updated_at"]),
    }


def describe(payout: Mapping[str, Any], event_id: str, at: float) -> str:
    """The body of a webhook."""
    body = {"id": event_id, "type": f"payout.{payout['status']}", "created_at": _time(at)}
    return json.dumps(body | {"account": payout["account"], "data": view(payout)})


def sign(secret: str, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Standard Webhooks headers: HMAC-SHA256 over id.timestamp.body with the decoded whsec_ secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": event_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def _create(request: Request, engine: Engine, account: str) -> Reply:
    key = request.headers.get("Idempotency-Key") or ""
    if not 1 <= len(key) <= 64:
        return as_problem(400, "idempotency_key_missing", "Send an Idempotency-Key of 1 to 64 characters.")
    try:
        order = _order(request, account, key)
    except ValueError as error:
        return as_problem(400, "invalid_request", str(error))
    try:
        return _created(engine.create(order))
    except Dropped:
        return DROPPED
    except KeyReused as reused:
        return _duplicate("idempotency_key_reused", reused.payout_id)
    except Refusal as refusal:
        return _refused(refusal)


def _order(request: Request, account: str, key: str) -> Order:
    try:
        body = json.loads(request.body)
    except ValueError:
        raise ValueError("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise ValueError("The body is not an object.")
    for name, kind in FIELDS.items():
        if type(body.get(name)) is not kind or not body[name]:
            raise ValueError(f"{name} is missing or of the wrong kind.")
    if not 0 < body["amount"] < 10**15:
        raise ValueError("amount is out of range.")
    if unknown := set(body) - set(FIELDS):
        raise ValueError(f"There is no field named {min(unknown)}.")
    digest = hashlib.sha256(request.body).hexdigest()
    return Order(dialect=NAME, account=account, key=key, digest=digest, **body)


def _created(creation: Creation) -> Reply:
    shown, payout_id = view(creation.payout), creation.payout["id"]
    headers = {"Location": f"{PREFIX}payouts/{payout_id}"}
    if creation.replayed:
        headers["Idempotent-Replayed"] = "true"
    reply = as_json(201, shown, headers)
    return answered(
        creation.manner,
        reply,
        error=as_problem(500, "internal_error", "Something went wrong on our side.", headers),
        unavailable=_unavailable(),
        duplicate=_duplicate("duplicate_payout", payout_id),
    )


def _refused(refusal: Refusal) -> Reply:
    match refusal:
        case Declined(code=code):
            status, words = DECLINES[code]
            return as_problem(status, code, words)
        case TooMany(retry_after=seconds):
            headers = {"Retry-After": str(seconds)} if seconds else {}
            return as_problem(429, "too_many_requests", "Nothing was created. Slow down.", headers)
        case InProgress():
            return as_problem(409, "request_in_progress", "A request under this key is being worked on.")
    return _unavailable()


def _unavailable() -> Reply:
    return as_problem(503, "unavailable", "Nothing was created. Try again later.")


def _duplicate(code: str, payout_id: str) -> Reply:
    link = f"{PREFIX}payouts/{payout_id}"
    return as_problem(409, code, "There is a payout under this key.", {"Location": link}, payout=link, id=payout_id)


def _cancel(engine: Engine, account: str, payout_id: str) -> Reply:
    accepted = engine.cancel(account, payout_id)
    if accepted is None:
        return _unknown_payout()
    if not accepted:
        return as_problem(409, "too_late", "The payout can no longer be cancelled.")
    return as_json(202, {"id": payout_id, "cancellation": "accepted"})


def _unknown_payout() -> Reply:
    return as_problem(404, "payout_not_found", "There is no such payout.")


def _may_enter(request: Request, api_key: str) -> bool:
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {api_key}".encode())


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
