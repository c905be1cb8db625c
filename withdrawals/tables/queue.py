"""The queue as a table: its columns with their widths, and the groups of its rows."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import get_script_prefix, get_urlconf, reverse, reverse_lazy
from django.utils.safestring import SafeString

from backoffice.accounts.models import User
from backoffice.money import to_major_string
from backoffice.ui import columns, inline
from backoffice.ui.markup import markup
from backoffice.ui.paging import capped_words
from backoffice.ui.tables import BaseTable, Group
from fraud.states import Level, Risk
from kyc.states import Standing
from providers.queries import Trouble, next_trouble
from withdrawals import totals, visibility
from withdrawals.models import Decision, Method, Withdrawal
from withdrawals.operations import claims
from withdrawals.pages import pending
from withdrawals.pages.route import provider_label
from withdrawals.states import LOOKS, UNDECIDED, State, WaitReason

METHOD_ICONS = {
    Method.IBAN: "bank",
    Method.CARD: "card",
    Method.WALLET: "coin",
    Method.PAYPAL: "user",
    Method.STRIPE: "bank",
}


# The list of flagged withdrawals, as the place where one comes from.
FLAGGED = "view=flagged"
_PLACE = re.compile(r"(?:^|&)view=([\w-]+)")


def address_of(withdrawal: Withdrawal, view: str = "") -> str:
    """Return the address of a withdrawal's page; ``view`` is what an address says of the list it is opened from."""
    page, place = "record", _PLACE.search(view)
    if place is not None and place[1] == "flagged":
        page = "flagged-one"
    elif place is not None and place[1] == "in-flight" and withdrawal.state == State.OUTCOME_UNKNOWN:
        page = "unknown"
    address = _address(f"withdrawals:{page}", get_urlconf(), get_script_prefix()).replace("KEY", withdrawal.ref)
    return f"{address}?{view}" if view else address


@cache
def _address(page: str, *_where: str | None) -> str:
    """The address of a page with KEY in the place of the reference, found once: a list asks for each of its rows."""
    return reverse(page, args=["KEY"])


def next_address(view: str, **past: str) -> str:
    """Return the address of the next item of a list; ``past`` says which one it comes after, see views.next."""
    return f"{reverse('withdrawals:next')}?{view}{'&' if past else ''}{urlencode(past)}" if view else ""


class PlayerColumn(columns.Column):
    """Name and country as the row's link; the reference for those who work without names."""

    width = 15

    def render(self, record: Withdrawal, table: "QueueTable") -> SafeString:
        named = visibility.sees(table.me, visibility.Field.NAME)
        return markup(
            '<a class="cell" href="{}">{}</a>{}',
            address_of(record, table.view),
            record.player.name if named else record.player.ref,
            markup(' <span class="muted">{}</span>', record.player.country) if named else "",
        )


class DestinationColumn(columns.Column):
    """Method, masked payout details, and a mark where whoever would pay it does not work: of what is still to be
    decided, and of what is approved and waits because of it."""

    css = "wraps"
    width = 19

    def render(self, record: Withdrawal, table: "QueueTable") -> SafeString:
        trouble = _trouble_of(record, table) if table.troubles else ""
        return markup(
            '<span class="state soft">{}<span>{}</span></span>{}',
            inline.icon(METHOD_ICONS[Method(record.method)]),
            inline.masked(visibility.destination_words(table.me, record)),
            markup(" {}", inline.mark("attn", "warn", trouble)) if trouble else "",
        )


def _trouble_of(record: Withdrawal, table: "QueueTable") -> str:
    if not visibility.sees(table.me, visibility.Field.STATE):
        return ""
    if record.state in UNDECIDED or (record.state == State.APPROVED and record.wait_reason):
        trouble = next_trouble([record.provider] if record.provider else record.routes, table.troubles)
        return trouble.word if trouble else ""
    return ""


class StandingColumn(columns.Column):
    """What KYC says today."""

    width = 11

    def render(self, value: int, table: "QueueTable") -> SafeString:
        standing = table.standings.get(value)
        if standing is None:
            return inline.NOTHING
        return markup(
            '<span class="state tone-{}" title="{}">{}<span class="soft">{}</span></span>',
            standing.tone,
            standing.words,
            inline.icon(standing.icon, size="s"),
            standing.short,
        )


