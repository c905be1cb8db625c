"""An approved withdrawal that is not being paid says why, in words, wherever it is looked at."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS
from providers import routing
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from withdrawals.models import PayoutAttempt, Withdrawal
from withdrawals.operations import payouts
from withdrawals.states import Move, State, WaitReason

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def waiting_for(reason: str, operator: User) -> Withdrawal:
    withdrawal = make_withdrawal(State.APPROVED, now=NOW - timedelta(minutes=5), by=operator)
    later = NOW + timedelta(minutes=3)
    Withdrawal.objects.filter(pk=withdrawal.pk).update(wait_reason=reason, next_step_at=later)
    return withdrawal


def test_every_reason_that_code_writes_has_words() -> None:
    written = set(get_args(routing.WaitReason)) - {""}
    for path in (Path(settings.BASE_DIR) / "withdrawals").rglob("*.py"):
        written |= set(re.findall(r'\b(?:wait_)?reason ?= ?"(waiting_\w+|provider_\w+)"', path.read_text()))
    assert written <= set(WaitReason.values)
    assert all(reason.words.startswith("It waits: ") for reason in WaitReason)


@pytest.mark.parametrize("reason", WaitReason)
def test_the_record_and_the_lists_say_it(
    reason: WaitReason, senior: User, finance: User, operator: User, client_for: SignIn
) -> None:
    withdrawal = waiting_for(reason, operator)
    for user in (senior, finance):
        record = client_for(user).get(f"/withdrawals/{withdrawal.ref}/").text
        assert f"{reason.words} It is tried again on 22 Nov 2026, 12:03:00." in record
        assert f"· {reason.label}<" in client_for(user).get("/withdrawals/?view=all").text
    assert f"· {reason.label}<" in client_for(finance).get("/transactions/?view=all").text


def test_support_reads_that_it_is_approved(support: User, operator: User, client_for: SignIn) -> None:
    withdrawal = waiting_for(WaitReason.GLOBAL_STOP, operator)
    for page in (f"/withdrawals/{withdrawal.ref}/", "/withdrawals/"):
        text = client_for(support).get(page).text
        assert "Approved" in text and "stopped" not in text


def test_a_pause_is_told_from_its_beginning_to_its_end(
    admin: User, operator: User, senior: User, client_for: SignIn
) -> None:
    withdrawal = make_withdrawal(State.APPROVED, now=NOW, by=operator)
    routing.pause(routing.EVERYTHING, actor=admin, reason="Drill", now=NOW)
    payouts.start(withdrawal.pk, now=NOW)
    address, client = f"/withdrawals/{withdrawal.ref}/", client_for(senior)
    assert "It waits: all payouts are stopped: Drill." in client.get(address).text
    routing.resume(routing.EVERYTHING, actor=admin, reason="Over", now=NOW)
    payouts.start(withdrawal.pk, now=NOW)
    record = client.get(address).text
    assert "It waits" not in record
    assert "<dt>Why this provider</dt><dd>Northgate Pay is the first that can</dd>" in record


def test_why_a_provider_was_chosen_is_for_those_who_see_its_answers(
    support: User, admin: User, operator: User, client_for: SignIn
) -> None:
    withdrawal = make_withdrawal(State.PROCESSING, now=NOW, by=operator)
    for user in (support, admin):
        assert "Why this provider" not in client_for(user).get(f"/withdrawals/{withdrawal.ref}/").text


def test_each_provider_is_named_with_what_keeps_it_from_paying(
    admin: User, finance: User, operator: User, support: User, client_for: SignIn
) -> None:
    withdrawal = make_withdrawal(State.APPROVED, now=NOW - timedelta(minutes=5), by=operator)
    Withdrawal.advance(withdrawal.pk, Move.START_PAYOUT, actor=PAYOUTS, now=NOW, provider="northgate", trace=[])
    Withdrawal.advance(withdrawal.pk, Move.REROUTE, actor=PAYOUTS, now=NOW, outcome="failed")
    PayoutAttempt.objects.update(answer_code="insufficient_float", answer="answered 402: insufficient float")
    routing.pause("volta", actor=admin, reason="Their bank holiday.", now=NOW)
    payouts.start(withdrawal.pk, now=NOW)
    record = client_for(finance).get(f"/withdrawals/{withdrawal.ref}/").text
    assert (
        "It waits: Northgate Pay refused: our balance there is too small; "
        "Volta is paused: Their bank holiday. It is tried again on" in record
    )
    assert "outcome tone-attn" in record and "through Northgate Pay" not in record
    assert "outcome tone-success" in client_for(support).get(f"/withdrawals/{withdrawal.ref}/").text
    routing.resume("volta", actor=admin, reason="Open again", now=NOW)
    payouts.start(withdrawal.pk, now=NOW)
    assert ", through Volta" in client_for(finance).get(f"/withdrawals/{withdrawal.ref}/").text
