"""The built-in lists of withdrawals, and which of them a person works from."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from backoffice.ui.periods import morning
from backoffice.ui.tabs import Tab
from withdrawals import decided, guards, policy, queries, reasons, visibility
from withdrawals.filters import NEW_DETAILS
from withdrawals.models import Decision
from withdrawals.states import WITH_PROVIDER, State

_ONCE = ("wake",)
# What is not shown unless somebody asks for it.
_OFF = ("requested", "provider")


def _mine(request: HttpRequest) -> Q:
    return queries.NEEDS_DECISION & Q(claim__owner=request.user, claim__until__gt=timezone.now())


def _decided_today(request: HttpRequest) -> Q:
    return Q(Exists(decisions_today(request.user)))


def decisions_today(user: Any) -> QuerySet[Decision]:
    """Return a withdrawal's decisions of today that this person may know of, the last one first."""
    counted = [Decision.Status.WAITING, Decision.Status.APPLIED]
    made = Decision.objects.filter(
        withdrawal=OuterRef("pk"), decided_at__gte=morning(timezone.now()), status__in=counted
    )
    return made.filter(visibility.decisions_known_to(user)).order_by("-decided_at", "-pk")


def proposals_for(user: Any) -> QuerySet[Decision]:
    """Return what waits for a second person and is of this person's kind of work."""
    moves = [move for permission, moves in guards.SECONDED_WITH.items() if user.has_perm(permission) for move in moves]
    return decided.proposals(moves)


def _proposed(request: HttpRequest) -> Q:
    return Q(Exists(proposals_for(request.user).filter(withdrawal=OuterRef("pk"))))


def _asked(request: HttpRequest) -> Q:
    return Q(state=State.ON_HOLD, reason__in=_answered_by(request.user))


def _answered_by(user: Any) -> list[str]:
    return [code for code, permission in reasons.ANSWERED_WITH.items() if user.has_perm(permission)]


NEEDS_DECISION = Tab(
    "needs-decision",
    "Needs a decision",
    queries.NEEDS_DECISION,
    hide=_ONCE,
    off=_OFF,
    empty="Nothing waits for a decision.",
)
SECOND_APPROVAL = Tab(
    "second-approval",
    "Second approval",
    queries.NEEDS_DECISION & Q(state=State.SECOND_APPROVAL),
    hide=(*_ONCE, "state"),
    off=_OFF,
    empty="No second approvals wait.",
)
PROPOSALS = Tab(
    "proposals",
    "Proposals",
    _proposed,
    hide=("due", "wake", "owner"),
    off=("why", "kyc", "provider"),
    sort="requested",
    empty="No proposal waits for a second person.",
)
MINE = Tab("mine", "Mine", _mine, hide=(*_ONCE, "owner"), off=_OFF, empty="You have claimed nothing.")
ALL = Tab("all", "All", hide=("due",), off=("wake", "why", "owner", "provider"), sort="-requested", counted=False)
ASKED = Tab(
    "asked",
    "Asked of you",
    _asked,
    hide=("due", "requested", "state", "owner", "provider"),
    sort="wake",
    empty="Nobody asked you anything.",
)
TABS = (
    NEEDS_DECISION,
    MINE,
    SECOND_APPROVAL,
    PROPOSALS,
    ASKED,
    Tab(
        "on-hold",
        "On hold",
        Q(state=State.ON_HOLD),
        hide=("due", "state", "owner"),
        off=("requested", "provider"),
        sort="wake",
        empty="Nothing is on hold.",
    ),
    Tab(
        "high-value",
        "High value",
        queries.NEEDS_DECISION & Q(house_value__gt=policy.ONE_PERSON_CAP),
        hide=_ONCE,
        off=_OFF,
        sort="-amount",
        empty="Nothing of high value waits.",
    ),
    Tab(
        "new-details",
        "New payout details",
        queries.NEEDS_DECISION & NEW_DETAILS,
        hide=_ONCE,
        off=_OFF,
        empty="Nothing with new payout details waits.",
    ),
    Tab(
        "decided",
        "Decided today",
        _decided_today,
        hide=("due", "wake", "owner"),
        off=("requested", "why", "provider"),
        sort="-decided",
        empty="Nothing was decided today.",
    ),
    Tab(
        "with-provider",
        "With provider",
        Q(state__in=WITH_PROVIDER),
        hide=("due", "wake", "owner"),
        off=("why",),
        # The unknown come before what is being processed, each the oldest first.
        sort="state",
        empty="Nothing is with a provider.",
    ),
    ALL,
)
# Lists with a page of their own, by the permission for it: they stand here because pages are opened from them.
PAGES = {
    "second-approval": ("withdrawals:second-approval", "withdrawals.confirm_withdrawal"),
    "with-provider": ("withdrawals:in-flight", "providers.view_provider"),
}
# Lists of what is open, small enough to be added up each time.
SUMMED = {"needs-decision", "second-approval", "mine", "on-hold", "high-value", "new-details"}

# Lists of what a first approval may be given to, and so to many at once.
APPROVABLE = {"needs-decision", "mine", "high-value", "new-details"}


def tabs_for(user: Any) -> tuple[Tab, ...]:
    """Return the lists this person works from; those about other people's work or suspicions are left out."""
    if not visibility.sees(user, visibility.Field.STATE):
        return (ALL,)  # which list a withdrawal stands in would tell what its status does not
    hidden = set()
    if not user.has_perm("withdrawals.confirm_withdrawal"):
        hidden.add("second-approval")
    if not any(user.has_perm(permission) for permission in guards.SECONDED_WITH):
        hidden.add("proposals")
    if not _answered_by(user):
        hidden.add("asked")
    if not visibility.sees(user, visibility.Field.OWNER):
        hidden.add("mine")
    if not visibility.sees(user, visibility.Field.SIGNALS):
        hidden.add("new-details")
    return tuple(tab for tab in TABS if tab.slug not in hidden)
