"""Under which key and to whom a payout is sent again, after a try that moved nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS
from ledger.queries import balance_of
from providers import gateway, routing
from tests.sandbox_process import SandboxProcess
from tests.withdrawals.paying import creates, findings_of, hear, live, nothing_is_in_breach, pay, state_of, trace_of
from withdrawals.models import Finding, Withdrawal
from withdrawals.operations import payouts, receipts
from withdrawals.states import Move, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_to_believe")]

S = State


def test_another_provider_pays_when_the_first_was_certainly_not_reached(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], settings: Any
) -> None:
    closed = {**settings.PROVIDERS["northgate"], "base_url": "http://127.0.0.1:9"}
    settings.PROVIDERS = {**settings.PROVIDERS, "northgate": closed}
    withdrawal = approved()
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert list(withdrawal.attempts.order_by("number").values_list("provider", "state")) == [
        ("northgate", "not_sent"),
        ("volta", "paid"),
    ]
    assert trace_of(withdrawal) == ["Northgate Pay was not reached just now", "Volta is the first that can"]
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1
    nothing_is_in_breach(sandbox)


def keys_of(withdrawal: Withdrawal) -> list[str]:
    return [str(key) for key in withdrawal.attempts.order_by("number").values_list("key", flat=True)]


@pytest.mark.parametrize("number", [906, 907])
def test_after_a_try_that_moved_nothing_the_same_provider_gets_the_same_key(
    number: int, sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    withdrawal = approved(10_000 + number)
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert len(keys_of(withdrawal)) == len(creates(withdrawal)) > 1
    assert len(set(creates(withdrawal))) == 1


def test_a_503_that_was_not_true_pays_once(sandbox: SandboxProcess, approved: Callable[..., Withdrawal]) -> None:
    sandbox.faults(unavailable_after_accept=1.0, webhook_lost=1.0)
    withdrawal = approved()
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert [attempt.state for attempt in withdrawal.attempts.order_by("number")] == ["not_sent", "paid"]
    told = sandbox.oracle(withdrawal.ref)
    assert (told["accepted"], told["paid_times"]) == (1, 1)
    nothing_is_in_breach(sandbox)


def test_a_503_that_was_not_true_pays_once_though_the_webhook_comes_first(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], operator: User
) -> None:
    sandbox.faults(unavailable_after_accept=1.0)
    withdrawal = approved()
    pay(withdrawal)
    sandbox.wait_for(withdrawal.ref, "paid")
    hear(sandbox, withdrawal)
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.UNDER_REVIEW, {"paid_after_not_sent"})
    Finding.objects.update(resolved_at=timezone.now())  # a person looked, and lets the same key find it
    Withdrawal.advance(withdrawal.pk, Move.APPROVE, actor=operator, reason="known_player", now=timezone.now())
    pay(withdrawal)
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert balance_of(kind="overpaid_receivable", holder=withdrawal.holder, currency="EUR") == 0
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1
    nothing_is_in_breach(sandbox)


def test_a_webhook_about_a_key_that_was_used_twice_is_about_the_last_attempt(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    sandbox.faults(unavailable_after_accept=1.0)
    withdrawal = approved()
    pay(withdrawal)
    sandbox.wait_for(withdrawal.ref, "paid")
    payouts.start(withdrawal.pk, now=timezone.now())
    hear(sandbox, withdrawal)
    assert (state_of(withdrawal), findings_of(withdrawal)) == (S.COMPLETED, set())
    nothing_is_in_breach(sandbox)


def test_who_said_it_did_nothing_is_asked_again_before_anybody_else(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], finance: User
) -> None:
    sandbox.faults(unavailable_after_accept=1.0, webhook_lost=1.0)
    withdrawal = approved()
    routing.pause("northgate", actor=finance, reason="a drill", now=timezone.now())
    pay(withdrawal)
    routing.resume("northgate", actor=finance, reason="over", now=timezone.now())
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert trace_of(withdrawal) == ["Northgate Pay comes after the one tried last", "Volta is the first that can"]
    assert sandbox.oracle(withdrawal.ref)["paid_times"] == 1


def test_another_pays_when_who_said_it_did_nothing_is_paused(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], finance: User
) -> None:
    sandbox.faults(create_unavailable=1.0)
    withdrawal = approved()
    pay(withdrawal)
    sandbox.faults(create_unavailable=0)
    routing.pause("northgate", actor=finance, reason="down", now=timezone.now())
    assert live(sandbox, withdrawal) == S.COMPLETED
    assert withdrawal.attempts.get(state="paid").provider == "volta"


def test_after_a_definite_refusal_the_key_is_a_new_one(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal]
) -> None:
    for account in ("northgate", "volta"):
        sandbox.set_balance(account, "EUR", 0)
    withdrawal = approved()
    assert live(sandbox, withdrawal, rounds=3) == S.APPROVED
    sandbox.set_balance("northgate", "EUR", 10**9)
    payouts.pay(withdrawal.pk, clock=lambda: timezone.now() + payouts.FUNDING_TIME)
    assert list(withdrawal.attempts.order_by("number").values_list("provider", flat=True)) == [
        "northgate", "volta", "northgate",
    ]  # fmt: skip
    assert len(set(keys_of(withdrawal))) == 3


def test_the_database_keeps_a_key_from_being_used_again_unless_nothing_was_sent_under_it(
    approved: Callable[..., Withdrawal],
) -> None:
    withdrawal = approved()
    first = payouts.start(withdrawal.pk, now=timezone.now())
    assert first is not None
    Withdrawal.advance(withdrawal.pk, Move.REROUTE, actor=PAYOUTS, outcome="failed", now=timezone.now())
    columns = {
        "amount": first.amount,
        "currency": "EUR",
        "fingerprint": first.fingerprint,
        "created_at": timezone.now(),
    }
    with pytest.raises(IntegrityError, match="attempt_key_unique"), transaction.atomic():
        withdrawal.attempts.create(number=2, provider="northgate", key=first.key, **columns)


def test_not_sent_ends_nothing_that_the_provider_took_on_meanwhile(
    sandbox: SandboxProcess, approved: Callable[..., Withdrawal], finance: User
) -> None:
    withdrawal = approved(10_910)
    attempt = payouts.start(withdrawal.pk, now=timezone.now())
    assert attempt is not None

    def clock() -> datetime:
        """Between our last look and our call: another worker's repeat is taken on, and a switch falls."""
        if not routing.paused():
            told = gateway.create_payout(attempt.provider, payouts.instruction_for(attempt), now=timezone.now())
            receipts.apply(attempt, told, now=timezone.now(), source="answer")
            routing.pause(attempt.provider, actor=finance, reason="a drill", now=timezone.now())
        return timezone.now()

    payouts.send(attempt, clock=clock)
    assert state_of(withdrawal) == S.PROCESSING
    assert withdrawal.attempts.get().state == "accepted"
