"""The limits after a payout, as bars and in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.conf import settings

from backoffice.ui import inline
from providers import queries as providers
from withdrawals.models import Limit, Withdrawal
from withdrawals.pages.route import provider_label
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


def bars_of(usages: Sequence[Usage], withdrawal: Withdrawal | None = None) -> list[Bar]:
    """Return the limits that apply, the tightest first; with a withdrawal also that of who would pay it."""
    bars = [_bar(usage) for usage in usages]
    if withdrawal is not None:
        bars += _of_provider(withdrawal)
    return sorted(bars, key=_share, reverse=True)


def _share(bar: Bar | Usage) -> Fraction:
    # A cap of nothing is over with anything.
    return Fraction(bar.before + bar.this, bar.cap or 1)


def _of_provider(withdrawal: Withdrawal) -> list[Bar]:
    code, currency = withdrawal.provider or next(iter(withdrawal.routes), ""), withdrawal.currency
    cap = providers.largest_payout(code, withdrawal.method, currency)
    if cap is None:
        return []
    near = withdrawal.amount >= cap * ATTENTION_FROM
    rest = f"{inline.written(cap - withdrawal.amount, currency)} left"
    label = f"{provider_label(code)}, one payout"
    return [Bar(label, cap, 0, withdrawal.amount, inline.written(cap, currency), rest, "attn" if near else "")]


def _bar(usage: Usage) -> Bar:
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
        tone="danger" if usage.is_over else "attn" if _share(usage) >= ATTENTION_FROM else "",
    )
