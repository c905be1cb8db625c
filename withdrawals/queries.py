"""Reading withdrawals. Querysets are nouns; whatever is shown to people is ordered, ending in the key."""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, CharField, Count, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Right

from backoffice.accounts.models import User
from backoffice.prepared import Prepared, Slot
from backoffice.ui.paging import COUNT_CAP
from fraud import queries as fraud
from kyc import queries as kyc
from kyc.models import Player
from providers.registry import BY_CODE
from withdrawals.models import Approval, Decision, Destination, Finding, PayoutAttempt, Withdrawal
from withdrawals.reference import normalise
from withdrawals.states import OPEN, UNDECIDED, State

# What waits for a person; what was decided a moment ago and waits for its undo time does not.
# (Not Exists(): for an anti-join PostgreSQL guesses, and guessed wrong it compares each row with each decision.)
NEEDS_DECISION = Q(state__in=UNDECIDED) & ~Q(
    pk__in=Decision.objects.filter(status=Decision.Status.WAITING).values("withdrawal_id")
)
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


def stopping_payouts_of(player: Any) -> QuerySet[Finding]:
    """Return what is open and stops every payout of a player, the oldest first."""
    found = Finding.objects.filter(stops_payouts=True, resolved_at=None, withdrawal__player=player)
    return found.select_related("withdrawal").order_by("at", "pk")


def claimers() -> QuerySet[User]:
    """Return the active people who may claim what waits for a decision."""
    rights = ["decide_withdrawal", "decide_flagged"]
    return User.objects.filter(is_active=True, groups__permissions__codename__in=rights).distinct()


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


def earlier_payouts(withdrawal: Withdrawal) -> QuerySet[Withdrawal]:
    """Return the player's other withdrawals, newest first."""
    return (
        Withdrawal.objects.filter(player_id=withdrawal.player_id)
        .exclude(pk=withdrawal.pk)
        .select_related("destination")
        .order_by("-requested_at", "-pk")
    )


def links_of(withdrawal: Withdrawal, *, since: datetime) -> dict[int, str]:
    """Return what other players share with the one who asks, by player; shared since then, but for payout details.

    First come those whom this money could reach as well, and of those who had the payout details first. One statement.
    """
    account, label = withdrawal.destination.account_digest, withdrawal.destination.label
    rows = _LINKS.rows(player=withdrawal.player_id, since=since, account=account)
    had = sorted((first_seen, other) for kind, other, first_seen in rows if kind == _PAYOUT_DETAILS)
    found = {other: f"payout details {label}" for _first_seen, other in had}
    for link in fraud.by_links(row for row in rows if row[0] != _PAYOUT_DETAILS):
        found[link.player_id] = ", ".join(filter(None, [found.get(link.player_id), link.shared]))
    return found


_PAYOUT_DETAILS = -1


def _links() -> QuerySet[Any, Any]:
    """What fraud knows to be shared, and the payout details, with since when in the place of words."""
    same = Destination.objects.filter(account_digest=Slot("account", CharField()))
    others = same.exclude(player_id=Slot("player", BigIntegerField())).order_by("first_seen_at", "pk")
    had = others.annotate(kind=Value(_PAYOUT_DETAILS), words=Cast("first_seen_at", CharField()))
    return had.values_list("kind", "player_id", "words")[:MOST_DESTINATIONS].union(fraud.links())


_LINKS = Prepared(_links)


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
