"""The dialect of Hyperswitch's Payouts API v1, as far as paying out needs it.

`POST /hyperswitch/payouts/create`, `GET …/payouts/{id}`, `POST …/payouts/list`, `POST …/payouts/{id}/cancel`; webhooks
with an X-Webhook-Signature-512. Two creates are two payouts, whatever they are labelled. The reference of our own
that the oracle knows stands in the metadata, the label is its key.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.dialects.manners import answered
from sandbox.engine import Creation, Declined, Dropped, Engine, Order, Refusal, TooMany
from sandbox.wire import DROPPED, Reply, Request, as_json

NAME = "hyperswitch"
PREFIX = "/hyperswitch/"
ENTITIES = ("Individual", "Company", "NonProfit", "PublicSector", "NaturalPerson", "lowercase", "Personal")
FIELDS = {
    "amount", "auto_fulfill", "confirm", "currency", "description", "entity_type", "merchant_order_reference_id",
    "metadata", "payout_method_data", "payout_type", "priority",
}  # fmt: skip
FILTERS = {"currency", "end_time", "entity_type", "limit", "merchant_order_reference_id", "start_time"}
# Where a payout stands, and the event that tells of it.
STATUSES = {
    "pending": ("pending", "payout_processing"),
    "held": ("requires_fulfillment", "payout_processing"),
    "sent": ("initiated", "payout_initiated"),
    "paid": ("success", "payout_success"),
    "failed": ("failed", "payout_failed"),
    "cancelled": ("cancelled", "payout_cancelled"),
    "returned": ("reversed", "payout_reversed"),
}
DECLINES = {
    "account_closed": ("invalid_request", "IR_16", "The account of the payee is closed."),
    # It keeps no float: a connector that lacks our money is a payout that failed there.
    "insufficient_float": ("invalid_request", "IR_41", "Payout failed while processing with connector."),
}


def answer(request: Request, engine: Engine, api_key: str) -> Reply:
    given = request.headers.get("api-key", "")
    if engine.switches.unauthorised or not hmac.compare_digest(given.encode(), api_key.encode()):
        return _problem(401, "invalid_request", "IR_01", "API key not provided or invalid API key used.")
    match request.method, request.path.removeprefix(PREFIX).strip("/").split("/"):
        case "POST", ["payouts", "create"]:
            return _create(request, engine)
        case "POST", ["payouts", payout_id, "cancel"]:
            return _cancel(engine, payout_id)
        case ("GET", _) | ("POST", ["payouts", "list"]) if engine.queries_fail(request.path):
            return _out_of_order()
        case "POST", ["payouts", "list"]:
            return _list(request, engine)
        case "GET", ["payouts", payout_id]:
            payout = engine.find_any(NAME, payout_id)
            return as_json(200, view(dict(payout))) if payout else _no_such_payout()
    return _problem(404, "invalid_request", "IR_02", "Unrecognized request URL")


def view(payout: Mapping[str, Any]) -> dict[str, Any]:
    """A payout as answers, lists and webhooks show it: with everything that the document requires."""
    status, _ = STATUSES.get(payout["status"], (payout["status"], ""))  # a fault: a status that no document has
    asked = json.loads(payout["destination"])["asked"]
    return {
        "payout_id": payout["id"],
        "merchant_id": payout["account"],
        "merchant_order_reference_id": payout["key"],
        "amount": payout["amount"],
        "currency": payout["currency"],
        "connector": "adyenplatform",
        "payout_type": payout["method"],
        "auto_fulfill": True,
        "customer_id": f"cus_{payout['id'][-24:]}",
        "client_secret": f"{payout['id']}_secret_sandbox",
        "return_url": "https://sandbox.invalid/return",
        "business_country": asked["bank"].get("bank_country_code", "DE"),
        "entity_type": asked["entity_type"],
        "recurring": False,
        "metadata": asked["metadata"] | {"reference": payout["reference"]},
        "status": status,
        "error_code": payout["reason"] if payout["status"] == "failed" else None,
        "error_message": "The connector refused it." if payout["status"] == "failed" else None,
        "profile_id": "pro_sandbox",
        "created": _time(payout["created_at"]),
    }


def describe(payout: Mapping[str, Any], event_id: str, at: float) -> str:
    """The body of a webhook."""
    _, event_type = STATUSES.get(payout["status"], ("", "payout_processing"))
    body = {"merchant_id": payout["account"], "event_id": event_id, "event_type": event_type, "timestamp": _time(at)}
    return json.dumps(body | {"content": {"type": "payout_details", "object": view(payout)}})


def sign(secret: str, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Hexadecimal HMAC-SHA512 over the body; the profile's hash key is the secret in hexadecimal, taken as text."""
    key = base64.b64decode(secret.removeprefix("whsec_")).hex().encode()
    return {"X-Webhook-Signature-512": hmac.digest(key, body, hashlib.sha512).hex()}


