"""What players did, as the platform told us. Rows are only added; an event id is taken once.

A player is a number here. Amounts are minor units; ``at`` is the platform's time.
The indexes carry what the windows sum, so that a look at one player never touches the tables.
"""

from django.db import models
from django.db.models import Q


class Deposit(models.Model):
    """Money a player brought. ``instrument`` is a fingerprint, equal for equal cards or accounts."""

    player_id = models.BigIntegerField()
    event_id = models.CharField(max_length=100, unique=True)
    at = models.DateTimeField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=10)
    instrument = models.CharField(max_length=100, default="")
    instrument_label = models.CharField(max_length=60, default="")

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="deposit_amount_positive", condition=Q(amount__gt=0))]
        indexes = [
            models.Index(fields=["player_id", "currency", "at"], include=["amount"], name="deposit_window"),
            models.Index(
                fields=["instrument", "at"],
                include=["player_id", "instrument_label"],
                name="deposit_by_instrument",
                condition=~Q(instrument=""),
            ),
        ]

    def __str__(self) -> str:
        return f"deposit {self.event_id}"


class Play(models.Model):
    """One settled stake, win or bonus. Only stakes of real money count as turnover."""

    class Kind(models.TextChoices):
        STAKE = "stake"
        WIN = "win"
        BONUS = "bonus"

    player_id = models.BigIntegerField()
    event_id = models.CharField(max_length=100, unique=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=5, choices=Kind)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=10)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="play_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="play_kind", condition=Q(kind__in=["stake", "win", "bonus"])),
        ]
        indexes = [
            models.Index(
                fields=["player_id", "currency", "at"],
                include=["amount"],
                name="play_stakes_window",
                condition=Q(kind="stake"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class Login(models.Model):
    """One sign-in. ``network`` is what counts as one IP address: a whole /64 for IPv6."""

    player_id = models.BigIntegerField()
    event_id = models.CharField(max_length=100, unique=True)
    at = models.DateTimeField()
    device = models.CharField(max_length=100, default="")
    ip = models.GenericIPAddressField()
    network = models.CharField(max_length=50)
    country = models.CharField(max_length=2, default="")
    city = models.CharField(max_length=100, default="")

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["player_id", "at"], include=["device", "network"], name="login_window"),
            models.Index(
                fields=["device", "at"],
                include=["player_id"],
                name="login_by_device",
                condition=~Q(device=""),
            ),
            models.Index(fields=["network", "at"], include=["player_id"], name="login_by_network"),
        ]

    def __str__(self) -> str:
        return f"login {self.event_id}"
