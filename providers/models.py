"""What was said to and by providers, and which of them may be called at all.

A call and a webhook are history: they are added, never changed. Of a webhook only the marks move that
say what became of it; one that was refused is deleted after a while.
"""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q


class Verb(models.TextChoices):
    CREATE = "create", "Create payout"
    STATUS = "status", "Ask for status"
    PROBE = "probe", "Ask whether it arrived"
    CANCEL = "cancel", "Cancel payout"
    BALANCE = "balance", "Ask for balance"


class CallOutcome(models.TextChoices):
    """How a call ended, in the words of the contract's errors."""

    ANSWERED = "answered", "Answered"
    DUPLICATE = "duplicate", "Known already"
    DECLINED = "declined", "Declined"
    NOT_ACCEPTED = "not_accepted", "Not accepted"
    NOT_SENT = "not_sent", "Not sent"
    UNKNOWN = "unknown", "Outcome unknown"
    MISCONFIGURED = "misconfigured", "Set-up refused"


class ProviderCall(models.Model):
    """One call, without personal data: no body, and the path as a template."""

    provider = models.CharField(max_length=30)
    verb = models.CharField(max_length=10, choices=Verb)
    key = models.CharField(max_length=64, default="")  # the attempt's idempotency key
    method = models.CharField(max_length=10, default="")
    path = models.CharField(max_length=200, default="")
    status = models.PositiveSmallIntegerField(null=True)
    latency_ms = models.PositiveIntegerField()
    outcome = models.CharField(max_length=13, choices=CallOutcome)
    words = models.CharField(max_length=200, default="")
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["provider", "verb", "-at"], name="call_by_provider"),
            models.Index(fields=["key", "-at"], name="call_by_key", condition=~Q(key="")),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.provider} {self.verb} {self.outcome}"


class WebhookDelivery(models.Model):
    """One webhook as it came: unique by the provider's event id, or by content if it was refused."""

    provider = models.CharField(max_length=30)
    event_id = models.CharField(max_length=140)
    received_at = models.DateTimeField()
    headers = models.JSONField()  # those the signature needs
    body = models.BinaryField()
    verified = models.BooleanField()
    verdict = models.CharField(max_length=200, default="")  # why it was refused
    http_status = models.PositiveSmallIntegerField()  # our answer, to the first and to every repeat
    applied_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=200, default="")  # what applying it did
    apply_after = models.DateTimeField()  # not before: moved on at each look, so that looks are spread

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="webhook_once"),
            models.CheckConstraint(
                name="webhook_unverified_is_never_applied", condition=Q(applied_at=None) | Q(verified=True)
            ),
        ]
        indexes = [
            models.Index(fields=["provider", "-received_at"], name="webhook_by_provider"),
            models.Index(
                fields=["apply_after"],
                name="webhook_to_apply",
                condition=Q(verified=True, applied_at=None),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="never_deleted", operation=pgtrigger.Delete, condition=pgtrigger.Q(old__verified=True)
            ),
            pgtrigger.ReadOnly(name="as_it_came", exclude=["applied_at", "outcome", "apply_after"]),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id}"


class ProviderBalance(models.Model):
    """Our float at a provider in one currency, as it said last: a hint for routing, never a booking."""

    provider = models.CharField(max_length=30)
    currency = models.CharField(max_length=5)
    available = models.BigIntegerField()  # minor units
    as_of = models.DateTimeField()  # the provider's clock

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["provider", "currency"], name="balance_once")]

    def __str__(self) -> str:
        return f"{self.provider} {self.currency}"


class ProviderControl(models.Model):
    """The switch of one provider, or of all of them at once (code "*"). No row means: not paused."""

    EVERYTHING = "*"

    code = models.CharField(max_length=30, primary_key=True)
    paused = models.BooleanField(default=False)
    paused_at = models.DateTimeField(null=True)
    paused_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    paused_by_machine = models.CharField(max_length=60, default="")
    reason = models.TextField(default="")

    class Meta:
        default_permissions = ()
        permissions = [
            ("view_provider", "Can see the providers and their calls"),
            ("pause_provider", "Can pause and resume providers"),
        ]
        constraints = [
            models.CheckConstraint(
                name="pause_says_who_when_why",
                condition=Q(paused=False)
                | (
                    Q(paused_at__isnull=False)
                    & ~Q(reason="")
                    & (
                        Q(paused_by__isnull=False, paused_by_machine="")
                        | (Q(paused_by=None) & ~Q(paused_by_machine=""))
                    )
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {'paused' if self.paused else 'running'}"

    @property
    def paused_by_name(self) -> str:
        return self.paused_by.name if self.paused_by else self.paused_by_machine
