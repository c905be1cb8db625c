"""The queue as a file: everything that its reader may know of a row, as plain values."""

from collections.abc import Callable
from typing import Any

from backoffice.ui import columns
from backoffice.ui.tables import BaseTable
from kyc.states import Standing
from withdrawals import visibility
from withdrawals.models import Withdrawal
from withdrawals.operations import claims
from withdrawals.pages import pending
from withdrawals.pages.route import provider_label
from withdrawals.states import UNDECIDED, State


class Said(columns.Column):
    """A value that is more than a field of the row; ``of`` takes the row and the table."""

    def __init__(self, of: Callable[[Withdrawal, "QueueFile"], Any], **kwargs: Any) -> None:
        super().__init__(accessor="pk", **kwargs)
        self.of = of

    def value(self, value: Any, **context: Any) -> Any:
        return self.of(context["record"], context["table"])


def _kyc(row: Withdrawal, table: "QueueFile") -> str:
    standing = table.standings.get(row.player_id)
    return standing.short if standing else ""


def _why(row: Withdrawal, table: "QueueFile") -> str:
    return pending.hold_reason(row, table.me) if row.state == State.ON_HOLD else "; ".join(row.why)


def _state(row: Withdrawal, table: "QueueFile") -> str:
    return visibility.state_for(table.me, row.state, row.hold_kind).label


def _owner(row: Withdrawal, table: "QueueFile") -> str:
    owner = claims.owner_of(row, now=table.now)
    return owner.name if owner else ""


class DueColumn(columns.TimeColumn):
    """Until when a person must decide; nothing of what is decided."""

    def value(self, value: Any, **context: Any) -> str:
        return super().value(value, **context) if context["record"].state in UNDECIDED else ""


class QueueFile(BaseTable):
    """Hand in ``standings`` by player. Which columns a reader gets: columns_for."""

    reference = columns.Column(accessor="ref", verbose_name="Withdrawal")
    requested = columns.TimeColumn(accessor="requested_at", verbose_name="Requested")
    due = DueColumn(accessor="due_at", verbose_name="Due")
    player_ref = columns.Column(accessor="player__ref", verbose_name="Player reference")
    player = columns.Column(accessor="player__name", verbose_name="Player")
    country = columns.Column(accessor="player__country", verbose_name="Country")
    amount = columns.MoneyColumn(accessor="amount", verbose_name="Amount")
    currency = columns.Column(accessor="currency", verbose_name="Currency")
    to = Said(lambda row, table: visibility.destination_words(table.me, row), verbose_name="To")
    kyc = Said(_kyc, verbose_name="KYC")
    risk = columns.Column(accessor="risk_score", verbose_name="Risk")
    why = Said(_why, verbose_name="Why it needs a person")
    state = Said(_state, verbose_name="Status")
    provider = Said(lambda row, _table: provider_label(row.provider), verbose_name="Provider")
    owner = Said(_owner, verbose_name="Owner")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standings: dict[int, Standing] = {}


def columns_for(user: Any) -> tuple[str, ...]:
    """Return the columns of the file that this person gets."""
    hidden = set(visibility.hidden_columns(user))
    if not visibility.sees(user, visibility.Field.STATE):
        hidden.add("due")
    if not visibility.sees(user, visibility.Field.NAME):
        hidden |= {"player", "country"}
    return tuple(name for name in QueueFile.base_columns if name not in hidden)
