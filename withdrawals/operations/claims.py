"""Claims: the right to decide one withdrawal for a while, so that nobody overwrites anybody."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from backoffice.accounts.models import User
from backoffice.audit.record import record
from withdrawals import queries
from withdrawals.exceptions import ClaimedByOther
from withdrawals.lifecycle import SUBJECT_TYPE
from withdrawals.models import Claim, Decision, Withdrawal
from withdrawals.states import UNDECIDED, Move, State

# Who may claim: each of these works through a queue.
CLAIMERS = ("withdrawals.decide_withdrawal", "withdrawals.decide_flagged")
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


def claim(withdrawal: Withdrawal, *, user: User, now: datetime) -> Claim:
    """Claim an unowned withdrawal, or renew one's own claim. Raises ClaimedByOther."""
    with transaction.atomic():
        Withdrawal.objects.select_for_update(of=("self",)).get(pk=withdrawal.pk)
        current = Claim.objects.filter(withdrawal=withdrawal).select_related("owner").first()
        if current is not None and current.until > now and current.owner_id != user.pk:
            raise ClaimedByOther(current.owner.name)
        renewed = current is not None and current.until > now
        mine, _created = Claim.objects.update_or_create(
            withdrawal=withdrawal,
            defaults={
                "owner": user,
                "until": now + settings.CLAIM_TIME,
                "since": current.since if renewed and current else now,
            },
        )
        if not renewed:
            record(subject_type=SUBJECT_TYPE, subject_id=withdrawal.ref, action="claim", actor=user, at=now)
    return mine


def take_over(withdrawal: Withdrawal, *, user: User, now: datetime, reason: str) -> Claim:
    """Take a withdrawal from whoever has it; the reason is recorded with their name."""
    with transaction.atomic():
        Withdrawal.objects.select_for_update(of=("self",)).get(pk=withdrawal.pk)
        previous = Claim.objects.filter(withdrawal=withdrawal).select_related("owner").first()
        mine, _created = Claim.objects.update_or_create(
            withdrawal=withdrawal, defaults={"owner": user, "until": now + settings.CLAIM_TIME, "since": now}
        )
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


def let_go(withdrawal: Withdrawal, *, user: User) -> None:
    """Give up one's own claim; somebody else's stays."""
    Claim.objects.filter(withdrawal=withdrawal, owner=user).delete()


def next_for(
    user: User, *, now: datetime, queue: QuerySet[Withdrawal] | None = None, after: Withdrawal | None = None
) -> Withdrawal | None:
    """Claim and return the most urgent withdrawal that nobody decides now, or None when the queue is clear.

    Skips what somebody else claimed, what has a waiting decision, and what this person cannot say yes to.
    ``queue`` narrows it to a view; with ``after`` it is the next one in the order of urgency, and behind
    the last one the search begins again at the first.
    """
    passed = [] if after is None else [after.pk]
    with transaction.atomic():
        while (withdrawal := _next_unlocked(user, now=now, queue=queue, after=after, passed=passed)) is not None:
            try:
                claim(withdrawal, user=user, now=now)
            except ClaimedByOther:
                # Claimed and committed by somebody else after it was looked up and before it was locked.
                passed.append(withdrawal.pk)
            else:
                break
    return withdrawal


def _next_unlocked(
    user: User,
    *,
    now: datetime,
    queue: QuerySet[Withdrawal] | None,
    after: Withdrawal | None,
    passed: list[int],
) -> Withdrawal | None:
    candidates = claimable(user, now=now, queue=queue).exclude(pk__in=passed)
    candidates = candidates.select_for_update(of=("self",), skip_locked=True)
    if after is not None:
        later = Q(due_at__gt=after.due_at) | Q(due_at=after.due_at, pk__gt=after.pk)
        if (withdrawal := candidates.filter(later).first()) is not None:
            return withdrawal
    return candidates.first()


def claimable(user: User, *, now: datetime, queue: QuerySet[Withdrawal] | None = None) -> QuerySet[Withdrawal]:
    """Return what this person could take from the queue now, most urgent first."""
    return (
        (queries.review_queue() if queue is None else queue)
        .filter(_decidable_by(user))
        .filter(Q(claim=None) | Q(claim__until__lte=now) | Q(claim__owner=user))
        .exclude(decisions__status__in=[Decision.Status.WAITING, Decision.Status.PROPOSED])
        .order_by("due_at", "pk")
    )


def _decidable_by(user: User) -> Q:
    """What can_decide() says of one withdrawal, for many at once."""
    plain, flagged = user.has_perm("withdrawals.approve_withdrawal"), user.has_perm("withdrawals.decide_flagged")
    high = Q(risk_level="high")
    nothing = Q(pk__in=[])
    first = (~high if plain else nothing) | (high | Q(is_flagged=True) if flagged else nothing)
    second = nothing
    if user.has_perm("withdrawals.confirm_withdrawal"):
        second = ~queries.decided_by(user)
        if user.approval_limit is not None:
            second &= Q(reference_amount__lte=user.approval_limit)
    return (Q(state=State.UNDER_REVIEW) & first) | (Q(state=State.SECOND_APPROVAL) & second)
