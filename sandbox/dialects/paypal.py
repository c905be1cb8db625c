"""The dialect of PayPal's Payouts API 1, for batches of one payout to an e-mail address.

`POST /paypal/v1/oauth2/token`, `POST …/v1/payments/payouts`, `GET …/payouts/{id}`, `GET …/payouts-item/{id}`,
`POST …/payouts-item/{id}/cancel`, `GET …/v1/reporting/balances`; webhooks signed by certificate. A client is a
merchant account, and its secret is the API key. A sender_batch_id that was used is refused with a link to its batch,
whatever the PayPal-Request-Id. Besides the stories, PayPal's own test values work in the note of the item.
"""

import base64
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.dialects.manners import answered
from sandbox.dialects.paypal_key import signature
from sandbox.engine import Creation, Declined, Dropped, Engine, InProgress, KeyReused, Order, Refusal, TooMany
from sandbox.stories import Manner
from sandbox.wire import DROPPED, Reply, Request, as_json

NAME = "paypal"
PREFIX = "/paypal/"
BATCHES = "/v1/payments/payouts/"
TOKEN_LASTS = 32_400  # seconds
DECIMALS = {"HUF": 0, "JPY": 0, "TWD": 0, "KWD": 3}  # of currencies that have not two
DECLINES = {"account_closed": (422, "RECEIVER_ACCOUNT_INVALID"), "insufficient_float": (422, "INSUFFICIENT_FUNDS")}
# Where an item stands by its document, by which event that is told, and how its batch stands.
STATUSES = {
    "pending": ("PENDING", "HELD", "PROCESSING"),
    "sent": ("PENDING", "HELD", "PROCESSING"),
    "held": ("UNCLAIMED", "UNCLAIMED", "SUCCESS"),
    "paid": ("SUCCESS", "SUCCEEDED", "SUCCESS"),
    "failed": ("FAILED", "FAILED", "DENIED"),
    "cancelled": ("RETURNED", "RETURNED", "SUCCESS"),
    "returned": ("RETURNED", "RETURNED", "SUCCESS"),
}
# PayPal's published test values: what is answered to a note that is one of them, and nothing accepted.
MAGIC = {
    "ERRPYO001": (403, "SENDER_RESTRICTED"),
    "ERRPYO002": (403, "SENDER_EMAIL_UNCONFIRMED"),
    "ERRPYO003": (403, "AUTHORIZATION_ERROR"),
    "ERRPYO005": (422, "INSUFFICIENT_FUNDS"),
    "ERRPYO006": (500, "INTERNAL_ERROR"),
    "ERRPYO010": (400, "VALIDATION_ERROR"),
    "ERRPYO012": (403, "SENDER_LOCKED"),
    "ERRPYO035": (429, "RATE_LIMIT_REACHED"),
    "ERRPYO036": (504, "REQUEST_TIMEOUT_EXCEEDED"),
    "ERRPYO038": (422, "NON_HOLDING_CURRENCY"),
    "ERRPYO039": (409, "PREVIOUS_REQUEST_IN_PROGRESS"),
}
MAGIC_PATH = "ERRPYO015"


def answer(request: Request, engine: Engine, api_key: str) -> Reply:
    if request.path == PREFIX + "v1/oauth2/token" and not engine.switches.unauthorised:
        return _sign_in(request, api_key)
    account = _account(request, api_key)
    if engine.switches.unauthorised or account is None:
        return _error(401, "AUTHENTICATION_FAILURE")
    match request.method, request.path.removeprefix(PREFIX).strip("/").split("/"):
        case "POST", ["v1", "payments", "payouts"]:
            return _create(request, engine, account)
        case "POST", ["v1", "payments", "payouts-item", item_id, "cancel"]:
            return _cancel(engine, account, item_id)
        case "GET", _ if engine.queries_fail(request.path):
            return _error(500, "INTERNAL_SERVER_ERROR")
        case "GET", ["v1", "payments", _, found] if found == MAGIC_PATH:
            return _error(422, "CLOSED_MARKET")
        case "GET", ["v1", "payments", "payouts", batch_id]:
            payout = engine.find(account, batch_id)
            return as_json(200, _batch(dict(payout))) if payout else _error(404, "INVALID_RESOURCE_ID")
        case "GET", ["v1", "payments", "payouts-item", item_id]:
            payout = engine.find(account, _batch_id(item_id))
            return as_json(200, view(dict(payout))) if payout else _error(404, "INVALID_RESOURCE_ID")
        case "GET", ["v1", "reporting", "balances"]:
            return as_json(200, _balances(engine, account))
    return _error(404, "RESOURCE_NOT_FOUND")


