"""The tables of withdrawals: columns with their widths, and the groups of the queue."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.money import format_money, to_major_string
from backoffice.ui import columns, inline
from backoffice.ui.tables import BaseTable, Group
from kyc import queries as kyc
from kyc.states import EXPIRES_SOON_DAYS, Standing
from ledger import tables as booked
from ledger.models import Entry
from providers.queries import Share
from providers.registry import BY_CODE
from providers.states import LOOKS as PROVIDER_LOOKS
from providers.states import ProviderState
from withdrawals import provider_board, queries, visibility
from withdrawals.models import Method, Withdrawal
from withdrawals.operations import claims
from withdrawals.states import LOOKS, WITH_PROVIDER, State

_IN_FLIGHT = "".join(f"&state={state}" for state in WITH_PROVIDER)
METHOD_ICONS = {Method.IBAN: "bank", Method.CARD: "card", Method.WALLET: "coin"}


def address_of(withdrawal: Withdrawal, view: str = "") -> str:
    """Return the address of a withdrawal's page; ``view`` is the list from which it is opened."""
    address = reverse("withdrawals:record", args=[withdrawal.ref])
    return f"{address}?{urlencode({'view': view})}" if view else address


def next_address(view: str) -> str:
    """Return the address that claims the next item of a view."""
    return f"{reverse('withdrawals:next')}?{urlencode({'view': view})}" if view else ""


class PlayerColumn(columns.Column):
    """Name and country as the row's link; the reference for those who work without names."""

    width = 18

    def render(self, record: Withdrawal, table: "QueueTable") -> SafeString:
        named = visibility.sees(table.me, visibility.Field.NAME)
        return format_html(
            '<a class="cell" href="{}">{}</a>{}',
            address_of(record, table.view),
            record.player.name if named else record.player.ref,
            format_html(' <span class="muted">{}</span>', record.player.country) if named else "",
        )


class DestinationColumn(columns.Column):
    """Method, masked payout details, and a mark if whoever would pay it does not work."""

    width = 18

    def render(self, record: Withdrawal, table: "QueueTable") -> SafeString:
        trouble = table.troubles.get(record.provider or next(iter(record.routes), ""))
        return format_html(
            '<span class="state soft">{}<span>{}</span></span>{}',
            inline.icon(METHOD_ICONS[Method(record.method)]),
            inline.masked(visibility.destination_words(table.me, record)),
            format_html(" {}", inline.mark("attn", "warn", trouble)) if trouble else "",
        )


class StandingColumn(columns.Column):
    """What KYC says today."""

    width = 10

    def render(self, value: int, table: "QueueTable") -> SafeString:
        standing = table.standings.get(value)
        if standing is None:
            return inline.NOTHING
        return format_html(
            '<span class="state tone-{}" title="{}">{}<span class="soft">{}</span></span>',
            standing.tone,
            standing.words,
            inline.icon(standing.icon, size="s"),
            standing.short,
        )


class RiskColumn(columns.Column):
    """Score and word; a hold is high whatever the score."""

    css = "num"
    width = 12

    def render(self, value: int, record: Withdrawal) -> SafeString:
        return inline.risk(value, record.risk_level)


class WhyColumn(columns.Column):
    """The two strongest reasons; a second approval says so first, as most rows of the list are first ones."""

    css = "soft"

    def render(self, value: list[str], record: Withdrawal, table: "QueueTable") -> SafeString:
        words = " · ".join(value[:2])
        if record.state != State.SECOND_APPROVAL or table.view == "second-approval":
            return format_html("{}", words)
        return format_html("{} · {}", inline.state(LOOKS[State.SECOND_APPROVAL]), words)


class OwnerColumn(columns.PersonColumn):
    """Whoever has claimed it now."""

    def render(self, record: Withdrawal, table: "QueueTable") -> SafeString:
        return inline.person(claims.owner_of(record, now=table.now), table.me)


