"""Players and their verification as a table."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.ui import columns, inline
from backoffice.ui.tables import BaseTable
from kyc import queries as kyc
from kyc.states import EXPIRES_SOON_DAYS, Standing
from withdrawals import totals
from withdrawals.tables.flagged import StakeColumn


class StandingWordColumn(columns.Column):
    """What KYC says today in a word, of a row of kyc.queries.standings()."""

    width = 14

    def render(self, record: Any, table: BaseTable) -> SafeString:
        standing = kyc.standing_in(record, on=timezone.localdate(table.now))
        return format_html('<span title="{}">{}</span>', standing.words, _standing_mark(standing))


class ExpiryColumn(columns.Column):
    """The last valid day and how far away it is."""

    css = "num"
    width = 16

    def render(self, value: date, record: Any, table: BaseTable) -> SafeString:
        standing = kyc.standing_in(record, on=timezone.localdate(table.now))
        left = standing.days_left or 0
        words = f"{left} d left" if left > 0 else "today" if left == 0 else f"{-left} d ago"
        day = f"{value.day} {value:%b %Y}"
        away = format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), day, words)
        soon = inline.mark(standing.tone, "clock", away) if left <= EXPIRES_SOON_DAYS else ""
        return format_html('<time datetime="{}">{}</time> {}', value.isoformat(), day, soon)


class StandingTable(BaseTable):
    """Players with what verification allows them today. Hand in ``open_totals`` by player."""

    player = columns.Column(
        accessor="name", sort_by="name", verbose_name="Player", linkify=lambda record: player_address(record), width=24
    )
    ref = columns.RefColumn(accessor="ref", verbose_name="Reference", width=12)
    country = columns.Column(accessor="country", sort_by="country", verbose_name="Country", width=9)
    standing = StandingWordColumn(accessor="pk", verbose_name="Verification")
    level = columns.Column(
        accessor="standing_level", sort_by="standing_level", verbose_name="Level", css="num", width=8
    )
    expires = ExpiryColumn(
        accessor="standing_expires_on", sort_by="standing_expires_on", verbose_name="Expires", width=24
    )
    waiting = StakeColumn(accessor="pk", sort_by="waiting_value", verbose_name="Money waiting", css="r num", width=24)

    caption = "Players and their verification"
    sort = "expires"
    phone = {"player": "title", "waiting": "amount", "standing": "meta", "expires": "side"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.open_totals: dict[int, totals.OpenTotal] = {}

    def render_level(self, value: int) -> str | SafeString:
        return f"L{value}" if value else inline.NOTHING


def player_address(player: Any) -> str:
    """Return the address of the look-up that finds exactly this player."""
    return f"{reverse('withdrawals:players')}?{urlencode({'q': player.ref})}"


def _standing_mark(standing: Standing) -> SafeString:
    return inline.mark(standing.tone, standing.icon, standing.state.label)
