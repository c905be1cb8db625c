"""What waits for a second person: who approved it first, why, and since when."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.ui import columns, inline
from backoffice.ui.tables import BaseTable
from withdrawals import reasons, visibility
from withdrawals.models import Decision, Withdrawal
from withdrawals.states import LOOKS, UNDECIDED
from withdrawals.tables.queue import OwnerColumn, PlayerColumn


class FirstColumn(columns.Column):
    """Who approved it first, and when."""

    css = "wraps"
    width = 18

    def render(self, value: int, table: "SecondApprovalTable") -> SafeString:
        first = table.firsts.get(value)
        if first is None:
            return inline.NOTHING
        at = inline.time(first.decided_at, "short", table.now)
        return format_html("{}, {}", inline.person(first.actor, table.me), at)


class ReasonColumn(columns.Column):
    """What the first person said, as they said it."""

    css = "soft"

    def render(self, value: int, table: "SecondApprovalTable") -> SafeString:
        first = table.firsts.get(value)
        if first is None:
            return inline.NOTHING
        said = [reasons.label_of(first.reason) if first.reason else "", first.note]
        words = " · ".join(part for part in said if part)
        return format_html('<span title="{0}">“{0}”</span>', words) if words else inline.NOTHING


class SecondApprovalTable(BaseTable):
    """Hand in ``firsts``: the decision of the first person by withdrawal; and ``view``, where a row opens from."""

    due = columns.DueColumn(accessor="due_at", sort_by="due_at", verbose_name="Due", width=16)
    player = PlayerColumn(accessor="player", sort_by="player__name", verbose_name="Player")
    amount = columns.MoneyColumn(accessor="amount", sort_by="house_value", verbose_name="Amount")
    first = FirstColumn(accessor="pk", verbose_name="First approver")
    reason = ReasonColumn(accessor="pk", verbose_name="Their reason")
    waiting = columns.TimeColumn(accessor="endorsed_at", sort_by="endorsed_at", verbose_name="Waiting", form="length")
    owner = OwnerColumn(accessor="pk", verbose_name="Owner", width=10)

    caption = "Second approval"
    sort = "due"
    fixed = ("player", "amount")
    live = ("due", "owner")
    phone = {"player": "title", "amount": "amount", "due": "meta", "first": "side", "reason": "note"}
    view = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.firsts: dict[int, Decision] = {}

    def key_of(self, record: Withdrawal) -> str:
        return record.ref

    def label_of(self, record: Withdrawal) -> str:
        return f"{visibility.player_name(self.me, record.player)}, {inline.written(record.amount, record.currency)}"

    def gone(self, record: Withdrawal) -> SafeString:
        """Its new state; while a decision waits for its undo time, that it was decided."""
        if record.state in UNDECIDED:
            return inline.mark("neutral", "check", "Decided")
        return inline.state(LOOKS[visibility.state_for(self.me, record.state, record.hold_kind)])