class QueueTable(BaseTable):
    """Hand in ``view`` (slug of the list), ``standings`` by player, ``troubles`` by provider, ``waiting``."""

    due = columns.DueColumn(accessor="due_at", sort_by="due_at", verbose_name="Due", width=16)
    requested = columns.TimeColumn(
        accessor="requested_at", sort_by="requested_at", verbose_name="Requested", width=11
    )
    wake = columns.TimeColumn(
        accessor="wake_at", sort_by="wake_at", verbose_name="Wakes up", form="relative", width=12
    )
    player = PlayerColumn(accessor="player", sort_by="player__name", verbose_name="Player")
    amount = columns.MoneyColumn(accessor="amount", sort_by="reference_amount", verbose_name="Amount")
    to = DestinationColumn(accessor="destination", verbose_name="To")
    kyc = StandingColumn(accessor="player_id", verbose_name="KYC")
    risk = RiskColumn(accessor="risk_score", sort_by="risk_score", verbose_name="Risk")
    state = columns.StateColumn(accessor="state", sort_by="state", verbose_name="Status", looks=LOOKS)
    why = WhyColumn(accessor="why", verbose_name="Why it needs a person")
    owner = OwnerColumn(accessor="pk", verbose_name="Owner", width=10)

    caption = "Withdrawals"
    sort = "due"
    phone = {
        "player": "title",
        "amount": "amount",
        "due": "meta",
        "requested": "meta",
        "wake": "meta",
        "risk": "side",
        "why": "note",
    }
    view = ""
    waiting: queries.Waiting | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standings: dict[int, Standing] = {}
        self.troubles: dict[str, str] = {}

    def group_of(self, record: Withdrawal) -> Group | None:
        waiting = self.waiting
        if waiting is None:
            return None
        left: timedelta = record.due_at - self.now
        if left < timedelta(0):
            return Group("Late", " · ".join([str(waiting.late), *_plain_sums(waiting.late_totals)]))
        if left < queries.SOON:
            return Group("Due within 1 hour", str(waiting.soon))
        return Group("Later", str(waiting.later))


def money_words(totals: dict[str, int]) -> list[SafeString]:
    """Return one amount per currency, the largest number first; they are never added up."""
    return [inline.money(total, code) for code, total in sorted(totals.items(), key=lambda item: -item[1])]


def _plain_sums(totals: dict[str, int]) -> list[str]:
    return [format_money(total, code) for code, total in sorted(totals.items(), key=lambda item: -item[1])]


def waited(since: datetime, now: datetime) -> str:
    return inline.duration(now - since)


