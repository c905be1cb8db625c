"""Starting, working off and cancelling jobs.

One item is one transaction, which holds the item's row: whoever dies in it leaves the item waiting, and
several workers share a job without meeting. The rows are the queue; a lost message costs a second.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count, Exists, OuterRef, Q

from backoffice.accounts.models import User
from backoffice.audit.record import record
from backoffice.jobs import queries
from backoffice.jobs.models import Job, JobItem

logger = logging.getLogger(__name__)

SUBJECT_TYPE = "job"
# One task works for this long, then makes room for others.
BUDGET = timedelta(seconds=3)

Clock = Callable[[], datetime]
# Does one item; returns nothing when it is done, else why it was not, in words for people.
Step = Callable[[JobItem], str]


def start(
    kind: str, items: Mapping[str, dict[str, Any]], *, title: str, token: str, owner: User, now: datetime
) -> tuple[Job, bool]:
    """Keep a job with its items, facts by subject; return it and whether it is new: a token stands for one job."""
    with transaction.atomic():
        job, is_new = Job.objects.get_or_create(
            token=token, defaults={"kind": kind, "title": title[:200], "owner": owner, "created_at": now}
        )
        if is_new:
            JobItem.objects.bulk_create(JobItem(job=job, subject=name, facts=facts) for name, facts in items.items())
            _record(job, kind, actor=owner, now=now, about=title, subjects=list(items))
    return job, is_new


def work_off(kind: str, step: Step, *, clock: Clock) -> int:
    """Do ``step`` for waiting items of this kind until none is left or the budget is spent; return how many.

    A step that fails is undone, ends its item with that as the reason, and leaves the others alone.
    """
    until, count = clock() + BUDGET, 0
    while clock() < until and _one(kind, step, clock=clock):
        count += 1
    _finish(kind, now=clock())
    return count


def cancel(job: Job, *, actor: User, now: datetime) -> int:
    """Stop a job: what was done stays, the rest is left; return how many items that is. One that has ended has none."""
    with transaction.atomic():
        current = Job.objects.select_for_update().get(pk=job.pk)
        if current.state != Job.State.RUNNING:
            return 0
        left = current.items.filter(outcome=JobItem.Outcome.WAITING).update(
            outcome=JobItem.Outcome.CANCELLED, words="The job was cancelled before its turn.", ended_at=now
        )
        current.told_at = now  # by doing it
        _end(current, Job.State.CANCELLED, now=now)
        _record(current, "cancel_job", actor=actor, now=now, about=f"{left} left", subjects=[])
    return left


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that is through, and what became of its items."""

    job: Job
    done: int
    left_out: int


def tell_ended(owner: User, *, now: datetime) -> list[Ended]:
    """Return the jobs of this person that ended since this was asked last: each is told of once."""
    with transaction.atomic():
        untold = list(queries.untold_of(owner).select_for_update(skip_locked=True).order_by("pk"))
        Job.objects.filter(pk__in=[job.pk for job in untold]).update(told_at=now)
    done = Count("items", filter=Q(items__outcome=JobItem.Outcome.DONE))
    counts = Job.objects.filter(pk__in=[job.pk for job in untold]).annotate(done=done, total=Count("items"))
    return [Ended(job, job.done, job.total - job.done) for job in counts.order_by("pk")]


def see(job: Job, *, now: datetime) -> None:
    """Its owner looks at it: once it has ended nobody need tell them."""
    if job.ended_at is not None and job.told_at is None:
        Job.objects.filter(pk=job.pk).update(told_at=now)


def _one(kind: str, step: Step, *, clock: Clock) -> bool:
    """Take the next item and end it; return whether there was one."""
    with transaction.atomic():
        item = (
            JobItem.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(job__kind=kind, job__state=Job.State.RUNNING, outcome=JobItem.Outcome.WAITING)
            .select_related("job__owner")
            .order_by("job_id", "pk")
            .first()
        )
        if item is None:
            return False
        try:
            with transaction.atomic():
                item.words = step(item)[:300]
        except (InterfaceError, OperationalError):
            raise  # not the item's fault: it stays, and comes round again
        except Exception:
            logger.exception("Item %s of job %s failed.", item.subject, item.job_id)
            item.words = "A fault stopped this one. Nothing of it was done."
        item.outcome = JobItem.Outcome.REFUSED if item.words else JobItem.Outcome.DONE
        item.ended_at = clock()
        item.save(update_fields=["outcome", "words", "ended_at"])
    return True


def _finish(kind: str, *, now: datetime) -> None:
    waiting = JobItem.objects.filter(job=OuterRef("pk"), outcome=JobItem.Outcome.WAITING)
    with transaction.atomic():
        running = Job.objects.select_for_update(of=("self",)).filter(kind=kind, state=Job.State.RUNNING)
        for job in running.filter(~Exists(waiting)).order_by("pk"):
            _end(job, Job.State.DONE, now=now)


def _end(job: Job, state: Job.State, *, now: datetime) -> None:
    job.state, job.ended_at = state, now
    job.save(update_fields=["state", "ended_at", "told_at"])


def _record(job: Job, action: str, *, actor: User, now: datetime, about: str, subjects: list[str]) -> None:
    record(
        subject_type=SUBJECT_TYPE,
        subject_id=str(job.pk),
        action=action,
        actor=actor,
        data={"state": about, "subjects": subjects},
        at=now,
    )
