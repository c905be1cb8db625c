"""Opening a withdrawal whose outcome is unknown asks the provider at once, and not again right after."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from backoffice.accounts.models import User
from providers.models import ProviderCall
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from withdrawals import due
from withdrawals.models import Withdrawal
from withdrawals.operations import work
from withdrawals.states import State

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
TOMORROW = NOW + timedelta(days=1)


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def asked_for_tomorrow(operator: User) -> Withdrawal:
    row = make_withdrawal(State.OUTCOME_UNKNOWN, now=NOW - timedelta(days=1), by=operator)
    Withdrawal.objects.filter(pk=row.pk).update(next_step_at=TOMORROW, step_tries=9)
    return row


def opened(client: Client, row: Withdrawal) -> Withdrawal:
    assert client.get(f"/withdrawals/{row.ref}/").status_code == 200
    return Withdrawal.objects.get(pk=row.pk)


def call(row: Withdrawal, seconds: int) -> None:
    ProviderCall.objects.create(
        provider="northgate", verb="probe", key=str(row.live_attempt.key), latency_ms=9, outcome="ok",
        at=NOW - timedelta(seconds=seconds),
    )  # fmt: skip


@pytest.mark.parametrize(("seconds", "asked_at"), [(5, TOMORROW), (31, NOW)])
def test_opening_asks_unless_it_was_asked_just_now(
    asked_for_tomorrow: Withdrawal, support: User, client_for: SignIn, seconds: int, asked_at: object
) -> None:
    call(asked_for_tomorrow, seconds)
    assert opened(client_for(support), asked_for_tomorrow).next_step_at == asked_at
    assert ("ask" in due.due_steps(now=NOW)) == (asked_at == NOW)


def test_what_nobody_asked_about_for_a_week_is_asked_again(
    asked_for_tomorrow: Withdrawal, finance: User, client_for: SignIn
) -> None:
    Withdrawal.objects.update(next_step_at=None)
    assert opened(client_for(finance), asked_for_tomorrow).next_step_at == NOW


def test_so_does_the_page_that_settles_it(asked_for_tomorrow: Withdrawal, finance: User, client_for: SignIn) -> None:
    assert client_for(finance).get(f"/withdrawals/{asked_for_tomorrow.ref}/complete/").status_code == 200
    assert Withdrawal.objects.get().next_step_at == NOW


def test_looking_often_does_not_use_up_the_plan(
    asked_for_tomorrow: Withdrawal, finance: User, client_for: SignIn
) -> None:
    for _ in range(20):
        opened(client_for(finance), asked_for_tomorrow)
        assert work.take([State.OUTCOME_UNKNOWN], now=NOW, most=1) == [asked_for_tomorrow.pk]
    assert Withdrawal.objects.get().step_tries == 9


def test_nothing_else_is_asked_about(finance: User, operator: User, client_for: SignIn) -> None:
    for state in (State.PROCESSING, State.COMPLETED, State.APPROVED):
        row = make_withdrawal(state, now=NOW - timedelta(days=1), by=operator)
        Withdrawal.objects.filter(pk=row.pk).update(next_step_at=TOMORROW)
        assert opened(client_for(finance), row).next_step_at == TOMORROW
