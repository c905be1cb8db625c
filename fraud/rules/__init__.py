"""Facts → hits. Pure: no database, no clock. Add an indicator: one function, one line in INDICATORS."""

from fraud.facts import Facts
from fraud.rules import habits, speed, turnover
from fraud.rules.hit import Hit, Indicator

__all__ = ["INDICATORS", "RULE_SET_VERSION", "Hit", "judge"]

# Changes with every change of an indicator, a threshold or a weight; stored with each assessment.
RULE_SET_VERSION = "2026-11.1"

INDICATORS = (
    Indicator("FR01", "turnover", turnover.shortfall, needs=("last_deposit_at",)),
    Indicator("FR02", "no play at all", turnover.no_play, needs=("last_deposit_at", "reference_amount")),
    Indicator("FR03", "in and out", turnover.in_and_out, needs=("last_deposit_at",)),
    Indicator("FR04", "fast cash-out", speed.fast_cash_out, needs=("last_deposit_at",)),
    Indicator("FR05", "number of requests", speed.many_requests),
    Indicator("FR07", "structuring", speed.structuring, needs=("house_values_7d",)),
    Indicator("FR09", "own habits", habits.outlier, needs=("balance",)),
    Indicator("FR18", "shared device", habits.shared_device, needs=("device_players",)),
)

NOT_JUDGED = "FR00"
_MISSING = {
    "last_deposit_at": "No deposit on record",
    "reference_amount": "No exchange rate",
    "house_values_7d": "No exchange rate",
    "balance": "Balance not known",
    "device_players": "No device on record",
}


def judge(facts: Facts) -> list[Hit]:
    """Return every hit. What could not be judged is one more hit, FR00, that sends to a person."""
    judged, not_judged = [], []
    for indicator in INDICATORS:
        missing = [need for need in indicator.needs if getattr(facts, need) is None]
        if missing:
            not_judged.append((indicator, missing))
        elif hit := indicator.judge(facts):
            judged.append(hit)
    return [*judged, _inconclusive(not_judged)] if not_judged else judged


def _inconclusive(not_judged: list[tuple[Indicator, list[str]]]) -> Hit:
    causes = list(dict.fromkeys(_MISSING[need] for _, missing in not_judged for need in missing))
    names = ", ".join(indicator.name for indicator, _ in not_judged)
    return Hit(
        code=NOT_JUDGED,
        title="Some signals could not be judged",
        short=causes[0] if len(causes) == 1 else f"{causes[0]}, {len(causes) - 1} more unknown",
        sentence=f"{'. '.join(causes)}. Not judged: {names}. A person has to look at these.",
        points=0,
        evidence={
            "missing": sorted({need for _, missing in not_judged for need in missing}),
            "not_judged": [indicator.code for indicator, _ in not_judged],
        },
    )
