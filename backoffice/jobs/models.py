"""Long work that somebody started: what it consists of, how far it is, and what became of each part."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Job(models.Model):
    """A number of items that one person wants worked off; each stands for itself."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=30)
    # Of the form that started it: sent twice, it is still one job.
    token = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # When its owner saw or was told that it ended.
    told_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        permissions = [("exceed_bulk_limit", "Can decide more at once than the bulk limit")]
        constraints = [
            models.CheckConstraint(
                name="job_ended_iff_not_running",
                condition=Q(state="running", ended_at__isnull=True)
                | (Q(state__in=["done", "cancelled"]) & Q(ended_at__isnull=False)),
            )
        ]
        indexes = [
            models.Index(fields=["kind", "id"], name="job_running", condition=Q(state="running")),
            models.Index(fields=["owner"], name="job_untold", condition=Q(told_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.title


class JobItem(models.Model):
    """One part of a job. ``subject`` names what it is about, ``facts`` say what was seen of it."""

    class Outcome(models.TextChoices):
        WAITING = "waiting", "Waits"
        DONE = "done", "Done"
        REFUSED = "refused", "Left out"
        CANCELLED = "cancelled", "Cancelled"

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="items")
    subject = models.CharField(max_length=40)
    facts = models.JSONField(default=dict)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.WAITING)
    # Why it was not done.
    words = models.CharField(max_length=300, default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["job", "subject"], name="job_item_once")]
        indexes = [models.Index(fields=["job", "id"], name="job_item_waiting", condition=Q(outcome="waiting"))]

    def __str__(self) -> str:
        return self.subject
