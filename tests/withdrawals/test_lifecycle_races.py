"""Races for one withdrawal or one balance, and what a failing write undoes."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from tests.conftest import NOW
from tests.factories.withdrawals import PLATFORM, fund, open_withdrawal
from tests.withdrawals.life import counts, in_state
from withdrawals.exceptions import MoveRefused
from withdrawals.models import Withdrawal
from withdrawals.operations import requests
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db(transaction=True)  # threads, and what is only checked at commit

S, M = State, Move


def test_eight_threads_race_for_one_withdrawal(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    version = withdrawal.version
    outcomes: list[str] = []
    barrier = threading.Barrier(8)

    def approve() -> None:
        barrier.wait()
        try:
            Withdrawal.advance(withdrawal.pk, M.APPROVE, actor=people["operator"], now=NOW, version=version)
            outcomes.append("won")
        except MoveRefused:
            outcomes.append("lost")
        finally:
            connection.close()

    threads = [threading.Thread(target=approve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["lost"] * 7 + ["won"]
    assert AuditEntry.objects.filter(subject_id=withdrawal.ref, action="approve").count() == 1


def test_a_failing_ledger_write_rolls_everything_back(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_entry ADD CONSTRAINT nothing CHECK (kind <> 'unreserve') NOT VALID")
    before = counts()
    try:
        with pytest.raises(DatabaseError):
            Withdrawal.advance(withdrawal.pk, M.REJECT, actor=people["operator"], now=NOW, reason="terms_not_met")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_entry DROP CONSTRAINT nothing")
    assert counts() == before
    assert Withdrawal.objects.get(pk=withdrawal.pk).state == S.UNDER_REVIEW


def test_a_failing_audit_write_rolls_everything_back(people: dict[str, User]) -> None:
    withdrawal = in_state(S.UNDER_REVIEW, people)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditentry ADD CONSTRAINT nothing CHECK (action <> 'reject') NOT VALID")
    before = counts()
    try:
        with pytest.raises(IntegrityError):
            Withdrawal.advance(withdrawal.pk, M.REJECT, actor=people["operator"], now=NOW, reason="terms_not_met")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_auditentry DROP CONSTRAINT nothing")
    assert counts() == before
    assert Withdrawal.objects.get(pk=withdrawal.pk).state == S.UNDER_REVIEW


def test_two_requests_cannot_spend_one_balance() -> None:
    first = open_withdrawal(amount=10_000)
    player = first.player
    fund(player, 10_000)
    accepted: list[bool] = []
    barrier = threading.Barrier(8)

    def ask(number: int) -> None:
        barrier.wait()
        try:
            requests.request_withdrawal(
                player=player, destination_id=first.destination.external_id, amount="40.00", currency="EUR",
                key=f"race-{number}", source="test", actor=PLATFORM, now=NOW + timedelta(minutes=1),
            )  # fmt: skip
            accepted.append(True)
        except requests.RequestRefused as refusal:
            assert refusal.code == "insufficient_funds"
            accepted.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accepted.count(True) == 2


def test_one_key_asked_twenty_times_at_once_is_one_withdrawal() -> None:
    first = open_withdrawal(amount=10_000)
    fund(first.player, 100_000)
    seen: set[str] = set()
    new: list[bool] = []
    barrier = threading.Barrier(20)

    def ask() -> None:
        barrier.wait()
        try:
            withdrawal, created = requests.request_withdrawal(
                player=first.player, destination_id=first.destination.external_id, amount="40.00", currency="EUR",
                key="same", source="test", actor=PLATFORM, now=NOW,
            )  # fmt: skip
            seen.add(withdrawal.ref)
            new.append(created)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 1
    assert new.count(True) == 1
    with pytest.raises(requests.KeyReused):
        requests.request_withdrawal(
            player=first.player, destination_id=first.destination.external_id, amount="41.00", currency="EUR",
            key="same", source="test", actor=PLATFORM, now=NOW,
        )  # fmt: skip
