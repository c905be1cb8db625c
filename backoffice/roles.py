"""Role → permissions, as one literal table; written to the database after every migrate.

A permission is a business verb. Separation of duties is not here but on the moves (someone_else);
what is here is who may use a verb at all. Administrators have no verb that decides on money.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction

_READ = {"withdrawals.view_withdrawal"}
_DECIDE = {
    "withdrawals.decide_withdrawal",
    "withdrawals.approve_withdrawal",
    "withdrawals.reject_withdrawal",
    "withdrawals.hold_withdrawal",
    "withdrawals.release_withdrawal",
    "withdrawals.add_note",
    "kyc.view_player",
    "withdrawals.view_signals",
    "withdrawals.export_withdrawals",
}

ROLES: dict[str, set[str]] = {
    "Operator": _READ | _DECIDE | {"kyc.look_up_player", "providers.view_provider"},
    "Senior": _READ
    | _DECIDE
    | {
        "kyc.look_up_player",
        "providers.view_provider",
        "withdrawals.confirm_withdrawal",
        "withdrawals.recall_withdrawal",
        "withdrawals.cancel_withdrawal",
        "withdrawals.settle_withdrawal",
        "withdrawals.take_over_claim",
        "jobs.exceed_bulk_limit",
        "withdrawals.close_finding",
        "withdrawals.print_evidence",
        "ledger.view_entry",
    },
    "Fraud": _READ
    | {
        "kyc.view_player",
        "kyc.look_up_player",
        "withdrawals.view_signals",
        "withdrawals.view_flagged",
        "withdrawals.decide_flagged",
        "withdrawals.reject_withdrawal",
        "withdrawals.hold_withdrawal",
        "withdrawals.release_withdrawal",
        "withdrawals.add_note",
        "withdrawals.export_withdrawals",
        "withdrawals.print_evidence",
    },
    "Support": _READ | {"kyc.look_up_player", "withdrawals.add_note"},
    "Finance": _READ
    | {
        "ledger.view_entry",
        "withdrawals.view_transactions",
        "withdrawals.export_transactions",
        "withdrawals.export_withdrawals",
        "withdrawals.print_evidence",
        "withdrawals.settle_withdrawal",
        "withdrawals.close_finding",
        "providers.view_provider",
        "providers.pause_provider",
    },
    "Compliance": _READ
    | {
        "kyc.view_player",
        "kyc.look_up_player",
        "kyc.view_standings",
        "withdrawals.view_signals",
        "withdrawals.view_flagged",
        "withdrawals.hold_withdrawal",
        "withdrawals.release_withdrawal",
        "withdrawals.freeze_withdrawal",
        "withdrawals.add_note",
        "ledger.view_entry",
        "ledger.view_freezes",
        "audit.view_auditentry",
        "withdrawals.view_transactions",
        "withdrawals.export_withdrawals",
        "withdrawals.exceed_export_limit",
        "withdrawals.print_evidence",
    },
    "Administrator": _READ
    | {
        "accounts.view_user",
        "accounts.change_user",
        "withdrawals.close_finding",
        "providers.view_provider",
        "providers.pause_provider",
        "audit.view_auditentry",
    },
}

# Where somebody lands after signing in, by the first of their roles.
LANDING: dict[str, str] = {
    "Operator": "withdrawals:queue",
    "Senior": "withdrawals:queue",
    "Fraud": "withdrawals:flagged",
    "Support": "withdrawals:players",
    "Finance": "today",
    "Compliance": "today",
    "Administrator": "today",
}


class UnknownPermission(Exception):
    """The table names a permission that no model declares."""


@transaction.atomic
def synchronise(**_: Any) -> None:
    """Make the groups equal to the table; also takes away what the table no longer says.

    Raises UnknownPermission when a string names nothing, so that a misspelt right never goes live.
    """
    known = {f"{p.content_type.app_label}.{p.codename}": p for p in Permission.objects.select_related("content_type")}
    for name, wanted in ROLES.items():
        missing = sorted(wanted - known.keys())
        if missing:
            raise UnknownPermission(f"Role {name} names permissions that do not exist: {', '.join(missing)}.")
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.set([known[permission] for permission in sorted(wanted)])
    Group.objects.exclude(name__in=ROLES).delete()
