"""Stripe: outbound payments from our financial account to a recipient's payout method (API 2025-12-15.preview).

Our key is sent as Idempotency-Key and in the metadata, which cannot be searched: a payment is found among the few of
its recipient. Stripe keeps keys for 30 days, never repeats what succeeded under one and completes what did not.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from providers import contract
from providers.bodies import UNREADABLE, optional, read, strict_json, text, time, whole
from providers.contract import PayoutInstruction, PayoutReceipt, PayoutStatus
from providers.http import CREATE_TIMEOUT, QUERY_TIMEOUT, HttpProvider
from providers.signatures import hex_timed_body

VERSION = "2025-12-15.preview"
PAYMENTS = "/v2/money_management/outbound_payments"
STATUSES = {
    "processing": PayoutStatus.PENDING,
    "posted": PayoutStatus.PAID,
    "failed": PayoutStatus.FAILED,
    "canceled": PayoutStatus.CANCELLED,
    "returned": PayoutStatus.RETURNED,
}
# What a create may be refused with, by the error's type where the document gives it one of its own, else by its code.
ERRORS: dict[str, type[contract.ProviderError]] = {
    "idempotency_error": contract.Duplicate,  # asked with another body
    # A request under this key is being worked on: it may well pay, so it is no proof that nothing was done.
    "idempotency_conflict": contract.OutcomeUnknown,
    "from_financial_account_not_found": contract.Misconfigured,
    "from_balance_type_not_found": contract.Misconfigured,
    "outbound_flow_from_closed_financial_account_unsupported": contract.Misconfigured,
    "unsupported_operation_with_managed_financial_account": contract.Misconfigured,
    "financial_address_creation_required": contract.Misconfigured,
    "storer_capability_missing": contract.Misconfigured,
    "storer_capability_not_active": contract.Misconfigured,
    **dict.fromkeys(
        (
            "insufficient_funds", "quota_exceeded", "recipient_not_notifiable", "account_not_configured_as_recipient",
            "amount_too_large_for_payout_method", "amount_too_large_for_selected_delivery_option",
            "card_payout_method_not_supported", "cop_not_accepted", "default_payout_method_config_not_found",
            "delivery_option_not_available", "delivery_option_not_supported", "from_balance_unsupported_currency",
            "fx_quote_expired", "incompatible_delivery_options", "invalid_payout_method_country", "large_rate_drift",
            "no_suitable_delivery_options_for_large_amount", "outbound_payment_not_allowed",
            "outbound_payment_quote_mismatch", "outbound_payment_quote_missing",
            "outbound_payment_recipient_verification_already_consumed",
            "outbound_payment_recipient_verification_awaiting_acknowledgement",
            "outbound_payment_recipient_verification_expired", "outbound_payment_recipient_verification_missing",
            "outbound_payment_recipient_verification_not_found",
            "outbound_payment_recipient_verification_payout_method_mismatch",
            "outbound_payment_recipient_verification_recipient_mismatch",
            "outbound_payment_recipient_verification_recipient_name_outdated", "payout_method_expired",
            "payout_method_invalid", "payout_method_unsupported_currency", "payout_method_unusable",
            "recipient_feature_not_active", "recipient_feature_not_active_for_suitable_delivery_option",
            "to_recipient_not_found", "unsupported_currency",
        ),
        contract.Declined,
    ),
}  # fmt: skip
# The payout is fine: our float is too small or of another currency, or the rails are down.
THEIR_REASONS = {"insufficient_funds", "from_balance_unsupported_currency", "delivery_option_not_available"}
TOO_LATE = {"already_canceled", "not_cancelable"}
EVENTS, RELATED = "v2.money_management.outbound_payment.", "v2.money_management.outbound_payment"
LOOK_BACK = timedelta(days=35)  # longer than a key is good for
PAGE, MOST_PAGES = 100, 20  # of one recipient's payments in that time


class Stripe(HttpProvider):
    webhook_headers = ("stripe-signature",)

    def __init__(
        self, *, code: str, capabilities: contract.Capabilities, base_url: str, api_key: str, financial_account: str,
        webhook_secrets: tuple[str, ...], transport: httpx.BaseTransport | None = None,
    ):  # fmt: skip
        """`webhook_secrets`: whsec_…, every one that is valid now."""
        self.code, self.capabilities, self._account = code, capabilities, financial_account
        self._secrets = webhook_secrets
        headers = {"Authorization": f"Bearer {api_key}", "Stripe-Version": VERSION}
        super().__init__(base_url=base_url, headers=headers, transport=transport)

    def create_payout(self, instruction: PayoutInstruction) -> PayoutReceipt:
        headers = {"Idempotency-Key": instruction.key, "Content-Type": "application/json"}
        content = self._payload(instruction)
        return read(self.call("POST", PAYMENTS, timeout=CREATE_TIMEOUT, headers=headers, content=content), _receipt)

    def get_status(self, instruction: PayoutInstruction) -> PayoutReceipt:
        if instruction.provider_reference:
            return self.look_up(instruction.provider_reference)
        receipt = self._by_key(instruction)
        if receipt is None:
            raise contract.Declined("there is no payment under this key", code="not_found", status=404)
        return receipt

    def look_up(self, provider_reference: str) -> PayoutReceipt:
        ids = {"id": provider_reference}
        answer = self.call("GET", PAYMENTS + "/{id}", timeout=QUERY_TIMEOUT, ids=ids)
        account, receipt = read(answer, lambda body: (text(body["from"], "financial_account"), _receipt(body)))
        if account != self._account:  # our API key opens all that we have there
            raise contract.Declined("it left another financial account", code="not_found", status=404)
        return receipt

    def probe(self, instruction: PayoutInstruction) -> contract.Probe:
        try:
            if instruction.provider_reference:  # lists lag behind, this does not
                return contract.Found(self.look_up(instruction.provider_reference))
            receipt = self._by_key(instruction)
        except contract.ProviderError as error:
            unknown_there = isinstance(error, contract.Declined) and error.code == "not_found"
            return contract.NotFound() if unknown_there else contract.CannotTell(error.words)
        return contract.Found(receipt) if receipt else contract.NotFound()

    def cancel(self, instruction: PayoutInstruction) -> contract.CancelResult:
        try:
            known = instruction.provider_reference or self.get_status(instruction).provider_reference
            self.call("POST", PAYMENTS + "/{id}/cancel", timeout=QUERY_TIMEOUT, ids={"id": known})
        except contract.ProviderError as error:
            is_late = isinstance(error, contract.Declined) and error.code in TOO_LATE
            return contract.CancelResult.TOO_LATE if is_late else contract.CancelResult.UNKNOWN
        return contract.CancelResult.ACCEPTED

    def balance(self) -> list[contract.Balance]:
        ids, as_of = {"id": self._account}, datetime.now(UTC)  # the answer does not say when it is true
        answer = self.call("GET", "/v2/money_management/financial_accounts/{id}", timeout=QUERY_TIMEOUT, ids=ids)
        return read(answer, lambda body: _balances(body["balance"], as_of))

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> contract.VerifiedWebhook | contract.WebhookRejected:
        return hex_timed_body(headers.get("stripe-signature", ""), body, now, secrets=self._secrets)

    def parse_webhook(self, verified: contract.VerifiedWebhook) -> list[contract.ThinEvent]:
        try:
            body = strict_json(verified.body)
            kind = text(body, "type")
            if not kind.startswith(EVENTS):
                return []
            related = body["related_object"]
            if text(related, "type") != RELATED:
                raise ValueError("the event is about something else")
            reference = text(related, "id")
            return [contract.ThinEvent(event_id=verified.event_id, kind=kind, provider_reference=reference)]
        except UNREADABLE as error:
            raise contract.WebhookRejected("the body cannot be read") from error

    def error(self, response: httpx.Response) -> contract.ProviderError:
        error, name = super().error(response), self.code_of(response)
        status, meaning = response.status_code, ERRORS.get(name)
        if not 400 <= status < 500 or status in (401, 429):
            return error
        if meaning is contract.Declined:
            return contract.Declined(error.words, code=name, status=status, for_provider_reasons=name in THEIR_REASONS)
        if meaning is not None:
            return meaning(error.words, status=status)
        if isinstance(error, contract.Declined) and name == str(status):
            return contract.OutcomeUnknown(error.words, status=status)  # not a word of Stripe's
        return error

    def code_of(self, response: httpx.Response) -> str:
        """The error's type; its code where the type is missing or shared by several errors."""
        try:
            error = strict_json(response.content)["error"]
            kind, code = optional(error, "type"), optional(error, "code")
        except UNREADABLE:
            return super().code_of(response)
        known = (name for name in (kind, code) if name in ERRORS or name in TOO_LATE)
        return next(known, code or kind or super().code_of(response))

    def _by_key(self, instruction: PayoutInstruction) -> PayoutReceipt | None:
        since = datetime.now(UTC) - LOOK_BACK
        params = {
            "recipient": _recipient(instruction)[0],
            "created_gte": since.isoformat(timespec="seconds"),
            "limit": str(PAGE),
        }
        found: list[PayoutReceipt] = []
        for _page in range(MOST_PAGES):
            answer = self.call("GET", PAYMENTS, timeout=QUERY_TIMEOUT, params=params)
            matching, following = read(answer, lambda body: _matching(body, instruction.key))
            found += matching
            if not following:
                break
            params["page"] = following
        else:
            raise contract.OutcomeUnknown("the recipient has more payments than are looked through")
        if len(found) > 1:
            raise contract.OutcomeUnknown("there are several payments under one key")
        return found[0] if found else None

    def _payload(self, instruction: PayoutInstruction) -> bytes:
        """The exact bytes: a repeat under the same key must not differ in one of them. Nothing is exchanged."""
        (recipient, payout_method), currency = _recipient(instruction), instruction.currency.lower()
        body = {
            "amount": {"value": instruction.amount, "currency": currency},
            "from": {"financial_account": self._account, "currency": currency},
            "to": {"recipient": recipient, "payout_method": payout_method, "currency": currency},
            "metadata": {"key": instruction.key, "reference": instruction.reference},
            "recipient_notification": {"setting": "none"},  # the platform tells the player
        }
        return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def _recipient(instruction: PayoutInstruction) -> tuple[str, str]:
    recipient, _, payout_method = instruction.account.partition("/")
    return recipient, payout_method


