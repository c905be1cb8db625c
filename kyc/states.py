"""Words for verification: what was decided, and what that allows today. Label, tone and icon live here."""

from dataclasses import dataclass
from datetime import date

from django.db.models import TextChoices

# Our own choice: long enough to ask for a new document before the old one stops a payout.
EXPIRES_SOON_DAYS = 30


class Kind(TextChoices):
    IDENTITY = "identity", "Identity"
    ADDRESS = "address", "Address"
    SOURCE_OF_FUNDS = "source_of_funds", "Source of funds"


class _Look(TextChoices):
    """Tone and icon of a state, by its value: the two enumerations below share their words."""

    @property
    def tone(self) -> str:
        return _LOOKS[self.value][0]

    @property
    def icon(self) -> str:
        return _LOOKS[self.value][1]


class VerificationState(_Look):
    """What was decided about one document or check."""

    VERIFIED = "verified", "Verified"
    PENDING = "pending", "Waiting for an answer"
    EXPIRED = "expired", "Expired"
    REJECTED = "rejected", "Rejected"


# Of two decisions of the same instant the more cautious one stands.
CAUTION = [
    VerificationState.VERIFIED,
    VerificationState.PENDING,
    VerificationState.EXPIRED,
    VerificationState.REJECTED,
]


class StandingState(_Look):
    """What all verifications of a player amount to on one day."""

    VERIFIED = "verified", "Verified"
    EXPIRES_SOON = "expires_soon", "Expires soon"
    EXPIRED = "expired", "Expired"
    PENDING = "pending", "Pending"
    NONE = "none", "Unverified"
    REJECTED = "rejected", "Rejected"


GOOD_STANDING = frozenset({StandingState.VERIFIED, StandingState.EXPIRES_SOON})

_LOOKS = {
    "verified": ("success", "check"),
    "expires_soon": ("attn", "clock"),
    "expired": ("danger", "warn"),
    "pending": ("info", "clock"),
    "none": ("neutral", "id"),
    "rejected": ("danger", "xc"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What KYC allows a player on the day ``on``.

    ``level`` is 0 to 3 and is 0 without a valid identity. ``expires_on`` is the last valid day of the
    first verification to run out, or the day on which the identity did.
    """

    level: int
    state: StandingState
    expires_on: date | None
    on: date

    @property
    def ok(self) -> bool:
        return self.state in GOOD_STANDING

    @property
    def tone(self) -> str:
        return self.state.tone

    @property
    def icon(self) -> str:
        return self.state.icon

    @property
    def days_left(self) -> int | None:
        """Days until the last valid day; negative once it has passed, None without an end."""
        return None if self.expires_on is None else (self.expires_on - self.on).days

    @property
    def short(self) -> str:
        """At most twelve characters, for a column: ``L2``, ``6 d left``, ``Expired``."""
        if self.state == StandingState.VERIFIED:
            return f"L{self.level}"
        if self.state == StandingState.EXPIRES_SOON:
            return f"{self.days_left} d left" if self.days_left else "Last day"
        return self.state.label

    @property
    def words(self) -> str:
        """A sentence fragment for staff."""
        match self.state:
            case StandingState.VERIFIED:
                return f"Verified, level {self.level}"
            case StandingState.EXPIRES_SOON:
                return f"Verified, level {self.level}, expires {self._in_days()}"
            case StandingState.EXPIRED:
                return f"Expired on {_day(self.expires_on)}" if self.expires_on else "Expired"
            case StandingState.PENDING:
                return "Waiting for an answer"
            case StandingState.REJECTED:
                return "Rejected"
            case _:
                return "Never checked"

    def _in_days(self) -> str:
        return {0: "today", 1: "tomorrow"}.get(self.days_left or 0, f"in {self.days_left} days")


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
