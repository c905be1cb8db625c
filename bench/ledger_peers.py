"""A worker of bench/ledger.py for the two ledger packages; runs in .venv-bench, where they are installed.

``python -m bench.ledger_peers hordak setup`` makes the tables and accounts, a number works on them.
"""

import os
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from bench.blocks import serve

ACCOUNTS = 100
CENT = Decimal("0.01")


def configure(peer: str) -> None:
    parts = urlsplit(os.environ["DATABASE_URL"])
    settings.configure(
        SECRET_KEY="bench",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.path.lstrip("/"),
                "USER": parts.username,
                "HOST": parse_qs(parts.query)["host"][0],
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.admin",
            *{"hordak": ["mptt", "hordak"], "django_ledger": ["django_ledger"]}[peer],
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        ROOT_URLCONF="bench.ledger_peers",
        DEFAULT_CURRENCY="EUR",
        CURRENCIES=["EUR"],
    )
    django.setup()


urlpatterns: list[Any] = []


def set_up_hordak() -> None:
    from djmoney.money import Money
    from hordak.models import Account

    bank = Account.objects.create(name="Bank", code="0", type="AS", currencies=["EUR"])
    for number in range(1, ACCOUNTS + 1):
        account = Account.objects.create(name=f"Player {number}", code=f"{number}", type="LI", currencies=["EUR"])
        with transaction.atomic():
            account.transfer_to(bank, Money(1_000_000, "EUR"))


def hordak() -> dict[str, Callable[[], int]]:
    """transfer_to() as it is, and with the rule it lacks: no account below zero, checked under a lock."""
    from djmoney.money import Money
    from hordak.models import Account

    players, cent = list(Account.objects.filter(type="LI").order_by("pk")), Money(CENT, "EUR")

    def transfer() -> int:
        payer, payee = random.sample(players, 2)
        with transaction.atomic():
            payee.transfer_to(payer, cent)
        return 1

    def transfer_with_rule() -> int:
        payer, payee = random.sample(players, 2)
        with transaction.atomic():
            Account.objects.select_for_update().get(pk=payer.pk)
            if payer.get_simple_balance() < cent:
                raise ValueError("not enough")
            payee.transfer_to(payer, cent)
        return 1

    return {"uniform": transfer, "with_rule": transfer_with_rule}


def set_up_django_ledger() -> None:
    from django.contrib.auth.models import User
    from django_ledger.io import roles
    from django_ledger.models import EntityModel

    admin = User.objects.create_user("bench")
    entity = EntityModel.create_entity(name="Bench", admin=admin, use_accrual_method=True, fy_start_month=1)
    entity.create_chart_of_accounts(assign_as_default=True, commit=True, coa_name="Bench")
    for number in range(ACCOUNTS):
        entity.create_account(
            code=f"{2000 + number}",
            role=roles.LIABILITY_CL_OTHER,
            name=f"Player {number}",
            balance_type="credit",
            active=True,
        )
    entity.create_ledger(name="Bench", posted=True)
    django_ledger()["uniform"]()  # its first entry makes a counter, which several workers would make twice


def django_ledger() -> dict[str, Callable[[], int]]:
    """commit_txs(je_posted=True), the package's own way to book and post one journal entry."""
    from django_ledger.models import EntityModel

    entity = EntityModel.objects.get()
    ledger = entity.get_ledgers().get()
    players = list(entity.get_default_coa_accounts().filter(role="lia_cl_other"))

    def commit() -> int:
        payer, payee = random.sample(players, 2)
        lines = [
            {"account": payer, "amount": CENT, "tx_type": "debit", "description": "stake"},
            {"account": payee, "amount": CENT, "tx_type": "credit", "description": "stake"},
        ]
        ledger.commit_txs(je_timestamp=datetime.now(UTC), je_txs=lines, je_posted=True)
        return 1

    return {"uniform": commit}


PEERS = {"hordak": (set_up_hordak, hordak), "django_ledger": (set_up_django_ledger, django_ledger)}

if __name__ == "__main__":
    peer, task = sys.argv[1:3]
    configure(peer)
    set_up, variants = PEERS[peer]
    if task == "setup":
        call_command("migrate", verbosity=0)
        set_up()
    else:
        serve(variants())
