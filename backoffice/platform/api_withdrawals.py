"""Withdrawals: asked for, looked at, taken back. A client sees its own only."""

from typing import Annotated, Any

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Header, Router, Status

from backoffice.audit.actors import Machine
from backoffice.money import to_major_string
from backoffice.platform import fields, schemas
from backoffice.platform.models import Scope
from backoffice.platform.problems import Refused
from backoffice.platform.signing import Signature, client_of
from kyc.models import Player
from withdrawals import player_words, queries
from withdrawals.exceptions import MoveRefused
from withdrawals.models import Withdrawal
from withdrawals.operations import requests
from withdrawals.reference import normalise
from withdrawals.states import State

router = Router(tags=["Withdrawals"])

IdempotencyKey = Annotated[fields.IdempotencyKey, Header(alias="Idempotency-Key")]


@router.post("", auth=Signature(Scope.WITHDRAWALS), response={200: schemas.WithdrawalOut, 201: schemas.WithdrawalOut})
def post_withdrawal(
    request: HttpRequest, withdrawal: schemas.WithdrawalIn, idempotency_key: IdempotencyKey
) -> Status[schemas.WithdrawalOut]:
    """Ask for a withdrawal and reserve its money: 201 the first time, 200 for the same again."""
    client = client_of(request)
    player = Player.objects.filter(external_id=withdrawal.player_id).first()
    if player is None:
        raise Refused(
            "unknown_player", f"There is no player {withdrawal.player_id}; tell them first.", field="player_id"
        )
    made, is_new = requests.request_withdrawal(
        player=player,
        destination_id=withdrawal.destination_id,
        amount=withdrawal.amount,
        currency=withdrawal.currency,
        key=idempotency_key,
        source=client.key_id,
        actor=Machine(client.actor_name),
        now=timezone.now(),
    )
    return Status(201 if is_new else 200, shown(made))


@router.get("/{ref}", response=schemas.WithdrawalOut)
def get_withdrawal(request: HttpRequest, ref: str) -> schemas.WithdrawalOut:
    """Return how a withdrawal stands."""
    return shown(_own(request, ref))


@router.post("/{ref}/cancel", auth=Signature(Scope.WITHDRAWALS), response=schemas.WithdrawalOut)
def cancel_withdrawal(request: HttpRequest, ref: str) -> schemas.WithdrawalOut:
    """Cancel for the player while nothing is sent; the money goes back. Cancelling again changes nothing."""
    withdrawal = _own(request, ref)
    if withdrawal.state == State.CANCELLED:
        return shown(withdrawal)
    try:
        requests.cancel(withdrawal, actor=Machine(client_of(request).actor_name), now=timezone.now())
    except MoveRefused:
        withdrawal = _own(request, ref)
        if withdrawal.state == State.CANCELLED:
            return shown(withdrawal)
        # The move's own sentence is for staff: it could say what a player must not learn.
        raise Refused("too_late", "This withdrawal can no longer be cancelled.") from None
    return shown(_own(request, ref))


def shown(withdrawal: Withdrawal) -> schemas.WithdrawalOut:
    """Return what the platform may see; the withdrawal comes with its player and destination."""
    situation = player_words.situation_of(withdrawal, now=timezone.now())
    money: dict[str, Any] = {
        "amount": to_major_string(withdrawal.amount, withdrawal.currency),
        "fee": to_major_string(withdrawal.fee, withdrawal.currency),
        "currency": withdrawal.currency,
    }
    return schemas.WithdrawalOut(
        ref=withdrawal.ref,
        player_id=withdrawal.player.external_id,
        status=player_words.status_of(situation.state, situation.hold_kind),
        status_text=player_words.sentence(situation),
        version=withdrawal.version,
        **money,
        method=withdrawal.method,
        destination_id=withdrawal.destination.external_id,
        destination=withdrawal.destination.label,
        requested_at=withdrawal.requested_at,
        closed_at=withdrawal.closed_at,
    )


def _own(request: HttpRequest, ref: str) -> Withdrawal:
    source = client_of(request).key_id
    withdrawal = queries.withdrawals().filter(ref=normalise(ref) or "", source=source).first()
    if withdrawal is None:
        raise Http404
    return withdrawal
