"""A player asks to take money out, or takes the request back."""

import hashlib
import json
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from backoffice.audit.actors import Actor
from backoffice.audit.record import record
from backoffice.money import LARGEST_AMOUNT, AmountError, checked_amount, convert, format_money
from kyc.models import Player
from ledger.exceptions import AmountOutOfRange, InsufficientFunds
from providers import routing
from withdrawals import destinations, due, guards, queries
from withdrawals.checks.destination import COOLING_TIME
from withdrawals.exceptions import KeyReused, RequestRefused
from withdrawals.models import Destination, Method, Withdrawal
from withdrawals.states import Move


@transaction.atomic
def register_destination(
    *,
    player: Player,
    external_id: str,
    method: str,
    account: str,
    holder_name: str,
    country: str = "",
    owned: bool = False,
    actor: Actor,
    now: datetime,
) -> Destination:
    """Keep where a player's money may go; the same external id again updates ownership only.

    Raises RequestRefused for an account that cannot be one, and for an external id whose account changed:
    a changed account is a new destination with a new age.
    """
    checked = destinations.check(method=method, account=account)
    Player.objects.select_for_update().only("pk").get(pk=player.pk)
    existing = Destination.objects.filter(player=player, external_id=external_id).first()
    if existing is not None:
        if (existing.method, existing.account, existing.holder_name) != (method, checked.account, holder_name):
            raise RequestRefused(
                "destination_changed",
                "This destination id belongs to other payout details; tell a new one under a new id.",
                field="id",
            )
        if existing.owned != owned:
            existing.owned = owned
            existing.save(update_fields=["owned"])
            _record_destination(existing, "own_destination" if owned else "disown_destination", actor=actor, now=now)
        return existing
    destination = Destination.objects.create(
        player=player,
        external_id=external_id,
        method=method,
        account=checked.account,
        account_digest=hashlib.sha256(f"{method}:{checked.account}".encode()).hexdigest(),
        label=checked.label,
        holder_name=holder_name,
        country=country or checked.country,
        owned=owned,
        first_seen_at=now,
    )
    _record_destination(destination, "add_destination", actor=actor, now=now)
    return destination


def request_withdrawal(
    *,
    player: Player,
    destination_id: str,
    amount: str,
    currency: str,
    key: str,
    source: str,
    actor: Actor,
    now: datetime,
) -> tuple[Withdrawal, bool]:
    """Take a request and reserve its money; return the withdrawal and whether it is new.

    ``amount`` is a plain decimal string in ``currency``. The same ``key`` of the same ``source`` with the
    same content answers with the first withdrawal. Raises KeyReused (same key, other content) and
    RequestRefused (then nothing was reserved).
    """
    content = json.dumps([player.external_id, destination_id, amount, currency])
    digest = hashlib.sha256(content.encode()).hexdigest()
    if (first := _first_answer(source, key, digest)) is not None:
        return first, False
    try:
        minor = checked_amount(amount, currency)
    except AmountError as error:
        raise RequestRefused(error.code, str(error), field=error.field) from None
    try:
        with transaction.atomic():
            Player.objects.select_for_update().only("pk").get(pk=player.pk)
            if (first := _first_answer(source, key, digest)) is not None:
                return first, False
            destination = _destination(player, destination_id, minor, currency)
            return (
                Withdrawal.open(
                    actor=actor,
                    now=now,
                    player=player,
                    destination=destination,
                    method=destination.method,
                    amount=minor,
                    currency=currency,
                    reference_amount=_reference_amount(minor, currency),
                    has_new_details=now - destination.first_seen_at < COOLING_TIME,
                    requested_at=now,
                    due_at=due.due_at(now),
                    source=source,
                    intake_key=key,
                    request_digest=digest,
                    routes=routing.candidates(method=destination.method, currency=currency, amount=minor),
                ),
                True,
            )
    except InsufficientFunds:
        raise RequestRefused(
            "insufficient_funds",
            f"The withdrawable balance does not cover {format_money(minor, currency)}; bonus money is not part of it.",
            field="amount",
        ) from None
    except AmountOutOfRange:
        raise _too_large(minor, currency) from None
    except IntegrityError:
        # Somebody else used this key for another player at the same moment; their row is the first answer.
        if (first := _first_answer(source, key, digest)) is None:
            raise
        return first, False


def cancel(withdrawal: Withdrawal, *, actor: Actor, now: datetime, reason: str = "player_asked") -> Withdrawal:
    """Cancel for the player and give the money back.

    Raises MoveRefused once it is with a provider, and RequestRefused where the law of the player's
    jurisdiction keeps what was asked for from going back into play.
    """
    if not guards.law_allows_cancelling(withdrawal):
        raise RequestRefused(
            "cancel_not_allowed", "In this player’s jurisdiction a withdrawal may not be reversed; it goes on."
        )
    return Withdrawal.advance(withdrawal.pk, Move.CANCEL, actor=actor, now=now, reason=reason)


def _record_destination(destination: Destination, action: str, *, actor: Actor, now: datetime) -> None:
    record(
        subject_type="player",
        subject_id=destination.player.ref,
        action=action,
        actor=actor,
        data={"id": destination.external_id, "method": destination.method, "label": destination.label},
        at=now,
    )


def _first_answer(source: str, key: str, digest: str) -> Withdrawal | None:
    known = Withdrawal.objects.filter(source=source, intake_key=key).values_list("pk", "request_digest").first()
    if known is None:
        return None
    if known[1] != digest:
        raise KeyReused(
            "key_reused", "This Idempotency-Key was used before with another request.", field="Idempotency-Key"
        )
    return queries.withdrawals().get(pk=known[0])


def _reference_amount(minor: int, currency: str) -> int | None:
    value = convert(minor, currency, to=settings.HOUSE_CURRENCY, rates=settings.REFERENCE_RATES)
    if value is not None and value > LARGEST_AMOUNT:
        raise _too_large(minor, currency)
    return value


def _too_large(minor: int, currency: str) -> RequestRefused:
    return RequestRefused("invalid_amount", f"{format_money(minor, currency)} is too large.", field="amount")


def _destination(player: Player, destination_id: str, minor: int, currency: str) -> Destination:
    destination = Destination.objects.filter(player=player, external_id=destination_id).first()
    if destination is None:
        raise RequestRefused(
            "unknown_destination",
            f"This player has no destination {destination_id!r}; tell it first.",
            field="destination_id",
        )
    if not destinations.takes(method=destination.method, account=destination.account, currency=currency):
        raise RequestRefused(
            "unsupported_currency", f"{destination.label} cannot receive {currency}.", field="currency"
        )
    limits = routing.limits(method=destination.method, currency=currency)
    if limits is None:
        method = Method(destination.method).label.lower()
        raise RequestRefused("unsupported_currency", f"No provider pays {currency} to a {method}.", field="currency")
    if minor < limits.minimum:
        smallest = format_money(limits.minimum, currency)
        raise RequestRefused("below_minimum", f"The smallest withdrawal is {smallest} for this method.", field="amount")
    if limits.maximum is not None and minor > limits.maximum:
        largest = format_money(limits.maximum, currency)
        raise RequestRefused(
            "above_maximum",
            f"The largest withdrawal is {largest} for this method; ask for it in parts.",
            field="amount",
        )
    return destination
