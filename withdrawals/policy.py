"""Who must approve what: amount × risk, as one table. Checks say what is wrong; this says who looks."""

from dataclasses import dataclass

from django.conf import settings

from backoffice.money import format_money

# House currency, minor units.
AUTOMATIC_CAP = 100_000
ONE_PERSON_CAP = 1_000_000
# A fraud analyst may finish alone what is high risk up to here; above, a second person confirms.
FRAUD_ALONE_CAP = 100_000

# The only checks whose decline refuses without a person: none of them is a suspicion.
HARD_REFUSALS = frozenset({"limits.blocked"})


@dataclass(frozen=True, slots=True)
class Requirement:
    """How many approvals, and the policy line in words."""

    approvals: int
    words: str
    # The queue's wording, where no check has a concern.
    short: str
    reason_needed: bool = False


def requirement(*, reference_amount: int | None, risk_level: str, all_passed: bool) -> Requirement:
    """Return what policy asks for. An amount without a rate always needs two people."""
    if reference_amount is None:
        return Requirement(2, "No exchange rate: needs two people.", "No exchange rate", reason_needed=True)
    house = settings.HOUSE_CURRENCY
    one, automatic = format_money(ONE_PERSON_CAP, house), format_money(AUTOMATIC_CAP, house)
    if reference_amount > ONE_PERSON_CAP:
        return Requirement(2, f"Over {one}: needs two people.", f"Over {one}: needs two people")
    if risk_level == "high":
        if reference_amount > FRAUD_ALONE_CAP:
            words = "High risk: a fraud analyst first, then a second person."
            return Requirement(2, words, "High risk", reason_needed=True)
        return Requirement(1, "High risk: a fraud analyst decides.", "High risk", reason_needed=True)
    if all_passed and reference_amount <= AUTOMATIC_CAP and settings.AUTOMATIC_LANE:
        return Requirement(0, f"Clean and up to {automatic}: approved automatically.", "Clean and small")
    if reference_amount <= AUTOMATIC_CAP:
        return Requirement(1, "One approver.", "One approver", reason_needed=risk_level == "medium")
    words = f"{automatic} to {one}: one approver."
    return Requirement(1, words, f"Over {automatic}", reason_needed=risk_level == "medium")