def view(payout: Mapping[str, Any]) -> dict[str, Any]:
    """An item as queries and webhooks show it."""
    status, *_ = _stands(payout)
    asked = json.loads(payout["destination"])["asked"]
    shown = {
        "payout_item_id": _item_id(payout["id"]),
        "payout_batch_id": payout["id"],
        "sender_batch_id": payout["key"],
        "transaction_status": status,
        "payout_item": asked | {"amount": _money(payout["amount"], payout["currency"])},
        "time_processed": _time(payout["updated_at"]),
        "links": [_link("/v1/payments/payouts-item/" + _item_id(payout["id"]), "item")],
    }
    reasons = {"UNCLAIMED": "RECEIVER_UNREGISTERED", "FAILED": "RECEIVER_ACCOUNT_INVALID"}
    return shown | ({"errors": _said(reasons[status])} if status in reasons else {})


def describe(payout: Mapping[str, Any], event_id: str, at: float) -> str:
    """The body of a webhook."""
    body = {"id": f"WH-{event_id}", "create_time": _time(at), "event_version": "1.0", "resource_type": "payouts_item"}
    return json.dumps(body | {"event_type": f"PAYMENT.PAYOUTS-ITEM.{_stands(payout)[1]}", "resource": view(payout)})


def sign(secret: str, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """PayPal knows a webhook of ours by an id; this one has its own for every secret."""
    webhook_id = hashlib.sha256(secret.encode()).hexdigest()[:17].upper()
    at = datetime.fromtimestamp(timestamp, UTC).isoformat().replace("+00:00", "Z")
    signed = f"{event_id}|{at}|{webhook_id}|{zlib.crc32(body)}".encode()
    return {
        "PAYPAL-TRANSMISSION-ID": event_id,
        "PAYPAL-TRANSMISSION-TIME": at,
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature(signed)).decode(),
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
        "PAYPAL-CERT-URL": "https://sandbox.invalid/v1/notifications/certs/CERT-sandbox",
    }


def _sign_in(request: Request, api_key: str) -> Reply:
    try:
        basic = request.headers.get("Authorization", "").removeprefix("Basic ")
        client, _, given = base64.b64decode(basic, validate=True).decode().partition(":")
    except ValueError:
        client, given = "", ""
    if not client or not hmac.compare_digest(given.encode(), api_key.encode()):
        body = {"error": "invalid_client", "error_description": "Client Authentication failed"}
        return as_json(401, body)
    until = int(datetime.now(UTC).timestamp()) + TOKEN_LASTS
    token = f"{client}.{until}.{_seal(client, until, api_key)}"
    return as_json(200, {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LASTS})


def _account(request: Request, api_key: str) -> str | None:
    """Whose token it is that the request shows; None if it is none or has ended."""
    client, _, rest = request.headers.get("Authorization", "").removeprefix("Bearer ").partition(".")
    until, _, seal = rest.partition(".")
    if not until.isdecimal() or not hmac.compare_digest(seal.encode(), _seal(client, int(until), api_key).encode()):
        return None
    return client if int(until) > datetime.now(UTC).timestamp() else None


def _seal(client: str, until: int, api_key: str) -> str:
    return hmac.new(api_key.encode(), f"{client}.{until}".encode(), hashlib.sha256).hexdigest()


def _create(request: Request, engine: Engine, account: str) -> Reply:
    try:
        order = _order(request, account)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _error(400, "VALIDATION_ERROR")
    if (magic := MAGIC.get(order.destination["asked"].get("note", ""))) is not None:
        return _error(*magic)
    try:
        return _created(engine.create(order))
    except Dropped:
        return DROPPED
    except KeyReused as reused:
        return _used_before(reused.payout_id)
    except InProgress:
        return _error(409, "PREVIOUS_REQUEST_IN_PROGRESS")
    except Declined as declined:
        return _error(*DECLINES[declined.code])
    except TooMany as refused:
        headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after else {}
        return _error(429, "RATE_LIMIT_REACHED", headers=headers)
    except Refusal:
        return _error(503, "SERVICE_UNAVAILABLE")


def _order(request: Request, account: str) -> Order:
    body = json.loads(request.body)
    (item,) = body["items"]
    if set(body) - {"items", "sender_batch_header"} or not re.fullmatch(r"[^@]+@[^@]+", item["receiver"]):
        raise ValueError("a field too many, or no receiver")
    currency, key = item["amount"]["currency"], body["sender_batch_header"]["sender_batch_id"]
    return Order(
        dialect=NAME, id_prefix="PB", account=account, key=key, reference=item["sender_item_id"],
        amount=_minor(item["amount"]["value"], currency), currency=currency, method=item["recipient_type"],
        destination={"account": item["receiver"], "asked": item}, digest=hashlib.sha256(request.body).hexdigest(),
    )  # fmt: skip


