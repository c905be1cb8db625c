"""What the platform tells of its players: booked and noted in one transaction, each event once.

An event that is known with the same content answers as the first time; with other content it is
refused. A list is taken whole or not at all.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from typing import Any, Literal

from django.db import models, transaction

from backoffice.audit.actors import Actor
from backoffice.money import AmountError, Money, checked_amount, format_money
from fraud import activity
from fraud import operations as fraud
from kyc.models import Player
from kyc.operations import CLOCK_SKEW, create_or_update_player, record_verification
from ledger import operations as ledger
from ledger.exceptions import AmountOutOfRange, InsufficientFunds, KeyConflict
from ledger.models import AccountKind
from ledger.queries import balance_of
from withdrawals.destinations import holds_card_number


class EventRefused(Exception):
    """Nothing was recorded. ``code`` is stable, ``field`` names what to correct (``3.amount`` in a list)."""

    def __init__(self, code: str, sentence: str, *, field: str = "") -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.field = code, sentence, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """``player_id`` is the platform's id; ``amount`` a decimal string; ``instrument`` a fingerprint."""

    event_id: str
    player_id: str
    amount: str
    currency: str
    at: datetime
    instrument: str = ""
    instrument_label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """``bonus`` is bonus money granted, ``bonus_convert`` bonus money that became cash."""

    event_id: str
    player_id: str
    kind: Literal["stake", "win", "bonus", "bonus_convert"]
    amount: str
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    event_id: str
    player_id: str
    at: datetime
    ip: str
    device: str = ""
    country: str = ""
    city: str = ""


_ENTRIES: dict[str, Callable[..., ledger.NewEntry]] = {
    "stake": ledger.stake_entry,
    "win": ledger.win_entry,
    "bonus": ledger.grant_bonus_entry,
    "bonus_convert": ledger.convert_bonus_entry,
}


@transaction.atomic
def tell_player(
    *, external_id: str, said: dict[str, Any], verification: dict[str, Any] | None, now: datetime, actor: Actor
) -> tuple[Player, bool]:
    """Take over what is said about a player, with the result of a verification; both or neither.

    Returns the player and whether they are new. Raises kyc.exceptions.Refused.
    """
    player, is_new = create_or_update_player(external_id=external_id, **said, now=now, actor=actor)
    if verification is not None:
        record_verification(player=player, **verification, now=now, actor=actor)
    return player, is_new


def record_deposit(*, deposit: Deposit, source: str, now: datetime) -> None:
    """Book and note one deposit; see record_deposits."""
    record_deposits(deposits=[deposit], source=source, now=now)


def record_deposits(*, deposits: Sequence[Deposit], source: str, now: datetime) -> None:
    """Book and note deposits of known players, all or none. ``source`` makes event ids unique.

    Raises EventRefused: ``unknown_player``, ``invalid_amount``, ``invalid_currency``, ``invalid_time``,
    ``card_number`` or ``event_changed``.
    """
    players = _player_keys(deposits)
    notes, entries = [], []
    for place, deposit in enumerate(deposits):
        with _at(place, deposits):
            money = _checked(deposit, now=now)
            if holds_card_number(f"{deposit.instrument} {deposit.instrument_label}"):
                raise EventRefused("card_number", "Send a fingerprint, never a card number.", field="instrument")
        player = players[deposit.player_id]
        entries.append(_entry(ledger.deposit_entry, "deposit", deposit, player, money, source))
        notes.append(
            fraud.DepositEvent(
                player_id=player,
                event_id=f"{source}:{deposit.event_id}",
                at=deposit.at,
                amount=money.amount,
                currency=money.currency,
                instrument=deposit.instrument,
                instrument_label=deposit.instrument_label,
            )
        )
    with transaction.atomic():
        _note(activity.Deposit, fraud.record_deposits, notes)
        _book(entries)


def record_plays(*, plays: Sequence[Play], source: str, now: datetime) -> None:
    """Book stakes, wins and bonuses of known players and note them, all or none.

    Raises EventRefused as record_deposits does, and ``insufficient_funds`` when a player's cash does
    not cover the stakes of the list (or the bonus balance what is converted).
    """
    players = _player_keys(plays)
    notes, entries = [], []
    for place, play in enumerate(plays):
        with _at(place, plays):
            money = _checked(play, now=now)
        player = players[play.player_id]
        entries.append(_entry(_ENTRIES[play.kind], "play", play, player, money, source))
        # A conversion moves money between purses of the same player; it is no play.
        if play.kind != "bonus_convert":
            notes.append(
                fraud.PlayEvent(
                    player_id=player,
                    event_id=f"{source}:{play.event_id}",
                    at=play.at,
                    kind=play.kind,
                    amount=money.amount,
                    currency=money.currency,
                )
            )
    try:
        with transaction.atomic():
            _note(activity.Play, fraud.record_plays, notes)
            _book(entries)
    except InsufficientFunds:
        raise _too_little(plays, entries) from None


def record_login(*, login: Login, source: str, now: datetime) -> None:
    """Note one sign-in; see record_logins."""
    record_logins(logins=[login], source=source, now=now)


