"""Withdrawals in any state, and what the tests of the life count."""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from backoffice.accounts.models import User
from backoffice.audit.actors import PAYOUTS, SCREENING, SWEEPER
from backoffice.audit.models import AuditEntry
from ledger.models import Entry
from tests.conftest import NOW
from tests.factories.withdrawals import PLATFORM, make_withdrawal
from withdrawals.models import Notification, Withdrawal
from withdrawals.states import State

HOLD = {"reason": "waiting_document", "kind": "internal", "wake_at": NOW + timedelta(days=1)}
LEGAL = {"reason": "legal", "kind": "legal"}
PAID = {"provider_reference": "ng-1"}
MACHINES = {"screening": SCREENING, "payouts": PAYOUTS, "sweeper": SWEEPER, "platform": PLATFORM}


def in_state(state: State, people: dict[str, User], **fields: Any) -> Withdrawal:
    return make_withdrawal(state, by=people["operator"], second=people["colleague"], **fields)


def counts() -> tuple[int, ...]:
    return (Entry.objects.count(), AuditEntry.objects.count(), Notification.objects.count())


def raw(sql: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