def _created(creation: Creation) -> Reply:
    payout = creation.payout
    if creation.replayed and creation.manner is not Manner.ERROR:
        return _used_before(payout["id"])
    header = {"payout_batch_id": payout["id"], "batch_status": "PENDING", "time_created": _time(payout["created_at"])}
    header["sender_batch_header"] = {"sender_batch_id": payout["key"]}
    reply = as_json(201, {"batch_header": header, "links": [_link(BATCHES + payout["id"], "self")]})
    return answered(
        creation.manner,
        reply,
        error=_error(500, "INTERNAL_SERVER_ERROR"),
        unavailable=_error(503, "SERVICE_UNAVAILABLE"),
        duplicate=_used_before(payout["id"]),
    )


def _cancel(engine: Engine, account: str, item_id: str) -> Reply:
    accepted = engine.cancel(account, _batch_id(item_id))
    if accepted is None:
        return _error(404, "INVALID_RESOURCE_ID")
    if not accepted:
        return _error(400, "ITEM_INCORRECT_STATUS")
    payout = engine.find(account, _batch_id(item_id))
    return as_json(200, view(dict(payout)) if payout else {})


def _batch(payout: Mapping[str, Any]) -> dict[str, Any]:
    header = {
        "payout_batch_id": payout["id"],
        "batch_status": _stands(payout)[2],
        "time_created": _time(payout["created_at"]),
        "sender_batch_header": {"sender_batch_id": payout["key"]},
        "amount": _money(payout["amount"], payout["currency"]),
    }
    item = {name: value for name, value in view(payout).items() if name != "sender_batch_id"}
    return {"batch_header": header, "items": [item], "links": [_link(BATCHES + payout["id"], "self")]}


def _balances(engine: Engine, account: str) -> dict[str, Any]:
    def told(amount: int, currency: str) -> dict[str, str]:
        return {"currency_code": currency, "value": _money(amount, currency)["value"]}

    lines = [
        {
            "currency": line["currency"],
            "total_balance": told(line["available"] + line["pending"], line["currency"]),
            "available_balance": told(line["available"], line["currency"]),
            "withheld_balance": told(line["pending"], line["currency"]),
        }
        for line in engine.balance(account)
    ]
    return {"balances": lines, "account_id": account, "as_of_time": _time(engine.now())}


def _stands(payout: Mapping[str, Any]) -> tuple[str, str, str]:
    # A fault: a status that no document has.
    return STATUSES.get(payout["status"], (payout["status"], "SUCCEEDED", "SUCCESS"))


def _item_id(batch_id: str) -> str:
    return "PI" + batch_id.removeprefix("PB")


def _batch_id(item_id: str) -> str:
    return "PB" + item_id.removeprefix("PI")


def _money(amount: int, currency: str) -> dict[str, str]:
    decimals = DECIMALS.get(currency, 2)
    digits = str(amount).rjust(decimals + 1, "0")
    value = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return {"currency": currency, "value": value}


def _minor(value: str, currency: str) -> int:
    decimals = DECIMALS.get(currency, 2)
    form = rf"([0-9]{{1,13}})\.([0-9]{{{decimals}}})" if decimals else r"([0-9]{1,13})()"
    match = re.fullmatch(form, value, re.ASCII)
    if match is None or int(match[1] + match[2]) == 0:
        raise ValueError("not an amount")
    return int(match[1] + match[2])


def _used_before(batch_id: str) -> Reply:
    """As PayPal itself answers: the link stands inside the detail."""
    link = _link(BATCHES + batch_id, "self")
    issue = "Batch with given sender_batch_id already exists"
    return _error(400, "USER_BUSINESS_ERROR", [{"field": "SENDER_BATCH_ID", "issue": issue, "link": [link]}])


def _error(
    status: int, name: str, details: list[dict[str, Any]] | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    return as_json(status, _said(name) | ({"details": details} if details else {}), headers)


def _said(name: str) -> dict[str, Any]:
    return {"name": name, "message": name.replace("_", " ").capitalize() + ".", "debug_id": "5a4db0b5a4db0"}


def _link(path: str, rel: str) -> dict[str, str]:
    return {"href": "https://api-m.sandbox.invalid" + path, "rel": rel, "method": "GET"}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