class RiskColumn(columns.Column):
    """Score and level; a hold is high whatever the score, and says so."""

    css = "num"
    width = 13

    def render(self, value: int, record: Withdrawal) -> SafeString:
        return inline.risk(value, Risk(Level(record.risk_level), value) if record.risk_level else None)


# Where every status is explained.
STATUSES = reverse_lazy("withdrawals:statuses")


class StatusColumn(columns.Column):
    """How it stands, as far as the reader may know, and why an approved one is not being paid."""

    width = 20

    def render(self, record: Withdrawal, table: BaseTable) -> SafeString:
        status = inline.state(LOOKS[visibility.state_for(table.me, record.state, record.hold_kind)])
        if not record.wait_reason or not visibility.sees(table.me, visibility.Field.STATE):
            return status
        waits = WaitReason(record.wait_reason)
        return markup('{} <span class="muted" title="{}">· {}</span>', status, waits.words, waits.label)

    def value(self, value: Any, **context: Any) -> str:
        record: Withdrawal = context["record"]
        return visibility.state_for(context["table"].me, record.state, record.hold_kind).label


class WhyColumn(columns.Column):
    """The two strongest reasons; a second approval says so first, and a hold what it waits for."""

    css = "soft"

    def render(self, value: list[str], record: Withdrawal, table: "QueueTable") -> SafeString:
        if record.state == State.ON_HOLD:
            return inline.two_lines(pending.hold_reason(record, table.me))
        words = " · ".join(value[:2])
        if record.state != State.SECOND_APPROVAL or table.slug == "second-approval":
            return inline.two_lines(words)
        return inline.two_lines(words, lead=inline.state(LOOKS[State.SECOND_APPROVAL]))


class ProposalColumn(columns.Column):
    """What waits for a second person, why, and who proposed it."""

    css = "soft"

    def render(self, value: int, table: "QueueTable") -> SafeString:
        proposal = table.proposals.get(value)
        if proposal is None:
            return inline.NOTHING
        return inline.two_lines(f"{proposal.actor.name} proposes to {pending.proposal_words(proposal)}")


class OwnerColumn(columns.PersonColumn):
    """Whoever has claimed it now."""

    def render(self, record: Withdrawal, table: "QueueTable") -> SafeString:
        return inline.person(claims.owner_of(record, now=table.now), table.me)


class DeciderColumn(columns.PersonColumn):
    """Whoever decided it last today; the table is handed the people."""

    def render(self, value: int, table: "QueueTable") -> SafeString:
        return inline.person(table.deciders.get(value), table.me)


class AgeColumn(columns.Column):
    """How long the player has been one, when the money was asked for."""

    css = "num"

    def render(self, value: datetime, record: Withdrawal) -> str:
        return inline.duration(record.requested_at - value)


class WageredColumn(columns.Column):
    """Stakes since the last payout as a multiple of the deposits since then, as of the request."""

    right = True

    def render(self, value: str, table: "QueueTable") -> SafeString | str:
        facts = table.facts.get(value, {})
        deposits, stakes = facts.get("deposits") or 0, facts.get("stakes") or 0
        return f"{Decimal(stakes) / deposits:.1f}×" if deposits else inline.NOTHING


class DepositsColumn(columns.Column):
    """Deposits since the last payout, as of the request."""

    right = True

    def render(self, value: str, table: "QueueTable") -> SafeString:
        facts = table.facts.get(value, {})
        return inline.money(facts.get("deposits"), facts.get("currency", ""))


