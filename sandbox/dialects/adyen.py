"""The dialect of Adyen's Transfers API 4, as far as paying out needs it.

`POST /adyen/btl/v4/transfers`, `GET …/transfers/{id}`, `GET …/transfers?reference=`, `POST …/transfers/cancel`,
`GET /adyen/bcl/v2/balanceAccounts/{id}`; webhooks with an HmacSignature. The reference of our own that the oracle
knows is referenceForBeneficiary.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.dialects.manners import answered
from sandbox.engine import Creation, Declined, Dropped, Engine, InProgress, KeyReused, Order, Refusal, TooMany
from sandbox.wire import DROPPED, Reply, Request, as_json

NAME = "adyen"
PREFIX = "/adyen/"
# The document leaves errorCode open: these are its words for the reason of a refused transfer.
DECLINES = {"account_closed": "counterpartyAccountClosed", "insufficient_float": "notEnoughBalance"}
FIELDS = {
    "amount", "balanceAccountId", "category", "counterparty", "description", "priority", "reference",
    "referenceForBeneficiary",
}  # fmt: skip
# Where a transfer stands, what its reason is, and what is heard of it from the other bank.
STATUSES = {
    "pending": ("authorised", "approved", ""),
    "held": ("pendingApproval", "pendingApproval", ""),
    "sent": ("booked", "approved", "accepted"),
    "paid": ("booked", "approved", "credited"),
    "failed": ("failed", "refusedByCounterpartyBank", ""),
    "cancelled": ("cancelled", "cancelled", ""),
    "returned": ("returned", "counterpartyAccountBlocked", ""),
}


def answer(request: Request, engine: Engine, api_key: str) -> Reply:
    given = request.headers.get("X-API-Key", "")
    if engine.switches.unauthorised or not hmac.compare_digest(given.encode(), api_key.encode()):
        return _problem(401, "00_401", "Unauthorized")
    match request.method, request.path.removeprefix(PREFIX).strip("/").split("/"):
        case "POST", ["btl", "v4", "transfers"]:
            return _create(request, engine)
        case "POST", ["btl", "v4", "transfers", "cancel"]:
            return _cancel(request, engine)
        case "GET", _ if engine.queries_fail(request.path):
            return _problem(500, "10_000", "Something went wrong on our side.")
        case "GET", ["btl", "v4", "transfers"]:
            account = request.query.get("balanceAccountId", "")
            found = engine.find_by_reference(account, request.query.get("reference", ""))
            return as_json(200, {"data": [view(dict(payout)) for payout in found], "_links": {}})
        case "GET", ["btl", "v4", "transfers", payout_id]:
            payout = engine.find_any(NAME, payout_id)
            return as_json(200, view(dict(payout))) if payout else _problem(404, "30_404", "No such transfer.")
        case "GET", ["bcl", "v2", "balanceAccounts", account]:
            return as_json(200, _balances(engine, account))
    return _problem(404, "00_404", "There is nothing at this address.")


def view(payout: Mapping[str, Any]) -> dict[str, Any]:
    """A transfer as queries and webhooks show it."""
    unknown = (payout["status"], "unknown", "")  # a fault: a status that no document has
    status, reason, tracking = STATUSES.get(payout["status"], unknown)
    asked = json.loads(payout["destination"])["asked"]
    shown = {
        "id": payout["id"],
        "status": status,
        "reason": reason,
        "sequenceNumber": payout["sequence"] + 1,
        "creationDate": _time(payout["created_at"]),
        "updatedAt": _time(payout["updated_at"]),
        "amount": {"value": payout["amount"], "currency": payout["currency"]},
        "balanceAccount": {"id": payout["account"]},
        "category": asked["category"],
        "counterparty": asked["counterparty"],
        "direction": "outgoing",
        "reference": asked["reference"],
        "referenceForBeneficiary": payout["reference"],
    }
    return shown | ({"tracking": {"type": "confirmation", "status": tracking}} if tracking else {})


def describe(payout: Mapping[str, Any], event_id: str, at: float) -> str:
    """The body of a webhook. It names no event: each of them differs by its sequence number."""
    body = {"type": "balancePlatform.transfer.updated", "environment": "test", "timestamp": _time(at)}
    return json.dumps(body | {"data": view(payout)})


def sign(secret: str, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Base64 of HMAC-SHA256 over the body; the receiver knows the same key in hexadecimal."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return {"HmacSignature": base64.b64encode(hmac.digest(key, body, hashlib.sha256)).decode()}


def _create(request: Request, engine: Engine) -> Reply:
    key = request.headers.get("Idempotency-Key") or ""
    if len(key) > 64:
        return _problem(422, "30_001", "The Idempotency-Key has at most 64 characters.")
    try:
        order = _order(request, key)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _problem(422, "30_002", "The request is not as it is documented.")
    try:
        return _created(engine.create(order))
    except Dropped:
        return DROPPED
    except Declined as declined:
        return _problem(422, DECLINES[declined.code], "The transfer was refused.")
    except TooMany as refused:
        headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after else {}
        return _problem(429, "00_429", "Nothing was created. Slow down.", headers)
    except (KeyReused, InProgress):
        return _under_this_key()
    except Refusal:
        return _unavailable()


def _order(request: Request, key: str) -> Order:
    body = json.loads(request.body)
    amount, counterparty = body["amount"], body["counterparty"]
    asked = {"category": body["category"], "counterparty": counterparty, "reference": body.get("reference", "")}
    if type(amount["value"]) is not int or not 0 < amount["value"] < 10**15 or set(body) - FIELDS:
        raise ValueError("out of range, or a field too many")
    return Order(
        dialect=NAME, id_prefix="ADY", account=body["balanceAccountId"], key=key or asked["reference"],
        reference=body["referenceForBeneficiary"], amount=amount["value"], currency=amount["currency"],
        method=body["category"], destination={"account": _account(counterparty), "asked": asked},
        digest=hashlib.sha256(request.body).hexdigest(),
    )  # fmt: skip


def _account(counterparty: dict[str, Any]) -> str:
    if "card" in counterparty:
        return str(counterparty["card"]["cardIdentification"]["storedPaymentMethodId"])
    return str(counterparty["bankAccount"]["accountIdentification"]["iban"])


def _created(creation: Creation) -> Reply:
    shown = view(creation.payout)
    for later in ("sequenceNumber", "updatedAt", "tracking"):
        shown.pop(later, None)  # the answer to a create does not have them
    reply = as_json(202, shown, {"Idempotency-Key": creation.payout["key"]} if creation.replayed else {})
    return answered(
        creation.manner,
        reply,
        error=_problem(500, "10_000", "Something went wrong on our side."),
        unavailable=_unavailable(),
        duplicate=_under_this_key(),
    )


def _cancel(request: Request, engine: Engine) -> Reply:
    for payout_id in json.loads(request.body).get("transferIds", []):
        payout = engine.find_any(NAME, payout_id)
        if payout is None:
            return _problem(404, "30_404", "No such transfer.")
        if not engine.cancel(payout["account"], payout_id):
            return _problem(422, "30_003", "The transfer can no longer be cancelled.")
    return as_json(200, {})


def _balances(engine: Engine, account: str) -> dict[str, Any]:
    lines = [
        {"currency": line["currency"], "available": line["available"], "balance": line["available"] + line["pending"]}
        | {"pending": 0, "reserved": line["pending"]}
        for line in engine.balance(account)
    ]
    return {"id": account, "accountHolderId": "AH-sandbox", "status": "active", "balances": lines}


def _under_this_key() -> Reply:
    return _problem(422, "704", "The request was processed already or is in progress.")


def _unavailable() -> Reply:
    """Adyen's document knows no 503, so nobody may conclude anything from it."""
    return _problem(503, "10_001", "The service is not available.")


def _problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> Reply:
    body = {"type": "https://docs.adyen.com/errors/general", "title": detail, "status": status, "detail": detail}
    return as_json(status, body | {"errorCode": code}, headers)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
