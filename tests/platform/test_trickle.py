"""The trickle: invented requests, one after the other, whatever happens to the database meanwhile."""

import os
import random
import signal
import threading
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from backoffice.platform.invented import trickle
from kyc.models import Player
from withdrawals import verification
from withdrawals.models import Withdrawal
from withdrawals.operations import screening
from withdrawals.states import State

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_most_requests_are_unremarkable_and_some_are_worth_a_look() -> None:
    chance = random.Random(7)
    states, stories = [], 0
    for minute in range(24):
        now = NOW + timedelta(minutes=minute)
        withdrawal = trickle.arrive(now=now, chance=chance).withdrawal
        stories += withdrawal.amount % 1000 in trickle.STORIES
        screening.screen(withdrawal.pk, now=now)
        states.append(Withdrawal.objects.get(pk=withdrawal.pk).state)

    assert states.count(State.APPROVED) >= 15
    assert states.count(State.UNDER_REVIEW) >= 1
    assert stories >= 1
    assert {name: count for name, count in verification.run().items() if count} == {}


@pytest.mark.django_db
def test_nobody_asks_twice_within_a_day() -> None:
    chance = random.Random(1)
    for minute in range(12):
        trickle.arrive(now=NOW + timedelta(minutes=minute), chance=chance)

    assert Player.objects.count() == Withdrawal.objects.values("player").distinct().count() == 12


@pytest.mark.django_db
def test_a_database_that_goes_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = trickle.arrive, []

    def sometimes_away(**facts: Any) -> trickle.Arrived:
        calls.append(facts["now"])
        if len(calls) == 1:
            raise OperationalError("the database system is shutting down")
        return real(**facts)

    monkeypatch.setattr(trickle, "arrive", sometimes_away)
    monkeypatch.setattr("backoffice.platform.management.commands.demo_trickle.connection.close", lambda: None)
    out = StringIO()
    call_command("demo_trickle", every=0.01, most=2, stdout=out)

    assert Withdrawal.objects.count() == 1
    assert "Stopped after 2 requests." in out.getvalue()


@pytest.mark.django_db
def test_it_ends_at_once_when_it_is_told_to() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    out = StringIO()
    try:
        call_command("demo_trickle", every=3600, stdout=out)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    assert out.getvalue() == "Stopped after 0 requests.\n"


def test_a_pause_must_be_one() -> None:
    with pytest.raises(CommandError, match="above zero"):
        call_command("demo_trickle", every=0)
