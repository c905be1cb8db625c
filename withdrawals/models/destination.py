"""Where a player's money may go."""

import hashlib
import json

from django.db import models
from django.db.models import Q
from django.db.models.functions import Right


class Method(models.TextChoices):
    IBAN = "iban", "Bank account"
    CARD = "card", "Card"
    WALLET = "wallet", "Crypto wallet"
    PAYPAL = "paypal", "PayPal"
    STRIPE = "stripe", "Stripe payout method"


class Destination(models.Model):
    """Where a player's money may go. ``account`` is complete; screens show ``label`` only."""

    player = models.ForeignKey("kyc.Player", on_delete=models.PROTECT, related_name="destinations")
    external_id = models.CharField(max_length=80)
    method = models.CharField(max_length=10, choices=Method.choices)
    account = models.CharField(max_length=120)
    # Equal for equal accounts of any player, so that shared ones are found without the account itself.
    account_digest = models.CharField(max_length=64, db_index=True)
    label = models.CharField(max_length=60)
    holder_name = models.CharField(max_length=140)
    country = models.CharField(max_length=2, default="", blank=True)
    owned = models.BooleanField(default=False)
    first_seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["player", "external_id"], name="destination_external_id_unique"),
            models.CheckConstraint(name="destination_method_known", condition=Q(method__in=Method.values)),
        ]
        indexes = [models.Index(Right("label", 4), name="destination_by_last_four")]

    def __str__(self) -> str:
        return self.label

    @property
    def digest(self) -> str:
        """What an approval covers: change any of it and the approval is void."""
        facts = [self.pk, self.method, self.account, self.holder_name, self.country, self.owned]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
