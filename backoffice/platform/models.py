"""Who may call the API, and what became of telling them."""

from django.db import models
from django.db.models import Q

from backoffice.sealing import seal, unseal


class Scope(models.TextChoices):
    """What a key may be used for."""

    READ = "read", "Read"
    EVENTS = "events", "Tell players and what they do"
    WITHDRAWALS = "withdrawals", "Tell destinations, ask for withdrawals and cancel them"


def every_scope() -> list[str]:
    return list(Scope.values)


class ApiClient(models.Model):
    """A system of the platform. ``key_id`` is the source of what it sends, for ever.

    Both secrets are needed in full to compute signatures, so they are sealed and not digested.
    """

    key_id = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=100)
    sealed_secret = models.TextField()
    scopes = models.JSONField(default=every_scope)
    # Where it wants to be told of its withdrawals; empty: it asks.
    notify_url = models.CharField(max_length=500, default="", blank=True)
    sealed_notify_secret = models.TextField()
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            # It stands before a colon in ledger keys and event ids.
            models.CheckConstraint(name="api_client_key_id", condition=Q(key_id__regex=r"^[a-z0-9][a-z0-9_-]*$")),
        ]

    def __str__(self) -> str:
        return self.key_id

    @property
    def secret(self) -> str:
        """What it signs with."""
        return unseal(self.sealed_secret, owner=self._owner("secret"))

    @property
    def notify_secret(self) -> str:
        """What we sign with when we tell it something."""
        return unseal(self.sealed_notify_secret, owner=self._owner("notify_secret"))

    def give_secrets(self, secret: str, notify_secret: str) -> None:
        """Set both, sealed for its key id; save it then."""
        self.sealed_secret = seal(secret, owner=self._owner("secret"))
        self.sealed_notify_secret = seal(notify_secret, owner=self._owner("notify_secret"))

    def _owner(self, name: str) -> str:
        return f"{name} of API client {self.key_id}"

    @property
    def actor_name(self) -> str:
        return f"platform:{self.key_id}"


class ReceivedSignature(models.Model):
    """A signature of a request that changes something: it is good for once. Kept as long as it would be valid."""

    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="+", db_index=False)
    signature = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="received_signature_once", fields=["client", "signature"])]


class NotificationDelivery(models.Model):
    """One try to deliver one notification. ``status`` is empty when there was no HTTP answer."""

    notification = models.ForeignKey("withdrawals.Notification", on_delete=models.PROTECT, related_name="deliveries")
    at = models.DateTimeField()
    url = models.CharField(max_length=500)
    status = models.PositiveSmallIntegerField(null=True)
    words = models.CharField(max_length=200)
    latency_ms = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.notification_id} {self.words}"
