"""The verifier: silent on a sound population, and each invariant finds the corruption planted for it."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from backoffice.accounts.models import User
from providers.models import WebhookDelivery
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from withdrawals import verification
from withdrawals.models import Notification, PayoutAttempt, Withdrawal
from withdrawals.states import State

pytestmark = pytest.mark.django_db

Rows = list[dict[str, Any]]
STATEMENT_STATUS = {"paid": "settled", "returned": "returned", "failed": "failed"}


@pytest.fixture
def population(operator: User, senior: User, compliance: User) -> None:
    """One withdrawal in every state, two more where a pair is needed, and their notifications delivered."""
    for state in State:
        if state not in (State.SECOND_APPROVAL, State.ON_HOLD):
            make_withdrawal(state, by=operator)
    make_withdrawal(State.ON_HOLD, by=compliance, hold_kind="legal")
    make_withdrawal(State.SECOND_APPROVAL, amount=1_200_000, by=operator)
    make_withdrawal(State.COMPLETED, amount=1_200_000, approvals=2, by=operator, second=senior)
    Notification.objects.update(delivered_at=NOW, next_try_at=None)
    connection.check_constraints()


def statement() -> Rows:
    """The providers' books as they should be."""
    attempts = PayoutAttempt.objects.select_related("withdrawal").order_by("pk")
    return [
        {
            "provider": attempt.provider, "provider_ref": f"po_{attempt.pk}", "idem_key": str(attempt.key),
            "amount": attempt.amount, "currency": attempt.currency,
            "status": STATEMENT_STATUS.get(attempt.state, "accepted"), "customer_ref": attempt.withdrawal.ref,
        }
        for attempt in attempts
    ]  # fmt: skip


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)


# -- the command ------------------------------------------------------------------------------------------


