"""The answer of the look-up: one player, where the money is, and what may be said about each withdrawal.

What is not for the reader is never put together: how a withdrawal stands is said as far as the reader
may know it, and money frozen by law is held money like any other.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from backoffice.ui.inline import Look
from backoffice.ui.masking import mask_email
from kyc import queries as kyc
from kyc.models import Player
from kyc.states import Standing
from ledger import queries as ledger
from ledger.models import AccountKind
from withdrawals import player_words, queries, totals, visibility
from withdrawals.models import Withdrawal
from withdrawals.states import CLOSED, LOOKS, WITH_PROVIDER, State
from withdrawals.visibility import Field

MOST_CLOSED = 5


@dataclass(frozen=True, slots=True)
class Purse:
    """A player's money in one currency, minor units."""

    currency: str
    available: int
    held: int
    in_transit: int
    # Sent back by the bank or provider, and not yet given to the player again.
    returned: int


@dataclass(frozen=True, slots=True)
class Line:
    """One withdrawal: how it stands in a word, and the sentence to say."""

    withdrawal: Withdrawal
    destination: str
    look: Look
    sentence: str
    is_asked: bool


@dataclass(frozen=True, slots=True)
class PlayerPage:
    player: Player
    email: str
    standing: Standing
    suspended: bool
    purses: tuple[Purse, ...]
    lines: tuple[Line, ...]


def page_of(player: Player, user: Any, *, asked: Withdrawal | None, now: datetime) -> PlayerPage:
    """Return the answer for one player; the withdrawal that was asked for comes first. Six statements."""
    return PlayerPage(
        player=player,
        email=mask_email(player.email) if player.email else "",
        standing=kyc.standing_of(player, on=timezone.localdate(now)),
        suspended=player.suspended and visibility.sees(user, Field.SIGNALS),
        purses=_purses(player),
        lines=tuple(_lines(player, user, asked, now)),
    )


def _purses(player: Player) -> tuple[Purse, ...]:
    balances = ledger.balances_of_player(str(player.pk))
    with_provider = totals.open_totals([player.pk], states=WITH_PROVIDER).get(player.pk)
    in_transit = with_provider.totals if with_provider else {}
    came_back = queries.withdrawals().filter(player=player, state=State.RETURNED)
    returned = ledger.returned_of(came_back.values("ref"))
    return tuple(
        Purse(
            currency=currency,
            available=balances.get(currency, {}).get(AccountKind.PLAYER_CASH, 0),
            held=ledger.held_of(balances.get(currency, {})),
            in_transit=in_transit.get(currency, 0),
            returned=returned.get(currency, 0),
        )
        for currency in sorted({*balances, *in_transit, *returned})
    )


def _lines(player: Player, user: Any, asked: Withdrawal | None, now: datetime) -> list[Line]:
    """All open ones and the last closed ones, the one that was asked for on top."""
    rows = queries.withdrawals().filter(player=player).order_by("-requested_at", "-pk")
    still_open = list(rows.exclude(state__in=CLOSED))
    closed = list(rows.filter(state__in=CLOSED)[:MOST_CLOSED])
    shown = [*still_open, *closed]
    if asked is not None:
        shown = [asked, *(row for row in shown if row.pk != asked.pk)]
    return [_line(row, user, is_asked=asked is not None and row.pk == asked.pk, now=now) for row in shown]


def _line(withdrawal: Withdrawal, user: Any, *, is_asked: bool, now: datetime) -> Line:
    return Line(
        withdrawal=withdrawal,
        destination=visibility.destination_words(user, withdrawal),
        look=LOOKS[visibility.state_for(user, withdrawal.state, withdrawal.hold_kind)],
        sentence=player_words.sentence(player_words.situation_of(withdrawal, now=now)),
        is_asked=is_asked,
    )
