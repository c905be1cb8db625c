"""The standard entries, one function each. All of them go through the stored function ledger_post.

Every function returns the id of the entry, or of the first entry when the same key was booked before
with the same content. Amounts are minor units above zero; ``at`` is when it happened, ``by`` who booked
it. A refusal is one of ledger.exceptions and nothing is booked; in autocommit one call is one
transaction, so call it last when it stands inside a larger one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps.registry import Apps
from django.db import DatabaseError, connection

from backoffice.money import EXPONENTS, LARGEST_AMOUNT, Money
from ledger.exceptions import (
    AlreadyBooked,
    AmountOutOfRange,
    BookedForGood,
    InsufficientFunds,
    KeyConflict,
    LedgerError,
    MalformedEntry,
    NothingToReverse,
    UnbalancedEntry,
    UnknownCurrency,
)
from ledger.models import AccountKind, Currency, EntryKind

HOUSE = ""  # the holder of the accounts that belong to nobody else

# SQLSTATEs raised in ledger/sql, and the constraints that stand behind them.
_BY_CODE: dict[str, type[LedgerError]] = {
    "LG001": UnbalancedEntry,
    "LG002": InsufficientFunds,
    "LG003": KeyConflict,
    "LG004": BookedForGood,
    "LG005": AlreadyBooked,
    "LG006": AmountOutOfRange,
    "LG007": NothingToReverse,
    "LG008": UnknownCurrency,
    "LG009": MalformedEntry,
    "22003": AmountOutOfRange,  # a number that is no 64-bit integer
}
_BY_CONSTRAINT: dict[str, type[LedgerError]] = {
    "ledger_account_currency_known": UnknownCurrency,
    "ledger_balance_not_below_zero": InsufficientFunds,
    "ledger_one_entry_per_key": KeyConflict,
    "ledger_one_reversal": AlreadyBooked,
    "ledger_one_reserve": AlreadyBooked,
    "ledger_one_end": AlreadyBooked,
    "ledger_once": AlreadyBooked,
    "ledger_posting_not_zero": AmountOutOfRange,
}

Leg = tuple[AccountKind, str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry to book. ``undoes`` names what it takes back: the latest open entry of that kind and reference."""

    kind: EntryKind
    key: str
    legs: tuple[Leg, ...]
    at: datetime
    by: str
    reference: str = ""
    reverses: int | None = None
    undoes: tuple[EntryKind, str] | None = None


def post_batch(entries: Sequence[NewEntry]) -> list[int]:
    """Book many entries in one round trip, all or none; return their ids in the order given."""
    if not entries:
        return []
    order = sorted(range(len(entries)), key=lambda place: entries[place].key)
    booked = _post([entries[place] for place in order])
    ids = [0] * len(entries)
    for place, entry_id in zip(order, booked, strict=True):
        ids[place] = entry_id
    return ids


def transfer(
    kind: EntryKind,
    money: Money,
    *,
    debit: tuple[AccountKind, str],
    credit: tuple[AccountKind, str],
    key: str,
    at: datetime,
    by: str,
    reference: str = "",
    reverses: int | None = None,
    undoes: tuple[EntryKind, str] | None = None,
) -> NewEntry:
    """Return the entry that moves money from one account to another, each given as kind and holder.

    Raises AmountOutOfRange for an amount that is not above zero.
    """
    _require_positive(money)
    legs = ((*debit, money.currency, -money.amount), (*credit, money.currency, money.amount))
    return NewEntry(kind=kind, key=key, legs=legs, at=at, by=by, reference=reference, reverses=reverses, undoes=undoes)


# -- play ------------------------------------------------------------------------------------------


def deposit_entry(*, holder: str, money: Money, **facts: Any) -> NewEntry:
    """Return the entry of a deposit, for post_batch."""
    clearing, cash = (AccountKind.DEPOSIT_CLEARING, HOUSE), (AccountKind.PLAYER_CASH, holder)
    return transfer(EntryKind.DEPOSIT, money, debit=clearing, credit=cash, **facts)


