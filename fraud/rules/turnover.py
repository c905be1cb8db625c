"""Money that came in and was not played with."""

from backoffice.money import format_money
from fraud.facts import Facts
from fraud.rules.hit import HIGH, MEDIUM, Hit
from fraud.rules.words import period, times

# Stakes as a share of deposits, in tenths.
SHORTFALL_TENTHS = 10
SEVERE_SHORTFALL_TENTHS = 3
# House currency, minor units: 50 EUR.
NO_PLAY_DEPOSIT = 5_000
IN_AND_OUT_PERCENT = 95


def shortfall(facts: Facts) -> Hit | None:
    """FR01: stakes ÷ deposits since the last paid or open request; below 1.0 a person looks.

    Concept: worked examples of AUSTRAC, a regulator. Both numbers: our own choice.
    """
    if facts.deposits == 0 or facts.stakes * 10 >= facts.deposits * SHORTFALL_TENTHS:
        return None
    severe = facts.stakes * 10 < facts.deposits * SEVERE_SHORTFALL_TENTHS
    wagered = f"Wagered only {times(facts.stakes, facts.deposits)} of deposits"
    return Hit(
        code="FR01",
        title=wagered,
        short=wagered,
        sentence=(
            f"Staked {format_money(facts.stakes, facts.currency)} of "
            f"{format_money(facts.deposits, facts.currency)} deposited {period(facts)}. "
            "Players usually stake what they deposit at least once."
        ),
        points=HIGH if severe else MEDIUM,
        hold=True,
        evidence={
            "stakes": facts.stakes,
            "deposits": facts.deposits,
            "normal_from": "1.0",
            "severe_below": "0.3",
        },
    )


def no_play(facts: Facts) -> Hit | None:
    """FR02: deposits worth 50 EUR or more and not one stake. A regulator’s example (AUSTRAC); our own amount."""
    value = facts.house_value(facts.deposits)
    if facts.stakes > 0 or value is None or value < NO_PLAY_DEPOSIT:
        return None
    return Hit(
        code="FR02",
        title="Deposited but did not play",
        short="Deposited but did not play",
        sentence=(
            f"Deposited {format_money(facts.deposits, facts.currency)} {period(facts)} and staked nothing. "
            f"From {format_money(NO_PLAY_DEPOSIT, facts.house_currency)} on, "
            "players normally play before they cash out."
        ),
        points=HIGH,
        evidence={
            "deposits": facts.deposits,
            "house_value": value,
            "threshold": NO_PLAY_DEPOSIT,
            "stakes": 0,
        },
    )


def in_and_out(facts: Facts) -> Hit | None:
    """FR03: at least 95 % of the deposits of 48 hours asked back, played less than once.

    FinCEN casino red flag: all but a token amount out within one to two days (R for the pattern).
    """
    deposited = facts.deposits_48h
    if deposited == 0 or facts.amount * 100 < deposited * IN_AND_OUT_PERCENT or facts.stakes_48h >= deposited:
        return None
    return Hit(
        code="FR03",
        title="Money in and out within two days",
        short="Money in and out within two days",
        sentence=(
            f"In 48 hours deposited {format_money(deposited, facts.currency)}, "
            f"staked {format_money(facts.stakes_48h, facts.currency)} and now asks for "
            f"{format_money(facts.amount, facts.currency)}. Normal is to play with most of a deposit first."
        ),
        points=HIGH,
        evidence={
            "amount": facts.amount,
            "deposits": deposited,
            "stakes": facts.stakes_48h,
            "threshold_percent": IN_AND_OUT_PERCENT,
            "window_hours": 48,
        },
    )
