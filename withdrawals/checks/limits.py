"""Is this withdrawal within the caps? Counted under the player's lock, which the runner holds."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from backoffice.money import format_money
from withdrawals.checks.outcome import Outcome, decline, passed, review
from withdrawals.models import Limit, Withdrawal
from withdrawals.usage import Usage, of_player


def within_limits(withdrawal: Withdrawal, *, now: datetime) -> Outcome:
    """Per request, 24 hours, 7 days, 30 days and number of requests, for this player."""
    return judge(withdrawal, of_player(withdrawal))


def judge(withdrawal: Withdrawal, usages: Sequence[Usage]) -> Outcome:
    """Return what a known use of the player's limits means for the payout."""
    if withdrawal.reference_amount is None:
        return review(
            "limits.no_rate",
            "No exchange rate",
            f"There is no {settings.HOUSE_CURRENCY} rate for {withdrawal.currency}, so the limits cannot be counted.",
            short=f"No rate for {withdrawal.currency}",
        )
    over = [usage for usage in usages if usage.is_over]
    evidence = {
        f"{usage.limit.period}{'_count' if usage.is_count else ''}": [usage.before, usage.this, usage.cap]
        for usage in usages
    }
    if not over:
        return passed("limits", "Within all limits", evidence)
    worst = min(over, key=lambda usage: (usage.limit.effect != Limit.Effect.BLOCK, usage.left))
    period = Limit.Period(worst.limit.period).label
    if worst.is_count:
        sentence = f"This is request {worst.before + 1} in {period}; the limit is {worst.cap}."
        short = f"Request {worst.before + 1} in {period}"
    else:
        cap = format_money(worst.cap, settings.HOUSE_CURRENCY)
        total = format_money(worst.before + worst.this, settings.HOUSE_CURRENCY)
        sentence = f"With this request {total} were asked for in {period}; the limit is {cap}."
        short = f"Over {cap} in {period}"
    if worst.limit.effect == Limit.Effect.BLOCK:
        return decline("limits.blocked", f"Over the limit for {period}", sentence, evidence)
    return review("limits", f"Over the limit for {period}", sentence, short=short, evidence=evidence)
