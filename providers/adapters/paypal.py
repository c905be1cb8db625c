"""PayPal: a batch of one payout to an e-mail address (Payouts API 1).

Our key is the sender_batch_id, by which PayPal pays once within 30 days; our reference is the sender_item_id. A batch
is looked up by PayPal's own id alone: until an answer has named it, nothing but the very same request tells how it is.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from backoffice.money import EXPONENTS, parse_amount, to_major_string
from providers import contract
from providers.bodies import UNREADABLE, optional, read, strict_json, text, time
from providers.contract import PayoutInstruction, PayoutReceipt, PayoutStatus
from providers.http import CREATE_TIMEOUT, QUERY_TIMEOUT
from providers.signatures import PAYPAL_HEADERS, certified_checksum
from providers.tokens import TokenProvider

PAYOUTS = "/v1/payments/payouts"
STATUSES = {
    "PENDING": PayoutStatus.PENDING,
    "UNCLAIMED": PayoutStatus.HELD,
    "ONHOLD": PayoutStatus.HELD,
    "SUCCESS": PayoutStatus.PAID,
    "FAILED": PayoutStatus.FAILED,
    "BLOCKED": PayoutStatus.FAILED,
    "RETURNED": PayoutStatus.RETURNED,
    "REFUNDED": PayoutStatus.RETURNED,
    "REVERSED": PayoutStatus.RETURNED,
}
# Of a batch whose item says nothing of its own yet; its SUCCESS says only that it was worked through.
BATCH_STATUSES = {
    "PENDING": PayoutStatus.PENDING,
    "PROCESSING": PayoutStatus.PENDING,
    "SUCCESS": PayoutStatus.PENDING,
    "DENIED": PayoutStatus.FAILED,
    "CANCELED": PayoutStatus.CANCELLED,
}
ENDED = ("DENIED", "CANCELED")  # a batch whose item will not be worked on any more
ITEM_EVENTS, BATCH_DENIED = "PAYMENT.PAYOUTS-ITEM.", "PAYMENT.PAYOUTSBATCH.DENIED"
# The payout is fine: our balance is empty, or there is none in this currency.
OUR_FLOAT = ("INSUFFICIENT_FUNDS", "NON_HOLDING_CURRENCY")
# Whatever their HTTP status: an earlier request under this key may be the payout.
NO_ANSWER = ("PREVIOUS_REQUEST_IN_PROGRESS", "REQUEST_TIMEOUT_EXCEEDED", "USER_BUSINESS_ERROR")
RATE_LIMIT = "RATE_LIMIT_REACHED"
NAMELESS = "PayPal has not named this payout yet and cannot be asked by our key"
_BATCH = re.compile(r"/v1/payments/payouts/([A-Za-z0-9_-]{1,30})(?:[?#].*)?\Z", re.ASCII)


class PayPal(TokenProvider):
    webhook_headers = PAYPAL_HEADERS

    def __init__(
        self, *, code: str, capabilities: contract.Capabilities, base_url: str, client_id: str, api_key: str,
        webhook_id: str, certificates: tuple[str, ...], transport: httpx.BaseTransport | None = None,
    ):  # fmt: skip
        """`api_key`: the client's secret. `certificates`: PEM, every one that PayPal may sign webhooks with now."""
        self.code, self.capabilities = code, capabilities
        self._webhook_id, self._certificates = webhook_id, certificates
        client = (client_id, api_key)
        super().__init__(base_url=base_url, sign_in_at="/v1/oauth2/token", client=client, transport=transport)

    def create_payout(self, instruction: PayoutInstruction) -> PayoutReceipt:
        headers = {"PayPal-Request-Id": instruction.key, "Content-Type": "application/json"}
        content = self._payload(instruction)
        try:
            answer = self.ask("POST", PAYOUTS, timeout=CREATE_TIMEOUT, headers=headers, content=content)
        except contract.Declined as declined:
            declined.for_provider_reasons = declined.code in OUR_FLOAT
            raise
        return read(answer, lambda body: _accepted(body["batch_header"], instruction))

    def get_status(self, instruction: PayoutInstruction) -> PayoutReceipt:
        if not instruction.provider_reference:
            raise contract.OutcomeUnknown(NAMELESS)
        return read(self._batch(instruction.provider_reference), _receipt)

    def probe(self, instruction: PayoutInstruction) -> contract.Probe:
        """Sends nothing that could pay: without PayPal's id it cannot tell, and a repeat is not its to make."""
        try:
            return contract.Found(self.get_status(instruction))
        except contract.ProviderError as error:
            return contract.NotFound() if error.status == 404 else contract.CannotTell(error.words)

    def cancel(self, instruction: PayoutInstruction) -> contract.CancelResult:
        """Only what its receiver has not claimed can be taken back; it is RETURNED then."""
        try:
            batch = self._batch(instruction.provider_reference or "")
            ids = {"id": read(batch, lambda body: text(_only(body["items"]), "payout_item_id"))}
            self.ask("POST", "/v1/payments/payouts-item/{id}/cancel", timeout=QUERY_TIMEOUT, ids=ids)
        except contract.ProviderError as error:
            return contract.CancelResult.TOO_LATE if error.status in (400, 422) else contract.CancelResult.UNKNOWN
        return contract.CancelResult.ACCEPTED

    def balance(self) -> list[contract.Balance]:
        return read(self.ask("GET", "/v1/reporting/balances", timeout=QUERY_TIMEOUT), _balances)

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> contract.VerifiedWebhook | contract.WebhookRejected:
        return certified_checksum(headers, body, now, webhook_id=self._webhook_id, certificates=self._certificates)

    def parse_webhook(self, verified: contract.VerifiedWebhook) -> list[contract.ProviderEvent]:
        """Which account an event is about stands in its signature alone, as the id of our webhook."""
        try:
            body = strict_json(verified.body)
            kind = text(body, "event_type")
            if kind.startswith(ITEM_EVENTS):
                receipt = _item(body["resource"], key=text(body["resource"], "sender_batch_id"))
            elif kind == BATCH_DENIED:
                receipt = _denied(body["resource"]["batch_header"])
            else:
                return []
        except UNREADABLE as error:
            raise contract.WebhookRejected("the body cannot be read") from error
        return [contract.ProviderEvent(event_id=verified.event_id, kind=kind, receipt=receipt)]

    def error(self, response: httpx.Response) -> contract.ProviderError:
        error, code = super().error(response), self.code_of(response)
        if isinstance(error, contract.NotAccepted) or response.status_code >= 500:
            return error
        if (original := _original(response)) is not None:
            return contract.Duplicate(error.words, provider_reference=original or None, status=error.status)
        if code in NO_ANSWER:
            return contract.OutcomeUnknown(error.words, status=error.status)
        if code == RATE_LIMIT:
            return contract.NotAccepted(error.words, status=error.status)
        return error

    def code_of(self, response: httpx.Response) -> str:
        try:
            return text(strict_json(response.content), "name")
        except UNREADABLE:
            return super().code_of(response)

    def _batch(self, reference: str) -> httpx.Response:
        if not reference:
            raise contract.OutcomeUnknown(NAMELESS)
        return self.ask("GET", PAYOUTS + "/{id}", timeout=QUERY_TIMEOUT, ids={"id": reference})

    def _payload(self, instruction: PayoutInstruction) -> bytes:
        """The exact bytes: a repeat under the same key must not differ in one of them."""
        value = to_major_string(instruction.amount, instruction.currency)
        item = {
            "amount": {"currency": instruction.currency, "value": value},
            "note": instruction.reference,
            "receiver": instruction.account,
            "recipient_type": "EMAIL",
            "sender_item_id": instruction.reference,
        }
        body = {"items": [item], "sender_batch_header": {"sender_batch_id": instruction.key}}
        return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def _accepted(header: Any, instruction: PayoutInstruction) -> PayoutReceipt:
    """The answer to a create names the batch and our key; the money in it is what we asked for under that key."""
    raw_status = text(header, "batch_status")
    return PayoutReceipt(
        status=BATCH_STATUSES.get(raw_status, PayoutStatus.UNKNOWN),
        provider_reference=text(header, "payout_batch_id"),
        reference=instruction.reference,
        key=text(header["sender_batch_header"], "sender_batch_id"),
        amount=instruction.amount,
        currency=instruction.currency,
        raw_status=raw_status,
    )