def stake_entry(*, holder: str, money: Money, **facts: Any) -> NewEntry:
    """Return the entry of a stake, for post_batch."""
    cash, game = (AccountKind.PLAYER_CASH, holder), (AccountKind.GAME_RESULT, HOUSE)
    return transfer(EntryKind.STAKE, money, debit=cash, credit=game, **facts)


def win_entry(*, holder: str, money: Money, **facts: Any) -> NewEntry:
    """Return the entry of a win, for post_batch."""
    game, cash = (AccountKind.GAME_RESULT, HOUSE), (AccountKind.PLAYER_CASH, holder)
    return transfer(EntryKind.WIN, money, debit=game, credit=cash, **facts)


def grant_bonus_entry(*, holder: str, money: Money, **facts: Any) -> NewEntry:
    """Return the entry of a bonus, for post_batch."""
    cost, bonus = (AccountKind.BONUS_COST, HOUSE), (AccountKind.PLAYER_BONUS, holder)
    return transfer(EntryKind.BONUS_GRANT, money, debit=cost, credit=bonus, **facts)


def convert_bonus_entry(*, holder: str, money: Money, **facts: Any) -> NewEntry:
    """Return the entry of a bonus that became cash, for post_batch."""
    bonus, cash = (AccountKind.PLAYER_BONUS, holder), (AccountKind.PLAYER_CASH, holder)
    return transfer(EntryKind.BONUS_CONVERT, money, debit=bonus, credit=cash, **facts)


# -- withdrawals -----------------------------------------------------------------------------------


def reserve(*, holder: str, money: Money, reference: str, key: str, at: datetime, by: str) -> int:
    """R: set a player's cash aside for the withdrawal ``reference``, once per withdrawal."""
    cash, held = (AccountKind.PLAYER_CASH, holder), (AccountKind.PLAYER_HELD, holder)
    return _book(
        transfer(EntryKind.RESERVE, money, debit=cash, credit=held, reference=reference, key=key, at=at, by=by)
    )


def unreserve(
    *, holder: str, money: Money, reference: str, key: str, at: datetime, by: str, reverses: int | None = None
) -> int:
    """U: give reserved cash back; reverses the reserve. A withdrawal is unreserved or settled, once."""
    held, cash = (AccountKind.PLAYER_HELD, holder), (AccountKind.PLAYER_CASH, holder)
    facts = _reversal(EntryKind.RESERVE, reference, reverses)
    return _book(
        transfer(
            EntryKind.UNRESERVE, money, debit=held, credit=cash, reference=reference, key=key, at=at, by=by, **facts
        )
    )


def to_transit(*, holder: str, provider: str, money: Money, reference: str, key: str, at: datetime, by: str) -> int:
    """T: hand reserved money to a provider, before the provider is called. The key names the attempt."""
    held, transit = (AccountKind.PLAYER_HELD, holder), (AccountKind.PAYOUT_IN_TRANSIT, provider)
    return _book(
        transfer(EntryKind.TO_TRANSIT, money, debit=held, credit=transit, reference=reference, key=key, at=at, by=by)
    )


def back_from_transit(
    *,
    holder: str,
    provider: str,
    money: Money,
    reference: str,
    key: str,
    at: datetime,
    by: str,
    reverses: int | None = None,
) -> int:
    """B: the provider certainly did not pay; reverses the latest open to_transit of the withdrawal."""
    transit, held = (AccountKind.PAYOUT_IN_TRANSIT, provider), (AccountKind.PLAYER_HELD, holder)
    kind, facts = EntryKind.BACK_FROM_TRANSIT, _reversal(EntryKind.TO_TRANSIT, reference, reverses)
    return _book(transfer(kind, money, debit=transit, credit=held, reference=reference, key=key, at=at, by=by, **facts))


