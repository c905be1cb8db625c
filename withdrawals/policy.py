"""Who must approve what: amount × risk, as one table. Checks say what is wrong; this says who looks."""

from dataclasses import dataclass

from django.conf import settings

from backoffice.money import format_money

# House currency, minor units. The database keeps the first two as well (sql/rules.sql).
AUTOMATIC_CAP = 100_000
ONE_PERSON_CAP = 1_000_000
# A fraud analyst may finish alone what is high risk up to here; above, a second person confirms.
FRAUD_ALONE_CAP = 100_000

# The only checks whose decline refuses without a person: none of them is a suspicion.
HARD_REFUSALS = frozenset({"limits.blocked"})


@dataclass(frozen=True, slots=True)
class Requirement:
    """How many approvals, the policy line in words, and the queue's wording where no check has a concern."""

    approvals: int
    words: str
    short: str


def requirement(*, reference_amount: int | None, risk_level: str, all_passed: bool) -> Requirement:
    """Return what policy asks for. An amount without a rate always needs two people."""
    if reference_amount is None:
        return Requirement(2, "No exchange rate: needs two people.", "No exchange rate")
    house = settings.HOUSE_CURRENCY
    one, automatic = format_money(ONE_PERSON_CAP, house), format_money(AUTOMATIC_CAP, house)
    if takes_two(reference_amount):
        return Requirement(2, f"Over {one}: needs two people.", f"Over {one}: needs two people")
    if risk_level == "high":
        if reference_amount > FRAUD_ALONE_CAP:
            return Requirement(2, "High risk: a fraud analyst first, then a second person.", "High risk")
        return Requirement(1, "High risk: a fraud analyst decides.", "High risk")
    if all_passed and reference_amount <= AUTOMATIC_CAP and settings.AUTOMATIC_LANE:
        return Requirement(0, f"Clean and up to {automatic}: approved automatically.", "Clean and small")
    if reference_amount <= AUTOMATIC_CAP:
        return Requirement(1, "One approver.", "One approver")
    return Requirement(1, f"{automatic} to {one}: one approver.", f"Over {automatic}")


def takes_two(reference_amount: int | None) -> bool:
    """Whether the amount alone, whatever the risk, is for two people: to approve as well as to reject."""
    return reference_amount is None or reference_amount > ONE_PERSON_CAP


def explained_because(*, risk_level: str, has_new_details: bool, above_own_limit: bool) -> tuple[str, ...]:
    """Return what makes an approver say why, in words; nothing for what is clean."""
    asked = {
        "new payout details": has_new_details,
        f"{risk_level} risk": risk_level in ("medium", "high"),
        "above your own limit": above_own_limit,
    }
    return tuple(words for words, is_so in asked.items() if is_so)
