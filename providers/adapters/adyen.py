"""Adyen: transfers from our balance account to a bank account or a stored card (Transfers API 4).

Our key is sent as Idempotency-Key and as the transfer's reference, by which it can be looked up and by which webhooks
name it; our reference is what the player reads on the bank statement. Adyen keeps keys for 31 days or longer.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from providers import contract
from providers.bodies import UNREADABLE, optional, read, strict_json, text, time, whole
from providers.contract import PayoutInstruction, PayoutReceipt, PayoutStatus
from providers.http import CREATE_TIMEOUT, QUERY_TIMEOUT, SearchableProvider
from providers.signatures import hex_keyed_body

TRANSFERS = "/btl/v4/transfers"
# What a transfer of ours goes through; the document's other statuses belong to other movements of money.
STATUSES = {
    "received": PayoutStatus.PENDING,
    "authorised": PayoutStatus.PENDING,
    "pending": PayoutStatus.PENDING,
    "pendingExecution": PayoutStatus.PENDING,
    "bookingPending": PayoutStatus.PENDING,
    "pendingApproval": PayoutStatus.HELD,
    "approvalPending": PayoutStatus.HELD,
    "booked": PayoutStatus.SENT,
    "credited": PayoutStatus.PAID,
    "refused": PayoutStatus.FAILED,
    "rejected": PayoutStatus.FAILED,
    "error": PayoutStatus.FAILED,
    "expired": PayoutStatus.FAILED,
    "failed": PayoutStatus.FAILED,
    "cancelled": PayoutStatus.CANCELLED,
    "returned": PayoutStatus.RETURNED,
}
EVENTS = ("balancePlatform.transfer.created", "balancePlatform.transfer.updated")
NO_REASON = ("approved", "pending", "pendingApproval", "pendingExecution")
OUR_FLOAT = "notEnoughBalance"  # the payout is fine, our balance account is empty
UNDER_THIS_KEY = "704"  # worked on already, or asked with another body
LOOK_BACK = timedelta(days=35)  # longer than a key is good for


class Adyen(SearchableProvider):
    webhook_headers = ("hmacsignature",)

    def __init__(
        self, *, code: str, capabilities: contract.Capabilities, base_url: str, api_key: str, balance_account: str,
        hmac_keys: tuple[str, ...], transport: httpx.BaseTransport | None = None,
    ):  # fmt: skip
        """`hmac_keys`: hexadecimal, every one that is valid now."""
        self.code, self.capabilities, self._account = code, capabilities, balance_account
        self._keys = hmac_keys
        super().__init__(base_url=base_url, headers={"X-API-Key": api_key}, transport=transport)

    def create_payout(self, instruction: PayoutInstruction) -> PayoutReceipt:
        headers = {"Idempotency-Key": instruction.key, "Content-Type": "application/json"}
        content = self._payload(instruction)
        try:
            answer = self.call("POST", TRANSFERS, timeout=CREATE_TIMEOUT, headers=headers, content=content)
        except contract.Declined as declined:
            declined.for_provider_reasons = declined.code == OUR_FLOAT
            raise
        return read(answer, _receipt)

    def by_id(self, provider_reference: str) -> PayoutReceipt:
        answer = self.call("GET", TRANSFERS + "/{id}", timeout=QUERY_TIMEOUT, ids={"id": provider_reference})
        return read(answer, _receipt)

    def by_key(self, key: str) -> PayoutReceipt | None:
        now = datetime.now(UTC)
        params = {
            "reference": key,
            "balanceAccountId": self._account,
            "createdSince": (now - LOOK_BACK).isoformat(timespec="seconds"),
            "createdUntil": (now + timedelta(days=1)).isoformat(timespec="seconds"),
        }
        answer = self.call("GET", TRANSFERS, timeout=QUERY_TIMEOUT, params=params)
        found = read(answer, lambda body: [_receipt(transfer) for transfer in body.get("data", [])])
        if len(found) > 1:
            raise contract.OutcomeUnknown("there are several transfers under one reference", status=answer.status_code)
        return found[0] if found else None

    def cancel(self, instruction: PayoutInstruction) -> contract.CancelResult:
        """Only a transfer that is held for review can be cancelled; Adyen tells the outcome by webhook."""
        try:
            known = instruction.provider_reference or self.get_status(instruction).provider_reference
            body = {"transferIds": [known]}
            self.call("POST", TRANSFERS + "/cancel", timeout=QUERY_TIMEOUT, json=body)
        except contract.ProviderError as error:
            return contract.CancelResult.TOO_LATE if error.status == 422 else contract.CancelResult.UNKNOWN
        return contract.CancelResult.ACCEPTED

    def balance(self) -> list[contract.Balance]:
        ids, as_of = {"id": self._account}, datetime.now(UTC)  # the answer does not say when it is true
        answer = self.call("GET", "/bcl/v2/balanceAccounts/{id}", timeout=QUERY_TIMEOUT, ids=ids)
        return read(answer, lambda body: [_balance(line, as_of) for line in body.get("balances", [])])

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> contract.VerifiedWebhook | contract.WebhookRejected:
        return hex_keyed_body(headers.get("hmacsignature", ""), body, keys=self._keys)

    def parse_webhook(self, verified: contract.VerifiedWebhook) -> list[contract.ProviderEvent]:
        try:
            body = strict_json(verified.body)
            kind, account = text(body, "type"), text(body["data"]["balanceAccount"], "id")
            receipt = _receipt(body["data"]) if kind in EVENTS else None
        except UNREADABLE as error:
            raise contract.WebhookRejected("the body cannot be read") from error
        if account != self._account:
            raise contract.WebhookRejected("the event belongs to another balance account")
        if receipt is None:
            return []
        return [contract.ProviderEvent(event_id=verified.event_id, kind=kind, receipt=receipt)]

    def error(self, response: httpx.Response) -> contract.ProviderError:
        error = super().error(response)
        if error.status == 422 and self.code_of(response) == UNDER_THIS_KEY:
            return contract.Duplicate(error.words, status=422)
        return error

    def code_of(self, response: httpx.Response) -> str:
        try:
            return text(strict_json(response.content), "errorCode")
        except UNREADABLE:
            return super().code_of(response)

    def _payload(self, instruction: PayoutInstruction) -> bytes:
        """The exact bytes: a repeat under the same key must not differ in one of them."""
        body = {
            "amount": {"value": instruction.amount, "currency": instruction.currency},
            "balanceAccountId": self._account,
            "category": "card" if instruction.method == "card" else "bank",
            "counterparty": _counterparty(instruction),
            "reference": instruction.key,
            "referenceForBeneficiary": instruction.reference,
        }
        if instruction.method == "iban":
            body["priority"] = "regular"
        return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def _counterparty(instruction: PayoutInstruction) -> dict[str, Any]:
    if instruction.method == "card":
        holder, card = {"fullName": instruction.holder_name}, {"storedPaymentMethodId": instruction.account}
        return {"card": {"cardHolder": holder, "cardIdentification": card}}
    holder = {"fullName": instruction.holder_name}
    account = {"type": "iban", "iban": instruction.account}
    return {"bankAccount": {"accountHolder": holder, "accountIdentification": account}}


def _receipt(transfer: Any) -> PayoutReceipt:
    raw_status, reason = text(transfer, "status"), optional(transfer, "reason")
    tracking = transfer.get("tracking") or {}
    if raw_status == "booked" and tracking.get("type") == "confirmation" and tracking.get("status") == "credited":
        raw_status = "credited"  # booked says that it left us, the tracking that it arrived
    return PayoutReceipt(
        status=STATUSES.get(raw_status, PayoutStatus.UNKNOWN),
        provider_reference=text(transfer, "id"),
        reference=optional(transfer, "referenceForBeneficiary"),
        key=optional(transfer, "reference"),
        amount=whole(transfer["amount"], "value"),
        currency=text(transfer["amount"], "currency"),
        reason_code="" if reason in NO_REASON else reason,
        reason_words="" if reason in NO_REASON else _words(reason),
        occurred_at=time(transfer, "updatedAt") if "updatedAt" in transfer else None,
        sequence=whole(transfer, "sequenceNumber") if "sequenceNumber" in transfer else None,
        raw_status=raw_status,
    )


def _words(reason: str) -> str:
    """counterpartyAccountClosed as counterparty account closed."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in reason).strip()


def _balance(line: Any, as_of: datetime) -> contract.Balance:
    return contract.Balance(text(line, "currency"), whole(line, "available"), whole(line, "pending"), as_of)
