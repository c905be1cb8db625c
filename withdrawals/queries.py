"""Reading withdrawals. Querysets are nouns; whatever is shown to people is ordered, ending in the key."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import (
    Count,
    DurationField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce, Right
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from backoffice.jobs import queries as jobs
from backoffice.ui.paging import COUNT_CAP
from kyc import queries as kyc
from kyc.models import Player
from providers import gateway, routing
from providers.models import ProviderControl
from providers.queries import Percentile
from providers.registry import BY_CODE
from withdrawals.lifecycle import NEXT_STEP, SUBJECT_TYPE
from withdrawals.models import Approval, Decision, Destination, Finding, PayoutAttempt, Withdrawal
from withdrawals.reference import normalise
from withdrawals.states import BULK, OPEN, UNDECIDED, WITH_PROVIDER, State

# What waits for a person; what was decided a moment ago and waits for its undo time does not.
# (Not Exists(): for an anti-join PostgreSQL guesses, and guessed wrong it compares each row with each decision.)
NEEDS_DECISION = Q(state__in=UNDECIDED) & ~Q(
    pk__in=Decision.objects.filter(status=Decision.Status.WAITING).values("withdrawal_id")
)
# Due within this time is soon.
SOON = timedelta(hours=1)
MOST_DESTINATIONS = 500
# Among so many of those closed last, payouts like another are looked for.
LATEST = 2_000


def withdrawals() -> QuerySet[Withdrawal]:
    """Return all withdrawals with what every screen shows of them."""
    return Withdrawal.objects.select_related("player", "destination")


def currencies() -> list[str]:
    """Return the currencies in which anybody ever asked for money: one step in the index for each."""
    with connection.cursor() as cursor:
        cursor.execute(_CURRENCIES)
        return [code for (code,) in cursor.fetchall()]


_CURRENCIES = """
    WITH RECURSIVE code AS (
        SELECT min(currency) AS currency FROM withdrawals_withdrawal
        UNION ALL
        SELECT (SELECT min(currency) FROM withdrawals_withdrawal WHERE currency > code.currency)
        FROM code WHERE code.currency IS NOT NULL
    )
    SELECT currency FROM code WHERE currency IS NOT NULL
