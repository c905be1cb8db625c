"""Deciding many at once: which of them may be, what it comes to, and each decided as if it stood alone."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction

from backoffice.accounts.models import User
from backoffice.audit.record import record
from backoffice.jobs import operations as jobs
from backoffice.jobs.models import Job, JobItem
from withdrawals import decided, nudge
from withdrawals.exceptions import ClaimedByOther, IllegalMove, MoveRefused, NotAllowed
from withdrawals.models import CheckResult, Decision, Withdrawal
from withdrawals.operations import claims, decisions, screening, validity, work
from withdrawals.statement import statement_of
from withdrawals.states import BULK, UNDECIDED, Move, State
from withdrawals.usage import Usage, of_house

_MOVES = {kind: move for move, kind in BULK.items()}
_PERMISSIONS = {
    Move.APPROVE: "withdrawals.approve_withdrawal",
    Move.HOLD: "withdrawals.hold_withdrawal",
    Move.REJECT: "withdrawals.reject_withdrawal",
}
# More than this nobody looks through on one page.
MOST = 100
K = TypeVar("K")
_NOT_YET = (State.REQUESTED, State.ON_HOLD)


@dataclass(frozen=True, slots=True)
class Said:
    """What one person said for all of them: the reason, and what the move needs besides."""

    reason: str = ""
    note: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why one is not decided among others: ``words`` to count by, ``detail`` what there is to know of this one."""

    words: str
    detail: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.words}: {self.detail}" if self.detail else f"{self.words}."


def left_out(withdrawal: Withdrawal, move: Move = Move.APPROVE, *, user: User, now: datetime) -> LeftOut | None:
    """Return why this person cannot decide it so among others now, or None when they can."""
    if (known := _known_reason(withdrawal, move, user=user, now=now)) is not None or move != Move.APPROVE:
        return known
    objection = validity.objection_to(withdrawal, now=now)
    if objection is None:
        return None
    return LeftOut("New concern" if objection.is_news else "Cannot be approved", objection.sentence)


def _known_reason(withdrawal: Withdrawal, move: Move, *, user: User, now: datetime) -> LeftOut | None:
    """What the rows say, before the checks are asked again."""
    if decided.waiting_decision(withdrawal) is not None:
        return LeftOut("Already decided")
    if withdrawal.state not in UNDECIDED:
        label = State(withdrawal.state).label
        return LeftOut(label) if withdrawal.state in _NOT_YET else LeftOut("Already decided", f"{label}.")
    try:
        claims.require_unclaimed(withdrawal, user=user, now=now)
    except ClaimedByOther as claimed:
        return LeftOut(f"{claimed.name} has it")
    if move != Move.APPROVE:
        return None if move in withdrawal.moves_for(user) else LeftOut("Not yours to decide")
    return _not_approvable(withdrawal, user)


def _not_approvable(withdrawal: Withdrawal, user: User) -> LeftOut | None:
    """What speaks against an approval that nobody looks at closely."""
    moves = withdrawal.moves_for(user)
    if Move.APPROVE not in moves:
        if withdrawal.approvals_needed > 1:
            return LeftOut("Needs two approvals")
        return LeftOut("Above your limit" if Move.ENDORSE in moves else "Not yours to decide")
    if because := decisions.explained_because(withdrawal, Move.APPROVE, user):
        return LeftOut("Needs a reason of its own", f"{', '.join(because)}.")
    concerns = withdrawal.check_results.filter(is_current=True, outcome__in=CheckResult.CONCERNS)
    if (title := concerns.order_by("-points", "code").values_list("title", flat=True).first()) is not None:
        return LeftOut("Has a concern", f"{title}.")
    return LeftOut("Part of the money is unexplained") if statement_of(withdrawal).unexplained else None


@dataclass(frozen=True, slots=True)
class Line:
    """One selected row: decided among the others when ``is_picked``."""

    withdrawal: Withdrawal
    left_out: LeftOut | None
    is_picked: bool

    @property
    def provider(self) -> str:
        """Who would most likely pay it; empty when nobody can now."""
        return self.withdrawal.provider or next(iter(self.withdrawal.routes), "")


@dataclass(frozen=True)
class Preview:
    """What deciding the picked rows comes to. ``house`` is the use of the house's limits if all are approved."""

    move: Move
    lines: tuple[Line, ...]
    house: tuple[Usage, ...]

    @cached_property
    def picked(self) -> list[Withdrawal]:
        return [line.withdrawal for line in self.lines if line.is_picked]

    @property
    def offered(self) -> list[Line]:
        return [line for line in self.lines if line.left_out is None]

    @property
    def rest(self) -> list[Line]:
        return [line for line in self.lines if line.left_out is not None]

    @property
    def totals(self) -> dict[str, int]:
        """Minor units per currency; sums never mix currencies."""
        return _sums((row.currency, row.amount) for row in self.picked)

    @property
    def by_provider(self) -> dict[tuple[str, str], int]:
        """Minor units per provider and currency."""
        return _sums(
            ((line.provider, line.withdrawal.currency), line.withdrawal.amount) for line in self.lines if line.is_picked
        )

    @property
    def reasons(self) -> dict[str, int]:
        """Why rows are left out, and how many each, the most frequent first."""
        counts = _sums((line.left_out.words, 1) for line in self.lines if line.left_out is not None)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def objection(self) -> str:
        """What forbids approving all of them together; empty when nothing does."""
        over = validity.house_objection(self.house)
        return over.sentence if over else ""


