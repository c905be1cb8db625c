"""The words for how risky something looks."""

from dataclasses import dataclass

from django.db.models import TextChoices

HIGHEST_SCORE = 100


class Level(TextChoices):
    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"

    @property
    def tone(self) -> str:
        return _LOOKS[self.value][0]

    @property
    def icon(self) -> str:
        return _LOOKS[self.value][1]

    @property
    def words(self) -> str:
        return f"{self.label} risk"

    @property
    def bars(self) -> int:
        """How many of three bars stand for it."""
        return list(Level).index(self) + 1

    @property
    def scores(self) -> str:
        """Its band in words: ``30 to 59``."""
        return {"low": f"below {MEDIUM_FROM}", "medium": f"{MEDIUM_FROM} to {HIGH_FROM - 1}"}.get(
            self.value, f"from {HIGH_FROM}"
        )


@dataclass(frozen=True, slots=True)
class Risk:
    """A level beside its score, as it is shown: a hold makes high what the score alone would not, and says so."""

    level: Level
    score: int

    @property
    def label(self) -> str:
        return self.level.label + self._held

    @property
    def words(self) -> str:
        return self.level.words + self._held

    @property
    def tone(self) -> str:
        return self.level.tone

    @property
    def icon(self) -> str:
        return self.level.icon

    @property
    def bars(self) -> int:
        return self.level.bars

    @property
    def _held(self) -> str:
        return "" if level_of(self.score) == self.level else ", held"


_LOOKS = {
    "low": ("success", "okc"),
    "medium": ("attn", "warn"),
    "high": ("danger", "warn"),
}

# The first score of each band.
MEDIUM_FROM = 30
HIGH_FROM = 60


def level_of(score: int) -> Level:
    """Return the band of a score from 0 to 100."""
    if score >= HIGH_FROM:
        return Level.HIGH
    return Level.MEDIUM if score >= MEDIUM_FROM else Level.LOW
