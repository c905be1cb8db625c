"""Withdrawals in any state, brought there through the door: what the database refuses cannot be made here."""

from datetime import datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

from schwifty import IBAN

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS, SCREENING, Machine
from backoffice.money import Money, to_major_string
from kyc.models import Player
from ledger import operations as ledger
from tests.factories.fraud import DepositFactory, LoginFactory, PlayFactory
from tests.factories.kyc import NOW, PlayerFactory
from withdrawals.checks.limits import within_limits
from withdrawals.checks.outcome import Severity
from withdrawals.models import CheckResult, Destination, Finding, Withdrawal
from withdrawals.operations import requests
from withdrawals.states import Move, State

PLATFORM = Machine("platform:test")
_counter = iter(range(1, 10**9))


def fund(player: Player, amount: int, currency: str = "EUR", *, at: datetime = NOW) -> None:
    """Give a player money to withdraw, by a deposit."""
    ledger.post_batch(
        [
            ledger.deposit_entry(
                holder=str(player.pk),
                money=Money(amount, currency),
                key=f"test-deposit-{next(_counter)}",
                at=at,
                by="test",
            )
        ]
    )


def make_destination(
    player: Player,
    *,
    at: datetime = NOW - timedelta(days=30),
    method: str = "iban",
    account: str = "",
    ending: str = "",
    owned: bool = True,
) -> Destination:
    """Register where a player's money may go: by default an IBAN of their own, which ends as asked."""
    n = next(_counter)
    code = f"{n:06d}{ending}" if ending else f"{n:010d}"
    return requests.register_destination(
        player=player,
        external_id=f"dest-{n}",
        method=method,
        account=account or str(IBAN.generate("DE", bank_code="37040044", account_code=code)),
        holder_name=player.name,
        owned=owned,
        actor=PLATFORM,
        now=at,
    )


def open_withdrawal(
    *,
    player: Player | None = None,
    amount: int = 18_000,
    currency: str = "EUR",
    destination: Destination | None = None,
    now: datetime = NOW,
    funded: bool = True,
) -> Withdrawal:
    """Request a withdrawal for a verified, funded player."""
    player = player or PlayerFactory(verified=True)
    if funded:
        fund(player, amount, currency, at=now - timedelta(days=1))
    destination = destination or make_destination(player, at=now - timedelta(days=30))
    withdrawal, _new = requests.request_withdrawal(
        player=player,
        destination_id=destination.external_id,
        amount=to_major_string(amount, currency),
        currency=currency,
        key=f"test-{next(_counter)}",
        source="test",
        actor=PLATFORM,
        now=now,
    )
    return withdrawal


def make_clean_player(*, now: datetime = NOW, currency: str = "EUR") -> Player:
    """Return a verified player with a past that no indicator minds: deposits, play and a device of their own."""
    player = PlayerFactory(verified=True)
    month_ago = now - timedelta(days=30)
    DepositFactory(player_id=player.pk, at=month_ago, currency=currency, instrument=f"card-{player.pk}")
    PlayFactory(player_id=player.pk, at=month_ago + timedelta(hours=2), amount=30_000, currency=currency)
    address = str(IPv4Address(0x0A000000 + player.pk))
    LoginFactory(player_id=player.pk, at=now - timedelta(hours=1), device=f"phone-{player.pk}", ip=address)
    fund(player, 500_000, currency, at=month_ago)
    return player


def pass_checks(withdrawal: Withdrawal) -> None:
    """Write down that the checks ran and found nothing, as the automatic lane demands."""
    CheckResult.objects.create(withdrawal=withdrawal, code="test", outcome="pass", title="Nothing found", at=NOW)


