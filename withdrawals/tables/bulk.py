"""What is about to be decided at once, and what became of it."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.ui import columns, inline
from backoffice.ui.tables import BaseTable, Group
from withdrawals import visibility
from withdrawals.operations.bulk import Line
from withdrawals.pages.bulk import WORDS, Result
from withdrawals.pages.route import provider_label
from withdrawals.states import Move
from withdrawals.tables.queue import address_of


class BoxColumn(columns.Column):
    """Unchecked, a row stays undecided; the server counts anew."""

    width = 8
    css = "pick"

    def render(self, record: Line, table: "BulkTable") -> SafeString:
        if record.left_out is not None:
            return SafeString("")
        return format_html(
            '<input type="checkbox" name="keep" value="{0}" id="keep-{0}" aria-label="{4} {1}"'
            ' hx-post="{2}" autocomplete="off"{3}>',
            record.withdrawal.ref,
            table.label_of(record),
            table.count_url,
            SafeString(" checked" if record.is_picked else ""),
            table.words.verb,
        )


class NameColumn(columns.Column):
    """The player, as the link to the withdrawal."""

    width = 15

    def render(self, record: Any, table: BaseTable) -> SafeString:
        withdrawal = record.withdrawal
        name = visibility.player_name(table.me, withdrawal.player)
        return format_html('<a class="cell" href="{}">{}</a>', address_of(withdrawal), name)


class BulkTable(BaseTable):
    """Hand in ``count_url``, which answers with the totals of the checked rows, and ``words`` of what is done."""

    box = BoxColumn(accessor="withdrawal", verbose_name="Include")
    player = NameColumn(accessor="withdrawal", verbose_name="Player")
    amount = columns.MoneyColumn(accessor="withdrawal__amount", currency="withdrawal__currency", verbose_name="Amount")
    to = columns.Column(accessor="withdrawal", verbose_name="To", width=20)
    provider = columns.Column(accessor="provider", verbose_name="Provider", width=14)
    reference = columns.Column(accessor="withdrawal__ref", verbose_name="Reference", width=13, css="mono")
    why = columns.Column(accessor="withdrawal__why", verbose_name="Why", css="soft wraps")

    caption = "Selected withdrawals"
    sort = "due"  # as they come
    phone = {"box": "side", "player": "title", "amount": "amount", "to": "meta", "why": "note"}
    count_url = ""
    words = WORDS[Move.APPROVE]

    def group_of(self, record: Line) -> Group:
        return Group(f"Will be {self.words.past}" if record.left_out is None else "Left out")

    def label_of(self, record: Line) -> str:
        row = record.withdrawal
        return f"{visibility.player_name(self.me, row.player)}, {inline.written(row.amount, row.currency)}"

    def render_to(self, record: Line) -> SafeString:
        return inline.masked(visibility.destination_words(self.me, record.withdrawal))

    def render_provider(self, value: str) -> str:
        return provider_label(value)

    def render_why(self, record: Line) -> SafeString | str:
        if record.left_out is not None:
            return inline.mark("attn", "warn", record.left_out.sentence)
        return " · ".join(record.withdrawal.why[:2])


class ResultTable(BaseTable):
    player = NameColumn(accessor="withdrawal", verbose_name="Player")
    amount = columns.MoneyColumn(accessor="withdrawal__amount", currency="withdrawal__currency", verbose_name="Amount")
    reference = columns.Column(accessor="withdrawal__ref", verbose_name="Reference", width=16, css="mono")
    outcome = columns.Column(accessor="words", verbose_name="Outcome", css="wraps")

    caption = "What became of each"
    sort = "job"  # as they come
    phone = {"player": "title", "amount": "amount", "outcome": "note"}

    def render_outcome(self, record: Result) -> SafeString:
        return inline.mark(record.tone, record.icon, record.words)