class SubjectColumn(columns.Column):
    """The player of a flagged withdrawal as the link to what was found."""

    width = 18

    def render(self, record: Withdrawal, table: "FlaggedTable") -> SafeString:
        return format_html(
            '<a class="cell" href="{}">{}</a> <span class="muted">{}</span>',
            reverse("withdrawals:flagged-one", args=[record.ref]),
            visibility.player_name(table.me, record.player),
            record.player.country,
        )


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
    """Hand in ``open_totals`` by player."""

    risk = RiskColumn(accessor="risk_score", sort_by="risk_score", verbose_name="Score", width=14)
    player = SubjectColumn(accessor="player", sort_by="player__name", verbose_name="Player")
    amount = columns.MoneyColumn(accessor="amount", sort_by="reference_amount", verbose_name="This withdrawal")
    stake = StakeColumn(accessor="player_id", verbose_name="Player’s open total")
    signals = columns.Column(accessor="why", verbose_name="Signals", css="soft")
    due = columns.DueColumn(accessor="due_at", sort_by="due_at", verbose_name="Due", width=16)
    owner = OwnerColumn(accessor="pk", verbose_name="Owner", width=10)

    caption = "Withdrawals with fraud indicators"
    sort = "-risk"
    phone = {"player": "title", "amount": "amount", "risk": "side", "due": "meta", "signals": "note"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.open_totals: dict[int, queries.OpenTotal] = {}

    def render_signals(self, value: list[str]) -> SafeString:
        return format_html('<span title="{}">{}</span>', " · ".join(value), " · ".join(value[:2]))


class EntriesColumn(columns.Column):
    """What was booked for the withdrawal: kind and amount of each entry, linked."""

    css = "soft linked"

    def render(self, value: str, table: "TransactionTable") -> SafeString:
        entries = table.entries.get(value)
        if not entries:
            return inline.NOTHING
        lines = ((booked.address_of(entry), *words) for entry in entries for words in _entry_words(entry))
        return format_html_join(" · ", '<a href="{}">{}</a> {}', lines)

    def value(self, value: str, **context: Any) -> str:
        entries = context["table"].entries.get(value, ())
        return "; ".join(
            f"{entry.get_kind_display()} {to_major_string(amount, code)} {code}"
            for entry in entries
            for code, amount in booked.moved(entry)
        )


class ReportPlayerColumn(columns.Column):
    """Reference and name, or initials for those who work without names."""

    width = 16

    def render(self, value: Any, table: BaseTable) -> SafeString:
        return format_html(
            '<span class="mono">{}</span> <span class="muted">{}</span>',
            value.ref,
            visibility.player_in_report(table.me, value),
        )

    def value(self, value: Any, **context: Any) -> str:
        return visibility.player_in_report(context["table"].me, value)


class TransactionTable(BaseTable):
    """Hand in ``entries`` by reference."""

    requested = columns.TimeColumn(
        accessor="requested_at", sort_by="requested_at", verbose_name="Requested", form="exact", width=20
    )
    ref = columns.RefColumn(
        accessor="ref", verbose_name="Withdrawal", linkify=lambda record: address_of(record), width=13
    )
    player_ref = columns.Column(accessor="player__ref", verbose_name="Player reference", visible=False)
    player = ReportPlayerColumn(accessor="player", verbose_name="Player")
    amount = columns.MoneyColumn(accessor="amount", sort_by="reference_amount", verbose_name="Amount", width=16)
    fee = columns.MoneyColumn(accessor="fee", verbose_name="Fee", css="r num", width=10)
    currency = columns.Column(accessor="currency", verbose_name="Currency", visible=False)
    state = columns.StateColumn(accessor="state", sort_by="state", verbose_name="Status", looks=LOOKS)
    method = columns.Column(accessor="get_method_display", verbose_name="Method", visible=False)
    provider = columns.Column(accessor="provider", sort_by="provider", verbose_name="Provider", width=13)
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
        self.entries: dict[str, list[Entry]] = {}

    def render_provider(self, value: str) -> str:
        return BY_CODE[value].label if value in BY_CODE else value


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
        soon = inline.mark(standing.tone, "clock", words) if left <= EXPIRES_SOON_DAYS else ""
        day = f"{value.day} {value:%b %Y}"
        return format_html('<time datetime="{}">{}</time> {}', value.isoformat(), day, soon)


class StandingTable(BaseTable):
    """Players with what verification allows them today. Hand in ``open_totals`` by player."""

    player = columns.Column(
        accessor="name", sort_by="name", verbose_name="Player", linkify=lambda record: player_address(record), width=24
    )
    ref = columns.RefColumn(accessor="ref", verbose_name="Reference", width=12)
    country = columns.Column(accessor="country", sort_by="country", verbose_name="Country", width=9)
    standing = StandingWordColumn(accessor="pk", verbose_name="Standing")
    level = columns.Column(accessor="standing_level", sort_by="standing_level", verbose_name="Level", css="num", width=8)
    expires = ExpiryColumn(accessor="standing_expires_on", sort_by="standing_expires_on", verbose_name="Expires", width=24)
    waiting = StakeColumn(accessor="pk", verbose_name="Money waiting", css="r num", width=24)

    caption = "Players and their verification"
    sort = "expires"
    phone = {"player": "title", "waiting": "amount", "standing": "meta", "expires": "side"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.open_totals: dict[int, queries.OpenTotal] = {}

    def render_level(self, value: int) -> str | SafeString:
        return f"L{value}" if value else inline.NOTHING


def player_address(player: Any) -> str:
    """Return the address of the look-up that finds exactly this player."""
    return f"{reverse('withdrawals:players')}?{urlencode({'q': player.ref})}"


def _entry_words(entry: Entry) -> list[tuple[str, SafeString]]:
    return [(entry.get_kind_display(), inline.money(amount, code)) for code, amount in booked.moved(entry)]


def _standing_mark(standing: Standing) -> SafeString:
    return inline.mark(standing.tone, standing.icon, standing.state.label)


class ProviderStateColumn(columns.Column):
    """How a provider is doing; who paused it and since when."""

    def render(self, record: provider_board.Line, table: BaseTable) -> SafeString:
        words = inline.state(PROVIDER_LOOKS[record.state], strong=record.state != ProviderState.WORKING)
        if not record.paused_by:
            return words
        since = inline.time(record.paused_at, "short", table.now)
        return format_html('{} <span class="soft" title="{}">by {}, {}</span>', words, record.reason, record.paused_by, since)


class ShareColumn(columns.Column):
    """``228 of 231``; without any it is a dash, never 0 %."""

    css = "num"
    width = 12

    def render(self, value: Share) -> str | SafeString:
        return f"{value.good:,} of {value.total:,}" if value.total else inline.NOTHING


class SwitchColumn(columns.Column):
    """The way to pause or resume, for those who may; the way to a sandbox's own page."""

    css = "r"
    width = 24
    right = True

    def render(self, record: provider_board.Line, table: BaseTable) -> SafeString:
        links = []
        if record.control_page:
            links.append(format_html('<a href="{}">Sandbox controls</a>', record.control_page))
        if table.me.has_perm("providers.pause_provider"):
            act = "resume" if record.state == ProviderState.PAUSED else "pause"
            address = reverse("withdrawals:provider-switch", args=[record.code, act])
            links.append(
                format_html(
                    '<a class="btn btn-s" href="{}">{}…<span class="sr"> {}</span></a>', address, act.capitalize(), record.label
                )
            )
        return format_html_join(" ", "{}", ((link,) for link in links)) if links else inline.NOTHING


class ProviderTable(BaseTable):
    """The board: rows of provider_board.board()."""

    provider = columns.Column(accessor="label", verbose_name="Provider", css="strong", width=13)
    state = ProviderStateColumn(accessor="state", verbose_name="State")
    success_15m = ShareColumn(accessor="success_15m", verbose_name="Taken, 15 min", width=11)
    success_24h = ShareColumn(accessor="success_24h", verbose_name="Taken, 24 h", width=11)
    answer = columns.Column(accessor="median_ms", verbose_name="Answers in (p95)", css="num", width=14)
    in_flight = columns.Column(accessor="in_flight", verbose_name="In flight", css="num linked", width=14)
    unknown = columns.Column(accessor="unknown", verbose_name="Unknown", css="num", width=9)
    webhook = columns.TimeColumn(
        accessor="last_webhook_at", verbose_name="Last webhook", form="relative", width=11
    )
    switch = SwitchColumn(accessor="code", verbose_name="Switch")

    caption = "Payment providers"
    phone = {"provider": "title", "switch": "amount", "state": "meta", "success_15m": "side"}

    def render_answer(self, value: int, record: provider_board.Line) -> str:
        return f"{value:,} ms ({record.p95_ms or 0:,} ms)"

    def render_in_flight(self, value: int, record: provider_board.Line) -> SafeString | str:
        if not value:
            return "0"
        oldest = f", oldest {waited(record.oldest_at, self.now)}" if record.oldest_at else ""
        address = f"{reverse('withdrawals:queue')}?{urlencode({'view': 'all', 'provider': record.code}) + _IN_FLIGHT}"
        return format_html('<a href="{}">{}</a><span class="muted">{}</span>', address, f"{value:,}", oldest)

    def render_unknown(self, value: int) -> SafeString | str:
        return inline.mark("attn", "help", f"{value:,}") if value else "0"