def settle(*, provider: str, money: Money, fee: int, reference: str, key: str, at: datetime, by: str) -> int:
    """S: the provider paid ``money`` less our ``fee`` (minor units, zero or more). Once per withdrawal.

    Raises AmountOutOfRange unless something is left after the fee.
    """
    _require_positive(money)
    if not 0 <= fee < money.amount:
        raise AmountOutOfRange(f"A fee of {Money(fee, money.currency)} cannot be kept from a payout of {money}.")
    legs: list[Leg] = [
        (AccountKind.PAYOUT_IN_TRANSIT, provider, money.currency, -money.amount),
        (AccountKind.PROVIDER_FLOAT, provider, money.currency, money.amount - fee),
    ]
    if fee:
        legs.append((AccountKind.FEE_INCOME, HOUSE, money.currency, fee))
    return _book(NewEntry(kind=EntryKind.SETTLE, key=key, legs=tuple(legs), at=at, by=by, reference=reference))


def freeze(*, holder: str, money: Money, reference: str, key: str, at: datetime, by: str) -> int:
    """L: put reserved money under legal hold. The key names the hold, as there may be several in turn."""
    held, frozen = (AccountKind.PLAYER_HELD, holder), (AccountKind.LEGAL_HOLD, holder)
    return _book(
        transfer(EntryKind.FREEZE, money, debit=held, credit=frozen, reference=reference, key=key, at=at, by=by)
    )


def unfreeze(
    *, holder: str, money: Money, reference: str, key: str, at: datetime, by: str, reverses: int | None = None
) -> int:
    """Lift a legal hold; reverses the latest open freeze of the withdrawal."""
    frozen, held = (AccountKind.LEGAL_HOLD, holder), (AccountKind.PLAYER_HELD, holder)
    facts = _reversal(EntryKind.FREEZE, reference, reverses)
    return _book(
        transfer(
            EntryKind.UNFREEZE, money, debit=frozen, credit=held, reference=reference, key=key, at=at, by=by, **facts
        )
    )


def take_back(*, provider: str, money: Money, reference: str, key: str, at: datetime, by: str) -> int:
    """X: the provider says that a payment came back; once per withdrawal."""
    receivable, held = (AccountKind.RETURNS_RECEIVABLE, provider), (AccountKind.RETURNS_HELD, provider)
    return _book(
        transfer(EntryKind.RETURNED, money, debit=receivable, credit=held, reference=reference, key=key, at=at, by=by)
    )


def receive_return(*, provider: str, money: Money, reference: str, key: str, at: datetime, by: str) -> int:
    """The second half of X: the provider's statement shows the returned money; once per withdrawal."""
    balance, receivable = (AccountKind.PROVIDER_FLOAT, provider), (AccountKind.RETURNS_RECEIVABLE, provider)
    kind = EntryKind.RETURN_RECEIVED
    return _book(transfer(kind, money, debit=balance, credit=receivable, reference=reference, key=key, at=at, by=by))


def give_back(*, holder: str, provider: str, money: Money, reference: str, key: str, at: datetime, by: str) -> int:
    """G: give returned money to the player. Returned money is given back or re-issued, once."""
    held, cash = (AccountKind.RETURNS_HELD, provider), (AccountKind.PLAYER_CASH, holder)
    facts = _reversal(EntryKind.RETURNED, reference, None)
    return _book(
        transfer(
            EntryKind.GIVE_BACK, money, debit=held, credit=cash, reference=reference, key=key, at=at, by=by, **facts
        )
    )


def reissue(
    *, holder: str, provider: str, money: Money, returned: str, reference: str, key: str, at: datetime, by: str
) -> int:
    """N: set the money of the ``returned`` withdrawal aside for the new withdrawal ``reference``."""
    returns, held = (AccountKind.RETURNS_HELD, provider), (AccountKind.PLAYER_HELD, holder)
    facts = _reversal(EntryKind.RETURNED, returned, None)
    return _book(
        transfer(
            EntryKind.REISSUE, money, debit=returns, credit=held, reference=reference, key=key, at=at, by=by, **facts
        )
    )


