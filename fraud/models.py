"""What was judged, on which facts, and what was found. Rows are only added.

The activity models live in their own file and are known to Django through this one.
"""

import pgtrigger
from django.db import models
from django.db.models import Q

from fraud.activity import Deposit, Login, Play
from fraud.states import HIGHEST_SCORE, Level

__all__ = ["Assessment", "Deposit", "Login", "Play", "RuleHit"]


class Assessment(models.Model):
    """The sum of all hits for one set of facts. ``subject`` is whatever the caller asked about.

    ``hold`` means that a fraud analyst must look, whatever the score.
    """

    subject = models.CharField(max_length=60)
    player_id = models.BigIntegerField()
    assessed_at = models.DateTimeField()
    score = models.PositiveSmallIntegerField()
    level = models.CharField(max_length=6, choices=Level)
    hold = models.BooleanField()
    facts = models.JSONField()
    rule_set = models.CharField(max_length=20)

    class Meta:
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["subject", "-id"], name="assessment_by_subject"),
            models.Index(fields=["player_id", "-id"], name="assessment_by_player"),
        ]
        constraints = [
            models.CheckConstraint(name="assessment_score", condition=Q(score__range=(0, HIGHEST_SCORE))),
            models.CheckConstraint(name="assessment_level", condition=Q(level__in=Level.values)),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.subject}: {self.score} {self.get_level_display()}"


class RuleHit(models.Model):
    """One indicator that spoke, in the words and with the evidence of that moment."""

    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="hits")
    code = models.CharField(max_length=8)
    title = models.CharField(max_length=100)
    short = models.CharField(max_length=45)
    sentence = models.TextField()
    points = models.PositiveSmallIntegerField()
    hold = models.BooleanField()
    evidence = models.JSONField()

    class Meta:
        default_permissions = ()
        # Concerns by weight; the code settles a tie.
        ordering = ["-points", "-hold", "code"]
        constraints = [models.UniqueConstraint(fields=["assessment", "code"], name="hit_once_per_assessment")]
        indexes = [models.Index(fields=["code", "-id"], name="hit_by_code")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"
