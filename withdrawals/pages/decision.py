"""The facts of a withdrawal's page, panel by panel. What the reader may not see is never put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum
from django.utils import timezone

from backoffice.money import format_money
from backoffice.ui.masking import mask_email, mask_phone
from fraud import queries as fraud
from fraud.states import Level, Risk
from kyc import queries as kyc
from kyc.models import Player
from kyc.names import is_same_name
from kyc.states import Standing
from providers import queries as providers
from providers.registry import BY_CODE
from withdrawals import policy, queries, reasons, visibility
from withdrawals.checks import identity, incident, limits
from withdrawals.checks.destination import COOLING_TIME
from withdrawals.models import CheckResult, Decision, Limit, Method, Withdrawal
from withdrawals.operations import validity
from withdrawals.pages.sheets import Sheet
from withdrawals.states import LOOKS, UNDECIDED, Look, Move, State
from withdrawals.usage import Usage
from withdrawals.visibility import Field

# How many rows a panel holds before the rest is folded: the page fits a screen.
MOST_CONCERNS, MOST_BARS, MOST_EARLIER, MOST_LINKED = 4, 4, 4, 3
LINKED_SINCE = timedelta(days=90)
ATTENTION_FROM = 0.8
_ACCOUNT_WORDS = {Method.IBAN: "account", Method.CARD: "card", Method.WALLET: "wallet"}


@dataclass(frozen=True, slots=True)
class Signal:
    """One line of "Why this needs a person"; ``level`` is concern, note or passed."""

    level: str
    title: str
    text: str
    points: int = 0


@dataclass(frozen=True, slots=True)
class Why:
    score: int | None
    level: Risk | None
    summary: str
    items: tuple[Signal, ...]
    more: tuple[Signal, ...]


def results_of(withdrawal: Withdrawal) -> list[CheckResult]:
    """Return what the last checks said, the heaviest first."""
    return list(withdrawal.check_results.filter(is_current=True).order_by("-points", "pk"))


def concerns_of(results: Sequence[CheckResult]) -> list[CheckResult]:
    return [result for result in results if result.outcome in CheckResult.CONCERNS]


def why_of(withdrawal: Withdrawal, results: Sequence[CheckResult], user: Any) -> Why | None:
    """Return what the checks said, concerns by weight, what passed in one line; None for who may not see it."""
    if not visibility.sees(user, Field.SIGNALS):
        return None
    concerns = concerns_of(results)
    notes = [result for result in results if result.outcome == "note"]
    passed = [result for result in results if result.outcome == "pass"]
    counted = [_count(concerns, "concern"), _count(notes, "note"), f"{len(passed)} passed" if passed else ""]
    said = [_signal(result) for result in [*concerns, *notes]]
    folded = Signal("passed", f"{_count(passed, 'check')} passed", f"{', '.join(one.title for one in passed)}.")
    return Why(
        score=withdrawal.risk_score,
        level=Risk(Level(withdrawal.risk_level), withdrawal.risk_score or 0) if withdrawal.risk_level else None,
        summary=", ".join(part for part in counted if part),
        items=(*said[:MOST_CONCERNS], *([folded] if passed else [])),
        more=tuple(said[MOST_CONCERNS:]),
    )


def _signal(result: CheckResult) -> Signal:
    level = "note" if result.outcome == "note" else "concern"
    return Signal(level, result.title, result.sentence, result.points)


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """verdict: allowed, second, senior or blocked; ``lead`` is what it means for the reader."""

    verdict: str
    lead: str
    words: str


def policy_line(
    withdrawal: Withdrawal,
    sheets: Sequence[Sheet],
    user: Any,
    *,
    all_passed: bool,
    blocker: str,
    taken: str,
    besides: Sequence[str] = (),
) -> PolicyLine:
    """Return what policy asks for and whether this reader may give it. ``taken``: by whom it is decided;
    ``besides``: sentences that whoever approves must know as well."""
    words = policy.requirement(
        reference_amount=withdrawal.reference_amount, risk_level=withdrawal.risk_level, all_passed=all_passed
    ).words
    words = " ".join([*besides, words])
    moves = {sheet.move for sheet in sheets}
    if taken:
        return PolicyLine("senior", taken, words)
    if blocker:
        return PolicyLine("blocked", "Blocked.", blocker)
    if Move.APPROVE in moves:
        return PolicyLine("allowed", "You can approve this.", words)
    if Move.ENDORSE in moves:
        return PolicyLine("second", "You approve first, then a second person confirms.", words)
    if Move.CONFIRM in moves:
        return PolicyLine("allowed", "You can confirm this.", words)
    if withdrawal.state == State.ON_HOLD:
        return PolicyLine("senior", "On hold.", "It must be released before anybody can approve it.")
    if withdrawal.state == State.SECOND_APPROVAL:
        own = user.pk in withdrawal.approver_ids()
        return PolicyLine("second", "You approved this." if own else "Waits for the second approval.", words)
    if withdrawal.needs_fraud_analyst:
        return PolicyLine("senior", "A fraud analyst approves this first.", words)
    return PolicyLine("senior", "You cannot approve this.", words)


@dataclass(frozen=True, slots=True)
class Bar:
    """One limit after this payout. ``of`` and ``rest`` are words; tone is attn, danger or empty."""

    label: str
    cap: int
    before: int
    this: int
    of: str
    rest: str
    tone: str


def over_limits(usages: Sequence[Usage]) -> list[str]:
    """Return a sentence per limit that this payout passes: a person decides about it."""
    return [
        f"{_capped(-usage.left, usage)} over the limit {_SCOPES[Limit.Scope(usage.limit.scope)]}for"
        f" {Limit.Period(usage.limit.period).label}: a person decides."
        for usage in usages
        if usage.is_over
    ]


_SCOPES = {Limit.Scope.PLAYER: "", Limit.Scope.HOUSE: "of the house "}


def _capped(number: int, usage: Usage) -> str:
    return f"{number:,}" if usage.is_count else format_money(number, settings.HOUSE_CURRENCY)


def bars_of(usages: Sequence[Usage]) -> list[Bar]:
    """Return the limits that apply, the tightest first."""

    def share(usage: Usage) -> Fraction:
        # A cap of nothing is over with anything.
        return Fraction(usage.before + usage.this, usage.cap or 1)

    return [_bar(usage, share(usage)) for usage in sorted(usages, key=share, reverse=True)]


def _bar(usage: Usage, share: Fraction) -> Bar:
    def words(number: int) -> str:
        return _capped(number, usage)

    scope = {"player": "Player", "house": "House"}[usage.limit.scope]
    counted = " (number)" if usage.is_count else ""
    return Bar(
        label=f"{scope}, {Limit.Period(usage.limit.period).label}{counted}",
        cap=usage.cap,
        before=usage.before,
        this=usage.this,
        of=words(usage.cap),
        rest=f"{words(-usage.left)} over" if usage.is_over else f"{words(usage.left)} left",
        tone="danger" if usage.is_over else "attn" if share >= ATTENTION_FROM else "",
    )


def first_approval(withdrawal: Withdrawal, user: Any) -> str:
    """Return what the first of two approvers said, for the second one."""
    if withdrawal.state != State.SECOND_APPROVAL or not visibility.sees(user, Field.SIGNALS):
        return ""
    made = withdrawal.decisions.filter(move=Move.ENDORSE, status=Decision.Status.APPLIED).select_related("actor")
    first = made.order_by("-pk").first()
    if first is None:
        return ""
    at = timezone.localtime(first.decided_at)
    said = " · ".join(part for part in (reasons.label_of(first.reason) if first.reason else "", first.note) if part)
    quoted = f": “{said}”" if said else ""
    return f"{first.actor.name} approved first, {at.day} {at:%b} at {at:%H:%M}{quoted}. A second person must confirm."


@dataclass(frozen=True, slots=True)
class PlayerFacts:
    """Empty where the reader may not see."""

    name: str
    ref: str
    standing: Standing | None
    since: datetime | None
    person: str
    restrictions: str
    contact: tuple[str, ...]


def player_facts(player: Player, standing: Standing | None, user: Any, *, today: date) -> PlayerFacts | None:
    """Return who asks, to those who work with names. Contact is always masked; a full birth date is never shown."""
    if not visibility.sees(user, Field.NAME):
        return None
    person = visibility.sees(user, Field.PERSON)
    contact = visibility.sees(user, Field.CONTACT)
    born = player.birth_date
    age = f"{today.year - born.year - ((today.month, today.day) < (born.month, born.day))} y" if born else ""
    told = [
        mask_email(player.email) if player.email else "",
        mask_phone(player.phone) if player.phone else "",
    ]
    limits = ["self-excluded"] * player.self_excluded + ["suspended"] * player.suspended
    return PlayerFacts(
        name=player.name,
        ref=player.ref,
        standing=standing if visibility.sees(user, Field.STANDING) else None,
        since=player.registered_at if contact else None,
        person=", ".join(part for part in (age, player.city, player.country) if part) if person else "",
        restrictions=(" and ".join(limits).capitalize() or "No restrictions") if person else "",
        contact=tuple(part for part in told if part) if contact else (),
    )


@dataclass(frozen=True, slots=True)
class Route:
    """Where the money goes. ``match`` compares the holder's name with the player's; None: not shown."""

    method: str
    account_word: str
    destination: str
    holder: str
    match: bool | None
    owned: bool
    first_seen_at: datetime
    is_new: bool
    provider: str
    trouble: str
    fee: int
    # What an approved one will wait for, when nobody else could pay it.
    wait: str

    @property
    def match_words(self) -> str:
        return f"{self.holder}, {'matches' if self.match else 'differs from the player’s name'}"

    @property
    def provider_words(self) -> str:
        return f"{self.provider}, {self.trouble or 'working'}"


def route_of(withdrawal: Withdrawal, user: Any, *, now: datetime) -> Route:
    destination = withdrawal.destination
    code = withdrawal.provider or next(iter(withdrawal.routes), "")
    troubles = providers.troubles(now)
    trouble = troubles.get(code)
    named = visibility.sees(user, Field.NAME)
    # Which provider pays it is open while none of them can.
    waits = withdrawal.state == State.APPROVED and withdrawal.wait_reason and visibility.sees(user, Field.STATE)
    same = is_same_name(destination.holder_name, withdrawal.player.name)
    return Route(
        method=withdrawal.get_method_display(),
        account_word=_ACCOUNT_WORDS[Method(withdrawal.method)],
        destination=visibility.destination_words(user, withdrawal),
        holder=destination.holder_name if named else "",
        match=same if named else None,
        owned=destination.owned,
        first_seen_at=destination.first_seen_at,
        is_new=withdrawal.requested_at - destination.first_seen_at < COOLING_TIME,
        provider="" if waits else provider_label(code),
        trouble=trouble.word if trouble else "",
        fee=withdrawal.fee,
        wait=_wait(withdrawal.routes, troubles) if withdrawal.state in UNDECIDED else "",
    )


def _wait(routes: Sequence[str], troubles: Mapping[str, providers.Trouble]) -> str:
    if not routes or not all(code in troubles and troubles[code].is_pause for code in routes):
        return ""
    if providers.global_stop() is not None:
        return "It will wait until all payouts are resumed."
    return f"It will wait until {' or '.join(provider_label(code) for code in routes)} is resumed."


def provider_label(code: str) -> str:
    return BY_CODE[code].label if code in BY_CODE else code


@dataclass(frozen=True, slots=True)
class EarlierLine:
    """Another withdrawal of the player, and how it stands as far as the reader may know."""

    withdrawal: Withdrawal
    look: Look


@dataclass(frozen=True, slots=True)
class Earlier:
    rows: tuple[EarlierLine, ...]
    paid: int
    total: int
    currency: str


def earlier_of(withdrawal: Withdrawal, user: Any) -> Earlier | None:
    """Return the player's latest other withdrawals, and how much was paid in this one's currency."""
    if not visibility.sees(user, Field.NAME):
        return None
    earlier = queries.earlier_payouts(withdrawal)
    paid = earlier.filter(state=State.COMPLETED, currency=withdrawal.currency).order_by()
    sums = paid.aggregate(total=Sum("amount"), count=Count("pk"))
    rows = tuple(
        EarlierLine(row, LOOKS[visibility.state_for(user, row.state, row.hold_kind)]) for row in earlier[:MOST_EARLIER]
    )
    return Earlier(rows, sums["count"], sums["total"] or 0, withdrawal.currency)


@dataclass(frozen=True, slots=True)
class Linked:
    """Another player who shares something, with their standing in words."""

    name: str
    ref: str
    shared: str
    standing: str


@dataclass(frozen=True, slots=True)
class People:
    """The player's own standing, for what it blocks, and the linked players; read together in one statement.

    ``linked`` is None for whoever works without names.
    """

    standing: Standing
    linked: tuple[Linked, ...] | None
    more: int


def people_of(withdrawal: Withdrawal, user: Any, *, now: datetime) -> People:
    named, today = visibility.sees(user, Field.NAME), timezone.localdate(now)
    links = _links(withdrawal, now=now) if named else {}
    rows = {row.pk: row for row in kyc.standings(on=today).filter(pk__in=[withdrawal.player_id, *links])}
    known = [(rows[pk], shared) for pk, shared in links.items() if pk in rows]
    linked = tuple(_linked(player, shared, today) for player, shared in known[:MOST_LINKED])
    return People(
        standing=kyc.standing_in(rows[withdrawal.player_id], on=today),
        linked=linked if named else None,
        more=max(len(known) - MOST_LINKED, 0),
    )


def _links(withdrawal: Withdrawal, *, now: datetime) -> dict[int, str]:
    """Return what other players share, by player: first those whom this money could reach as well."""
    links = dict.fromkeys(queries.sharing_destination(withdrawal), f"payout details {withdrawal.destination.label}")
    for link in fraud.linked_players(withdrawal.player_id, since=now - LINKED_SINCE):
        links[link.player_id] = ", ".join(filter(None, [links.get(link.player_id), link.shared]))
    return links


def standing_of(withdrawal: Withdrawal, user: Any, *, now: datetime) -> Standing | None:
    """Return what KYC says of the player today, to those who may know it."""
    if not visibility.sees(user, Field.STANDING):
        return None
    return kyc.standing_of(withdrawal.player, on=timezone.localdate(now))


def _linked(player: Player, shared: str, today: date) -> Linked:
    words = kyc.standing_in(player, on=today).words
    return Linked(player.name, player.ref, shared, f"{words}, suspended" if player.suspended else words)


def blocker(
    withdrawal: Withdrawal,
    standing: Standing | None,
    of_player: Sequence[Usage],
    of_house: Sequence[Usage],
    *,
    now: datetime,
) -> str:
    """Return what stands in the way of an approval now, or nothing."""
    if withdrawal.state not in UNDECIDED or standing is None:
        return ""
    outcomes = [
        *incident.none_open(withdrawal, now=now),
        identity.judge(withdrawal.player, standing),
        limits.judge(withdrawal, of_player),
    ]
    objection = validity.blocker_among(outcomes) or validity.house_objection(of_house)
    return objection.sentence if objection else ""


def _count(rows: Sequence[Any], word: str) -> str:
    return f"{len(rows)} {word}{'' if len(rows) == 1 else 's'}" if rows else ""
