"""The caps."""

from django.db import models
from django.db.models import Q


class Limit(models.Model):
    """A cap in house currency or in number. Zero means nothing may pass; no row means no cap."""

    class Scope(models.TextChoices):
        PLAYER = "player", "Each player"
        HOUSE = "house", "The house"

    class Period(models.TextChoices):
        REQUEST = "request", "one request"
        DAY = "day", "24 hours"
        WEEK = "week", "7 days"
        MONTH = "month", "30 days"

    class Effect(models.TextChoices):
        REVIEW = "review", "A person decides"
        BLOCK = "block", "Nothing passes"

    scope = models.CharField(max_length=10, choices=Scope.choices)
    period = models.CharField(max_length=10, choices=Period.choices)
    cap_amount = models.BigIntegerField(null=True)
    cap_count = models.PositiveIntegerField(null=True)
    effect = models.CharField(max_length=10, choices=Effect.choices)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="limit_caps_one_thing",
                condition=Q(cap_amount__gte=0, cap_count__isnull=True) | Q(cap_amount__isnull=True, cap_count__gte=0),
            )
        ]