def verify(*arguments: str) -> tuple[int, str, str]:
    """Run the command; return its exit status and what it said."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("verify", *arguments, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_a_sound_population_holds(population: None, tmp_path: Path) -> None:
    file = tmp_path / "statement.json"
    file.write_text(json.dumps(statement()))
    status, said, _err = verify("--statement", str(file))
    lasting = [invariant for invariant in verification.invariants() if not invariant.at_rest]
    assert (status, said.splitlines()[-1]) == (0, f"All {len(lasting)} invariants hold.")
    status, said, _err = verify("--json")
    assert (status, json.loads(said)["breaches"]) == (0, 0)


def test_in_flight_is_no_breach_until_at_rest_is_claimed(population: None) -> None:
    status, _out, err = verify("--at-rest")
    assert status == 1
    assert err.startswith("Breach of Q02")


def test_the_statement_leaves_nothing_behind(population: None) -> None:
    before = {name: count for name, count in verification.run(statement=statement()).items() if count}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM inv.provider_stmt")
        assert (before, cursor.fetchone()) == ({}, (0,))


def test_an_entry_taken_from_its_withdrawal_is_one_breach(population: None) -> None:
    """One row changed by the superuser, triggers off: one breach, named."""
    ref = Withdrawal.objects.filter(state=State.COMPLETED).order_by("pk").values_list("ref", flat=True)[0]
    execute(
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        f"UPDATE ledger_entry SET reference = 'nobody' WHERE kind = 'settle' AND reference = '{ref}'",
    )
    status, said, err = verify("--json")
    told = json.loads(said)
    assert (status, told["breaches"], told["invariants"]["L10"]) == (1, 1, 1)
    assert err.startswith("Breach of L10 (state and ledger agree)")
    assert ref in err


def test_a_changed_posting_is_one_breach(population: None) -> None:
    """One cent added to one line by the superuser: its entry is named, and not its account once more."""
    execute("ALTER TABLE ledger_posting DISABLE TRIGGER ALL", "UPDATE ledger_posting SET amount = amount + 1" + FIRST)
    status, said, err = verify("--json")
    told = json.loads(said)
    assert (status, told["breaches"], told["invariants"]["L01"]) == (1, 1, 1)
    assert err.startswith("Breach of L01")


# -- one corruption for each invariant ----------------------------------------------------------------------

FIRST = " WHERE (entry_id, leg) = (SELECT entry_id, leg FROM ledger_posting ORDER BY 1, 2 LIMIT 1)"
BALANCE = (
    " WHERE (account_id, shard) = (SELECT account_id, shard FROM ledger_balance WHERE guarded ORDER BY 1, 2 LIMIT 1)"
)
ENTRY = " WHERE id = (SELECT max(id) FROM ledger_entry WHERE kind = '{}')"
LAST_STEP = " WHERE id = (SELECT max(id) FROM audit_auditentry WHERE step > 1)"


def withdrawal_in(state: str) -> str:
    return f" WHERE id = (SELECT min(id) FROM withdrawals_withdrawal WHERE state = '{state}')"


def attempt_of(state: str) -> str:
    return f" WHERE id = (SELECT min(id) FROM withdrawals_payoutattempt WHERE state = '{state}')"


TWO_APPROVALS = (
    " (SELECT withdrawal_id FROM withdrawals_approval GROUP BY 1 HAVING count(DISTINCT approver_id) = 2 LIMIT 1)"
)
PLANTED: dict[str, tuple[str, ...]] = {
    "L01": ("UPDATE ledger_posting SET amount = amount + 1" + FIRST,),
    "L02": ("DELETE FROM ledger_posting WHERE entry_id = (SELECT min(id) FROM ledger_entry)",),
    "L03": ("UPDATE ledger_posting SET currency = 'USD'" + FIRST,),
    "L04": ("UPDATE ledger_balance SET amount = amount + 1" + BALANCE,),
    "L05": (
        "ALTER TABLE ledger_balance DROP CONSTRAINT ledger_balance_not_below_zero",
        "UPDATE ledger_balance SET amount = -1" + BALANCE,
    ),
    "L06": ("UPDATE ledger_balance SET amount = amount + 1" + BALANCE,),
    "L07": ("UPDATE withdrawals_withdrawal SET amount = amount + 1" + withdrawal_in("under_review"),),
    "L08": (
        "ALTER TABLE ledger_entry DROP CONSTRAINT ledger_one_entry_per_key",
        "UPDATE ledger_entry SET key = (SELECT key FROM ledger_entry ORDER BY id LIMIT 1)" + ENTRY.format("deposit"),
    ),
    "L09": (
        "DROP INDEX ledger_one_reserve",
        "UPDATE ledger_entry SET reference = (SELECT reference FROM ledger_entry WHERE kind = 'reserve' ORDER BY id"
        " LIMIT 1)" + ENTRY.format("reserve"),
    ),
    "L10": ("UPDATE ledger_entry SET reference = 'nobody'" + ENTRY.format("settle"),),
    "L11": ("UPDATE withdrawals_withdrawal SET amount = amount + 1" + withdrawal_in("processing"),),
    "P07": ("UPDATE withdrawals_payoutattempt SET state = 'paid'" + attempt_of("failed"),),
    "P08": ("UPDATE withdrawals_payoutattempt SET amount = amount + 1" + attempt_of("paid"),),
    "P09": ("UPDATE withdrawals_payoutattempt SET created_at = created_at - interval '1 day'" + attempt_of("paid"),),
    "S01": ("UPDATE audit_auditentry SET to_state = 'returned'" + LAST_STEP,),
    "S02": ("UPDATE audit_auditentry SET step = step + 10" + LAST_STEP,),
    "S03": ("UPDATE withdrawals_withdrawal SET state = 'approved', fingerprint = 'x'" + withdrawal_in("under_review"),),
    "S04": ("UPDATE audit_auditentry SET from_state = 'rejected'" + LAST_STEP,),
    "A01": (f"DELETE FROM withdrawals_approval WHERE withdrawal_id = {TWO_APPROVALS}",),
    "A02": (
        "DROP INDEX approval_once_per_person",
        f"UPDATE withdrawals_approval SET approver_id = (SELECT min(id) FROM accounts_user)"
        f" WHERE withdrawal_id = {TWO_APPROVALS}",
    ),
    "A03": ("UPDATE withdrawals_withdrawal SET required_approvals = 1 WHERE amount > 1000000 AND state = 'completed'",),
    "A04": (f"UPDATE withdrawals_approval SET fingerprint = id::text WHERE withdrawal_id = {TWO_APPROVALS}",),
    "A05": (
        "UPDATE audit_auditentry SET to_state = 'cancelled' WHERE step = 1 AND subject_id ="
        " (SELECT ref FROM withdrawals_withdrawal WHERE state = 'completed' LIMIT 1)",
    ),
    "A06": ("UPDATE withdrawals_payoutattempt SET fingerprint = 'another'" + attempt_of("paid"),),
    "A07": (
        "UPDATE audit_auditentry SET from_state = 'requested', to_state = 'approved' WHERE step = 1 AND subject_id ="
        " (SELECT ref FROM withdrawals_withdrawal WHERE state = 'under_review' LIMIT 1)",
    ),
    "A08": (
        "INSERT INTO withdrawals_finding (withdrawal_id, provider, kind, words, data, at, stops_payouts, key)"
        " SELECT min(id), 'volta', 'x', '', '{}', '2020-01-01', true, 'x' FROM withdrawals_withdrawal"
        " WHERE state = 'completed'",
    ),
    "H01": ("DELETE FROM audit_auditentry WHERE id = (SELECT max(id) FROM audit_auditentry WHERE step = 1)",),
    "H02": ("UPDATE audit_auditentry SET reason = 'something else'" + LAST_STEP,),
    "H03": ("DELETE FROM audit_auditentry" + LAST_STEP,),
    "I01": (
        "ALTER TABLE withdrawals_withdrawal DROP CONSTRAINT withdrawal_intake_key_unique",
        "UPDATE withdrawals_withdrawal SET intake_key = 'the same'",
    ),
    "I02": (
        "ALTER TABLE providers_webhookdelivery DROP CONSTRAINT webhook_unverified_is_never_applied",
        "UPDATE providers_webhookdelivery SET verified = false",
    ),
    "Q01": ("UPDATE withdrawals_notification SET delivered_at = NULL, next_try_at = now()",),
    "Q02": ("UPDATE withdrawals_withdrawal SET state = 'processing'" + withdrawal_in("under_review"),),
    "Q03": ("UPDATE providers_webhookdelivery SET applied_at = NULL",),
}


def of(status: str, rows: Rows) -> dict[str, Any]:
    return next(row for row in rows if row["status"] == status)


# What a provider's own books may show: each takes the sound rows and returns the strange ones.
TOLD: dict[str, Callable[[Rows], Rows]] = {
    "P01": lambda rows: [*rows, {**of("settled", rows), "provider_ref": "po_again"}],
    "P02": lambda rows: [*rows, {**of("settled", rows), "provider": "volta", "idem_key": "another"}],
    "P03": lambda rows: [*rows, {**of("settled", rows), "idem_key": "another", "customer_ref": "WD-0000-0000"}],
    "P04": lambda rows: [{**row, "amount": row["amount"] + 1} for row in rows],
    "P05": lambda rows: [row for row in rows if row["status"] != "settled"],
    "P06": lambda rows: [{**row, "status": "settled"} for row in rows],
    "P10": lambda rows: [{**row, "amount": row["amount"] + 1} for row in rows],
}


def test_there_is_a_corruption_for_every_invariant() -> None:
    assert sorted([*PLANTED, *TOLD]) == sorted(invariant.name for invariant in verification.invariants())


def test_each_corruption_is_found_by_its_invariant(population: None) -> None:
    WebhookDelivery.objects.create(
        provider="northgate", event_id="evt", received_at=NOW, apply_after=NOW, headers={}, body=b"", verified=True,
        http_status=200, applied_at=NOW,
    )  # fmt: skip
    connection.check_constraints()
    sound = verification.run(statement=statement(), at_rest=True)
    assert {name for name, count in sound.items() if count} == {"Q02"}
    missed = []
    for name in [*PLANTED, *TOLD]:
        with transaction.atomic():
            # As a superuser who goes round every trigger and foreign key.
            execute("SET LOCAL session_replication_role = replica", *PLANTED.get(name, ()))
            found = verification.run(statement=TOLD.get(name, list)(statement()), at_rest=True)
            transaction.set_rollback(True)
        if found[name] <= sound[name]:
            missed.append(name)
    assert missed == []
    assert verification.run(statement=statement(), at_rest=True) == sound