def _sums(parts: Iterable[tuple[K, int]]) -> dict[K, int]:
    sums: dict[K, int] = {}
    for key, amount in parts:
        sums[key] = sums.get(key, 0) + amount
    return sums


def preview(
    rows: Iterable[Withdrawal],
    move: Move = Move.APPROVE,
    *,
    user: User,
    now: datetime,
    without: Collection[str] = (),
) -> Preview:
    """Return what deciding these rows so comes to, without the references that somebody unchecked."""
    lines = []
    for row in rows:
        reason = left_out(row, move, user=user, now=now)
        lines.append(Line(row, reason, reason is None and row.ref not in without))
    picked = [line.withdrawal for line in lines if line.is_picked and move == Move.APPROVE]
    return Preview(move, tuple(lines), tuple(_of_house(picked, now=now)))


def _of_house(picked: list[Withdrawal], *, now: datetime) -> list[Usage]:
    """The use of the house's limits if all of these were approved."""
    if not picked:
        return []
    worth = sum(row.reference_amount or 0 for row in picked)
    return [replace(usage, this=len(picked) if usage.is_count else worth) for usage in of_house(picked[0], now=now)]


def changes(seen: Mapping[str, int], current: Preview) -> list[str]:
    """Return in words what is different from what somebody saw: ``seen`` are the versions of the rows picked then."""
    now_there = {line.withdrawal.ref: line for line in current.lines}
    found = []
    for ref, version in seen.items():
        line = now_there.get(ref)
        if line is None:
            found.append(f"{ref}: no longer in the list.")
        elif line.left_out is not None:
            found.append(f"{ref}: {line.left_out.sentence}")
        elif line.withdrawal.version != version:
            found.append(f"{ref}: it moved on and came back to review.")
    return found


def may_start(user: User, count: int) -> bool:
    """Whether this person may decide so many at once."""
    return count <= settings.BULK_LIMIT or user.has_perm("jobs.exceed_bulk_limit")


def start(
    versions: Mapping[str, int],
    move: Move = Move.APPROVE,
    *,
    title: str,
    user: User,
    token: str,
    now: datetime,
    said: Said = Said(),
) -> Job:
    """Begin deciding these withdrawals, versions as previewed by reference. The same token is the same job.

    Raises NotAllowed for who may not decide so, or not so many; IllegalMove for nothing, or a token of somebody else.
    """
    if not user.has_perm(_PERMISSIONS[move]):
        raise NotAllowed("None of your roles may decide withdrawals so.")
    if not versions:
        raise IllegalMove("Nothing is left to decide.")
    if not may_start(user, len(versions)):
        raise NotAllowed(f"You may decide at most {settings.BULK_LIMIT} at once.")
    items = {ref: {"version": version, **asdict(said)} for ref, version in versions.items()}
    job, is_new = jobs.start(BULK[move], items, title=title, token=token, owner=user, now=now)
    if job.owner_id != user.pk:
        raise IllegalMove("This page was used already by somebody else. Select again.")
    if is_new:
        nudge.after_commit("decide_bulk")
    return job


def work_off(*, clock: work.Clock) -> int:
    """Decide what waits in jobs; return how many were looked at."""
    return sum(jobs.work_off(kind, partial(_decide, clock=clock), clock=clock) for kind in _MOVES)


def _decide(item: JobItem, *, clock: work.Clock) -> str:
    """Decide one, under its lock, as the person would by hand: what was learnt since the preview counts."""
    now, user, move = clock(), item.job.owner, move_of(item.job)
    withdrawal = screening.locked(Withdrawal.objects.values_list("pk", flat=True).get(ref=item.subject))
    if (reason := _known_reason(withdrawal, move, user=user, now=now)) is not None:
        return reason.sentence
    try:
        decisions.decide(
            withdrawal,
            move,
            actor=user,
            now=now,
            key=_key(item.job, item.subject),
            **item.facts,
        )
    except MoveRefused as refusal:
        return refusal.sentence
    return ""


def move_of(job: Job) -> Move:
    """Return what a job decides."""
    return _MOVES[job.kind]


def _key(job: Job, ref: str) -> str:
    return f"{job.token}:{ref}"


def decisions_of(job: Job, refs: Iterable[str]) -> dict[str, Decision]:
    """Return what was decided for these references of a job, by reference."""
    made = Decision.objects.filter(key__in=[_key(job, ref) for ref in refs]).select_related("withdrawal")
    return {decision.withdrawal.ref: decision for decision in made}


def undo_all(job: Job, *, actor: User, now: datetime) -> tuple[int, int]:
    """Stop the job and take back what still can be; return how many were taken back, and for how many it was too late:
    they took effect, or somebody agreed to what was proposed.

    Raises NotAllowed for anybody but who started it.
    """
    if job.owner_id != actor.pk:
        raise NotAllowed("Only the person who decided them can take that back.")
    jobs.cancel(job, actor=actor, now=now)
    undone = late = 0
    for decision in decisions_of(job, job.items.values_list("subject", flat=True)).values():
        if decision.status == Decision.Status.UNDONE:
            continue
        try:
            decisions.undo(decision, actor=actor, now=now)
            undone += 1
        except (IllegalMove, NotAllowed):
            late += 1
    with transaction.atomic():
        record(
            subject_type=jobs.SUBJECT_TYPE,
            subject_id=str(job.pk),
            action="undo_all",
            actor=actor,
            data={"state": f"{undone} taken back"},
            at=now,
        )
    return undone, late