class QueueTable(BaseTable):
    """Hand in ``view`` (what an address says of the list) and ``slug`` (which of them it is), ``standings`` by player,
    ``troubles`` by provider, ``waiting``; ``facts`` by reference where columns show them."""

    due = columns.DueColumn(accessor="due_at", sort_by="due_at", verbose_name="Due", width=14)
    requested = columns.TimeColumn(accessor="requested_at", sort_by="requested_at", verbose_name="Requested", width=11)
    decided = columns.TimeColumn(accessor="decided_at", sort_by="decided_at", verbose_name="Decided", width=11)
    decider = DeciderColumn(accessor="decider_id", verbose_name="By", width=10)
    wake = columns.TimeColumn(accessor="wake_at", sort_by="wake_at", verbose_name="Wakes up", form="relative", width=16)
    player = PlayerColumn(accessor="player", sort_by="player__name", verbose_name="Player")
    amount = columns.MoneyColumn(accessor="amount", sort_by="house_value", verbose_name="Amount")
    to = DestinationColumn(accessor="destination", verbose_name="To")
    kyc = StandingColumn(accessor="player_id", verbose_name="KYC")
    risk = RiskColumn(accessor="risk_score", sort_by="risk_order", verbose_name="Risk")
    state = StatusColumn(accessor="state", sort_by="state", verbose_name="Status", explained=STATUSES)
    provider = columns.Column(accessor="provider", sort_by="provider", verbose_name="Provider", width=13)
    why = WhyColumn(accessor="why", verbose_name="Why it needs a person")
    proposal = ProposalColumn(accessor="pk", verbose_name="Proposal")
    owner = OwnerColumn(accessor="pk", verbose_name="Owner", width=10)
    reference = columns.RefColumn(accessor="ref", verbose_name="Reference")
    age = AgeColumn(accessor="player__registered_at", verbose_name="Age of account", width=14)
    wagered = WageredColumn(accessor="ref", verbose_name="Wagered", css="r num", width=10)
    deposits = DepositsColumn(accessor="ref", verbose_name="Deposits since last payout", css="r num amount", width=20)

    caption = "Withdrawals"
    sort = "due"
    fixed = ("player", "amount")
    optional = ("reference", "age", "wagered", "deposits")
    live = ("due", "state", "owner")
    phone = {
        "player": "title",
        "amount": "amount",
        "due": "meta",
        "requested": "meta",
        "wake": "meta",
        "decided": "meta",
        "risk": "side",
        "state": "note",
        "why": "note",
        "proposal": "note",
    }
    view = slug = ""
    waiting: totals.Waiting | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standings: dict[int, Standing] = {}
        self.troubles: dict[str, Trouble] = {}
        self.proposals: dict[int, Decision] = {}
        self.deciders: dict[int, User] = {}
        self.facts: dict[str, dict[str, Any]] = {}

    def render_provider(self, value: str) -> str:
        return provider_label(value)

    def key_of(self, record: Withdrawal) -> str:
        return record.ref

    def label_of(self, record: Withdrawal) -> str:
        name = visibility.player_name(self.me, record.player)
        return f"{name}, {record.currency} {to_major_string(record.amount, record.currency)}"

    def gone(self, record: Withdrawal) -> SafeString:
        """Its new state; while a decision waits for its undo time, that it was decided."""
        if not visibility.sees(self.me, visibility.Field.STATE):
            return super().gone(record)
        if getattr(record, "is_decided", False):
            return inline.mark("neutral", "check", "Decided")
        if record.state in UNDECIDED:
            return super().gone(record)
        return inline.state(LOOKS[visibility.state_for(self.me, record.state, record.hold_kind)])

    def group_of(self, record: Withdrawal) -> Group | None:
        waiting = self.waiting
        if waiting is None:
            return None
        left: timedelta = record.due_at - self.now
        if left < timedelta(0):
            return Group("Late", " · ".join([capped_words(waiting.late), *_plain_sums(waiting.late_totals)]))
        if left < totals.SOON:
            return Group("Due within 1 hour", str(waiting.soon))
        return Group("Later", str(waiting.later) if waiting.totals else "")


def money_words(totals: dict[str, int]) -> list[SafeString]:
    """Return one amount per currency, the house's own first; they are never added up."""
    return [inline.money(total, code) for code, total in _by_currency(totals)]


def _plain_sums(totals: dict[str, int]) -> list[str]:
    return [inline.written(total, code) for code, total in _by_currency(totals)]


def _by_currency(totals: dict[str, int]) -> list[tuple[str, int]]:
    """Amounts of two currencies cannot be compared, so the order is that of the codes, and it stays."""
    return sorted(totals.items(), key=lambda item: (item[0] != settings.HOUSE_CURRENCY, item[0]))


def waited(since: datetime, now: datetime) -> str:
    return inline.duration(now - since)
