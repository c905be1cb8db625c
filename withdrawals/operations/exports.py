"""What leaves the product as a file is written down first: who, which rows, how much."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from backoffice.accounts.models import User
from backoffice.audit.record import record
from backoffice.money import to_major_string
from withdrawals.totals import Total


def record_export(
    *, what: str, actor: User, filters: Mapping[str, Sequence[str]], totals: Sequence[Total], now: datetime
) -> None:
    """Record an export before its first byte is sent. ``filters`` are the parameters of the list."""
    record(
        subject_type="staff",
        subject_id=str(actor.pk),
        action="export",
        actor=actor,
        data={
            "what": what,
            "filters": {name: list(values) for name, values in filters.items()},
            "rows": sum(total.count for total in totals),
            "totals": {total.currency: to_major_string(total.amount, total.currency) for total in totals},
        },
        at=now,
    )