def _create(request: Request, engine: Engine) -> Reply:
    try:
        order = _order(request)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _not_as_documented()
    try:
        return _created(engine.create(order))
    except Dropped:
        return DROPPED
    except Declined as declined:
        return _problem(400, *DECLINES[declined.code])
    except TooMany as refused:
        headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after else {}
        return _problem(
            429, "invalid_request", "429", "Slow down.", headers
        )  # not of its list: whatever stands before it
    except Refusal:
        return _unavailable()


def _order(request: Request) -> Order:
    body = json.loads(request.body)
    amount, bank, metadata = body["amount"], body["payout_method_data"]["bank"], body.get("metadata") or {}
    asked = {"bank": bank, "metadata": metadata, "entity_type": body["entity_type"]}
    if type(amount) is not int or not 0 < amount < 10**15 or set(body) - FIELDS:
        raise ValueError("out of range, or a field too many")
    if not (body["confirm"] is True and body["auto_fulfill"] is True and body["entity_type"] in ENTITIES):
        raise ValueError("somebody would have to confirm or fulfil it")
    return Order(
        dialect=NAME, id_prefix="payout", account=NAME, key=body.get("merchant_order_reference_id") or "",
        reference=metadata.get("reference", ""), amount=amount, currency=body["currency"], method=body["payout_type"],
        destination={"account": bank["iban"], "asked": asked}, digest=hashlib.sha256(request.body).hexdigest(),
        idempotent=False,
    )  # fmt: skip


def _created(creation: Creation) -> Reply:
    reply = as_json(200, view(creation.payout))
    return answered(
        creation.manner,
        reply,
        error=_out_of_order(),
        unavailable=_unavailable(),
        duplicate=_problem(400, "duplicate_request", "HE_01", "The payout with the specified id already exists."),
    )


def _list(request: Request, engine: Engine) -> Reply:
    try:
        body = json.loads(request.body)
        since, label = datetime.fromisoformat(body["start_time"]).timestamp(), body.get("merchant_order_reference_id")
        wanted, most = (body["currency"], body["entity_type"]), min(body.get("limit", 10), 20)
        if set(body) - FILTERS:
            raise ValueError("a field too many")
    except (ValueError, KeyError, TypeError, AttributeError):
        return _not_as_documented()
    found = [
        shown
        for payout in engine.find_by_reference(NAME, label or "")
        if payout["key"] == label and payout["created_at"] >= since
        if wanted == ((shown := view(dict(payout)))["currency"], shown["entity_type"])
    ]
    return as_json(200, {"size": len(found[:most]), "data": found[:most], "total_count": len(found)})


def _cancel(engine: Engine, payout_id: str) -> Reply:
    payout = engine.find_any(NAME, payout_id)
    if payout is None:
        return _no_such_payout()
    if not engine.cancel(payout["account"], payout_id):
        return _problem(400, "invalid_request", "IR_16", "The payout can no longer be cancelled.")
    return as_json(200, view(dict(engine.find_any(NAME, payout_id) or payout)))


def _no_such_payout() -> Reply:
    return _problem(404, "object_not_found", "HE_02", "Payout does not exist in our records.")


def _not_as_documented() -> Reply:
    return _problem(400, "invalid_request", "IR_06", "The request is not as it is documented.")


def _out_of_order() -> Reply:
    return _problem(500, "server_not_available", "HE_00", "Something went wrong.")


def _unavailable() -> Reply:
    """Its document knows no 503, so nobody may conclude anything from it."""
    return _problem(503, "server_not_available", "HE_00", "Resource not available right now, please try again later.")


def _problem(status: int, error_type: str, code: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    return as_json(status, {"error_type": error_type, "message": message, "code": code}, headers)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
