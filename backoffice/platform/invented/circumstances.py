"""What went before a request and makes it special, or does not. Each function makes it so and asks.

All take the player, the account of the player here, the time and the amount of the request in minor
units, a tag for event ids and, where the scene names one, somebody else.
"""

from datetime import datetime, timedelta

from backoffice.platform.invented import visits
from backoffice.platform.invented.people import BY_NAME, Invented
from kyc.models import Player
from withdrawals.models import Withdrawal


def usual(player: Invented, made: Player, at: datetime, amount: int, tag: str, _word: str) -> Withdrawal:
    """Staked more than was deposited, and asks for a part of it."""
    visits.visit(player, made, at=at, tag=tag, deposit=max(amount // 3, player.worth(20)), leaves_with=amount * 10 // 7)
    return visits.ask(player, made, at=at, amount=amount, tag=tag)


def nearly_all(player: Invented, made: Player, at: datetime, amount: int, tag: str, _word: str) -> Withdrawal:
    """A first request for nearly everything."""
    visits.visit(player, made, at=at, tag=tag, deposit=amount // 3, leaves_with=amount * 100 // 97)
    return visits.ask(player, made, at=at, amount=amount, tag=tag)


def new_details(player: Invented, made: Player, at: datetime, amount: int, tag: str, _word: str) -> Withdrawal:
    """The money is to go somewhere new."""
    visits.visit(player, made, at=at, tag=tag, deposit=amount // 3, leaves_with=amount * 10 // 7)
    visits.add_destination(player, made, f"new-{tag}", player.account(1), at=at - timedelta(minutes=192))
    return visits.ask(player, made, at=at, amount=amount, tag=tag, destination=f"new-{tag}")


def shared_account(player: Invented, made: Player, at: datetime, amount: int, tag: str, word: str) -> Withdrawal:
    """Somebody else's payouts go to the same account."""
    other = BY_NAME[word]
    theirs = Player.objects.get(external_id=other.external_id)
    visits.add_destination(other, theirs, "second", player.account(), at=at - timedelta(days=12))
    return usual(player, made, at, amount, tag, "")


def shared_device(player: Invented, made: Player, at: datetime, amount: int, tag: str, word: str) -> Withdrawal:
    """Two players sign in from one device."""
    other = BY_NAME[word]
    device = f"device-of-{min(player.number, other.number):03d}"
    for somebody in (player, other):
        visits.sign_in(somebody, at=at - timedelta(hours=9), tag=f"{tag}-{player.number}-shared", device=device)
    return usual(player, made, at, amount, tag, "")


def shortfall(player: Invented, made: Player, at: datetime, amount: int, tag: str, _word: str) -> Withdrawal:
    """Staked only part of what was deposited."""
    visits.visit(
        player, made, at=at, tag=tag, deposit=amount, leaves_with=amount * 10 // 8, turnover_percent=60,
        deposited_before=timedelta(hours=52),
    )  # fmt: skip
    return visits.ask(player, made, at=at, amount=amount, tag=tag)


def in_and_out(player: Invented, made: Player, at: datetime, amount: int, tag: str, _word: str) -> Withdrawal:
    """Deposited a few hours ago, hardly played, wants it back."""
    visits.visit(
        player, made, at=at, tag=tag, deposit=amount, leaves_with=amount * 10 // 9, turnover_percent=10,
        deposited_before=timedelta(hours=5),
    )  # fmt: skip
    return visits.ask(player, made, at=at, amount=amount, tag=tag)


def no_play(player: Invented, made: Player, at: datetime, amount: int, tag: str, _word: str) -> Withdrawal:
    """Deposited, did not play at all."""
    visits.visit(
        player, made, at=at, tag=tag, deposit=amount * 11 // 10, leaves_with=0, turnover_percent=0,
        deposited_before=timedelta(hours=60),
    )  # fmt: skip
    return visits.ask(player, made, at=at, amount=amount, tag=tag)


def quick(player: Invented, made: Player, at: datetime, amount: int, tag: str, _word: str) -> Withdrawal:
    """Asks minutes after the last deposit, although it was played with."""
    visits.visit(
        player, made, at=at, tag=tag, deposit=amount, leaves_with=amount * 10 // 7,
        deposited_before=timedelta(minutes=24),
    )  # fmt: skip
    return visits.ask(player, made, at=at, amount=amount, tag=tag)


BY_WORD = {
    function.__name__: function
    for function in (
        usual, nearly_all, new_details, shared_account, shared_device, shortfall, in_and_out, no_play, quick,
    )
}  # fmt: skip
