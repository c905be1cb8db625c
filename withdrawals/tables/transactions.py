"""The transactions report as a table: what is shown, and what the file holds."""

from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.money import to_major_string
from backoffice.ui import columns, inline
from backoffice.ui.tables import BaseTable
from ledger.queries import Booked
from withdrawals import visibility
from withdrawals.pages.route import provider_label
from withdrawals.tables.queue import STATUSES, StatusColumn, address_of


class EntriesColumn(columns.Column):
    """What was booked for the withdrawal: kind and amount of each entry, linked."""

    css = "soft linked wraps"

    def render(self, value: str, table: "TransactionTable") -> SafeString:
        booked = table.booked.get(value)
        if not booked:
            return inline.NOTHING
        lines = (
            (reverse("ledger:entry", args=[one.entry_id]), one.label, inline.money(one.amount, one.currency))
            for one in booked
        )
        return format_html_join(" · ", '<span class="kept"><a href="{}">{}</a> {}</span>', lines)

    def value(self, value: str, **context: Any) -> str:
        booked = context["table"].booked.get(value, ())
        return "; ".join(f"{one.label} {to_major_string(one.amount, one.currency)} {one.currency}" for one in booked)


class ReportPlayerColumn(columns.Column):
    """Reference and name, or initials for those who work without names."""

    width = 13

    def render(self, value: Any, table: BaseTable) -> SafeString:
        return format_html(
            '<span class="mono">{}</span> <span class="muted">{}</span>',
            value.ref,
            visibility.player_in_report(table.me, value),
        )

    def value(self, value: Any, **context: Any) -> str:
        return visibility.player_in_report(context["table"].me, value)


class ProviderColumn(columns.Column):
    """Whoever pays it, by name; also in the file."""

    width = 12

    def render(self, value: str) -> str:
        return provider_label(value)

    def value(self, value: str, **context: Any) -> str:
        return provider_label(value)


class TransactionTable(BaseTable):
    """Hand in what is ``booked``, by reference."""

    requested = columns.TimeColumn(
        accessor="requested_at", sort_by="requested_at", verbose_name="Requested", form="exact", width=20
    )
    ref = columns.RefColumn(
        accessor="ref", verbose_name="Withdrawal", linkify=lambda record: address_of(record), width=13
    )
    player_ref = columns.Column(accessor="player__ref", verbose_name="Player reference", visible=False)
    player = ReportPlayerColumn(accessor="player", verbose_name="Player")
    amount = columns.MoneyColumn(accessor="amount", sort_by="reference_amount", verbose_name="Amount")
    fee = columns.MoneyColumn(accessor="fee", verbose_name="Fee", css="r num", width=13)
    currency = columns.Column(accessor="currency", verbose_name="Currency", visible=False)
    state = StatusColumn(
        accessor="state", sort_by="state", verbose_name="Status", width=16, css="wraps", explained=STATUSES
    )
    method = columns.Column(accessor="get_method_display", verbose_name="Method", visible=False)
    provider = ProviderColumn(accessor="provider", sort_by="provider", verbose_name="Provider")
    provider_reference = columns.Column(
        accessor="provider_reference", verbose_name="Provider’s reference", visible=False
    )
    closed = columns.TimeColumn(accessor="closed_at", verbose_name="Closed", form="exact", visible=False)
    entries = EntriesColumn(accessor="ref", verbose_name="Entries")

    caption = "Transactions with what was booked for them"
    sort = "-requested"
    phone = {"ref": "title", "amount": "amount", "state": "meta", "requested": "side", "entries": "note"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.booked: dict[str, list[Booked]] = {}
