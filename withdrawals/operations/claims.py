"""Claims: the right to decide one withdrawal for a while, so that nobody overwrites anybody."""

from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from backoffice.accounts.models import User
from backoffice.audit.record import record
from backoffice.ui.paging import Keyset, Listing
from withdrawals import decided, queries
from withdrawals.exceptions import ClaimedByOther, IllegalMove, MoveRefused, NotAllowed
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Claim, Decision, Visit, Withdrawal
from withdrawals.states import UNDECIDED, HoldKind, Move, State

# Who may claim: each of these works through a queue.
CLAIMERS = ("withdrawals.decide_withdrawal", "withdrawals.decide_flagged")
# Who works through lists: takes what waits for a decision, or ends holds.
WORKERS = (*CLAIMERS, "withdrawals.release_withdrawal")
_RELEASED_WITH = {HoldKind.LEGAL: "withdrawals.freeze_withdrawal"}
BY_URGENCY = Keyset("due_at", descending=False, nullable=False)
# What lets the money go on. Refusing is open to many more, and needs no claim.
YES = {Move.APPROVE, Move.ENDORSE, Move.CONFIRM}


def owner_of(withdrawal: Withdrawal, *, now: datetime) -> User | None:
    """Return who may decide it now, if it waits for a decision and somebody's claim has not run out."""
    claim = getattr(withdrawal, "claim", None)
    if claim is None or claim.until <= now or withdrawal.state not in UNDECIDED:
        return None
    return claim.owner


def may_claim(user: User) -> bool:
    """Whether this person works through queues, and so is bound by what colleagues have claimed."""
    return any(user.has_perm(permission) for permission in CLAIMERS)


def works_through_lists(user: User) -> bool:
    """Whether there is a next one for this person at all."""
    return any(user.has_perm(permission) for permission in WORKERS)


def can_decide(withdrawal: Withdrawal, user: User) -> bool:
    """Whether this person can say yes to it now; a claim of anybody else only keeps it from those who can."""
    return not YES.isdisjoint(withdrawal.moves_for(user))


def may_take_over(withdrawal: Withdrawal, user: User, *, now: datetime) -> bool:
    """Whether this person may take it from whoever has it: by right, or as an analyst from one who cannot decide it."""
    if user.has_perm("withdrawals.take_over_claim"):
        return True
    if not user.has_perm("withdrawals.decide_flagged"):
        return False
    owner = owner_of(withdrawal, now=now)
    return can_decide(withdrawal, user) and (owner is None or not can_decide(withdrawal, owner))


def require_unclaimed(withdrawal: Withdrawal, *, user: User, now: datetime) -> None:
    """Raise ClaimedByOther when a colleague is deciding it. Who claims nothing is not bound: compliance stops all."""
    owner = owner_of(withdrawal, now=now)
    if owner is not None and owner != user and may_claim(user):
        raise ClaimedByOther(owner.name)


def claim(withdrawal: Withdrawal, *, user: User, now: datetime, page: str = "", by: User | None = None) -> Claim:
    """Claim an unowned withdrawal, or renew one's own claim with whatever was asked of it.

    ``page`` names the open page that holds it, for let_go(); ``by``: who gives it to this person. Raises
    ClaimedByOther, and NotAllowed for what waits for no decision of this person.
    """
    if (mine := renew(withdrawal, user=user, now=now, page=page)) is not None:
        return mine
    with transaction.atomic():
        subject = _locked(withdrawal)
        if not can_decide(subject, user) or decided.waiting_decision(subject) is not None:
            raise NotAllowed("It does not wait for a decision of yours.")
        current = Claim.objects.filter(withdrawal=withdrawal).select_related("owner").first()
        if current is not None and current.until > now and current.owner_id != user.pk:
            raise ClaimedByOther(current.owner.name)
        mine = _give(withdrawal, user, now=now, page=page)
        giver = by or user
        record(
            subject_type=SUBJECT_TYPE,
            subject_id=withdrawal.ref,
            action="claim" if giver == user else "assign",
            actor=giver,
            data={} if giver == user else {"to": user.name},
            at=now,
        )
    return mine


