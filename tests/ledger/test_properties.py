"""Whatever is booked in whatever order: sums are zero, balances are sums, amounts come back unchanged."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.money import EXPONENTS, LARGEST_AMOUNT, Money, parse_amount, to_major_string
from ledger import operations
from ledger.exceptions import LedgerError
from ledger.models import GUARDED, Posting
from ledger.queries import balance_of, balances_of_player
from tests.ledger.conftest import book, commit_checks, facts, rolled_back, rows, undone

pytestmark = pytest.mark.django_db

CURRENCIES = {"JPY": 0, "EUR": 2, "KWD": 3, "BTC": 8, "ETH": 9}
HOLDERS = ("1", "2")
PLAY = (
    operations.deposit_entry,
    operations.stake_entry,
    operations.win_entry,
    operations.grant_bonus_entry,
    operations.convert_bonus_entry,
)
STEPS = ("reserve", "unreserve", "to_transit", "back", "settle", "freeze", "unfreeze", "take_back", "give_back")

amounts = st.integers(1, 1000) | st.integers(1, LARGEST_AMOUNT)
play = st.tuples(st.sampled_from(PLAY), st.sampled_from(HOLDERS), amounts, st.sampled_from(sorted(CURRENCIES)))
steps = st.tuples(st.sampled_from(STEPS), st.sampled_from(("WD-1", "WD-2", "WD-3")))


def take(step: str, reference: str) -> None:
    """Take one step of a withdrawal of 100 EUR by player 1, whether or not it is its turn."""
    about: dict[str, Any] = {"money": Money(100, "EUR"), **facts(reference=reference)}
    match step:
        case "reserve" | "unreserve" | "freeze" | "unfreeze":
            getattr(operations, step)(holder="1", **about)
        case "to_transit" | "give_back":
            getattr(operations, step)(holder="1", provider="alpha", **about)
        case "back":
            operations.back_from_transit(holder="1", provider="alpha", **about)
        case "settle":
            operations.settle(provider="alpha", fee=3, **about)
        case "take_back":
            operations.take_back(provider="alpha", **about)


def assert_books_are_sound() -> None:
    commit_checks()
    unequal = """
        SELECT b.account_id, b.shard FROM ledger_balance b LEFT JOIN ledger_posting p USING (account_id, shard)
        GROUP BY b.account_id, b.shard, b.amount HAVING b.amount <> coalesce(sum(p.amount), 0)
    """
    assert rows(unequal) == []
    assert rows("SELECT entry_id, currency FROM ledger_posting GROUP BY 1, 2 HAVING sum(amount) <> 0") == []
    assert rows("SELECT currency FROM ledger_balance GROUP BY 1 HAVING sum(amount) <> 0") == []
    assert rows("SELECT 1 FROM ledger_balance WHERE guarded AND amount < 0") == []
    for name in ("reserve", "settle", "unreserve", "returned"):
        assert rows("SELECT reference FROM ledger_entry WHERE kind = %s GROUP BY 1 HAVING count(*) > 1", name) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(play, max_size=12))
@rolled_back()
def test_random_play_keeps_the_books_sound(acts: list[tuple[Any, str, int, str]]) -> None:
    expected: dict[tuple[str, str, str], int] = {}
    for act, holder, amount, currency in acts:
        try:
            with undone():
                entry = book(act(holder=holder, money=Money(amount, currency), **facts()))
        except LedgerError:
            continue
        for posting in Posting.objects.filter(entry=entry).select_related("account"):
            key = (posting.account.kind, posting.account.holder, currency)
            expected[key] = expected.get(key, 0) + posting.amount
    assert_books_are_sound()
    for (kind, holder, currency), amount in expected.items():
        assert balance_of(kind, holder, currency) == amount
        if kind in GUARDED:
            assert balances_of_player(holder)[currency][kind] == amount


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=25))
@rolled_back()
def test_random_steps_of_withdrawals_keep_the_books_sound(acts: list[tuple[str, str]]) -> None:
    book(operations.deposit_entry(holder="1", money=Money(250, "EUR"), **facts()))
    for step, reference in acts:
        try:
            with undone():
                take(step, reference)
        except LedgerError:
            continue
    assert_books_are_sound()
    ends = "SELECT reference FROM ledger_entry WHERE kind IN ('settle', 'unreserve') GROUP BY 1 HAVING count(*) > 1"
    assert rows(ends) == []


@pytest.mark.parametrize("currency", CURRENCIES)
@settings(max_examples=40, deadline=None)
@given(amount=st.integers(1, 10**18 - 1))  # parse_amount takes eighteen digits before the point
@rolled_back()
def test_amounts_come_back_unchanged(currency: str, amount: int) -> None:
    assert EXPONENTS[currency] == CURRENCIES[currency]
    text = to_major_string(amount, currency)
    book(operations.deposit_entry(holder="1", money=Money(parse_amount(text, currency), currency), **facts()))
    booked = balance_of("player_cash", "1", currency)
    assert (booked, to_major_string(booked, currency)) == (amount, text)


def test_the_database_knows_every_exponent() -> None:
    assert dict(rows("SELECT code, exponent FROM ledger_currency")) == EXPONENTS
