"""What the providers say about our float, read over HTTP and kept for routing and for the board."""

from datetime import timedelta

import pytest
from django.db import transaction

from backoffice.celery import app
from providers import gateway, routing, tasks
from providers.models import ProviderBalance, ProviderCall

pytestmark = pytest.mark.django_db


def known(now):
    rows = routing.known_balances(now=now)
    return {(row.provider, row.currency): row.available for row in rows}


def test_every_provider_is_asked_and_its_last_word_kept(sandbox, now):
    sandbox.set_balance("northgate", "EUR", 12_345)
    sandbox.set_balance("northgate", "USD", 0)
    sandbox.set_balance("volta", "EUR", 700)
    tasks.read_balances()
    assert known(now) == {("northgate", "EUR"): 12_345, ("northgate", "USD"): 0, ("volta", "EUR"): 700}
    sandbox.set_balance("northgate", "EUR", 12_344)
    tasks.read_balances()
    assert known(now)["northgate", "EUR"] == 12_344
    assert ProviderBalance.objects.count() == 3


def test_the_time_is_the_provider_s(sandbox, now):
    sandbox.set_balance("northgate", "EUR", 1)
    sandbox.advance(120)
    gateway.read_balances(now=now)
    row = ProviderBalance.objects.get()
    assert timedelta(seconds=110) < row.as_of - now < timedelta(seconds=130)


def test_one_that_does_not_answer_keeps_its_last_balance_and_holds_up_nobody(sandbox, now, settings):
    sandbox.set_balance("northgate", "EUR", 1)
    sandbox.set_balance("volta", "EUR", 2)
    gateway.read_balances(now=now)
    closed = {**settings.PROVIDERS["northgate"], "base_url": "http://127.0.0.1:9"}
    settings.PROVIDERS = {**settings.PROVIDERS, "northgate": closed}
    sandbox.set_balance("volta", "EUR", 3)
    gateway.read_balances(now=now)
    assert known(now) == {("northgate", "EUR"): 1, ("volta", "EUR"): 3}
    assert known(now + 2 * routing.BALANCE_LASTS) == {}
    call = ProviderCall.objects.get(provider="northgate", outcome="not_sent")
    assert call.verb == "balance"


def test_what_is_no_currency_is_not_kept(sandbox, now):
    sandbox.set_balance("northgate", "GALLEONS", 5)
    gateway.read_balances(now=now)
    assert known(now) == {}


def test_nobody_is_asked_inside_a_transaction(sandbox, now):
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        gateway.read_balances(now=now)


def test_the_schedule_asks_often_enough_for_a_balance_to_count():
    entry = app.conf.beat_schedule["read-balances"]
    assert entry["task"] == tasks.read_balances.name
    assert entry["schedule"] * 2 < routing.BALANCE_LASTS.total_seconds()
