"""A worker of bench/ledger.py: the product through its public Python API, or the same through the ORM."""

import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import django
from django.conf import settings
from django.db import models, transaction

from bench.blocks import serve

PLAYERS = 1000
BATCH = 100


def product(worker: int) -> dict[str, Callable[[], int]]:
    """Reserves touch a player's own two accounts; stakes all meet at the house account game_result."""
    from backoffice.money import Money
    from ledger import operations

    number, cent, at = count(), Money(1, "EUR"), datetime.now(UTC)
    start = time.time_ns()

    def holder() -> str:
        return str(random.randint(1, PLAYERS))

    def uniform() -> int:
        key = f"{start}-{worker}-{next(number)}"
        operations.reserve(holder=holder(), money=cent, reference=key, key=key, at=at, by="bench")
        return 1

    def hot() -> int:
        key = f"{start}-{worker}-{next(number)}"
        operations.post_batch([operations.stake_entry(holder=holder(), money=cent, key=key, at=at, by="bench")])
        return 1

    def batch() -> int:
        operations.post_batch(
            [
                operations.stake_entry(
                    holder=holder(), money=cent, key=f"{start}-{worker}-{next(number)}", at=at, by="bench"
                )
                for _ in range(BATCH)
            ]
        )
        return BATCH

    return {"uniform": uniform, "hot": hot, "batch": batch}


def orm(worker: int) -> dict[str, Callable[[], int]]:
    """The tables of the limit, written the usual Django way: rows locked in order, then saved one by one."""

    class Account(models.Model):
        no_overdraft = models.BooleanField()
        balance = models.BigIntegerField()

        class Meta:
            app_label, db_table, managed = "bench", "account", False

    class Entry(models.Model):
        at = models.DateTimeField(auto_now_add=True)

        class Meta:
            app_label, db_table, managed = "bench", "entry", False

    class Posting(models.Model):
        entry = models.ForeignKey(Entry, models.PROTECT)
        account = models.ForeignKey(Account, models.PROTECT)
        amount = models.BigIntegerField()

        class Meta:
            app_label, db_table, managed = "bench", "posting", False

    def post(debit: int, credit: int) -> int:
        with transaction.atomic():
            rows = Account.objects.select_for_update().filter(pk__in=(debit, credit)).order_by("pk")
            accounts = {account.pk: account for account in rows}
            entry = Entry.objects.create()
            Posting.objects.bulk_create(
                [
                    Posting(entry=entry, account=accounts[debit], amount=-1),
                    Posting(entry=entry, account=accounts[credit], amount=1),
                ]
            )
            accounts[debit].balance -= 1
            accounts[debit].save(update_fields=["balance"])
            accounts[credit].balance += 1
            accounts[credit].save(update_fields=["balance"])
        return 1

    def uniform() -> int:
        debit, credit = random.sample(range(1, PLAYERS + 1), 2)
        return post(debit, credit)

    return {"uniform": uniform, "hot": lambda: post(random.randint(1, PLAYERS), PLAYERS + 1)}


if __name__ == "__main__":
    django.setup()
    settings.DEBUG = False  # Django keeps every statement in memory otherwise
    serve({"product": product, "orm": orm}[sys.argv[1]](int(sys.argv[2])))
