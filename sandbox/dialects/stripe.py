"""The dialect of Stripe's API v2 for outbound payments, as far as paying out needs it.

`POST /stripe/v2/money_management/outbound_payments`, `GET …/{id}`, `GET …?recipient=&created_gte=&limit=&page=`,
`POST …/{id}/cancel`, `GET …/financial_accounts/{id}`; thin events with a Stripe-Signature. The reference of our own
that the oracle knows is metadata.reference. A payout method whose id ends in 000 and a number tells that story.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from sandbox.dialects.manners import answered
from sandbox.engine import (
    CANCELLABLE,
    Creation,
    Declined,
    Dropped,
    Engine,
    InProgress,
    KeyReused,
    Order,
    Refusal,
    TooMany,
)
from sandbox.wire import DROPPED, Reply, Request, as_json

NAME = "stripe"
PREFIX = "/stripe/"
PAYMENTS = "v2/money_management/outbound_payments"
OBJECT = "v2.money_management.outbound_payment"
FIELDS = {
    "amount", "delivery_options", "description", "from", "metadata", "outbound_payment_quote",
    "recipient_notification", "to",
}  # fmt: skip
DECLINES = {"account_closed": "payout_method_unusable", "insufficient_float": "insufficient_funds"}
# Errors that have a type of their own; of the others the document tells the code alone.
TYPES = {
    "insufficient_funds": "insufficient_funds",
    "outbound_payment_already_canceled": "already_canceled",
    "outbound_payment_not_cancelable": "not_cancelable",
}
# Stripe holds nothing back and tells of nothing between processing and posted.
STATUSES = {
    "pending": "processing", "held": "processing", "sent": "processing", "paid": "posted", "failed": "failed",
    "cancelled": "canceled", "returned": "returned",
}  # fmt: skip
REASONS = {"failed": "payout_method_declined", "returned": "payout_method_closed"}
EVENTS = {"posted": "posted", "failed": "failed", "canceled": "canceled", "returned": "returned"}


def answer(request: Request, engine: Engine, api_key: str) -> Reply:
    given = request.headers.get("Authorization", "")
    if engine.switches.unauthorised or not hmac.compare_digest(given.encode(), f"Bearer {api_key}".encode()):
        return _error(401, "invalid_api_key", "The API key is missing, wrong or expired.")
    if not request.headers.get("Stripe-Version"):
        return _error(400, "stripe_version_missing", "Every request names its Stripe-Version.")
    match request.method, request.path.removeprefix(PREFIX).strip("/").split("/"):
        case "POST", ["v2", "money_management", "outbound_payments"]:
            return _create(request, engine)
        case "POST", ["v2", "money_management", "outbound_payments", payment_id, "cancel"]:
            return _cancel(engine, payment_id)
        case "GET", _ if engine.queries_fail(request.path):
            return _broken()
        case "GET", ["v2", "money_management", "outbound_payments"]:
            return _list(request.query, engine)
        case "GET", ["v2", "money_management", "outbound_payments", payment_id]:
            payout = engine.find_any(NAME, payment_id)
            return as_json(200, view(dict(payout))) if payout else _not_found()
        case "GET", ["v2", "money_management", "financial_accounts", account]:
            return as_json(200, _financial_account(engine, account))
    return _not_found()


def view(payout: Mapping[str, Any]) -> dict[str, Any]:
    """An outbound payment as queries show it."""
    status = STATUSES.get(payout["status"], payout["status"])  # a fault: a status that no document has
    asked = json.loads(payout["destination"])["asked"]
    money = {"value": payout["amount"], "currency": payout["currency"].lower()}
    shown = {
        "id": payout["id"],
        "object": OBJECT,
        "amount": money,
        "cancelable": payout["status"] in CANCELLABLE,
        "created": _time(payout["created_at"]),
        "from": {"debited": money, "financial_account": payout["account"]},
        "livemode": False,
        "metadata": asked["metadata"],
        "recipient_notification": asked["recipient_notification"],
        "statement_descriptor": "STRIPE",
        "status": status,
        "to": {"credited": money, "payout_method": asked["payout_method"], "recipient": asked["recipient"]},
        "trace_id": {"status": "pending"},
    }
    if status in EVENTS:
        shown["status_transitions"] = {f"{status}_at": _time(payout["updated_at"])}
    return shown | ({"status_details": {status: {"reason": REASONS[status]}}} if status in REASONS else {})


def describe(payout: Mapping[str, Any], event_id: str, at: float) -> str:
    """The body of a webhook: which payment something happened to, and not what it has become."""
    kind = EVENTS.get(STATUSES.get(payout["status"], ""), "updated")
    related = {"id": payout["id"], "type": OBJECT, "url": f"/{PAYMENTS}/{payout['id']}"}
    body = {"id": event_id, "object": "v2.core.event", "type": f"{OBJECT}.{kind}", "livemode": False}
    return json.dumps(body | {"created": _time(at), "related_object": related})


def sign(secret: str, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Hexadecimal HMAC-SHA256 over timestamp.body; the key is the text of the secret."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={timestamp},v1={digest}"}


def _create(request: Request, engine: Engine) -> Reply:
    key = request.headers.get("Idempotency-Key") or ""
    try:
        order = _order(request, key)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _error(400, "invalid_fields", "The request is not as it is documented.")
    try:
        return _created(engine.create(order))
    except Dropped:
        return DROPPED
    except Declined as declined:
        return _error(400, DECLINES[declined.code], "The payment was refused.")
    except TooMany as refused:
        headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after else {}
        return _error(429, "rate_limit", "Nothing was created. Slow down.", headers)
    except KeyReused:
        return _other_body()
    except InProgress:
        return _error(409, "idempotency_conflict", "A request under this key is being worked on.")
    except Refusal:
        return _unavailable()


def _order(request: Request, key: str) -> Order:
    body = json.loads(request.body)
    amount, source, to, metadata = body["amount"], body["from"], body["to"], body.get("metadata", {})
    if type(amount["value"]) is not int or not 0 < amount["value"] < 10**15 or set(body) - FIELDS or not key:
        raise ValueError("out of range, a field too many, or no key")
    if not amount["currency"] == source["currency"] == to["currency"] == amount["currency"].lower():
        raise ValueError("the sandbox exchanges nothing")
    if any(not isinstance(value, str) for value in metadata.values()):
        raise ValueError("metadata are texts")
    asked = {"recipient": to["recipient"], "payout_method": to["payout_method"], "metadata": metadata}
    asked["recipient_notification"] = body.get("recipient_notification", {"setting": "configured"})
    return Order(
        dialect=NAME, id_prefix="obp_", account=source["financial_account"], key=key,
        reference=metadata.get("reference", ""), amount=amount["value"], currency=amount["currency"].upper(),
        method=NAME, destination={"account": to["payout_method"], "asked": asked},
        digest=hashlib.sha256(request.body).hexdigest(),
    )  # fmt: skip


def _created(creation: Creation) -> Reply:
    reply = as_json(200, view(creation.payout))
    return answered(
        creation.manner,
        reply,
        error=_broken(),
        unavailable=_unavailable(),
        duplicate=_other_body(),
    )


def _list(query: Mapping[str, str], engine: Engine) -> Reply:
    """Newest first; the token of a page is how many came before it."""
    try:
        limit, start = int(query.get("limit", "20")), int(query.get("page", "page_0").removeprefix("page_"))
        since = datetime.fromisoformat(query.get("created_gte", "1970-01-01T00:00:00Z")).timestamp()
    except ValueError:
        return _error(400, "invalid_page_token", "There is no such page.")
    shown = [view(dict(payout)) for payout in engine.find_since(NAME, since)]
    shown = [one for one in shown if query.get("recipient", one["to"]["recipient"]) == one["to"]["recipient"]]
    following = urlencode({**query, "page": f"page_{start + limit}"}) if start + limit < len(shown) else ""
    body = {"data": shown[start : start + limit], "previous_page_url": None}
    return as_json(200, body | {"next_page_url": f"/{PAYMENTS}?{following}" if following else None})


def _cancel(engine: Engine, payment_id: str) -> Reply:
    payout = engine.find_any(NAME, payment_id)
    if payout is None:
        return _not_found()
    if payout["status"] == "cancelled":
        return _error(400, "outbound_payment_already_canceled", "It was cancelled before.")
    if not engine.cancel(payout["account"], payment_id):
        return _error(400, "outbound_payment_not_cancelable", "It can no longer be cancelled.")
    return as_json(200, view(dict(engine.find_any(NAME, payment_id) or payout)))


def _financial_account(engine: Engine, account: str) -> dict[str, Any]:
    balance: dict[str, dict[str, Any]] = {"available": {}, "inbound_pending": {}, "outbound_pending": {}}
    for line in engine.balance(account):
        currency = line["currency"].lower()
        balance["available"][currency] = {"value": line["available"], "currency": currency}
        balance["outbound_pending"][currency] = {"value": line["pending"], "currency": currency}
    shown = {"id": account, "object": "v2.money_management.financial_account", "country": "DE", "type": "storage"}
    return shown | {"balance": balance, "created": _time(0), "livemode": False, "status": "open"}


def _not_found() -> Reply:
    return _error(404, "not_found", "There is no such thing.")


def _other_body() -> Reply:
    return _error(400, "idempotency_error", "The key was used for another request.")


def _broken() -> Reply:
    return _error(500, "api_error", "Something went wrong on our side.")


def _unavailable() -> Reply:
    """Stripe's document knows no 503, so nobody may conclude anything from it."""
    return _error(503, "api_error", "The service is not available.")


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    error = {"code": code, "message": message} | ({"type": TYPES[code]} if code in TYPES else {})
    return as_json(status, {"error": error}, headers)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
