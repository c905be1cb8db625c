"""How far jobs are."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from backoffice.accounts.models import User
from backoffice.jobs.models import Job, JobItem
from backoffice.prepared import Slot

# An estimate before a tenth is done would be a guess.
TELLING_SHARE = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """Items that are through, of all, and for how long the job ran; ``left`` is an estimate, or None."""

    done: int
    total: int
    elapsed: timedelta
    left: timedelta | None


def progress_of(job: Job, *, now: datetime) -> Progress:
    """Return how far a job is."""
    counts = job.items.aggregate(done=Count("pk", filter=~Q(outcome=JobItem.Outcome.WAITING)), total=Count("pk"))
    done, total = counts["done"], counts["total"]
    elapsed = (job.ended_at or now) - job.created_at
    tells = job.ended_at is None and done * TELLING_SHARE >= total and done
    return Progress(done, total, elapsed, elapsed * (total - done) / done if tells else None)


def running_of(user: User | Slot) -> QuerySet[Job]:
    """Return what this person started and is not through, for counting it with other things."""
    return Job.objects.filter(owner=user, told_at=None, state=Job.State.RUNNING)


def untold_of(user: User | Slot) -> QuerySet[Job]:
    """Return what this person started, has ended, and was not told of."""
    return Job.objects.filter(owner=user, told_at=None).exclude(state=Job.State.RUNNING)


def is_running(*kinds: str) -> bool:
    """Whether any job of one of these kinds is not through."""
    return Job.objects.filter(kind__in=kinds, state=Job.State.RUNNING).exists()
