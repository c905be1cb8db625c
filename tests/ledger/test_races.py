"""Real threads on real transactions: no balance is spent twice, no key books twice, nobody waits for ever."""

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from ledger import operations
from ledger.exceptions import InsufficientFunds, KeyConflict
from ledger.models import Entry
from ledger.queries import balance_of
from tests.ledger.conftest import book, eur, facts, fund, rows

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 8


def at_once(act: Callable[[int], Any]) -> list[Any]:
    """Call ``act`` in eight threads, each on its own connection, and return results or exceptions."""
    start, results = threading.Barrier(THREADS), [None] * THREADS

    def run(number: int) -> None:
        try:
            connection.ensure_connection()
            start.wait()
            results[number] = act(number)
        except Exception as error:  # handed to the test, which looks at each
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_forty_percent_fits_twice() -> None:
    fund("7", 100)
    results = at_once(lambda n: operations.reserve(holder="7", money=eur(40), **facts(reference=f"WD-{n}")))
    accepted = [result for result in results if isinstance(result, int)]
    assert len(accepted) == 2
    assert [type(result) for result in results if not isinstance(result, int)] == [InsufficientFunds] * 6
    assert (balance_of("player_cash", "7", "EUR"), balance_of("player_held", "7", "EUR")) == (20, 80)


def test_one_key_books_once() -> None:
    results = at_once(lambda _: book(operations.deposit_entry(holder="7", money=eur(40), **facts("same"))))
    assert results == [Entry.objects.get().pk] * THREADS
    assert balance_of("player_cash", "7", "EUR") == 40


def test_one_key_with_eight_contents_books_once() -> None:
    results = at_once(lambda n: book(operations.deposit_entry(holder="7", money=eur(40 + n), **facts("same"))))
    assert [type(result) for result in results].count(KeyConflict) == THREADS - 1
    assert balance_of("player_cash", "7", "EUR") == rows("SELECT max(amount) FROM ledger_posting")[0][0]


def test_a_key_whose_first_booking_is_rolled_back_is_free_again() -> None:
    def book_or_not(number: int) -> int:
        with transaction.atomic():
            entry = book(operations.deposit_entry(holder="7", money=eur(40), **facts("same")))
            if number % 2:
                raise InterruptedError
        return entry

    results = at_once(book_or_not)
    assert {result for result in results if isinstance(result, int)} == {Entry.objects.get().pk}
    assert balance_of("player_cash", "7", "EUR") == 40


def test_a_reserve_is_given_back_once() -> None:
    fund("7", 200)
    for reference in ("WD-1", "WD-2"):
        operations.reserve(holder="7", money=eur(100), **facts(reference=reference))
    results = at_once(lambda _: operations.unreserve(holder="7", money=eur(100), **facts(reference="WD-1")))
    assert len([result for result in results if isinstance(result, int)]) == 1
    assert balance_of("player_cash", "7", "EUR") == 100


def test_opposite_orders_do_not_deadlock() -> None:
    holders = [str(number) for number in range(6)]

    def book(number: int) -> None:
        order = random.Random(number)
        for turn in range(5):
            order.shuffle(holders_of := holders[:])
            operations.post_batch(
                [
                    operations.deposit_entry(holder=holder, money=eur(1), **facts(f"{turn}-{holder}-{number % 2}"))
                    for holder in holders_of
                ]
            )

    assert at_once(book) == [None] * THREADS
    assert [balance_of("player_cash", holder, "EUR") for holder in holders] == [10] * 6
    assert rows("SELECT sum(amount) FROM ledger_posting UNION ALL SELECT sum(amount) FROM ledger_balance") == [
        (0,),
        (0,),
    ]
