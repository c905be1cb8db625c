"""What was sent to providers, what they left open, and what the platform is told."""

from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class PayoutAttempt(models.Model):
    """One submission to one provider with one key. What it says never changes; how it stands does."""

    # A second attempt may not begin while one of these exists.
    LIVE: ClassVar[tuple[str, ...]] = ("sending", "accepted", "unknown", "paid")
    ENDED: ClassVar[tuple[str, ...]] = ("failed", "not_sent", "cancelled", "returned")

    withdrawal = models.ForeignKey("withdrawals.Withdrawal", on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    provider = models.CharField(max_length=30)
    # After an attempt that certainly moved nothing the next one at that provider uses its key again: were the
    # certainty wrong, the provider would know the payout and not make a second one.
    key = models.UUIDField(db_index=True)
    # What is sent: the withdrawal's amount less its fee.
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=5)
    fingerprint = models.CharField(max_length=64)
    # Why this provider.
    trace = models.JSONField(default=list)
    created_at = models.DateTimeField()
    state = models.CharField(max_length=10, default="sending")
    sent_at = models.DateTimeField(null=True)
    request_hash = models.CharField(max_length=64, default="")
    provider_reference = models.CharField(max_length=120, default="")
    not_found_count = models.PositiveSmallIntegerField(default=0)
    last_receipt_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=200, default="")
    answer_code = models.CharField(max_length=60, default="")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["withdrawal", "number"], name="attempt_number_unique"),
            models.UniqueConstraint(fields=["key"], condition=~Q(state="not_sent"), name="attempt_key_unique"),
            models.UniqueConstraint(
                fields=["withdrawal"],
                condition=Q(state__in=["sending", "accepted", "unknown", "paid"]),
                name="attempt_one_live",
            ),
            models.CheckConstraint(
                name="attempt_state_known",
                condition=Q(
                    state__in=[
                        "sending", "accepted", "unknown", "paid",
                        "failed", "not_sent", "cancelled", "returned",
                    ]
                ),
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["provider", "provider_reference"], name="attempt_by_provider_ref")]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="intent_is_fixed",
                fields=[
                    "withdrawal", "number", "provider", "key", "amount", "currency", "fingerprint", "created_at",
                ],
            ),
        ]  # fmt: skip

    def become(self, state: str, **columns: Any) -> None:
        """Write how the attempt stands now."""
        self.state = state
        for name, value in columns.items():
            setattr(self, name, value)
        self.save(update_fields=["state", *columns])

    def close(self, outcome: str) -> None:
        """End the attempt: ``failed``, ``not_sent``, ``cancelled`` or ``returned``."""
        if outcome not in self.ENDED:
            raise ValueError(f"{outcome!r} does not end an attempt.")
        self.become(outcome)


class Finding(models.Model):
    """Something a provider said, or did not say, that a person must look at. It changed nothing.

    ``stops_payouts``: money may have gone out that our books do not have. Until a person closes it, its
    withdrawal is neither paid nor given back, and nothing else of the player is approved or paid.
    """

    withdrawal = models.ForeignKey(
        "withdrawals.Withdrawal", on_delete=models.PROTECT, null=True, related_name="findings"
    )
    provider = models.CharField(max_length=30)  # empty: it is about all of them
    kind = models.CharField(max_length=40)
    words = models.CharField(max_length=300)
    data = models.JSONField(default=dict)
    at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    stops_payouts = models.BooleanField(default=False)
    # The same fact is found once, however often it is told.
    key = models.CharField(max_length=160, unique=True)

    class Meta:
        default_permissions = ()
        permissions = [("close_finding", "Can see and close findings")]
        indexes = [
            models.Index(fields=["-at", "-id"], name="finding_by_time"),
            models.Index(fields=["at", "id"], name="finding_open", condition=Q(resolved_at__isnull=True)),
            models.Index(
                fields=["withdrawal"],
                name="finding_stops_payouts",
                condition=Q(resolved_at__isnull=True, stops_payouts=True),
            ),
        ]


class Notification(models.Model):
    """That the platform must be told of one state reached; written with the move itself."""

    withdrawal = models.ForeignKey("withdrawals.Withdrawal", on_delete=models.PROTECT, related_name="notifications")
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=20)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True, db_default=Now())
    tries = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["withdrawal", "version"], name="notification_once_per_version")]
        indexes = [
            models.Index(fields=["next_try_at"], name="notification_due", condition=Q(next_try_at__isnull=False))
        ]
