"""What the checks said, and what people decide, claim and write."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q


class CheckResult(models.Model):
    """One check of one screening: outcome, wording and evidence as of the moment it ran."""

    # The outcomes that a person must look at.
    CONCERNS: ClassVar[tuple[str, ...]] = ("review", "decline")

    withdrawal = models.ForeignKey("withdrawals.Withdrawal", on_delete=models.PROTECT, related_name="check_results")
    code = models.CharField(max_length=40)
    version = models.CharField(max_length=20, default="1")
    outcome = models.CharField(max_length=10)
    title = models.CharField(max_length=120)
    short = models.CharField(max_length=60, default="")
    sentence = models.TextField(default="")
    points = models.PositiveSmallIntegerField(default=0)
    evidence = models.JSONField(default=dict)
    at = models.DateTimeField()
    # False once a later screening of the same withdrawal ran.
    is_current = models.BooleanField(default=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["withdrawal", "is_current"], name="check_result_current")]
        constraints = [
            models.CheckConstraint(
                name="check_outcome_known", condition=Q(outcome__in=["pass", "note", "review", "decline"])
            )
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="as_of_then", exclude=["is_current"]),
        ]


class Approval(models.Model):
    """One person's yes, bound to the fingerprint of what they saw."""

    withdrawal = models.ForeignKey("withdrawals.Withdrawal", on_delete=models.PROTECT, related_name="approvals")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approvals")
    fingerprint = models.CharField(max_length=64)
    at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["withdrawal", "approver"], condition=Q(voided_at=None), name="approval_once_per_person"
            )
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="only_voided", exclude=["voided_at"]),
        ]


class Decision(models.Model):
    """A person's choice of a move, waiting out its undo time. Only then does it use the door."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", "Waits for a second person"
        WAITING = "waiting", "Waits for its undo time"
        APPLIED = "applied", "Took effect"
        UNDONE = "undone", "Undone"
        DECLINED = "declined", "Declined by a second person"
        OVERTAKEN = "overtaken", "Overtaken"

    withdrawal = models.ForeignKey("withdrawals.Withdrawal", on_delete=models.PROTECT, related_name="decisions")
    move = models.CharField(max_length=20)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="proposals"
    )
    reason = models.CharField(max_length=60, default="")
    note = models.TextField(default="")
    facts = models.JSONField(default=dict)
    key = models.CharField(max_length=64, unique=True)
    version = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    decided_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # Why it did not take effect, in words.
    words = models.CharField(max_length=300, default="")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["withdrawal"],
                condition=Q(status__in=["proposed", "waiting"]),
                name="decision_one_waiting",
            )
        ]
        indexes = [
            models.Index(fields=["effective_at"], name="decision_due", condition=Q(status="waiting")),
            models.Index(fields=["actor", "-decided_at"], name="decision_by_person"),
            models.Index(fields=["-decided_at"], name="decision_by_time"),
        ]

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its undo time or for a second person."""
        return self.status in (self.Status.PROPOSED, self.Status.WAITING)


class Claim(models.Model):
    """The right to decide one withdrawal for a while."""

    withdrawal = models.OneToOneField("withdrawals.Withdrawal", on_delete=models.PROTECT, related_name="claim")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="claims")
    since = models.DateTimeField()
    until = models.DateTimeField(db_index=True)
    # Which open page holds it: the last one that its owner opened. Leaving another one releases nothing.
    page = models.CharField(max_length=32, default="")
    # Who would like to have it handed over.
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")

    class Meta:
        default_permissions = ()


class Visit(models.Model):
    """That somebody has the page of a withdrawal open; renewed while they look, worth nothing a minute later."""

    withdrawal = models.ForeignKey("withdrawals.Withdrawal", on_delete=models.CASCADE, related_name="visits")
    visitor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["withdrawal", "visitor"], name="visit_once_per_person")]


class Note(models.Model):
    """What a colleague should know. Who reads it is said when it is written, whatever the author's roles become."""

    class Audience(models.TextChoices):
        SIGNALS = "signals", "Colleagues who see signals"
        EVERYBODY = "everybody", "Support too"

    withdrawal = models.ForeignKey("withdrawals.Withdrawal", on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notes")
    text = models.TextField()
    audience = models.CharField(max_length=10, choices=Audience.choices, default=Audience.SIGNALS)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
