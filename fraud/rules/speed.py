"""Requests that come too fast or too often, or keep just below a threshold."""

from datetime import timedelta

from backoffice.money import format_money
from fraud.facts import Facts
from fraud.rules.hit import HIGH, MEDIUM, Hit
from fraud.rules.words import span

FAST = timedelta(minutes=60)
FAST_PERCENT = 80
MOST_IN_24H = 3
MOST_IN_7D = 6
STRUCTURED_REQUESTS = 3
# The band below a threshold, in thousandths of it.
JUST_BELOW_FROM, JUST_BELOW_TO = 800, 999


def fast_cash_out(facts: Facts) -> Hit | None:
    """FR04: less than 60 minutes from the last deposit to a request for 80 % of it or more.

    A vendor’s laundering flow (Sumsub); both numbers are our own choice.
    """
    if facts.last_deposit is None or facts.last_deposit_at is None:
        return None
    waited = facts.requested_at - facts.last_deposit_at
    if waited >= FAST or facts.amount * 100 < facts.last_deposit * FAST_PERCENT:
        return None
    return Hit(
        code="FR04",
        title=f"Cash-out {span(waited)} after a deposit",
        short=f"Cash-out {span(waited)} after a deposit",
        sentence=(
            f"Deposited {format_money(facts.last_deposit, facts.currency)} and asked for "
            f"{format_money(facts.amount, facts.currency)} {span(waited)} later. "
            "Normal is an hour or more between the two."
        ),
        points=MEDIUM,
        evidence={
            "last_deposit": facts.last_deposit,
            "amount": facts.amount,
            "minutes": int(waited.total_seconds()) // 60,
            "threshold_minutes": 60,
            "threshold_percent": FAST_PERCENT,
        },
    )


def many_requests(facts: Facts) -> Hit | None:
    """FR05: 3 requests in 24 hours or 6 in 7 days, this one included, whatever became of them.

    Caps on counts: a public code base (IqSoft) and a vendor (CryptoProcessing); the numbers are our own choice.
    """
    if facts.requests_24h >= MOST_IN_24H:
        words, most = f"{facts.requests_24h} requests in 24 hours", MOST_IN_24H
    elif facts.requests_7d >= MOST_IN_7D:
        words, most = f"{facts.requests_7d} requests in 7 days", MOST_IN_7D
    else:
        return None
    return Hit(
        code="FR05",
        title=words,
        short=words,
        sentence=f"This is one of {words}. Fewer than {most} are normal.",
        points=MEDIUM,
        evidence={
            "requests_24h": facts.requests_24h,
            "threshold_24h": MOST_IN_24H,
            "requests_7d": facts.requests_7d,
            "threshold_7d": MOST_IN_7D,
        },
    )


def structuring(facts: Facts) -> Hit | None:
    """FR07: 3 requests in 7 days, each between 80 % and 99.9 % of one threshold.

    Their sum passes the threshold by itself. Concept: US guidance on structuring; the band is our own choice.
    """
    for threshold in facts.thresholds:
        below = [
            value
            for value in facts.house_values_7d or []
            if threshold * JUST_BELOW_FROM <= value * 1000 <= threshold * JUST_BELOW_TO
        ]
        if len(below) >= STRUCTURED_REQUESTS:
            limit = format_money(threshold, facts.house_currency)
            return Hit(
                code="FR07",
                title=f"{len(below)} requests just under {limit}",
                short=f"{len(below)} requests just under {limit}",
                sentence=(
                    f"{len(below)} requests in 7 days stay just under {limit}; together they are "
                    f"{format_money(sum(below), facts.house_currency)}. From {limit} on more is checked; "
                    "amounts of honest requests do not gather below it."
                ),
                points=HIGH,
                evidence={
                    "house_values": below,
                    "threshold": threshold,
                    "band": "80 % to 99.9 %",
                    "window_days": 7,
                },
            )
    return None
