"""What the platform tells about players, and what it may ask about them."""

from typing import Annotated, Any

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Body, Path, Query, Router, Status

from backoffice.audit.actors import Machine
from backoffice.money import to_major_string
from backoffice.platform import operations, schemas
from backoffice.platform.api_withdrawals import shown
from backoffice.platform.fields import Id
from backoffice.platform.models import Scope
from backoffice.platform.problems import Refused
from backoffice.platform.signing import Signature, client_of
from kyc.models import Player
from ledger.models import AccountKind
from ledger.queries import balances_of_player, held_of
from withdrawals import queries
from withdrawals.operations.requests import register_destination
from withdrawals.reference import normalise

router = Router(tags=["Players"])

PlayerId = Annotated[Id, Path()]


@router.put("/{player_id}", auth=Signature(Scope.EVENTS), response={200: schemas.PlayerOut, 201: schemas.PlayerOut})
def put_player(request: HttpRequest, player_id: PlayerId, player: schemas.PlayerIn) -> Status[Any]:
    """Tell a player, or what changed about one; with the result of a verification if there is one."""
    known, is_new = operations.tell_player(
        external_id=player_id,
        said=player.model_dump(exclude={"verification"}),
        verification=player.verification.model_dump() if player.verification else None,
        now=timezone.now(),
        actor=Machine(client_of(request).actor_name),
    )
    return Status(
        201 if is_new else 200,
        schemas.PlayerOut(
            id=known.external_id,
            ref=Player.objects.values_list("ref", flat=True).get(pk=known.pk),
            name=known.name,
            country=known.country,
            self_excluded=known.self_excluded,
        ),
    )


@router.post("/{player_id}/deposits", auth=Signature(Scope.EVENTS), response=schemas.RecordedOut)
def post_deposits(
    request: HttpRequest, player_id: PlayerId, deposits: Annotated[schemas.Deposits, Body()]
) -> schemas.RecordedOut:
    """Tell one deposit or a list of up to 500; each is booked once, a list whole or not at all."""
    player = _player(player_id)
    events = [operations.Deposit(**_event(deposit, player)) for deposit in deposits]
    operations.record_deposits(deposits=events, source=client_of(request).key_id, now=timezone.now())
    return schemas.RecordedOut(recorded=[deposit.id for deposit in deposits])


@router.post("/{player_id}/plays", auth=Signature(Scope.EVENTS), response=schemas.RecordedOut)
def post_plays(
    request: HttpRequest, player_id: PlayerId, plays: Annotated[schemas.Plays, Body()]
) -> schemas.RecordedOut:
    """Tell settled stakes, wins and bonuses; one, or a list of up to 500, whole or not at all."""
    player = _player(player_id)
    events = [operations.Play(**_event(play, player)) for play in plays]
    operations.record_plays(plays=events, source=client_of(request).key_id, now=timezone.now())
    return schemas.RecordedOut(recorded=[play.id for play in plays])


@router.post("/{player_id}/logins", auth=Signature(Scope.EVENTS), response=schemas.RecordedOut)
def post_logins(
    request: HttpRequest, player_id: PlayerId, logins: Annotated[schemas.Logins, Body()]
) -> schemas.RecordedOut:
    """Tell sign-ins; one, or a list of up to 500, whole or not at all."""
    player = _player(player_id)
    events = [operations.Login(**_event(login, player)) for login in logins]
    operations.record_logins(logins=events, source=client_of(request).key_id, now=timezone.now())
    return schemas.RecordedOut(recorded=[login.id for login in logins])


@router.put(
    "/{player_id}/destinations/{destination_id}",
    auth=Signature(Scope.WITHDRAWALS),
    response=schemas.DestinationOut,
)
def put_destination(
    request: HttpRequest,
    player_id: PlayerId,
    destination_id: Annotated[Id, Path()],
    destination: schemas.DestinationIn,
) -> schemas.DestinationOut:
    """Tell where a player's money may go. Other payout details need another id; ``owned`` may change."""
    known = register_destination(
        player=_player(player_id),
        external_id=destination_id,
        **destination.model_dump(),
        actor=Machine(client_of(request).actor_name),
        now=timezone.now(),
    )
    return schemas.DestinationOut(
        id=known.external_id,
        method=known.method,
        label=known.label,
        holder_name=known.holder_name,
        country=known.country,
        owned=known.owned,
        first_seen_at=known.first_seen_at,
    )


@router.get("/{player_id}/balance", response=schemas.BalancesOut)
def get_balance(request: HttpRequest, player_id: PlayerId) -> schemas.BalancesOut:
    """Return per currency what can be withdrawn, bonus money, and what is held for withdrawals."""
    player = _player(player_id)
    balances = [
        schemas.BalanceOut(
            currency=currency,
            withdrawable=to_major_string(purses.get(AccountKind.PLAYER_CASH, 0), currency),
            bonus=to_major_string(purses.get(AccountKind.PLAYER_BONUS, 0), currency),
            # In one sum: a player must not learn of a legal hold.
            held=to_major_string(held_of(purses), currency),
        )
        for currency, purses in sorted(balances_of_player(str(player.pk)).items())
    ]
    return schemas.BalancesOut(player_id=player.external_id, balances=balances)


@router.get("/{player_id}/withdrawals", response=schemas.WithdrawalsOut)
def list_withdrawals(
    request: HttpRequest,
    player_id: PlayerId,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str, Query(max_length=20)] = "",
) -> schemas.WithdrawalsOut:
    """Return a player's withdrawals, newest first; ``before`` is the ``next`` of the page before."""
    player, source = _player(player_id), client_of(request).key_id
    found = queries.withdrawals().filter(player=player, source=source).order_by("-requested_at", "-pk")
    if before:
        last = found.filter(ref=normalise(before) or "").first()
        if last is None:
            raise Refused("invalid_request", "Send the next of the page before.", field="before")
        found = found.filter(requested_at__lte=last.requested_at).exclude(
            requested_at=last.requested_at, pk__gte=last.pk
        )
    page = list(found[: limit + 1])
    more, page = len(page) > limit, page[:limit]
    return schemas.WithdrawalsOut(
        withdrawals=[shown(withdrawal) for withdrawal in page], next=page[-1].ref if more else None
    )


def _player(external_id: str) -> Player:
    player = Player.objects.filter(external_id=external_id).first()
    if player is None:
        raise Http404
    return player


def _event(told: schemas.Said, player: Player) -> dict[str, Any]:
    """Return an event's fields under the names of the operations."""
    fields = told.model_dump()
    fields["event_id"], fields["at"] = fields.pop("id"), fields.pop("occurred_at")
    return {**fields, "player_id": player.external_id}
