"""What is with providers: how it stands, since when, what was said last, and what happens next by itself."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.ui import columns, inline
from backoffice.ui.tables import BaseTable
from withdrawals import visibility
from withdrawals.models import Withdrawal
from withdrawals.pages.route import provider_label
from withdrawals.states import LOOKS, WITH_PROVIDER, State
from withdrawals.tables.queue import STATUSES, StatusColumn, address_of


class RecordColumn(columns.Column):
    """The player as the link."""

    width = 14

    def render(self, record: Withdrawal, table: "InFlightTable") -> SafeString:
        name = visibility.player_name(table.me, record.player)
        return format_html('<a class="cell" href="{}">{}</a>', address_of(record, table.view), name)

    def value(self, value: Any, **context: Any) -> str:
        return context["record"].player.ref


class ToColumn(columns.Column):
    width = 23

    def render(self, record: Withdrawal, table: BaseTable) -> SafeString:
        words = inline.masked(visibility.destination_words(table.me, record))
        return format_html('{} <span class="muted">{}</span>', provider_label(record.provider), words)

    def value(self, value: Any, **context: Any) -> str:
        return provider_label(value)


class NextColumn(columns.Column):
    """What the machines do next, and when; where they do nothing, who must."""

    css = "soft"
    width = 18

    def render(self, record: Withdrawal, table: BaseTable) -> SafeString | str:
        if record.state not in WITH_PROVIDER:
            return "None: money is back" if record.state == State.FAILED else "Finance decides"
        if record.next_step_at is None:
            return inline.mark("attn", "user", "A person decides")
        if record.next_step_at <= table.now:
            return "Is being asked"
        return format_html("Ask again {}", inline.time(record.next_step_at, "time", table.now))


class InFlightTable(BaseTable):
    """Hand in ``view``, what an address says of the list."""

    state = StatusColumn(width=18, accessor="state", sort_by="state", verbose_name="Status", explained=STATUSES)
    player = RecordColumn(accessor="player", verbose_name="Player")
    amount = columns.MoneyColumn(accessor="amount", sort_by="house_value", verbose_name="Amount")
    to = ToColumn(accessor="provider", sort_by="provider", verbose_name="Provider and payout details")
    sent = columns.TimeColumn(accessor="sent_at", sort_by="sent_at", verbose_name="Sent", form="relative", width=12)
    attempt = columns.Column(accessor="attempt", verbose_name="Attempt", css="num", width=8)
    answer = columns.Column(accessor="answer", verbose_name="Last answer", css="soft")
    then = NextColumn(accessor="state", verbose_name="Next automatic step")
    reference = columns.RefColumn(accessor="ref", verbose_name="Reference")
    currency = columns.Column(accessor="currency", verbose_name="Currency", width=9)

    view = ""
    caption = "In flight"
    sort = "sent"
    fixed = ("player", "amount")
    optional = ("reference", "currency")
    live = ("state", "answer", "then")
    phone = {"state": "side", "player": "title", "amount": "amount", "sent": "meta", "answer": "note"}

    def key_of(self, record: Withdrawal) -> str:
        return record.ref

    def label_of(self, record: Withdrawal) -> str:
        return f"{visibility.player_name(self.me, record.player)}, {inline.written(record.amount, record.currency)}"

    def gone(self, record: Withdrawal) -> SafeString:
        return inline.state(LOOKS[visibility.state_for(self.me, record.state, record.hold_kind)])

    def render_answer(self, value: str) -> SafeString:
        words = value[:1].upper() + value[1:]
        return inline.two_lines(words)
