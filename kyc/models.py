"""Who the player is, as the platform told us, and what was decided about that.

A verification is a fact: it is added, never changed. Only the mark ``current`` moves on.
"""

import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Cast, Concat

from kyc.states import Kind, VerificationState

# The words of a name for search; the index holds exactly this expression.
NAME_WORDS = SearchVector("folded_name", config="simple")


class Player(models.Model):
    """A customer of the platform. The ledger knows them as ``str(player.pk)``, fraud as ``player.pk``."""

    external_id = models.CharField(max_length=64, unique=True)
    # Numbers begin at 100000 (see the second migration), so a reference has at least six digits.
    ref = models.GeneratedField(
        expression=Concat(Value("P-"), Cast("id", models.CharField())),
        output_field=models.CharField(max_length=24),
        db_persist=True,
        unique=True,
    )
    name = models.CharField(max_length=200)
    folded_name = models.TextField()
    email = models.CharField(max_length=254, default="", blank=True)
    phone = models.CharField(max_length=32, default="", blank=True)
    birth_date = models.DateField(null=True, blank=True)
    country = models.CharField(max_length=2, default="", blank=True)
    city = models.CharField(max_length=100, default="", blank=True)
    language = models.CharField(max_length=16, default="", blank=True)
    jurisdiction = models.CharField(max_length=32, default="", blank=True)
    registered_at = models.DateTimeField()
    # Neither of the two stops a payout: money is owed to excluded and suspended players too.
    self_excluded = models.BooleanField(default=False)
    suspended = models.BooleanField(default=False)

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("look_up_player", "Can look up players"),
            ("view_standings", "Can see the verification of all players"),
        ]
        indexes = [
            models.Index(fields=["email"], name="player_by_email", condition=~Q(email="")),
            GinIndex(NAME_WORDS, name="player_by_name_words"),
            models.Index(fields=["name", "id"], name="player_by_name"),
        ]
        constraints = [
            models.CheckConstraint(name="player_has_name", condition=~Q(name="")),
            models.CheckConstraint(name="player_country", condition=Q(country="") | Q(country__regex=r"^[A-Z]{2}$")),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.name}"


class Verification(models.Model):
    """One decision of a vendor or a member of staff about one kind of proof.

    ``expires_on`` is the last day on which it counts.
    """

    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="verifications")
    kind = models.CharField(max_length=16, choices=Kind)
    state = models.CharField(max_length=8, choices=VerificationState)
    level = models.PositiveSmallIntegerField()
    decided_at = models.DateTimeField()
    expires_on = models.DateField(null=True, blank=True)
    vendor = models.CharField(max_length=40, default="", blank=True)
    vendor_reference = models.CharField(max_length=100, default="", blank=True)
    recorded_at = models.DateTimeField()
    # The newest decision of its kind for this player.
    current = models.BooleanField(default=False)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "player"], name="verification_one_current", condition=Q(current=True)
            ),
            models.UniqueConstraint(
                fields=["player", "kind", "vendor", "vendor_reference", "state", "decided_at"],
                name="verification_told_once",
                condition=~Q(vendor_reference=""),
            ),
            models.CheckConstraint(name="verification_level", condition=Q(level__range=(1, 3))),
            models.CheckConstraint(name="verification_kind", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(name="verification_state", condition=Q(state__in=VerificationState.values)),
        ]
        indexes = [
            models.Index(fields=["player", "kind", "-decided_at"], name="verification_history"),
            models.Index(fields=["expires_on"], name="verification_by_expiry", condition=Q(current=True)),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="facts_stay", exclude=["current"]),
            pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.get_state_display().lower()}, level {self.level}"
