"""Whether what the checks found still holds at this moment: asked before every approval and every payout."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from backoffice.accounts.models import User
from backoffice.money import format_money
from withdrawals import checks, guards
from withdrawals.checks.outcome import Outcome, Severity
from withdrawals.exceptions import FactsChanged, IllegalMove
from withdrawals.models import CheckResult, Limit, Withdrawal
from withdrawals.statement import statement_of
from withdrawals.usage import Usage, of_house

# What no approval can outweigh, by the code of the check: words for the person, and why a payout is recalled.
BLOCKING = {
    "identity": ("the player’s identity is not in order", "identity_no_longer_valid"),
    "limits.blocked": ("it is over a limit", "over_limit"),
    "incident.open": ("money of this player may be out already", "money_may_be_out"),
}
CHANGED = "changed_since_approval"


@dataclass(frozen=True, slots=True)
class Objection:
    """What stands in the way. ``is_news``: a concern that the stored checks do not know yet."""

    code: str
    sentence: str
    is_news: bool = False


def objection_to(withdrawal: Withdrawal, *, now: datetime) -> Objection | None:
    """Return what forbids approving or paying this withdrawal now, if anything does.

    Whoever decides by the answer holds the player's lock. An approval with a blocker is impossible; one
    with news becomes possible once the checks have been run again and the approver has seen them.
    """
    outcomes = checks.run_again(withdrawal, now=now)
    if (blocker := blocker_among(outcomes)) is not None:
        return blocker
    known = withdrawal.check_results.filter(is_current=True, outcome__in=CheckResult.CONCERNS)
    codes = set(known.values_list("code", flat=True))
    for outcome in outcomes:
        if outcome.severity >= Severity.REVIEW and outcome.code not in codes:
            sentence = f"The facts changed since the checks: {outcome.sentence} Look again and decide."
            return Objection(CHANGED, sentence, is_news=True)
    return None


def blocker_among(outcomes: Iterable[Outcome]) -> Objection | None:
    """Return the first of these answers that no approval can outweigh, if there is one."""
    for outcome in outcomes:
        if outcome.severity >= Severity.REVIEW and outcome.code in BLOCKING:
            words, code = BLOCKING[outcome.code]
            return Objection(code, f"Cannot approve: {words}. {outcome.sentence}")
    return None


def require_approvable(withdrawal: Withdrawal, *, actor: User, now: datetime) -> None:
    """Raise IllegalMove for what forbids this person's approval, FactsChanged for what they could not know.

    The house's limits are held by the database as well (sql/rules.sql), under one lock for all approvals.
    """
    guards.require_explained(statement_of(withdrawal).unexplained, actor)
    objection = objection_to(withdrawal, now=now) or house_objection(of_house(withdrawal, now=now))
    if objection is None:
        return
    raise FactsChanged(objection.sentence) if objection.is_news else IllegalMove(objection.sentence)


def house_objection(usages: Iterable[Usage]) -> Objection | None:
    """Return the limit of the house that an approval would pass, if there is one."""
    for usage in usages:
        if usage.is_over and usage.limit.effect == Limit.Effect.BLOCK:
            cap = str(usage.cap) if usage.is_count else format_money(usage.cap, settings.HOUSE_CURRENCY)
            period = Limit.Period(usage.limit.period).label
            return Objection("over_limit", f"Cannot approve: the limit of the house for {period} is {cap}.")
    return None