def renew(withdrawal: Withdrawal, *, user: User, now: datetime, page: str = "") -> Claim | None:
    """Renew one's own claim in one statement; None where there is none that still holds. It never claims anew:
    what was released by leaving a page must not come back by what that page sent before."""
    known: Claim | None = getattr(withdrawal, "claim", None)
    if known is None or known.owner_id != user.pk:
        return None
    fresh = {"until": now + settings.CLAIM_TIME} | ({"page": page} if page else {})
    if not Claim.objects.filter(withdrawal=withdrawal, owner=user, until__gt=now).update(**fresh):
        return None
    for name, value in fresh.items():
        setattr(known, name, value)
    return known


def take_over(withdrawal: Withdrawal, *, user: User, now: datetime, reason: str) -> Claim:
    """Take a withdrawal from whoever has it; the reason is recorded with their name. Raises IllegalMove, NotAllowed."""
    with transaction.atomic():
        subject = _locked(withdrawal)
        if subject.state not in UNDECIDED:
            raise IllegalMove("It waits for no decision any more. Nothing was taken over.")
        if not may_take_over(subject, user, now=now):
            raise NotAllowed("None of your roles may take this over.")
        previous = Claim.objects.filter(withdrawal=withdrawal).select_related("owner").first()
        mine = _give(withdrawal, user, now=now)
        record(
            subject_type=SUBJECT_TYPE,
            subject_id=withdrawal.ref,
            action="take_over",
            actor=user,
            reason=reason,
            data={"from": previous.owner.name if previous else ""},
            at=now,
        )
    return mine


def ask_for(withdrawal: Withdrawal, *, user: User, now: datetime) -> None:
    """Ask whoever has it to hand it over; the last one who asked is who gets it. Raises IllegalMove, NotAllowed."""
    if not can_decide(withdrawal, user):
        raise NotAllowed("You could not decide it.")
    held = Claim.objects.filter(withdrawal=withdrawal, until__gt=now).exclude(owner=user)
    if not held.update(asked_by=user):
        raise IllegalMove("Nobody else has it now.")


def hand_over(withdrawal: Withdrawal, *, user: User, to: str, now: datetime) -> Claim:
    """Give one's own claim to who asked for it, named by key in ``to`` as the giver read it.

    Raises IllegalMove when there is nothing to give, or somebody else asked since, or who asked cannot decide it.
    """
    with transaction.atomic():
        subject = _locked(withdrawal)
        mine = Claim.objects.filter(withdrawal=withdrawal, owner=user, until__gt=now).select_related("asked_by").first()
        if mine is None or mine.asked_by is None:
            raise IllegalMove("Nobody asks for it any more, or it is not yours.")
        receiver = mine.asked_by
        if str(receiver.pk) != to:
            raise IllegalMove(f"By now {receiver.name} asks for it. It is still yours.")
        if not can_decide(subject, receiver):
            raise IllegalMove(f"{receiver.name} can no longer decide it. It is still yours.")
        given = _give(withdrawal, receiver, now=now)
        record(
            subject_type=SUBJECT_TYPE,
            subject_id=withdrawal.ref,
            action="hand_over",
            actor=user,
            data={"to": receiver.name},
            at=now,
        )
    return given


def _locked(withdrawal: Withdrawal) -> Withdrawal:
    return Withdrawal.objects.select_for_update(of=("self",)).select_related("player").get(pk=withdrawal.pk)


def _give(withdrawal: Withdrawal, user: User, *, now: datetime, page: str = "") -> Claim:
    fresh = {"owner": user, "until": now + settings.CLAIM_TIME, "since": now, "asked_by": None, "page": page}
    given, _created = Claim.objects.update_or_create(withdrawal=withdrawal, defaults=fresh)
    return given


def let_go(withdrawal: Withdrawal, *, user: User, page: str = "") -> None:
    """Give up one's own claim; somebody else's stays, and with ``page`` one that another open page holds."""
    own = Claim.objects.filter(withdrawal=withdrawal, owner=user)
    (own.filter(page=page) if page else own).delete()


def look_in(withdrawal: Withdrawal, *, user: User, now: datetime) -> None:
    """Note that somebody has the page open, for the others who look at it."""
    Visit.objects.update_or_create(withdrawal=withdrawal, visitor=user, defaults={"seen_at": now})


