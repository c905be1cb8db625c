"""What the API answers when it does not do what was asked: RFC 9457 problem details, one table of codes."""

from typing import Any, NamedTuple

from django.http import JsonResponse

CONTENT_TYPE = "application/problem+json"


class Kind(NamedTuple):
    status: int
    title: str


# Stable codes; docs/api.md repeats this table and a test holds the two together.
KINDS: dict[str, Kind] = {
    # The request cannot be read.
    "invalid_json": Kind(400, "The body is not JSON that can be taken"),
    "invalid_request": Kind(400, "The request does not have the documented form"),
    "invalid_amount": Kind(400, "The amount cannot be taken"),
    "invalid_currency": Kind(400, "The currency is not known"),
    "invalid_time": Kind(400, "The time cannot be right"),
    "invalid_player": Kind(400, "What was said about the player cannot be taken"),
    "invalid_verification": Kind(400, "The verification cannot be taken"),
    "invalid_iban": Kind(400, "This is not an IBAN"),
    "invalid_card_token": Kind(400, "This is not a card token"),
    "invalid_wallet": Kind(400, "This is not a wallet address"),
    "invalid_paypal": Kind(400, "This is not the e-mail address of a PayPal account"),
    "invalid_stripe": Kind(400, "This is not a payout method at Stripe"),
    "unknown_method": Kind(400, "The method is not known"),
    "card_number": Kind(400, "A card number was sent"),
    # Who asks, and for what.
    "unauthorized": Kind(401, "The request is not signed by a known key"),
    "out_of_scope": Kind(403, "The key was not given out for that"),
    "not_found": Kind(404, "There is no such thing"),
    "method_not_allowed": Kind(405, "This address does not take that method"),
    # It contradicts what is known.
    "replayed": Kind(409, "The signature was used before"),
    "key_reused": Kind(409, "The Idempotency-Key was used for another request"),
    "event_changed": Kind(409, "The event is known with other content"),
    "destination_changed": Kind(409, "The destination is known with other payout details"),
    "cancel_not_allowed": Kind(409, "The withdrawal may not be cancelled"),
    "too_late": Kind(409, "The withdrawal can no longer be cancelled"),
    # The envelope.
    "too_large": Kind(413, "The body is too large"),
    "unsupported_media_type": Kind(415, "The body is not application/json"),
    # Understood, and refused.
    "unknown_player": Kind(422, "The player is not known"),
    "unknown_destination": Kind(422, "The destination is not known"),
    "insufficient_funds": Kind(422, "The balance does not cover the amount"),
    "below_minimum": Kind(422, "The amount is below the minimum"),
    "above_maximum": Kind(422, "The amount is above the maximum"),
    "unsupported_currency": Kind(422, "The currency cannot be paid that way"),
    # Ours.
    "internal_error": Kind(500, "Something is wrong on our side"),
}


class Refused(Exception):
    """A request that is not done. ``code`` stands in KINDS, ``field`` names what to correct."""

    def __init__(self, code: str, detail: str, *, field: str = "", errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.field, self.errors = code, detail, field, errors or []


def response(refused: Refused) -> JsonResponse:
    """Return the HTTP answer to a request that is not done."""
    kind = KINDS[refused.code]
    body: dict[str, Any] = {
        "type": f"urn:payout-desk:problem:{refused.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": refused.detail,
        "code": refused.code,
        "field": refused.field,
        "errors": refused.errors,
    }
    return JsonResponse(body, status=kind.status, content_type=CONTENT_TYPE)