"""


def review_queue() -> QuerySet[Withdrawal]:
    """Return what waits for a person, most urgent first; what was just decided waits for nobody."""
    return withdrawals().filter(NEEDS_DECISION).select_related("claim__owner").order_by("due_at", "pk")


def before_in_queue(withdrawal: Withdrawal) -> Q:
    """Return what is more urgent than this one."""
    return Q(due_at__lt=withdrawal.due_at) | Q(due_at=withdrawal.due_at, pk__lt=withdrawal.pk)


def place_in(queue: QuerySet[Withdrawal], withdrawal: Withdrawal) -> tuple[int, int]:
    """Return the place of a withdrawal in a list by urgency, and how many stand in the list. One statement."""
    counted = queue.order_by().aggregate(
        total=Count("pk"),
        before=Count("pk", filter=before_in_queue(withdrawal)),
        own=Count("pk", filter=Q(pk=withdrawal.pk)),
    )
    return (counted["before"] + 1 if counted["own"] else 0), counted["total"]


def flagged() -> QuerySet[Withdrawal]:
    """Return undecided withdrawals with fraud indicators, riskiest first; what was just decided is left out."""
    return (
        withdrawals()
        .filter(NEEDS_DECISION, state=State.UNDER_REVIEW, is_flagged=True)
        .select_related("claim__owner")
        .order_by("-risk_order", "due_at", "pk")
    )


def waiting_count() -> int:
    """Return how many wait for a person, counted to 10,000 at most."""
    return review_queue().order_by()[:COUNT_CAP].count()


def second_approvals() -> QuerySet[Withdrawal]:
    """Return what waits for a second person, with ``endorsed_at``: since when."""
    approvals = Approval.objects.filter(withdrawal=OuterRef("pk"), voided_at=None).order_by("-at")
    waiting = withdrawals().filter(NEEDS_DECISION, state=State.SECOND_APPROVAL).select_related("claim__owner")
    return waiting.annotate(endorsed_at=Subquery(approvals.values("at")[:1]))


def flagged_count() -> int:
    return flagged().order_by()[:COUNT_CAP].count()


def findings() -> QuerySet[Finding]:
    """Return all findings with the withdrawals that they are about, the oldest first."""
    return Finding.objects.select_related("withdrawal").order_by("at", "pk")


def open_findings_of(withdrawal: Withdrawal, user: User) -> list[Finding]:
    """Return what is open about a withdrawal, the gravest first, for those who see findings."""
    if not user.has_perm("withdrawals.close_finding"):
        return []
    return list(withdrawal.findings.filter(resolved_at=None).order_by("-stops_payouts", "at", "pk"))


def waiting_decision(withdrawal: Withdrawal) -> Decision | None:
    """Return the decision that waits for its undo time or for a second person, if there is one."""
    return (
        withdrawal.decisions.filter(status__in=[Decision.Status.WAITING, Decision.Status.PROPOSED])
        .select_related("actor", "proposed_by")
        .first()
    )


def is_held_by_another(right: str, *, than: User) -> bool:
    """Whether another active person has a right of this app."""
    holders = User.objects.filter(
        is_active=True,
        groups__permissions__codename=right,
        groups__permissions__content_type__app_label=Withdrawal._meta.app_label,
    )
    return holders.exclude(pk=than.pk).exists()


def claimers() -> QuerySet[User]:
    """Return the active people who may claim what waits for a decision."""
    rights = ["decide_withdrawal", "decide_flagged"]
    return User.objects.filter(is_active=True, groups__permissions__codename__in=rights).distinct()


def last_decision(withdrawal: Withdrawal) -> Decision | None:
    """Return what was decided or proposed last; while something waits it is that."""
    return withdrawal.decisions.select_related("actor", "proposed_by").order_by("-pk").first()


def proposals(moves: Collection[str]) -> QuerySet[Decision]:
    """Return the proposals of these moves that wait for a second person."""
    return Decision.objects.filter(status=Decision.Status.PROPOSED, move__in=moves)


def undoable(user: User, *, now: datetime) -> Decision | None:
    """Return the last decision that this person can still take back, if its undo time runs."""
    return (
        Decision.objects.filter(actor=user, status=Decision.Status.WAITING, effective_at__gt=now)
        .select_related("withdrawal__player")
        .only(*_UNDO_OFFER)
        .order_by("-decided_at", "-pk")
        .first()
    )


# What a page says of the decision that can be taken back: every page asks, and few get one.
_UNDO_OFFER = (
    "move", "effective_at", "withdrawal__amount", "withdrawal__currency", "withdrawal__player__name",
    "withdrawal__player__ref",
)  # fmt: skip


def found_by(term: str, *, people: bool, destinations: bool) -> Q:
    """Return the withdrawals that a typed term names.

    Its shape says what it is: a reference names one, an e-mail address and a player's reference name players.
    Anything else is tried as a provider's reference and, where the reader may see them, as a player (``people``:
    platform id, name) and as the last four characters of payout details (``destinations``). Each is looked up by
    itself, by its index: one condition over several tables would join all rows first.
    """
    if (reference := normalise(term)) is not None:
        return Q(ref=reference)
    players = kyc.look_up(term) if people else Player.objects.filter(ref=term.upper())
    found = Q(player_id__in=[player.pk for player in players])
    if kyc.names_players(term):
        return found
    attempts = PayoutAttempt.objects.filter(provider__in=BY_CODE, provider_reference=term)
    found |= Q(pk__in=list(attempts.values_list("withdrawal_id", flat=True)))
    if destinations and len(term) == 4 and term.isalnum():
        ends = Destination.objects.alias(last_four=Right("label", 4)).filter(last_four=term).order_by("-pk")
        found |= Q(destination_id__in=list(ends.values_list("pk", flat=True)[:MOST_DESTINATIONS]))
    return found


@dataclass(frozen=True, slots=True)
class Day:
    """What one person decided since midnight, and what is left of the queue for others."""

    decided: int
    waiting: int
    on_hold: int


def day_of(user: User, *, now: datetime) -> Day:
    """Return the figures for the end of the queue."""
    morning = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    counted = [Decision.Status.WAITING, Decision.Status.APPLIED]
    return Day(
        decided=Decision.objects.filter(actor=user, decided_at__gte=morning, status__in=counted).count(),
        waiting=waiting_count(),
        on_hold=Withdrawal.objects.filter(state=State.ON_HOLD)[:COUNT_CAP].count(),
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows wait, how much per currency, since when, and how they stand to their due time.

    Figures are of the 10,000 most urgent. Where ``count`` is beyond that there are more, and of what goes on
    behind them there is no sum: ``totals`` is then empty, and ``late_totals`` if all of them are late.
    """

    count: int
    totals: dict[str, int]
    oldest_at: datetime | None
    late: int
    late_totals: dict[str, int]
    soon: int
    later: int
    states: int