def paid_after_release(
    *, holder: str, provider: str, money: Money, reference: str, key: str, at: datetime, by: str
) -> int:
    """D: a provider paid what our books say it did not: the player owes it. An incident."""
    owed, paid = (AccountKind.OVERPAID_RECEIVABLE, holder), (AccountKind.PROVIDER_FLOAT, provider)
    kind = EntryKind.PAID_AFTER_RELEASE
    return _book(transfer(kind, money, debit=owed, credit=paid, reference=reference, key=key, at=at, by=by))


def overpaid_returned(
    *, holder: str, provider: str, money: Money, reverses: int, reference: str, key: str, at: datetime, by: str
) -> int:
    """The payment of the entry D with the id ``reverses`` came back: the player owes it no longer."""
    owed, paid = (AccountKind.OVERPAID_RECEIVABLE, holder), (AccountKind.PROVIDER_FLOAT, provider)
    facts: dict[str, Any] = {"reverses": reverses, "reference": reference, "key": key, "at": at, "by": by}
    return _book(transfer(EntryKind.OVERPAID_RETURNED, money, debit=paid, credit=owed, **facts))


# -- the one statement -----------------------------------------------------------------------------


def know_currencies(*, apps: Apps | None = None, **_: Any) -> None:
    """Write the exponents of backoffice.money into the database; runs after every migrate.

    Raises UnknownCurrency if an exponent differs from what was booked with: it can never change.
    """
    if apps is not None and "currency" not in apps.all_models["ledger"]:
        return  # migrated backwards to nothing
    Currency.objects.bulk_create(
        [Currency(code=code, exponent=exponent) for code, exponent in EXPONENTS.items()], ignore_conflicts=True
    )
    kept = dict(Currency.objects.values_list("code", "exponent"))
    changed = sorted(code for code, exponent in EXPONENTS.items() if kept[code] != exponent)
    if changed:
        raise UnknownCurrency(f"The ledger keeps other decimals than backoffice.money for {', '.join(changed)}.")


def _book(entry: NewEntry) -> int:
    return _post([entry])[0]


def _post(entries: list[NewEntry]) -> list[int]:
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT ledger_post(%s)", [json.dumps([_as_json(entry) for entry in entries])])
        except DatabaseError as refusal:
            raise _translated(refusal) from refusal
        ids: list[int] = cursor.fetchone()[0]
        return ids


def _as_json(entry: NewEntry) -> dict[str, Any]:
    content: dict[str, Any] = {
        "key": entry.key,
        "kind": entry.kind,
        "reference": entry.reference,
        "legs": entry.legs,
        "at": entry.at.isoformat(),
        "by": entry.by,
    }
    if entry.undoes is not None:
        content["undoes"] = entry.undoes
    elif entry.reverses is not None:
        content["reverses"] = entry.reverses
    return content


def _reversal(kind: EntryKind, reference: str, reverses: int | None) -> dict[str, Any]:
    """Name the entry to take back: the given one, or the latest open one of that kind and reference."""
    return {"undoes": (kind, reference)} if reverses is None else {"reverses": reverses}


def _require_positive(money: Money) -> None:
    if not 0 < money.amount <= LARGEST_AMOUNT:
        raise AmountOutOfRange(f"An entry needs an amount above zero that fits 64 bits, not {money.amount}.")


def _translated(refusal: DatabaseError) -> DatabaseError | LedgerError:
    """Return the ledger's name for what the database refused, or the refusal itself if it is none of ours."""
    cause: Any = refusal.__cause__
    diagnosis = getattr(cause, "diag", None)
    if diagnosis is None:
        return refusal
    named = _BY_CODE.get(cause.pgcode or "") or _BY_CONSTRAINT.get(diagnosis.constraint_name or "")
    if named is None:
        return refusal
    sentence = diagnosis.message_primary
    return named(f"{sentence} {diagnosis.message_detail}" if diagnosis.message_detail else sentence)
