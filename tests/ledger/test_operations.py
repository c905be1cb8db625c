"""Each standard entry: what it books, once, under its key, and what it reverses."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from backoffice.money import LARGEST_AMOUNT, Money
from ledger import operations
from ledger.exceptions import (
    AlreadyBooked,
    AmountOutOfRange,
    InsufficientFunds,
    KeyConflict,
    LedgerError,
    NothingToReverse,
    UnbalancedEntry,
    UnknownCurrency,
)
from ledger.models import AccountKind, Entry, EntryKind
from ledger.queries import balance_of
from tests.ledger.conftest import AT, book, commit_checks, eur, facts, fund, rows, undone

pytestmark = pytest.mark.django_db


def legs_of(entry_id: int) -> dict[str, int]:
    return {
        f"{kind}:{holder}": amount
        for kind, holder, amount in rows(
            "SELECT a.kind, a.holder, p.amount FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id "
            "WHERE p.entry_id = %s",
            entry_id,
        )
    }


def withdrawal(holder: str = "7", amount: int = 100, reference: str = "WD-1") -> dict[str, Any]:
    """Fund a player, reserve, and return what the next step wants."""
    fund(holder, amount)
    operations.reserve(holder=holder, money=eur(amount), **facts(f"{reference}:reserve", reference=reference))
    return {"holder": holder, "money": eur(amount), "reference": reference}


def sent(**about: Any) -> dict[str, Any]:
    step = withdrawal(**about)
    operations.to_transit(provider="alpha", **step, **facts(f"{step['reference']}:1:to_transit"))
    return step


def paid(**about: Any) -> dict[str, Any]:
    step = sent(**about)
    holder = step.pop("holder")
    operations.settle(provider="alpha", fee=2, **step, **facts(f"{step['reference']}:settle"))
    return {"holder": holder, **step}


def returned(**about: Any) -> dict[str, Any]:
    step = paid(**about)
    money, reference = step["money"], step["reference"]
    operations.take_back(provider="alpha", money=money, reference=reference, **facts(f"{reference}:returned"))
    return step


def without_holder(step: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name != "holder"}


def frozen() -> dict[str, Any]:
    step = withdrawal()
    operations.freeze(**step, **facts("WD-1:freeze:3"))
    return step


def bonus() -> None:
    book(operations.grant_bonus_entry(holder="7", money=eur(100), **facts()))


STANDARD: dict[EntryKind, tuple[Callable[[], int], dict[str, int]]] = {
    EntryKind.DEPOSIT: (
        lambda: fund("7", 100),
        {"deposit_clearing:": -100, "player_cash:7": 100},
    ),
    EntryKind.STAKE: (
        lambda: (fund("7", 100), book(operations.stake_entry(holder="7", money=eur(30), **facts())))[1],
        {"player_cash:7": -30, "game_result:": 30},
    ),
    EntryKind.WIN: (
        lambda: book(operations.win_entry(holder="7", money=eur(30), **facts())),
        {"game_result:": -30, "player_cash:7": 30},
    ),
    EntryKind.BONUS_GRANT: (
        lambda: book(operations.grant_bonus_entry(holder="7", money=eur(30), **facts())),
        {"bonus_cost:": -30, "player_bonus:7": 30},
    ),
    EntryKind.BONUS_CONVERT: (
        lambda: (bonus(), book(operations.convert_bonus_entry(holder="7", money=eur(30), **facts())))[1],
        {"player_bonus:7": -30, "player_cash:7": 30},
    ),
    EntryKind.RESERVE: (
        lambda: (fund("7", 100), operations.reserve(holder="7", money=eur(100), **facts(reference="WD-1")))[1],
        {"player_cash:7": -100, "player_held:7": 100},
    ),
    EntryKind.UNRESERVE: (
        lambda: operations.unreserve(**withdrawal(), **facts()),
        {"player_held:7": -100, "player_cash:7": 100},
    ),
    EntryKind.TO_TRANSIT: (
        lambda: operations.to_transit(provider="alpha", **withdrawal(), **facts()),
        {"player_held:7": -100, "payout_in_transit:alpha": 100},
    ),
    EntryKind.BACK_FROM_TRANSIT: (
        lambda: operations.back_from_transit(provider="alpha", **sent(), **facts()),
        {"payout_in_transit:alpha": -100, "player_held:7": 100},
    ),
    EntryKind.SETTLE: (
        lambda: operations.settle(provider="alpha", fee=3, **without_holder(sent()), **facts()),
        {"payout_in_transit:alpha": -100, "provider_float:alpha": 97, "fee_income:": 3},
    ),
    EntryKind.FREEZE: (
        lambda: operations.freeze(**withdrawal(), **facts()),
        {"player_held:7": -100, "legal_hold:7": 100},
    ),
    EntryKind.UNFREEZE: (
        lambda: operations.unfreeze(**frozen(), **facts()),
        {"legal_hold:7": -100, "player_held:7": 100},
    ),
    EntryKind.RETURNED: (
        lambda: operations.take_back(provider="alpha", **without_holder(paid()), **facts()),
        {"returns_receivable:alpha": -100, "returns_held:alpha": 100},
    ),
    EntryKind.RETURN_RECEIVED: (
        lambda: operations.receive_return(provider="alpha", **without_holder(returned()), **facts()),
        {"provider_float:alpha": -100, "returns_receivable:alpha": 100},
    ),
    EntryKind.GIVE_BACK: (
        lambda: operations.give_back(provider="alpha", **returned(), **facts()),
        {"returns_held:alpha": -100, "player_cash:7": 100},
    ),
    EntryKind.REISSUE: (
        lambda: operations.reissue(
            provider="alpha", **{**returned(), "reference": "WD-2", "returned": "WD-1"}, **facts()
        ),
        {"returns_held:alpha": -100, "player_held:7": 100},
    ),
    EntryKind.PAID_AFTER_RELEASE: (
        lambda: operations.paid_after_release(provider="alpha", **withdrawal(), **facts()),
        {"overpaid_receivable:7": -100, "provider_float:alpha": 100},
    ),
    EntryKind.OVERPAID_RETURNED: (
        lambda: operations.overpaid_returned(
            provider="alpha",
            reverses=operations.paid_after_release(provider="alpha", **withdrawal(), **facts()),
            **withdrawal(),
            **facts(),
        ),
        {"provider_float:alpha": -100, "overpaid_receivable:7": 100},
    ),
}


def test_every_kind_of_entry_is_in_the_table() -> None:
    assert set(STANDARD) == set(EntryKind)


@pytest.mark.parametrize("kind", EntryKind)
def test_entry_books_its_legs(kind: EntryKind) -> None:
    book, legs = STANDARD[kind]
    entry = Entry.objects.get(pk=book())
    commit_checks()
    assert (entry.kind, entry.occurred_at, entry.posted_by) == (kind, AT, "test")
    assert legs_of(entry.pk) == legs


REVERSED = {
    EntryKind.UNRESERVE: EntryKind.RESERVE,
    EntryKind.BACK_FROM_TRANSIT: EntryKind.TO_TRANSIT,
    EntryKind.UNFREEZE: EntryKind.FREEZE,
    EntryKind.GIVE_BACK: EntryKind.RETURNED,
    EntryKind.REISSUE: EntryKind.RETURNED,
    EntryKind.OVERPAID_RETURNED: EntryKind.PAID_AFTER_RELEASE,
}


@pytest.mark.parametrize("kind", EntryKind)
def test_reversal_names_what_it_takes_back(kind: EntryKind) -> None:
    entry = Entry.objects.select_related("reverses").get(pk=STANDARD[kind][0]())
    assert (entry.reverses.kind if entry.reverses else None) == REVERSED.get(kind)


def test_settling_without_a_fee_has_two_legs() -> None:
    entry = operations.settle(provider="alpha", fee=0, **without_holder(sent()), **facts())
    assert legs_of(entry) == {"payout_in_transit:alpha": -100, "provider_float:alpha": 100}


# -- keys ------------------------------------------------------------------------------------------


def test_same_key_and_content_is_answered_with_the_first_entry() -> None:
    first = book(operations.deposit_entry(holder="7", money=eur(100), **facts("same")))
    later = AT.replace(year=2027)
    assert book(operations.deposit_entry(holder="7", money=eur(100), key="same", at=later, by="somebody else")) == first
    assert balance_of("player_cash", "7", "EUR") == 100


@pytest.mark.parametrize("change", [{"holder": "8"}, {"money": eur(101)}, {"money": Money(100, "USD")}])
def test_same_key_with_other_content_is_refused(change: dict[str, Any]) -> None:
    book(operations.deposit_entry(holder="7", money=eur(100), **facts("same")))
    with pytest.raises(KeyConflict, match="key same is taken by entry"), undone():
        book(operations.deposit_entry(**{"holder": "7", "money": eur(100), **change}, **facts("same")))
    assert Entry.objects.count() == 1


def test_a_repeated_reversal_is_answered_with_the_first_although_nothing_is_left_to_reverse() -> None:
    step = sent()
    first = operations.back_from_transit(provider="alpha", **step, **facts("WD-1:1:back"))
    operations.to_transit(provider="beta", **step, **facts("WD-1:2:to_transit"))
    assert operations.back_from_transit(provider="alpha", **step, **facts("WD-1:1:back")) == first
    second = operations.back_from_transit(provider="beta", **step, **facts("WD-1:2:back"))
    reversed_keys = Entry.objects.filter(pk__in=[first, second]).order_by("pk").values_list("reverses__key", flat=True)
    assert list(reversed_keys) == ["WD-1:1:to_transit", "WD-1:2:to_transit"]


# -- once per withdrawal ---------------------------------------------------------------------------


ONCE: list[tuple[Callable[[], Any], Callable[[Any], int]]] = [
    (withdrawal, lambda step: (fund("7", 100), operations.reserve(**step, **facts()))[1]),
    (
        lambda: (withdrawal(), operations.unreserve(holder="7", money=eur(100), **facts(reference="WD-1"))),
        lambda _: operations.settle(provider="alpha", fee=0, money=eur(100), **facts(reference="WD-1")),
    ),
    (paid, lambda step: operations.settle(provider="alpha", fee=2, **without_holder(step), **facts())),
    (returned, lambda step: operations.take_back(provider="alpha", **without_holder(step), **facts())),
]


@pytest.mark.parametrize("place", range(len(ONCE)))
def test_what_happens_once_is_refused_under_another_key(place: int) -> None:
    prepare, repeat = ONCE[place]
    step = prepare()
    with pytest.raises(AlreadyBooked, match="WD-1 is already booked under another key"), undone():
        repeat(step)


def test_a_reserve_is_given_back_once_and_not_after_settling() -> None:
    step = paid()
    fund("7", 100)
    operations.reserve(holder="7", money=eur(100), **facts(reference="WD-2"))
    with pytest.raises(AlreadyBooked), undone():
        operations.unreserve(**step, **facts())


def test_returned_money_leaves_once() -> None:
    step = returned()
    operations.give_back(provider="alpha", **step, **facts())
    with pytest.raises(NothingToReverse, match="no returned of WD-1 left to take back"), undone():
        operations.reissue(provider="alpha", **{**step, "reference": "WD-2", "returned": "WD-1"}, **facts())


def test_attempts_may_repeat() -> None:
    step = withdrawal()
    for attempt in (1, 2, 3):
        operations.to_transit(provider="alpha", **step, **facts(f"WD-1:{attempt}:to_transit"))
        operations.back_from_transit(provider="alpha", **step, **facts(f"WD-1:{attempt}:back"))
    assert balance_of("player_held", "7", "EUR") == 100
    assert balance_of("payout_in_transit", "alpha", "EUR") == 0


# -- reversals -------------------------------------------------------------------------------------


def test_nothing_to_reverse_is_said() -> None:
    with pytest.raises(NothingToReverse, match="There is no reserve of WD-9 left to take back"), undone():
        operations.unreserve(holder="7", money=eur(1), **facts(reference="WD-9"))


@pytest.mark.parametrize(
    "change",
    [{"money": eur(99)}, {"holder": "8"}],
    ids=["another amount", "another player"],
)
def test_a_reversal_takes_back_exactly_the_original(change: dict[str, Any]) -> None:
    step = withdrawal()
    fund("8", 100)
    operations.reserve(holder="8", money=eur(100), **facts(reference="WD-2"))
    with pytest.raises(NothingToReverse, match="does not take back what entry"), undone():
        operations.unreserve(**{**step, **change}, **facts())


def test_a_reversal_may_name_its_entry_by_id() -> None:
    step = withdrawal()
    reserve = Entry.objects.get(key="WD-1:reserve")
    entry = Entry.objects.get(pk=operations.unreserve(**step, reverses=reserve.pk, **facts()))
    assert entry.reverses == reserve
    with pytest.raises(LedgerError), undone():
        operations.unreserve(**step, reverses=reserve.pk, **facts())


# -- refusals in words -----------------------------------------------------------------------------


def test_overdraft_names_account_rule_and_amounts() -> None:
    fund("7", 2450)
    with pytest.raises(InsufficientFunds) as refusal, undone():
        book(operations.stake_entry(holder="7", money=eur(2451), **facts()))
    assert str(refusal.value) == (
        "player_cash of 7 holds 24.50 EUR; 24.51 EUR cannot be taken from it, because it may not go below zero."
    )
    assert balance_of("player_cash", "7", "EUR") == 2450


@pytest.mark.parametrize("amount", [0, -5, LARGEST_AMOUNT + 1])
def test_amounts_are_above_zero_and_fit_64_bits(amount: int) -> None:
    with pytest.raises(AmountOutOfRange, match="above zero that fits 64 bits"):
        fund("7", amount)


def test_a_balance_that_would_not_fit_is_refused_in_words() -> None:
    fund("7", LARGEST_AMOUNT)
    with pytest.raises(AmountOutOfRange) as refusal, undone():
        fund("7", 1)
    assert str(refusal.value) == (
        "player_cash of 7 holds 92233720368547758.07 EUR; with 0.01 EUR more the balance would not fit 64 bits."
    )
    assert balance_of("player_cash", "7", "EUR") == LARGEST_AMOUNT


def test_a_house_account_may_hold_more_than_64_bits_in_sum() -> None:
    for holder in range(20):
        book(operations.win_entry(holder=str(holder), money=eur(LARGEST_AMOUNT // 9), **facts()))
    assert balance_of("game_result", "", "EUR") == -20 * (LARGEST_AMOUNT // 9)


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(UnknownCurrency, match="does not keep the currency XXL"), undone():
        fund("7", 1, "XXL")


@pytest.mark.parametrize("fee", [-1, 100, 101])
def test_a_fee_leaves_something_to_pay(fee: int) -> None:
    with pytest.raises(AmountOutOfRange, match="A fee of"):
        operations.settle(provider="alpha", fee=fee, **without_holder(sent()), **facts())


def test_an_unbalanced_entry_is_refused_in_words() -> None:
    legs = ((AccountKind.DEPOSIT_CLEARING, "", "EUR", -100), (AccountKind.PLAYER_CASH, "7", "EUR", 101))
    entry = operations.NewEntry(kind=EntryKind.DEPOSIT, key="off", legs=legs, at=AT, by="test")
    with pytest.raises(UnbalancedEntry) as refusal, undone():
        operations.post_batch([entry])
    assert str(refusal.value) == "Entry off is off by 0.01 EUR; its postings must sum to zero in every currency."


def test_an_entry_balances_in_each_currency_by_itself() -> None:
    legs = ((AccountKind.DEPOSIT_CLEARING, "", "EUR", -100), (AccountKind.PLAYER_CASH, "7", "USD", 100))
    entry = operations.NewEntry(kind=EntryKind.DEPOSIT, key="mixed", legs=legs, at=AT, by="test")
    with pytest.raises(UnbalancedEntry, match="Entry mixed is off by"), undone():
        operations.post_batch([entry])


# -- batches ---------------------------------------------------------------------------------------


def deposit_of(holder: str, amount: int, key: str) -> operations.NewEntry:
    return operations.deposit_entry(holder=holder, money=eur(amount), key=key, at=AT, by="test")


def test_batch_answers_in_the_order_given_and_knows_what_is_booked() -> None:
    first = book(operations.deposit_entry(holder="7", money=eur(5), **facts("m")))
    batch = [deposit_of("8", 1, "z"), deposit_of("7", 5, "m"), deposit_of("9", 2, "a"), deposit_of("8", 1, "z")]
    ids = operations.post_batch(batch)
    assert [Entry.objects.get(pk=entry).key for entry in ids] == ["z", "m", "a", "z"]
    assert ids[1] == first
    assert Entry.objects.count() == 3


def test_batch_is_all_or_none() -> None:
    stake = operations.stake_entry(holder="9", money=eur(1), key="b", at=AT, by="test")
    with pytest.raises(InsufficientFunds), undone():
        operations.post_batch([deposit_of("7", 5, "a"), stake])
    assert Entry.objects.count() == 0


def test_one_round_trip(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        operations.post_batch([deposit_of(str(n), 5, f"key {n}") for n in range(100)])
    with django_assert_num_queries(1):
        fund("7", 5)
    assert operations.post_batch([]) == []


def test_booked_at_is_the_database_clock() -> None:
    entry = Entry.objects.get(pk=fund("7", 5))
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s BETWEEN now() AND clock_timestamp()", [entry.booked_at])
        assert cursor.fetchone()[0]