def _receipt(body: Any) -> PayoutReceipt:
    header = body["batch_header"]
    key = text(header["sender_batch_header"], "sender_batch_id")
    return _item(_only(body["items"]), key=key, batch_status=text(header, "batch_status"))


def _item(item: Any, *, key: str, batch_status: str = "") -> PayoutReceipt:
    sent, errors = item["payout_item"], item.get("errors") or {}
    raw_status = optional(item, "transaction_status")
    status = STATUSES.get(raw_status, PayoutStatus.UNKNOWN)
    if batch_status and (not raw_status or (batch_status in ENDED and status is PayoutStatus.PENDING)):
        raw_status, status = batch_status, BATCH_STATUSES.get(batch_status, PayoutStatus.UNKNOWN)
    reason = optional(errors, "name")
    return PayoutReceipt(
        status=status,
        provider_reference=text(item, "payout_batch_id"),
        reference=optional(sent, "sender_item_id"),
        key=key,
        amount=_minor(sent["amount"]),
        currency=text(sent["amount"], "currency"),
        reason_code=reason,
        reason_words=reason.replace("_", " ").lower(),
        occurred_at=time(item, "time_processed") if "time_processed" in item else None,
        raw_status=raw_status,
    )


def _denied(header: Any) -> PayoutReceipt:
    """A whole batch refused, which here is one payout."""
    return PayoutReceipt(
        status=PayoutStatus.FAILED,
        provider_reference=text(header, "payout_batch_id"),
        reference="",
        key=text(header["sender_batch_header"], "sender_batch_id"),
        amount=_minor(header["amount"]),
        currency=text(header["amount"], "currency"),
        raw_status="DENIED",
    )


def _original(response: httpx.Response) -> str | None:
    """Which batch has our key already, if that is what the refusal says; empty if it does not name it.

    The document has the link beside the details, PayPal itself inside of them. Its address is never called.
    """
    try:
        body = strict_json(response.content)
        said = [one for one in body.get("details") or [] if "sender_batch_id" in optional(one, "field").lower()]
        if not said:
            return None
        links = [link for one in said for link in one.get("link") or []] + list(body.get("links") or [])
        named = [match[1] for link in links if (match := _BATCH.search(str(link.get("href", ""))))]
    except UNREADABLE:
        return None
    return named[0] if named else ""


def _only(items: Any) -> Any:
    if not isinstance(items, list) or len(items) != 1:
        raise ValueError("a batch of ours has one item")
    return items[0]


def _minor(amount: Any) -> int:
    return parse_amount(text(amount, "value"), text(amount, "currency"))


def _balances(body: Any) -> list[contract.Balance]:
    as_of = time(body, "as_of_time")
    lines = [line for line in body["balances"] if text(line, "currency") in EXPONENTS]
    return [
        contract.Balance(line["currency"], _held(line, "available"), _held(line, "withheld"), as_of) for line in lines
    ]


def _held(line: Any, name: str) -> int:
    return parse_amount(text(line[f"{name}_balance"], "value"), text(line, "currency"))