_SUMMARY = """
    SELECT currency, count(*), sum(amount), min(requested_at),
        count(*) FILTER (WHERE due_at < %s), coalesce(sum(amount) FILTER (WHERE due_at < %s), 0),
        count(*) FILTER (WHERE due_at >= %s AND due_at < %s), min(state), max(state)
    FROM ({rows}) waiting GROUP BY currency ORDER BY currency
"""


def waiting_summary(rows: QuerySet[Withdrawal], *, now: datetime) -> Waiting:
    """Return the figures of a list of open withdrawals in one statement; sums never mix currencies."""
    urgent = rows.order_by("due_at", "pk").values("currency", "amount", "requested_at", "due_at", "state")
    try:
        sql, values = urgent[: COUNT_CAP + 1].query.sql_with_params()
    except EmptyResultSet:
        return Waiting(0, {}, None, 0, {}, 0, 0, 0)
    with connection.cursor() as cursor:
        # By hand: a limit inside and groups outside is more than the ORM can say.
        cursor.execute(_SUMMARY.format(rows=sql), [now, now, now, now + SOON, *values])
        lines = cursor.fetchall()
    count, late, soon = (sum(line[place] for line in lines) for place in (1, 4, 6))
    return Waiting(
        count=count,
        totals={line[0]: int(line[2]) for line in lines} if count <= COUNT_CAP else {},
        oldest_at=min((line[3] for line in lines), default=None),
        late=late,
        late_totals={line[0]: int(line[5]) for line in lines if line[4]} if late <= COUNT_CAP else {},
        soon=soon,
        later=count - late - soon,
        states=len({state for line in lines for state in line[7:9]}),
    )


def earlier_payouts(withdrawal: Withdrawal) -> QuerySet[Withdrawal]:
    """Return the player's other withdrawals, newest first."""
    return (
        Withdrawal.objects.filter(player_id=withdrawal.player_id)
        .exclude(pk=withdrawal.pk)
        .select_related("destination")
        .order_by("-requested_at", "-pk")
    )


def typical_time(provider: str, *, now: datetime) -> timedelta | None:
    """Return the median time from sending to payment of what this provider paid in the last 24 hours."""
    paid = PayoutAttempt.objects.filter(
        provider=provider,
        state="paid",
        withdrawal__closed_at__gt=now - timedelta(days=1),
        withdrawal__closed_at__lte=now,
    )
    took = F("withdrawal__closed_at") - F("sent_at")
    return paid.aggregate(typical=Percentile(took, share=0.5, output_field=DurationField()))["typical"]


def decided_by(user: User) -> Q:
    """Return the withdrawals on which this person decided before: what Withdrawal.decider_ids() says of one."""
    steps = AuditEntry.objects.filter(
        subject_type=SUBJECT_TYPE, subject_id=OuterRef("ref"), step__isnull=False, actor_user=user
    )
    proposals = Decision.objects.filter(withdrawal=OuterRef("pk"), status=Decision.Status.APPLIED, proposed_by=user)
    return Q(Exists(steps)) | Q(Exists(proposals))


def sharing_destination(withdrawal: Withdrawal) -> list[int]:
    """Return the other players who have the same payout details, those who had them first before the others."""
    same = Destination.objects.filter(account_digest=withdrawal.destination.account_digest)
    others = same.exclude(player_id=withdrawal.player_id).order_by("first_seen_at", "pk")
    return list(dict.fromkeys(others.values_list("player_id", flat=True)[:MOST_DESTINATIONS]))


def in_flight_by_provider() -> dict[str, dict[str, object]]:
    """Return per provider: how many are in flight and unknown, and since when the oldest waits."""
    rows = Withdrawal.objects.filter(state__in=WITH_PROVIDER).values("provider", "state", "approved_at")
    result: dict[str, dict[str, object]] = {}
    for row in (
        Withdrawal.objects.filter(state__in=WITH_PROVIDER)
        .values("provider")
        .annotate(
            in_flight=Count("pk"),
            unknown=Count("pk", filter=Q(state=State.OUTCOME_UNKNOWN)),
        )
        .order_by("provider")
    ):
        oldest = rows.filter(provider=row["provider"]).order_by("approved_at").first()
        result[row["provider"]] = {**row, "oldest_at": oldest["approved_at"] if oldest else None}
    return result


def waits_no_longer() -> QuerySet[Withdrawal]:
    """Return what is approved and waited for a pause that is over."""
    stopped = routing.paused()
    over = []
    if routing.EVERYTHING not in stopped:
        over.append("global_stop")
    if not stopped:
        over.append("paused")
    return Withdrawal.objects.filter(state=State.APPROVED, wait_reason__in=over)


