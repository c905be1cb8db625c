"""The flagged list as a table, and the column of what a player has open."""

from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.ui import columns, inline
from backoffice.ui.tables import BaseTable
from withdrawals import totals
from withdrawals.tables.queue import OwnerColumn, PlayerColumn, RiskColumn, money_words


class SubjectColumn(PlayerColumn):
    width = 18


class StakeColumn(columns.Column):
    """All open withdrawals of the player, per currency; the table is handed the sums."""

    css = "r num soft"
    width = 18
    right = True

    def render(self, value: int, table: Any) -> SafeString:
        stake = table.open_totals.get(value)
        if stake is None:
            return inline.NOTHING
        sums = format_html_join(" · ", "{}", ((words,) for words in money_words(stake.totals)))
        return format_html('{} <span class="muted">in {}</span>', sums, stake.count)


class FlaggedTable(BaseTable):
    """Hand in ``view``, what an address says of the list, and ``open_totals`` by player."""

    risk = RiskColumn(accessor="risk_score", sort_by="risk_order", verbose_name="Score", width=18)
    player = SubjectColumn(accessor="player", sort_by="player__name", verbose_name="Player")
    amount = columns.MoneyColumn(accessor="amount", sort_by="house_value", verbose_name="This withdrawal")
    stake = StakeColumn(accessor="player_id", verbose_name="Player’s open total")
    signals = columns.Column(accessor="why", verbose_name="Signals", css="soft")
    due = columns.DueColumn(accessor="due_at", sort_by="due_at", verbose_name="Due", width=16)
    owner = OwnerColumn(accessor="pk", verbose_name="Owner", width=10)

    view = ""
    caption = "Withdrawals with fraud signals"
    sort = "-risk"
    phone = {"player": "title", "amount": "amount", "risk": "side", "due": "meta", "signals": "note"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.open_totals: dict[int, totals.OpenTotal] = {}

    def render_signals(self, value: list[str]) -> SafeString:
        return inline.two_lines(" · ".join(value[:2]))
