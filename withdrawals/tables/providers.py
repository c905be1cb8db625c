"""The provider board as a table."""

from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.ui import columns, inline
from backoffice.ui.tables import BaseTable
from providers.queries import Share
from providers.states import LOOKS as PROVIDER_LOOKS
from providers.states import ProviderState
from withdrawals.pages.providers import Line as ProviderLine
from withdrawals.states import WITH_PROVIDER
from withdrawals.tables.queue import waited

_IN_FLIGHT = "".join(f"&state={state}" for state in WITH_PROVIDER)


class ProviderStateColumn(columns.Column):
    """How a provider is doing; who paused it, why, and since when."""

    css = "wraps"

    def render(self, record: ProviderLine, table: BaseTable) -> SafeString:
        words = inline.state(PROVIDER_LOOKS[record.state], strong=record.state != ProviderState.WORKING)
        if not record.paused_by:
            return words
        since = f"Since {inline.exact(record.paused_at)}" if record.paused_at else ""
        return format_html(
            '{} <span class="soft" title="{}">by {}: {}</span>', words, since, record.paused_by, record.reason
        )


class TakenColumn(columns.Column):
    """``4 of 4 · 228 of 231``: of 15 minutes and of 24 hours; without any it is a dash, never 0 %."""

    css = "num wraps"
    width = 16

    def render(self, record: ProviderLine) -> str | SafeString:
        if not record.success_24h.total:
            return inline.NOTHING
        return f"{_share(record.success_15m)} · {_share(record.success_24h)}"


class FloatColumn(columns.Column):
    """Our money at the provider per currency, and as of when it said so."""

    css = "num wraps"
    width = 20

    def render(self, record: ProviderLine, table: BaseTable) -> SafeString:
        return (
            format_html_join(
                " ",
                '<span class="whole">{} <span class="muted">{}</span></span>',
                (
                    (inline.money(row.available, row.currency), inline.time(row.as_of, "relative", table.now))
                    for row in record.balances
                ),
            )
            or inline.NOTHING
        )


class SwitchColumn(columns.Column):
    """The way to pause or resume, for those who may; the way to a sandbox's own page."""

    css = "r wraps"
    width = 13
    right = True

    def render(self, record: ProviderLine, table: BaseTable) -> SafeString:
        links = []
        if record.control_page:
            links.append(
                format_html(
                    '<a class="btn btn-quiet btn-s" href="{}">Sandbox<span class="sr"> controls of {}</span></a>',
                    record.control_page,
                    record.label,
                )
            )
        if table.me.has_perm("providers.pause_provider"):
            act = "resume" if record.state == ProviderState.PAUSED else "pause"
            address = reverse("withdrawals:provider-switch", args=[record.code, act])
            links.append(
                format_html(
                    '<a class="btn btn-s" href="{}">{}…<span class="sr"> {}</span></a>',
                    address,
                    act.capitalize(),
                    record.label,
                )
            )
        return format_html_join(" ", "{}", ((link,) for link in links)) if links else inline.NOTHING


class ProviderTable(BaseTable):
    """The board: rows of withdrawals.pages.providers.board()."""

    provider = columns.Column(accessor="label", verbose_name="Provider", css="strong", width=14)
    state = ProviderStateColumn(accessor="state", verbose_name="State")
    taken = TakenColumn(accessor="code", verbose_name="Taken, 15 min · 24 h")
    answer = columns.Column(accessor="median_ms", verbose_name="Answers in", css="num wraps", width=12)
    in_flight = columns.Column(accessor="in_flight", verbose_name="In flight", css="num linked wraps", width=11)
    unknown = columns.Column(accessor="unknown", verbose_name="Unknown", css="num", width=8)
    funds = FloatColumn(accessor="code", verbose_name="Our money there")
    webhook = columns.TimeColumn(accessor="last_webhook_at", verbose_name="Last heard", form="relative", width=11)
    switch = SwitchColumn(accessor="code", verbose_name="Switch")

    caption = "Payment providers"
    phone = {"provider": "title", "switch": "amount", "taken": "meta", "funds": "side", "state": "note"}

    def render_answer(self, value: int, record: ProviderLine) -> SafeString:
        """Half of the answers, and all but the slowest twentieth."""
        return format_html(
            '{} ms <span class="whole muted">95 % in {} ms</span>', f"{value:,}", f"{record.p95_ms or 0:,}"
        )

    def render_in_flight(self, value: int, record: ProviderLine) -> SafeString | str:
        if not value:
            return "0"
        oldest = f", oldest {waited(record.oldest_at, self.now)}" if record.oldest_at else ""
        address = f"{reverse('withdrawals:queue')}?{urlencode({'view': 'all', 'provider': record.code}) + _IN_FLIGHT}"
        return format_html('<a href="{}">{}</a><span class="muted">{}</span>', address, f"{value:,}", oldest)

    def render_unknown(self, value: int) -> SafeString | str:
        return inline.mark("attn", "help", f"{value:,}") if value else "0"


def _share(share: Share) -> str:
    return f"{share.good:,} of {share.total:,}" if share.total else "none"