def due_at(requested_at: datetime) -> datetime:
    """Return by when a person should have decided."""
    return requested_at + settings.REVIEW_TIME


# What the machines do with a due row of each state: the life's own table, and what is due by a person's doing.
_STEPS: dict[str, str] = {
    **{state: step for state, (step, _delay) in NEXT_STEP.items()},
    State.ON_HOLD: "wake",
    # Due only when somebody contradicted the payment.
    State.COMPLETED: "ask",
}


def due_steps(*, now: datetime) -> list[str]:
    """Return the names of the steps that have due rows, each once."""
    states = Withdrawal.objects.filter(next_step_at__lte=now).values_list("state", flat=True).distinct().order_by()
    steps = {_STEPS[state] for state in states if state in _STEPS}
    if waits_no_longer().exists():
        steps.add("pay")
    if Decision.objects.filter(status=Decision.Status.WAITING, effective_at__lte=now).exists():
        steps.add("apply_decisions")
    if jobs.is_running(*BULK.values()):
        steps.add("decide_bulk")
    if gateway.due_deliveries(now=now, most=1):
        steps.add("apply_webhooks")
    return sorted(steps)


@dataclass(frozen=True, slots=True)
class OpenTotal:
    """A player's open withdrawals: how many, and how much per currency; sums never mix currencies."""

    count: int
    totals: dict[str, int]


def open_totals(player_ids: Iterable[int], *, states: Collection[str] = OPEN) -> dict[int, OpenTotal]:
    """Return the open withdrawals of each of these players in one statement; players without are left out."""
    rows = (
        Withdrawal.objects.filter(player_id__in=list(player_ids), state__in=states)
        .values_list("player_id", "currency")
        .annotate(count=Count("pk"), total=Sum("amount"))
        .order_by("player_id", "currency")
    )
    found: dict[int, OpenTotal] = {}
    for player_id, currency, count, total in rows:
        before = found.get(player_id, OpenTotal(0, {}))
        found[player_id] = OpenTotal(before.count + count, {**before.totals, currency: int(total)})
    return found


def waiting_value(player: str) -> Subquery:
    """Return, of the player that a row names in ``player``, what open withdrawals are worth in the house currency.

    None without any. For ordering only: what has no rate counts as nothing.
    """
    still_open = Withdrawal.objects.filter(player_id=OuterRef(player), state__in=OPEN).order_by()
    worth = Sum(Coalesce("reference_amount", 0))
    return Subquery(still_open.values("player_id").annotate(worth=worth).values("worth"))


def players_waiting() -> QuerySet[Withdrawal, int]:
    """Return the keys of players with open withdrawals."""
    return Withdrawal.objects.filter(state__in=OPEN).order_by().values_list("player_id", flat=True)


def similar_outcomes(withdrawal: Withdrawal) -> dict[str, int]:
    """Return how the latest payouts like this one ended, as number by state: by the same method, of half to twice
    the amount, of other players. Only so many are looked at that the answer takes no longer as the years go by."""
    worth = withdrawal.reference_amount
    if worth is None:
        return {}
    latest = Withdrawal.objects.filter(closed_at__isnull=False).order_by("-closed_at").values("pk")[:LATEST]
    alike = Withdrawal.objects.filter(
        pk__in=latest, method=withdrawal.method, reference_amount__range=(worth // 2, worth * 2)
    ).exclude(player_id=withdrawal.player_id)
    return dict(alike.order_by("state").values_list("state").annotate(Count("pk")))


@dataclass(frozen=True, slots=True)
class Total:
    """The sums of some withdrawals in one currency, minor units."""

    currency: str
    count: int
    amount: int
    fee: int


def totals_of(rows: QuerySet[Withdrawal]) -> list[Total]:
    """Return the sums of exactly these withdrawals, per currency."""
    lines = rows.order_by("currency").values_list("currency").annotate(Count("pk"), Sum("amount"), Sum("fee"))
    return [Total(currency, count, int(amount), int(fee)) for currency, count, amount, fee in lines]


def held_up_by(code: str, *, stopped: Collection[str]) -> int:
    """Return how many approved withdrawals wait for ``code`` alone: its pause leaves them no provider.

    ``stopped`` are the other switches that are off; what waits for those anyway is not counted.
    """
    routes = Withdrawal.objects.filter(state=State.APPROVED).values_list("routes").annotate(Count("pk")).order_by()

    def waits(codes: list[str], off: set[str]) -> bool:
        return ProviderControl.EVERYTHING in off or set(codes) <= off

    before, after = set(stopped), {code, *stopped}
    return sum(count for codes, count in routes if waits(codes, after) and not waits(codes, before))
