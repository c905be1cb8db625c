"""What differs from the player's own past: amount, timing, destination, device."""

from datetime import timedelta

from backoffice.money import format_money
from fraud.facts import Facts
from fraud.rules.hit import HIGH, LOW, MEDIUM, Hit
from fraud.rules.words import percent, times

# Fewer earlier requests than this say nothing about what is usual.
USUAL_FROM = 5
LONG_PAUSE = timedelta(days=60)
MOST_OF_BALANCE_PERCENT = 90
UNUSUAL_FROM = 2
SHARED_DEVICE_FROM = 2
CROWDED_DEVICE_FROM = 4


def outlier(facts: Facts) -> Hit | None:
    """FR09: two of: above the own 95th percentile; first request in 60 days; 90 % of the balance.

    As a vendor (Match2Pay) asks for a confirmation; the minimum history is our own choice.
    """
    found = {}
    if facts.usual_p95 is not None and facts.usual_count >= USUAL_FROM and facts.amount > facts.usual_p95:
        median = facts.usual_median or facts.usual_p95
        found["amount"] = (
            f"{times(facts.amount, median)} the usual amount",
            f"the median of {facts.usual_count} earlier requests is {format_money(median, facts.currency)}",
        )
    pause = facts.requested_at - facts.previous_request_at if facts.previous_request_at else None
    if pause is None:
        found["pause"] = ("First request", "there is no earlier request to compare with")
    elif pause >= LONG_PAUSE:
        found["pause"] = (
            f"First request in {pause.days} days",
            f"the one before was {pause.days} days earlier",
        )
    if facts.balance and facts.amount * 100 >= facts.balance * MOST_OF_BALANCE_PERCENT:
        share = percent(facts.amount, facts.balance)
        found["balance"] = (f"{share} of the balance", f"it takes {share} of the balance")
    if len(found) < UNUSUAL_FROM:
        return None
    return Hit(
        code="FR09",
        title="Unusual for this player",
        short=next(iter(found.values()))[0],
        sentence=(
            f"The request is for {format_money(facts.amount, facts.currency)}; "
            f"{'; '.join(words for _, words in found.values())}. One of these alone would be normal."
        ),
        points=LOW,
        evidence={
            "reasons": list(found),
            "amount": facts.amount,
            "p95": facts.usual_p95,
            "median": facts.usual_median,
            "balance": facts.balance,
            "pause_days": pause.days if pause else None,
        },
    )


def shared_device(facts: Facts) -> Hit | None:
    """FR18: two or more players on one device in 30 days; from four on it weighs more.

    A public code base (Openora) tags a duplicate device as high risk; the numbers are our own choice. Households are
    not known here yet,
    so a person has to tell them apart.
    """
    if facts.device_players is None or facts.device_players < SHARED_DEVICE_FROM:
        return None
    others = facts.device_players - 1
    words = f"Device shared with {others} other player{'s' if others > 1 else ''}"
    return Hit(
        code="FR18",
        title=words,
        short=words,
        sentence=f"{words} in the last 30 days. Normal is one player per device, or a household.",
        points=HIGH if facts.device_players >= CROWDED_DEVICE_FROM else MEDIUM,
        hold=True,
        evidence={
            "players": facts.device_players,
            "threshold": SHARED_DEVICE_FROM,
            "crowded_from": CROWDED_DEVICE_FROM,
            "window_days": 30,
        },
    )