def _matching(body: Any, key: str) -> tuple[list[PayoutReceipt], str]:
    """The payments of a page that carry our key, and the token of the page that follows, if one does."""
    found = [_receipt(payment) for payment in body["data"] if (payment.get("metadata") or {}).get("key") == key]
    following = body["next_page_url"]
    return found, parse_qs(urlsplit(following).query)["page"][0] if following else ""


def _receipt(payment: Any) -> PayoutReceipt:
    raw_status, metadata = text(payment, "status"), payment.get("metadata") or {}
    moments, details = payment.get("status_transitions") or {}, payment.get("status_details") or {}
    reason = optional(details.get(raw_status) or {}, "reason")
    return PayoutReceipt(
        status=STATUSES.get(raw_status, PayoutStatus.UNKNOWN),
        provider_reference=text(payment, "id"),
        reference=optional(metadata, "reference"),
        key=optional(metadata, "key"),
        amount=whole(payment["amount"], "value"),
        currency=text(payment["amount"], "currency").upper(),
        reason_code=reason,
        reason_words=reason.replace("_", " "),
        occurred_at=time(moments, f"{raw_status}_at") if moments.get(f"{raw_status}_at") else time(payment, "created"),
        raw_status=raw_status,
    )


def _balances(balance: Any, as_of: datetime) -> list[contract.Balance]:
    pending = {name: whole(line, "value") for name, line in balance["outbound_pending"].items()}
    return [
        contract.Balance(text(line, "currency").upper(), whole(line, "value"), pending.get(name, 0), as_of)
        for name, line in balance["available"].items()
    ]
