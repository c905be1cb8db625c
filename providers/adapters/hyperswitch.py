"""Hyperswitch: payouts to a bank account in the SEPA area (Payouts API v1), through whatever connector it routes to.

It has no idempotency, and we do not choose its ids: every create is a payout. Our key is the label by which the payout
is listed (merchant_order_reference_id), our reference travels in its metadata; answers and webhooks carry both.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from providers import contract
from providers.bodies import UNREADABLE, optional, read, strict_json, text, whole
from providers.contract import PayoutInstruction, PayoutReceipt, PayoutStatus
from providers.http import CREATE_TIMEOUT, QUERY_TIMEOUT, HttpProvider
from providers.signatures import hex_sha512

STATUSES = {
    "initiated": PayoutStatus.PENDING,
    "pending": PayoutStatus.PENDING,
    "requires_creation": PayoutStatus.HELD,
    "requires_confirmation": PayoutStatus.HELD,
    "requires_payout_method_data": PayoutStatus.HELD,
    "requires_fulfillment": PayoutStatus.HELD,
    "requires_vendor_account_creation": PayoutStatus.HELD,
    "success": PayoutStatus.PAID,
    "failed": PayoutStatus.FAILED,
    "ineligible": PayoutStatus.FAILED,
    "cancelled": PayoutStatus.CANCELLED,
    "expired": PayoutStatus.CANCELLED,
    "reversed": PayoutStatus.RETURNED,
}
# Its own refusals of a request are IR_…; whatever else it answers may have been to a connector and back.
OWN_NO, NOT_THERE = "IR_", ("HE_02", "HE_04")
AT_THE_CONNECTOR = "IR_41"  # “payout failed while processing with connector”
EXISTS = "HE_01"
# The payout is fine, but none of our connectors there is set up for it.
OUR_CONNECTORS = ("IR_20", "IR_30", "IR_39")
SEVERAL = "there are several payouts under one reference"
ENTITY = "Individual"
LOOK_BACK = timedelta(days=90)
MOST_LISTED = 20


class Hyperswitch(HttpProvider):
    webhook_headers = ("x-webhook-signature-512",)

    def __init__(
        self, *, code: str, capabilities: contract.Capabilities, base_url: str, api_key: str, merchant_id: str,
        hash_keys: tuple[str, ...], transport: httpx.BaseTransport | None = None,
    ):  # fmt: skip
        """`hash_keys`: the payment response hash keys of our profile, every one that is valid now."""
        self.code, self.capabilities, self._merchant = code, capabilities, merchant_id
        self._keys = hash_keys
        super().__init__(base_url=base_url, headers={"api-key": api_key}, transport=transport)

    def create_payout(self, instruction: PayoutInstruction) -> PayoutReceipt:
        headers, content = {"Content-Type": "application/json"}, self._payload(instruction)
        try:
            answer = self.call("POST", "/payouts/create", timeout=CREATE_TIMEOUT, headers=headers, content=content)
        except contract.Declined as declined:
            if declined.status == 404:  # the payout names nothing that could be missing: our address or account does
                raise contract.Misconfigured(declined.words, status=404) from declined
            declined.for_provider_reasons = declined.code in OUR_CONNECTORS
            raise
        return read(answer, _receipt)

    def get_status(self, instruction: PayoutInstruction) -> PayoutReceipt:
        if instruction.provider_reference:
            return self._by_id(instruction.provider_reference)
        listed = self._listed(instruction)
        if not listed:
            raise contract.Declined("there is no payout under this reference", code="not_found", status=404)
        if len(listed) > 1:
            raise contract.OutcomeUnknown(SEVERAL)
        return self._by_id(listed[0].provider_reference)

    def probe(self, instruction: PayoutInstruction) -> contract.Probe:
        try:
            listed = self._listed(instruction)
            if len(listed) > 1:
                return contract.CannotTell(SEVERAL, several=tuple(listed))
            # The list tells what was last heard from the connector, the payout itself what it says now.
            return contract.Found(self._by_id(listed[0].provider_reference)) if listed else contract.NotFound()
        except contract.ProviderError as error:
            return contract.CannotTell(error.words)

    def cancel(self, instruction: PayoutInstruction) -> contract.CancelResult:
        """Only a payout that is not yet fulfilled can be cancelled."""
        try:
            known = instruction.provider_reference or self.get_status(instruction).provider_reference
            ids, body = {"id": known}, {"payout_id": known}
            self.call("POST", "/payouts/{id}/cancel", timeout=QUERY_TIMEOUT, ids=ids, json=body)
        except contract.ProviderError as error:
            refused = isinstance(error, contract.Declined) and error.status == 400
            return contract.CancelResult.TOO_LATE if refused else contract.CancelResult.UNKNOWN
        return contract.CancelResult.ACCEPTED

    def balance(self) -> list[contract.Balance]:
        raise contract.Misconfigured("Hyperswitch keeps no float of ours, its connectors do")

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> contract.VerifiedWebhook | contract.WebhookRejected:
        return hex_sha512(headers.get("x-webhook-signature-512", ""), body, keys=self._keys)

    def parse_webhook(self, verified: contract.VerifiedWebhook) -> list[contract.ProviderEvent]:
        try:
            body = strict_json(verified.body)
            kind, merchant = text(body, "event_type"), text(body, "merchant_id")
            receipt = _receipt(body["content"]["object"]) if kind.startswith("payout_") else None
        except UNREADABLE as error:
            raise contract.WebhookRejected("the body cannot be read") from error
        if merchant != self._merchant:
            raise contract.WebhookRejected("the event belongs to another merchant account")
        if receipt is None:
            return []
        return [contract.ProviderEvent(event_id=verified.event_id, kind=kind, receipt=receipt)]

    def error(self, response: httpx.Response) -> contract.ProviderError:
        """As everywhere, but what it does not document or owes to a connector is no no: nothing protects a repeat."""
        error, code = super().error(response), self.code_of(response)
        if code == EXISTS:
            return contract.Duplicate(error.words, status=error.status)
        is_own_no = (code.startswith(OWN_NO) and code != AT_THE_CONNECTOR) or code in NOT_THERE
        if isinstance(error, contract.NotAccepted) or (isinstance(error, contract.Declined) and not is_own_no):
            return contract.OutcomeUnknown(error.words, status=error.status)
        return error

    def code_of(self, response: httpx.Response) -> str:
        try:
            body = strict_json(response.content)
            return text(body.get("error", body), "code")  # the server wraps what its document shows bare
        except UNREADABLE:
            return super().code_of(response)

    def _by_id(self, payout_id: str) -> PayoutReceipt:
        ids, params = {"id": payout_id}, {"force_sync": "true"}
        return read(self.call("GET", "/payouts/{id}", timeout=QUERY_TIMEOUT, ids=ids, params=params), _receipt)

    def _listed(self, instruction: PayoutInstruction) -> list[PayoutReceipt]:
        """Every payout under our key. Raises OutcomeUnknown also if the list has others."""
        body = {
            "merchant_order_reference_id": instruction.key,
            "currency": instruction.currency,
            "entity_type": ENTITY,
            "start_time": (datetime.now(UTC) - LOOK_BACK).isoformat(timespec="seconds"),
            "limit": MOST_LISTED,
        }

        def ours(answer: Any) -> list[PayoutReceipt]:
            listed = [_receipt(payout) for payout in answer["data"]]
            if any(receipt.key != instruction.key for receipt in listed):
                raise ValueError("the list is of something else")
            return list({receipt.provider_reference: receipt for receipt in listed}.values())

        return read(self.call("POST", "/payouts/list", timeout=QUERY_TIMEOUT, json=body), ours)

    def _payload(self, instruction: PayoutInstruction) -> bytes:
        bank = {
            "iban": instruction.account,
            "bank_country_code": instruction.account[:2],
            "account_holder_name": instruction.holder_name,
        }
        body = {
            "merchant_order_reference_id": instruction.key,
            "amount": instruction.amount,
            "currency": instruction.currency,
            "payout_type": "bank",
            "payout_method_data": {"bank": bank},
            "entity_type": ENTITY,
            "priority": "regular",
            "metadata": {"reference": instruction.reference},
            "confirm": True,
            "auto_fulfill": True,
        }
        return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def _receipt(payout: Any) -> PayoutReceipt:
    """It does not tell when a status was reached, nor after which other."""
    raw_status, reason = text(payout, "status"), optional(payout, "error_code")
    return PayoutReceipt(
        status=STATUSES.get(raw_status, PayoutStatus.UNKNOWN),
        provider_reference=text(payout, "payout_id"),
        reference=optional(payout.get("metadata") or {}, "reference"),
        key=optional(payout, "merchant_order_reference_id"),
        amount=whole(payout, "amount"),
        currency=text(payout, "currency"),
        reason_code=reason,
        reason_words=reason.replace("_", " "),
        raw_status=raw_status,
    )