def record_logins(*, logins: Sequence[Login], source: str, now: datetime) -> None:
    """Note sign-ins of known players, all or none.

    Raises EventRefused: ``unknown_player``, ``invalid_time``, ``invalid_request`` or ``event_changed``.
    """
    players = _player_keys(logins)
    notes = []
    for place, login in enumerate(logins):
        with _at(place, logins):
            _check_time(login.at, now=now)
            address = _canonical_ip(login.ip)
        notes.append(
            fraud.LoginEvent(
                player_id=players[login.player_id],
                event_id=f"{source}:{login.event_id}",
                at=login.at,
                ip=address,
                device=login.device,
                country=login.country,
                city=login.city,
            )
        )
    with transaction.atomic():
        _note(activity.Login, fraud.record_logins, notes)


@contextmanager
def _at(place: int, events: Sequence[Any]) -> Iterator[None]:
    """Put the place in the list before the field that a refusal names; one event alone has no place."""
    try:
        yield
    except EventRefused as refusal:
        refusal.field = _field(place, events, refusal.field)
        raise


def _field(place: int, events: Sequence[Any], name: str) -> str:
    return f"{place}.{name}" if len(events) > 1 else name


def _player_keys(events: Sequence[Any]) -> dict[str, int]:
    wanted = {event.player_id for event in events}
    keys = dict(Player.objects.filter(external_id__in=wanted).values_list("external_id", "pk"))
    for place, event in enumerate(events):
        if event.player_id not in keys:
            raise EventRefused(
                "unknown_player",
                f"There is no player {event.player_id}; tell them first.",
                field=_field(place, events, "player_id"),
            )
    return keys


def _checked(event: Deposit | Play, *, now: datetime) -> Money:
    _check_time(event.at, now=now)
    try:
        return Money(checked_amount(event.amount, event.currency), event.currency)
    except AmountError as error:
        raise EventRefused(error.code, str(error), field=error.field) from None


def _check_time(at: datetime, *, now: datetime) -> None:
    if at > now + CLOCK_SKEW:
        raise EventRefused("invalid_time", "This time lies in the future.", field="occurred_at")


def _canonical_ip(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        raise EventRefused("invalid_request", "This is not an IP address.", field="ip") from None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise EventRefused("invalid_request", "An IP address has no interface.", field="ip")
        return str(address.ipv4_mapped or address)
    return str(address)


def _entry(
    make: Callable[..., ledger.NewEntry], word: str, event: Deposit | Play, player: int, money: Money, source: str
) -> ledger.NewEntry:
    key = f"{word}:{source}:{event.event_id}"
    return make(holder=str(player), money=money, key=key, at=event.at, by=f"platform:{source}")


def _note(model: type[models.Model], record: Callable[[list[Any]], int], notes: list[Any]) -> None:
    """Note what is new; refuse what is known otherwise."""
    first = {note.event_id: note for note in reversed(notes)}
    if any(first[note.event_id] != note for note in notes):
        raise _changed()
    if record(list(first.values())) == len(first):
        return
    columns = [field.name for field in fields(notes[0])]
    for row in model._default_manager.filter(event_id__in=first).values(*columns):
        if row != asdict(first[row["event_id"]]):
            raise _changed(row["event_id"])


def _book(entries: list[ledger.NewEntry]) -> None:
    # The same event twice in one list was found equal above; it is booked once.
    once = {entry.key: entry for entry in entries}
    if any(once[entry.key].legs != entry.legs for entry in entries):
        raise _changed()
    try:
        ledger.post_batch(list(once.values()))
    except KeyConflict:
        raise _changed() from None
    except AmountOutOfRange:
        raise EventRefused("invalid_amount", "The balance would become too large.", field="amount") from None


def _changed(event_id: str = "") -> EventRefused:
    which = f"The event {event_id.partition(':')[2]}" if event_id else "An event"
    return EventRefused(
        "event_changed", f"{which} is known with other content; tell a correction as a new event.", field="id"
    )


def _too_little(plays: Sequence[Play], entries: list[ledger.NewEntry]) -> EventRefused:
    """Say whose balance does not cover the list, as far as it can be seen after the fact."""
    taken: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for entry in entries:
        for kind, holder, currency, amount in entry.legs:
            taken[kind, holder, currency] -= amount
    for place, (play, entry) in enumerate(zip(plays, entries, strict=True)):
        kind, holder, currency, _ = entry.legs[0]
        if kind not in (AccountKind.PLAYER_CASH, AccountKind.PLAYER_BONUS):
            continue
        balance, total = balance_of(kind, holder, currency), taken[kind, holder, currency]
        if total > balance:
            word = "cash" if kind == AccountKind.PLAYER_CASH else "bonus money"
            return EventRefused(
                "insufficient_funds",
                f"Player {play.player_id} has {format_money(balance, currency)} of {word}; "
                f"this takes {format_money(total, currency)}.",
                field=_field(place, plays, "amount"),
            )
    return EventRefused("insufficient_funds", "A player’s balance does not cover this.", field="amount")
