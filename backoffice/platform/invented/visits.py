"""What an invented player does, told to us as the platform would: registers, signs in, deposits, plays, asks."""

from datetime import date, datetime, timedelta

from backoffice.audit.actors import Machine
from backoffice.money import to_major_string
from backoffice.platform import operations as platform
from backoffice.platform.invented.people import Invented
from kyc import operations as kyc
from kyc.models import Player
from ledger import queries as ledger
from withdrawals import destinations
from withdrawals.models import Withdrawal
from withdrawals.operations import requests

# The demonstration's API client: everything here comes under its name.
SOURCE = "demo"
ACTOR = Machine(f"platform:{SOURCE}")
OWN = "own"
# A visit begins this long before its end; the deposit follows a little later.
VISIT = timedelta(minutes=175)
DEPOSIT = timedelta(minutes=150)


def register(
    player: Invented,
    *,
    at: datetime,
    identity: str = "verified",
    expires_on: date | None = None,
    owned: bool = True,
) -> Player:
    """Make the player with one decision about their identity (empty: none) and their own destination."""
    made, _new = kyc.create_or_update_player(
        external_id=player.external_id,
        name=player.name,
        email=player.email,
        birth_date=date(1962 + player.number * 7 % 40, 1 + player.number % 12, 1 + player.number % 28),
        country=player.country,
        city=player.city,
        language=player.language,
        jurisdiction="MT",
        registered_at=at,
        now=at,
        actor=ACTOR,
    )
    if identity:
        kyc.record_verification(
            player=made, kind="identity", state=identity, level=3 if player.number % 3 == 2 else 2, decided_at=at,
            expires_on=expires_on, vendor="idcheck", vendor_reference=f"chk-{player.number:04d}",
            now=at, actor=ACTOR,
        )  # fmt: skip
    add_destination(player, made, OWN, player.account(), at=at + timedelta(hours=1), owned=owned)
    return made


def add_destination(
    player: Invented, made: Player, name: str, account: str, *, at: datetime, owned: bool = True
) -> None:
    requests.register_destination(
        player=made, external_id=name, method=player.method, account=account, holder_name=player.name,
        country=player.country, owned=owned, actor=ACTOR, now=at,
    )  # fmt: skip


def sign_in(player: Invented, *, at: datetime, tag: str, device: str = "") -> None:
    login = platform.Login(
        event_id=f"{player.external_id}-{tag}-login",
        player_id=player.external_id,
        at=at,
        ip=player.ip,
        device=device or player.device,
        country=player.country,
        city=player.city,
    )
    platform.record_login(login=login, source=SOURCE, now=at)


def visit(
    player: Invented,
    made: Player,
    *,
    at: datetime,
    tag: str,
    deposit: int,
    leaves_with: int,
    turnover_percent: int = 130,
    deposited_before: timedelta = DEPOSIT,
) -> None:
    """One visit that ends at ``at`` with about ``leaves_with`` minor units of cash, or more if there was more.

    ``turnover_percent`` is what was staked of the deposit, at most 200; the rest of the way is won.
    """
    sign_in(player, at=at - max(VISIT, deposited_before + timedelta(minutes=5)), tag=tag)
    cash = ledger.balance_of(kind="player_cash", holder=str(made.pk), currency=player.currency)
    staked = deposit * turnover_percent // 100
    won = max(leaves_with - (cash + deposit - staked), 0)
    platform.record_deposit(
        deposit=platform.Deposit(
            event_id=f"{player.external_id}-{tag}-deposit",
            player_id=player.external_id,
            amount=to_major_string(deposit, player.currency),
            currency=player.currency,
            at=at - deposited_before,
            instrument=f"{player.external_id}-own",
            instrument_label=destinations.check(method=player.method, account=player.account()).label,
        ),
        source=SOURCE,
        now=at,
    )
    # Half of it is staked and won at a time, so that the cash always covers the stake.
    halves = ((staked // 2, won // 2), (staked - staked // 2, won - won // 2))
    plays = []
    for place, amounts in enumerate(halves):
        for kind, amount in zip(("stake", "win"), amounts, strict=True):
            if amount:
                plays.append(
                    platform.Play(
                        event_id=f"{player.external_id}-{tag}-{kind}-{place}",
                        player_id=player.external_id,
                        kind=kind,  # type: ignore[arg-type]
                        amount=to_major_string(amount, player.currency),
                        currency=player.currency,
                        at=at - deposited_before * (8 - place * 4 - (kind == "win")) / 10,
                    )
                )
    if plays:
        platform.record_plays(plays=plays, source=SOURCE, now=at)


def ask(player: Invented, made: Player, *, at: datetime, amount: int, tag: str, destination: str = OWN) -> Withdrawal:
    """Ask for a payout, as the platform would for the player."""
    withdrawal, _new = requests.request_withdrawal(
        player=made,
        destination_id=destination,
        amount=to_major_string(amount, player.currency),
        currency=player.currency,
        key=f"{player.external_id}-{tag}",
        source=SOURCE,
        actor=ACTOR,
        now=at,
    )
    return withdrawal