def look_away(withdrawal: Withdrawal, *, user: User) -> None:
    Visit.objects.filter(withdrawal=withdrawal, visitor=user).delete()


def next_for(
    user: User, *, now: datetime, listing: Listing | None = None, after: Withdrawal | None = None
) -> Withdrawal | None:
    """Return the next withdrawal of a list that this person can do something about, or None when there is none left.

    It is the first one, or with ``after`` the next one in the order of the list; behind the last one the search
    begins again. What waits for a decision is claimed; see workable() for what is passed over.
    """
    listing = workable(user, now=now, listing=listing)
    passed = [] if after is None else [after.pk]
    with transaction.atomic():
        while (withdrawal := _next_unlocked(listing.among(~Q(pk__in=passed)), after)) is not None:
            if withdrawal.state not in UNDECIDED:
                break  # a hold is nobody's own
            try:
                claim(withdrawal, user=user, now=now)
            except MoveRefused:
                # Claimed or decided and committed by somebody else after it was looked up and before it was locked.
                passed.append(withdrawal.pk)
            else:
                break
    return withdrawal


def _next_unlocked(listing: Listing, after: Withdrawal | None) -> Withdrawal | None:
    free = replace(listing, rows=listing.rows.select_for_update(of=("self",), skip_locked=True))
    found: Withdrawal | None = free.ordered().first() if after is None else free.following(after)
    return found


def neighbour_of(
    withdrawal: Withdrawal, user: User, *, now: datetime, listing: Listing, back: bool = False
) -> Withdrawal | None:
    """Return the next row of a list, whatever can be done about it, but for what somebody else is deciding; that is
    passed over for whoever is bound by it. ``back``: the one before."""
    free = listing.among(_unclaimed(user, now)) if may_claim(user) else listing
    found: Withdrawal | None = free.following(withdrawal, back=back)
    return found


def workable(user: User, *, now: datetime, listing: Listing | None = None) -> Listing:
    """Return what of a list this person could say yes to now or release from its hold; of the queue by urgency when
    no list is given. What somebody else claimed is left out, and what has a decision that waits."""
    listing = listing or Listing(queries.review_queue(), BY_URGENCY)
    waiting = Decision.objects.filter(status__in=[Decision.Status.WAITING, Decision.Status.PROPOSED])
    states = Q(state__in=[*UNDECIDED, State.ON_HOLD]) if listing.is_long else Q()
    open_to = _decidable_by(user) & _releasable_by(user) & (Q(state=State.ON_HOLD) | _unclaimed(user, now))
    return listing.few(states & open_to & ~Q(pk__in=waiting.values("withdrawal_id")))


def _unclaimed(user: User, now: datetime) -> Q:
    return Q(claim=None) | Q(claim__until__lte=now) | Q(claim__owner=user)


# Written as what must hold where it stands so: the other way round, each state named once more makes PostgreSQL
# expect fewer rows than there are, and then it reads all of them instead of the first.


def _releasable_by(user: User) -> Q:
    """What permissions.releaser says of a hold, for many at once; of anything else nothing."""
    kinds = [kind for kind in HoldKind if user.has_perm(_RELEASED_WITH.get(kind, "withdrawals.release_withdrawal"))]
    return ~Q(state=State.ON_HOLD) | Q(hold_kind__in=kinds)


def _decidable_by(user: User) -> Q:
    """What can_decide() says of what waits for a decision, for many at once; of anything else nothing."""
    plain, flagged = user.has_perm("withdrawals.approve_withdrawal"), user.has_perm("withdrawals.decide_flagged")
    high = Q(risk_level="high")
    nothing = Q(pk__in=[])
    first = (~high if plain else nothing) | (high | Q(is_flagged=True) if flagged else nothing)
    second = nothing
    if user.has_perm("withdrawals.confirm_withdrawal"):
        second = ~decided.decided_by(user)
        if user.approval_limit is not None:
            second &= Q(reference_amount__lte=user.approval_limit)
    return (~Q(state=State.UNDER_REVIEW) | first) & (~Q(state=State.SECOND_APPROVAL) | second)
