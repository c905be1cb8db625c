"""The limits after a payout, as bars and in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.conf import settings

from backoffice.ui import inline
from withdrawals.models import Limit
from withdrawals.usage import Usage

MOST_BARS = 4
ATTENTION_FROM = 0.8


@dataclass(frozen=True, slots=True)
class Bar:
    """One limit after this payout. ``of`` and ``rest`` are words; tone is attn, danger or empty."""

    label: str
    cap: int
    before: int
    this: int
    of: str
    rest: str
    tone: str


def over_limits(usages: Sequence[Usage]) -> list[str]:
    """Return a sentence per limit that this payout passes: a person decides about it."""
    return [
        f"{_capped(-usage.left, usage)} over the limit {_SCOPES[Limit.Scope(usage.limit.scope)]}for"
        f" {Limit.Period(usage.limit.period).label}: a person decides."
        for usage in usages
        if usage.is_over
    ]


_SCOPES = {Limit.Scope.PLAYER: "", Limit.Scope.HOUSE: "of the house "}


def _capped(number: int, usage: Usage) -> str:
    return f"{number:,}" if usage.is_count else inline.written(number, settings.HOUSE_CURRENCY)


def bars_of(usages: Sequence[Usage]) -> list[Bar]:
    """Return the limits that apply, the tightest first."""

    def share(usage: Usage) -> Fraction:
        # A cap of nothing is over with anything.
        return Fraction(usage.before + usage.this, usage.cap or 1)

    return [_bar(usage, share(usage)) for usage in sorted(usages, key=share, reverse=True)]


def _bar(usage: Usage, share: Fraction) -> Bar:
    def words(number: int) -> str:
        return _capped(number, usage)

    scope = {"player": "Player", "house": "House"}[usage.limit.scope]
    counted = " (number)" if usage.is_count else ""
    return Bar(
        label=f"{scope}, {Limit.Period(usage.limit.period).label}{counted}",
        cap=usage.cap,
        before=usage.before,
        this=usage.this,
        of=words(usage.cap),
        rest=f"{words(-usage.left)} over" if usage.is_over else f"{words(usage.left)} left",
        tone="danger" if usage.is_over else "attn" if share >= ATTENTION_FROM else "",
    )