def make_withdrawal(
    state: State = State.REQUESTED,
    *,
    now: datetime = NOW,
    approvals: int = 1,
    risk: tuple[int, str] = (12, "low"),
    is_flagged: bool = False,
    why: tuple[str, ...] = ("First withdrawal",),
    by: User | None = None,
    second: User | None = None,
    hold_kind: str = "internal",
    **request: Any,
) -> Withdrawal:
    """Return a withdrawal in ``state``. ``by`` and ``second`` are the people who approve, where people do."""
    withdrawal = open_withdrawal(now=now, **request)
    if state == State.REQUESTED:
        return withdrawal
    approvals = max(approvals, 2) if state == State.SECOND_APPROVAL else approvals
    Withdrawal.objects.filter(pk=withdrawal.pk).update(
        required_approvals=approvals, risk_score=risk[0], risk_level=risk[1], is_flagged=is_flagged, why=list(why)
    )

    def move(name: Move, actor: Any, **facts: Any) -> None:
        Withdrawal.advance(withdrawal.pk, name, actor=actor, now=now, **facts)

    if state == State.CANCELLED:
        move(Move.CANCEL, PLATFORM, reason="player_asked")
    elif state == State.REJECTED:
        move(Move.DECLINE, SCREENING, reason="limits.blocked")
    elif approvals == 0 and state not in (State.UNDER_REVIEW, State.SECOND_APPROVAL, State.ON_HOLD):
        pass_checks(withdrawal)
        move(Move.CLEAR, SCREENING)
    else:
        move(Move.REFER, SCREENING)
        _know_limits(withdrawal)
        _by_people(state, move, approvals=approvals, by=by, second=second, hold_kind=hold_kind)
    _with_provider(withdrawal, state, move)
    return Withdrawal.objects.select_related("player", "destination").get(pk=withdrawal.pk)


def _know_limits(withdrawal: Withdrawal) -> None:
    """Write down what the checks would say of the amount, so that it is no news to whoever approves."""
    outcome = within_limits(withdrawal, now=NOW)
    if outcome.severity >= Severity.REVIEW:
        CheckResult.objects.create(
            withdrawal=withdrawal, code=outcome.code, outcome=outcome.outcome, title=outcome.title, at=NOW
        )


def make_finding(
    withdrawal: Withdrawal | None = None, kind: str = "unknown_reference", *, at: datetime = NOW, **fields: Any
) -> Finding:
    """Return an open finding as a provider's message leaves it."""
    words = "A message about a payout that we do not know."
    defaults: dict[str, Any] = {
        "provider": "northgate",
        "kind": kind,
        "words": words,
        "key": f"{kind}:{next(_counter)}",
    }
    return Finding.objects.create(withdrawal=withdrawal, at=at, **{**defaults, **fields})


def _by_people(
    state: State, move: Any, *, approvals: int, by: User | None, second: User | None, hold_kind: str
) -> None:
    if state == State.UNDER_REVIEW:
        return
    assert by is not None, "say who decides"
    if state == State.ON_HOLD:
        move(Move.HOLD, by, reason="waiting_document", kind=hold_kind, wake_at=NOW + timedelta(days=7))
    elif approvals >= 2 or state == State.SECOND_APPROVAL:
        move(Move.ENDORSE, by, reason="known_player")
        if state != State.SECOND_APPROVAL:
            assert second is not None, "say who confirms"
            move(Move.CONFIRM, second)
    else:
        move(Move.APPROVE, by, reason="known_player")


def _with_provider(withdrawal: Withdrawal, state: State, move: Any) -> None:
    if state not in (State.PROCESSING, State.OUTCOME_UNKNOWN, State.COMPLETED, State.FAILED, State.RETURNED):
        return
    move(Move.START_PAYOUT, PAYOUTS, provider="northgate", trace=["the only one"])
    if state == State.OUTCOME_UNKNOWN:
        move(Move.LOSE_TRACK, PAYOUTS)
    elif state in (State.COMPLETED, State.RETURNED):
        move(Move.COMPLETE, PAYOUTS, provider_reference=f"ng-{withdrawal.pk}")
        if state == State.RETURNED:
            move(Move.TAKE_BACK, PAYOUTS)
    elif state == State.FAILED:
        move(Move.FAIL, PAYOUTS)
