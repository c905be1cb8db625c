"""Each rule about money is kept twice: with either layer switched off, the other one still refuses.

Where both are off the wrong thing happens, which shows that the switch works and nothing else helps.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError

from backoffice.money import Money
from ledger import operations
from ledger.exceptions import (
    AlreadyBooked,
    BookedForGood,
    InsufficientFunds,
    KeyConflict,
    LedgerError,
    NothingToReverse,
    UnbalancedEntry,
    UnknownCurrency,
)
from ledger.models import Account, AccountKind, Balance, Entry, EntryKind, Posting
from ledger.queries import balance_of
from tests.ledger.conftest import AT, book, commit_checks, eur, facts, fund, rows, switch_off, switch_off_in, undone

pytestmark = pytest.mark.django_db


def refused_with(code: str, sql: str) -> None:
    """The database refuses a statement, or the commit after it, with this SQLSTATE."""
    with pytest.raises(DatabaseError) as refusal, undone():
        rows(sql)
        commit_checks()
    assert getattr(refusal.value.__cause__, "pgcode", None) == code


# -- no player account below zero ------------------------------------------------------------------

TRIGGER_CHECKS_BALANCE = ("ledger_postings_booked", "CASE WHEN guarded THEN 0 ELSE -9223372036854775808 END")
FROM_THE_DEPTHS = "-9223372036854775808"


def no_balance_trigger() -> None:
    switch_off_in(*TRIGGER_CHECKS_BALANCE, FROM_THE_DEPTHS)


def no_balance_check() -> None:
    switch_off("ALTER TABLE ledger_balance DROP CONSTRAINT ledger_balance_not_below_zero")


@pytest.mark.parametrize("off", [no_balance_trigger, no_balance_check])
def test_overdraft(off: Callable[[], None]) -> None:
    fund("7", 100)
    off()
    with pytest.raises(InsufficientFunds), undone():
        book(operations.stake_entry(holder="7", money=eur(101), **facts()))
    assert balance_of("player_cash", "7", "EUR") == 100


def test_overdraft_with_both_off() -> None:
    fund("7", 100)
    no_balance_trigger()
    no_balance_check()
    book(operations.stake_entry(holder="7", money=eur(101), **facts()))
    assert balance_of("player_cash", "7", "EUR") == -1


# -- an entry sums to zero -------------------------------------------------------------------------


def no_sum_in_function() -> None:
    switch_off_in("ledger_post", "total <> 0 OR one_currency IS NULL")


def no_sum_in_trigger() -> None:
    switch_off_in("ledger_postings_booked", "part.total <> 0")


def book_unbalanced() -> None:
    legs = ((AccountKind.DEPOSIT_CLEARING, "", "EUR", -100), (AccountKind.PLAYER_CASH, "7", "EUR", 101))
    operations.post_batch([operations.NewEntry(kind=EntryKind.DEPOSIT, key="off", legs=legs, at=AT, by="test")])


@pytest.mark.parametrize("off", [no_sum_in_function, no_sum_in_trigger])
def test_unbalanced(off: Callable[[], None]) -> None:
    off()
    with pytest.raises(UnbalancedEntry, match=r"off by 0\.01 EUR"), undone():
        book_unbalanced()
    assert not Entry.objects.exists()


def test_unbalanced_with_both_off() -> None:
    no_sum_in_function()
    no_sum_in_trigger()
    book_unbalanced()
    assert rows("SELECT sum(amount) FROM ledger_posting") == [(1,)]


# -- one entry per key -----------------------------------------------------------------------------


def no_key_index() -> None:
    switch_off("ALTER TABLE ledger_entry DROP CONSTRAINT ledger_one_entry_per_key")


def no_key_lookup() -> None:
    """The function neither looks the key up before it books nor compares contents."""
    switch_off_in("ledger_post", "IF NOT FOUND THEN\n            original :=", "IF true THEN\n            original :=")
    switch_off_in("ledger_post", "ledger_is_same(entry, booked_id)", "true")


def test_other_content_without_the_index() -> None:
    no_key_index()
    fund_with_key(100)
    with pytest.raises(KeyConflict), undone():
        fund_with_key(101)
    fund_with_key(100)
    assert balance_of("player_cash", "7", "EUR") == 100


def test_other_content_without_the_look_up() -> None:
    no_key_lookup()
    fund_with_key(100)
    fund_with_key(101)
    assert balance_of("player_cash", "7", "EUR") == 100


def test_other_content_with_both_off() -> None:
    no_key_index()
    no_key_lookup()
    fund_with_key(100)
    fund_with_key(101)
    assert balance_of("player_cash", "7", "EUR") == 201


def fund_with_key(amount: int) -> None:
    book(operations.deposit_entry(holder="7", money=eur(amount), **facts("same")))


# -- reversals: at most one, and of exactly what it names --------------------------------------------


def reserved(reference: str = "WD-1") -> dict[str, Any]:
    fund("7", 100)
    operations.reserve(holder="7", money=eur(100), **facts(reference=reference))
    return {"holder": "7", "money": eur(100), "reference": reference}


def test_second_reversal_without_the_look_up() -> None:
    step, reserve = reserved(), Entry.objects.get(kind="reserve")
    reserved("WD-2")
    switch_off("DROP INDEX ledger_one_end")
    operations.unreserve(**step, **facts())
    with pytest.raises(AlreadyBooked), undone():
        operations.unreserve(**step, reverses=reserve.pk, **facts())


def test_second_reversal_without_the_indexes() -> None:
    step = reserved()
    reserved("WD-2")
    switch_off("DROP INDEX ledger_one_end, ledger_one_reversal")
    operations.unreserve(**step, **facts())
    with pytest.raises(NothingToReverse), undone():
        operations.unreserve(**step, **facts())


def test_other_reversal_without_the_trigger() -> None:
    step = reserved()
    switch_off("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_complete")
    with pytest.raises(NothingToReverse), undone():
        operations.unreserve(**{**step, "money": eur(99)}, **facts())


def test_other_reversal_without_the_function() -> None:
    step = reserved()
    switch_off_in("ledger_post", "PERFORM ledger_refuse_other_reversal(original);", "")
    with pytest.raises(DatabaseError, match="does not take back"), undone():
        operations.unreserve(**{**step, "money": eur(99)}, **facts())
        commit_checks()


# -- what is booked stays --------------------------------------------------------------------------

MODELS = [Account, Balance, Entry, Posting]
CHANGED = {"ledger_currency": "exponent", "ledger_account": "holder", "ledger_entry": "posted_by"}
TABLES = ["ledger_currency", "ledger_account", "ledger_balance", "ledger_entry", "ledger_posting"]


@pytest.mark.parametrize("model", MODELS)
def test_python_refuses_without_the_triggers(model: type[Any]) -> None:
    fund("7", 100)
    switch_off(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER USER")
    row = model.objects.first()
    for write in (
        lambda: row.save(),
        lambda: row.delete(),
        lambda: model.objects.update(currency="USD"),
        lambda: model.objects.all().delete(),
        lambda: model.objects.bulk_create([row]),
        lambda: model.objects.create(),
        lambda: model(pk=row.pk).save(force_insert=True),
    ):
        with pytest.raises(BookedForGood):
            write()


@pytest.mark.parametrize("table", TABLES)
def test_the_database_refuses_past_python(table: str) -> None:
    fund("7", 100)
    commit_checks()
    column = CHANGED.get(table, "amount")
    refused_with("LG004", f"UPDATE {table} SET {column} = {column}")
    refused_with("LG004", f"DELETE FROM {table}")
    refused_with("LG004", f"TRUNCATE {table} CASCADE")


def test_balances_move_by_postings_alone() -> None:
    fund("7", 100)
    refused_with("LG004", "UPDATE ledger_balance SET amount = amount + 1 WHERE shard = 0")
    account = Account.objects.get(kind="player_cash")
    refused_with(
        "LG004",
        "INSERT INTO ledger_balance (account_id, shard, currency, guarded, amount) "
        f"VALUES ({account.pk}, 1, 'EUR', true, 5)",
    )


# -- what the database refuses by itself, whoever writes ---------------------------------------------

ENTRY = "INSERT INTO ledger_entry (key, kind, reference, occurred_at, posted_by, reverses_id) VALUES "


def post_by_hand(*lines: tuple[int, str, str, int], entry: str = "(SELECT max(id) FROM ledger_entry)") -> str:
    values = ", ".join(
        f"({entry}, {leg}, (SELECT id FROM ledger_account WHERE kind = '{kind}'), "
        f"(SELECT min(shard) FROM ledger_balance JOIN ledger_account a ON a.id = account_id WHERE kind = '{kind}'), "
        f"'{currency}', {amount})"
        for leg, kind, currency, amount in lines
    )
    return f"INSERT INTO ledger_posting (entry_id, leg, account_id, shard, currency, amount) VALUES {values}"


GOOD = ((1, "deposit_clearing", "EUR", -5), (2, "player_cash", "EUR", 5))
NEW = ENTRY + "('k', 'deposit', '', now(), 'me', NULL); "


def test_a_good_entry_by_hand_is_taken() -> None:
    fund("7", 100)
    rows(NEW + post_by_hand(*GOOD))
    commit_checks()
    assert balance_of("player_cash", "7", "EUR") == 105


def test_an_entry_without_postings_is_refused() -> None:
    refused_with("LG001", NEW)


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("LG001", ((1, "player_cash", "EUR", 5),)),
        ("LG001", ((2, "deposit_clearing", "EUR", -5), (3, "player_cash", "EUR", 5))),
        ("LG001", ((1, "deposit_clearing", "EUR", -5), (2, "player_cash", "EUR", 6))),
        ("LG009", ((1, "deposit_clearing", "USD", -5), (2, "player_cash", "USD", 5))),
        ("23514", ((1, "deposit_clearing", "EUR", -5), (2, "player_cash", "EUR", 5), (3, "player_cash", "EUR", 0))),
        ("LG002", ((1, "deposit_clearing", "EUR", 101), (2, "player_cash", "EUR", -101))),
    ],
    ids=["one line", "not from 1", "unbalanced", "not the account's currency", "a zero", "overdraft"],
)
def test_bad_lines_by_hand_are_refused(code: str, lines: tuple[tuple[int, str, str, int], ...]) -> None:
    fund("7", 100)
    refused_with(code, NEW + post_by_hand(*lines))


def test_postings_without_an_entry_are_refused() -> None:
    fund("7", 100)
    refused_with("LG001", post_by_hand(*GOOD, entry="999999"))


def test_nothing_is_added_to_an_entry_later() -> None:
    fund("7", 100)
    refused_with("23505", post_by_hand(*GOOD))
    refused_with("LG001", post_by_hand(*((leg + 2, *line) for leg, *line in GOOD)))


@pytest.mark.parametrize(
    "values",
    [
        "('', 'deposit', '', now(), 'me', NULL)",
        "('k', 'deposit', '', now(), '', NULL)",
        "('k', 'gift', '', now(), 'me', NULL)",
        "('k', 'reserve', '', now(), 'me', NULL)",
        "('k', 'unreserve', 'WD-1', now(), 'me', NULL)",
        "('k', 'settle', 'WD-1', now(), 'me', (SELECT max(id) FROM ledger_entry))",
    ],
    ids=["no key", "nobody", "unknown kind", "no withdrawal", "reverses nothing", "reverses something"],
)
def test_an_entry_says_what_it_must(values: str) -> None:
    fund("7", 100)
    refused_with("LG009", ENTRY + values)


@pytest.mark.parametrize(
    "off",
    [
        lambda: switch_off("ALTER TABLE ledger_account DROP CONSTRAINT ledger_account_currency_known"),
        lambda: switch_off_in("ledger_open_accounts", "IF FOUND THEN", "IF false THEN"),
    ],
    ids=["key", "function"],
)
def test_unknown_currency(off: Callable[[], None]) -> None:
    off()
    with pytest.raises(UnknownCurrency), undone():
        book(operations.deposit_entry(holder="7", money=Money(1, "XXL"), **facts()))


def test_refusals_are_all_the_ledgers_own() -> None:
    assert all(issubclass(error, LedgerError) for error in operations._BY_CODE.values())
    assert all(issubclass(error, LedgerError) for error in operations._BY_CONSTRAINT.values())
