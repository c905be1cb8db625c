"""The sandbox provider's native dialect: JSON, problem bodies, Standard Webhooks signatures."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from providers import contract
from providers.bodies import UNREADABLE, read, strict_json, text, time, whole
from providers.contract import PayoutInstruction, PayoutReceipt
from providers.http import CREATE_TIMEOUT, QUERY_TIMEOUT, SearchableProvider
from providers.signatures import STANDARD_HEADERS, standard_webhook

# Its words are ours; any other is UNKNOWN.
STATUSES = {status.value: status for status in contract.PayoutStatus}
KNOWN_ALREADY = ("duplicate_payout", "idempotency_key_reused")
OUR_FLOAT = "insufficient_float"  # the payout is fine, our account there is empty


class Sandbox(SearchableProvider):
    webhook_headers = STANDARD_HEADERS
    nothing_created = frozenset({503})

    def __init__(
        self, *, code: str, capabilities: contract.Capabilities, base_url: str, api_key: str, account: str,
        webhook_secrets: tuple[str, ...], transport: httpx.BaseTransport | None = None,
    ):  # fmt: skip
        """`webhook_secrets`: every key that is valid now, so that one can be replaced without a gap."""
        self.code, self.capabilities, self._account = code, capabilities, account
        self._secrets = webhook_secrets
        headers = {"Authorization": f"Bearer {api_key}", "Merchant-Account": account}
        super().__init__(base_url=base_url, headers=headers, transport=transport)

    def create_payout(self, instruction: PayoutInstruction) -> PayoutReceipt:
        headers = {"Idempotency-Key": instruction.key, "Content-Type": "application/json"}
        try:
            response = self.call(
                "POST", "/v1/payouts", timeout=CREATE_TIMEOUT, headers=headers, content=_payload(instruction)
            )
        except contract.Declined as declined:
            declined.for_provider_reasons = declined.code == OUR_FLOAT
            raise
        return read(response, _receipt)

    def by_id(self, provider_reference: str) -> PayoutReceipt:
        answer = self.call("GET", "/v1/payouts/{id}", timeout=QUERY_TIMEOUT, ids={"id": provider_reference})
        return read(answer, _receipt)

    def by_key(self, key: str) -> PayoutReceipt | None:
        response = self.call("GET", "/v1/payouts", timeout=QUERY_TIMEOUT, params={"reference": key})
        found = read(response, lambda body: [_receipt(payout) for payout in body["data"]])
        if len(found) > 1:
            raise contract.OutcomeUnknown("there are several payouts under one key", status=response.status_code)
        return found[0] if found else None

    def cancel(self, instruction: PayoutInstruction) -> contract.CancelResult:
        try:
            known = instruction.provider_reference
            ids = {"id": known or self.get_status(instruction).provider_reference}
            self.call("POST", "/v1/payouts/{id}/cancel", timeout=QUERY_TIMEOUT, ids=ids)
        except contract.ProviderError as error:
            return contract.CancelResult.TOO_LATE if error.status == 409 else contract.CancelResult.UNKNOWN
        return contract.CancelResult.ACCEPTED

    def balance(self) -> list[contract.Balance]:
        return read(self.call("GET", "/v1/balance", timeout=QUERY_TIMEOUT), _balances)

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> contract.VerifiedWebhook | contract.WebhookRejected:
        return standard_webhook(headers, body, now, secrets=self._secrets)

    def parse_webhook(self, verified: contract.VerifiedWebhook) -> list[contract.ProviderEvent]:
        try:
            body = strict_json(verified.body)
            kind, account, receipt = text(body, "type"), text(body, "account"), _receipt(body["data"])
        except UNREADABLE as error:
            raise contract.WebhookRejected("the body cannot be read") from error
        if account != self._account:
            raise contract.WebhookRejected("the event belongs to another merchant account")
        return [contract.ProviderEvent(event_id=verified.event_id, kind=kind, receipt=receipt)]

    def error(self, response: httpx.Response) -> contract.ProviderError:
        error = super().error(response)
        if error.status == 409 and self.code_of(response) in KNOWN_ALREADY:
            reference = response.headers.get("location", "").rpartition("/")[2]
            return contract.Duplicate(error.words, provider_reference=reference or None, status=409)
        return error

    def code_of(self, response: httpx.Response) -> str:
        try:
            return text(strict_json(response.content), "code")
        except UNREADABLE:
            return super().code_of(response)


def _payload(instruction: PayoutInstruction) -> bytes:
    """The exact bytes: a repeat under the same key must not differ in one of them."""
    destination = {"account": instruction.account, "holder_name": instruction.holder_name}
    body = {
        "reference": instruction.reference,
        "amount": instruction.amount,
        "currency": instruction.currency,
    }
    body |= {"method": instruction.method, "destination": destination | {"country": instruction.country}}
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def _receipt(body: Any) -> PayoutReceipt:
    raw_status, reason = text(body, "status"), text(body, "reason") if body["reason"] else ""
    return PayoutReceipt(
        status=STATUSES.get(raw_status, contract.PayoutStatus.UNKNOWN),
        provider_reference=text(body, "id"),
        reference=text(body, "reference"),
        key=text(body, "idempotency_key"),
        amount=whole(body, "amount"),
        currency=text(body, "currency"),
        reason_code=reason,
        reason_words=reason.replace("_", " "),
        occurred_at=time(body, "updated_at"),
        sequence=whole(body, "sequence"),
        raw_status=raw_status,
    )


def _balances(body: Any) -> list[contract.Balance]:
    as_of = time(body, "as_of")
    return [
        contract.Balance(text(line, "currency"), whole(line, "available"), whole(line, "pending"), as_of)
        for line in body["balances"]
    ]
