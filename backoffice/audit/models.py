"""What happened, to what, by whom, why: rows that are only ever added, chained per subject.

The chain is made by the database (sql/chain.sql): the sequence number, the time, the previous hash
and the hash are set by a trigger, whatever the writer says.
"""

import pgtrigger
from django.conf import settings
from django.db import models


class AuditEntry(models.Model):
    """One act. For a move of a life ``step`` is the version that it made, unique per subject."""

    subject_type = models.CharField(max_length=30)
    subject_id = models.CharField(max_length=60)
    seq = models.BigIntegerField(default=0)
    step = models.PositiveIntegerField(null=True)
    action = models.CharField(max_length=40)
    actor_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="audit_entries"
    )
    actor_machine = models.CharField(max_length=60, default="")
    reason = models.TextField(default="")
    from_state = models.CharField(max_length=30, default="")
    to_state = models.CharField(max_length=30, default="")
    data = models.JSONField(default=dict)
    # When it happened as far as the act knows; recorded_at is the database clock.
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(null=True)
    prev_hash = models.BinaryField(default=b"")
    hash = models.BinaryField(default=b"")

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["subject_type", "subject_id", "seq"], name="audit_seq_unique"),
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "step"],
                name="audit_step_unique",
                condition=models.Q(step__isnull=False),
            ),
            models.CheckConstraint(
                name="audit_has_one_actor",
                condition=models.Q(actor_user__isnull=False, actor_machine="")
                | (models.Q(actor_user__isnull=True) & ~models.Q(actor_machine="")),
            ),
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_by_time"),
            models.Index(fields=["actor_user", "-at"], name="audit_by_person"),
            models.Index(fields=["action", "-at"], name="audit_by_action"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'audit entries are never removed';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject_type} {self.subject_id} #{self.seq} {self.action}"

    @property
    def actor_name(self) -> str:
        return self.actor_user.name if self.actor_user else self.actor_machine


class AuditHead(models.Model):
    """The last link of each subject's chain, so that a cut tail shows. Moved by the trigger alone."""

    subject_type = models.CharField(max_length=30)
    subject_id = models.CharField(max_length=60)
    seq = models.BigIntegerField()
    hash = models.BinaryField(default=b"")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["subject_type", "subject_id"], name="audit_head_unique")]
        triggers = [
            # The chain's own trigger writes at depth 1; whoever comes directly is at depth 0.
            pgtrigger.Protect(
                name="moved_by_the_chain",
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Condition("pg_trigger_depth() = 0"),
            ),
            pgtrigger.Trigger(
                name="head_no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'audit heads are never removed';",
            ),
        ]
