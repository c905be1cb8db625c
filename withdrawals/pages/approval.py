"""What policy asks for, and what stands in the way of an approval now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from kyc.states import Standing
from withdrawals import policy, reasons, visibility
from withdrawals.checks import identity, incident, limits
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import validity
from withdrawals.pages.sheets import Sheet
from withdrawals.states import Move, State
from withdrawals.usage import Usage
from withdrawals.visibility import Field


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """verdict: allowed, second, senior or blocked; ``lead`` is what it means for the reader."""

    verdict: str
    lead: str
    words: str
    # Whether the reader can put a question to whoever may approve it, or lift what blocks it.
    ask: bool = False


# Who lifts what blocks an approval, by the code of the objection.
LIFTED_BY = {
    "identity_no_longer_valid": "A new verification lifts it: compliance sees to the player’s identity.",
    "over_limit": "Nobody lifts it before the limit has room again.",
    "money_may_be_out": "Finance, a senior or an administrator lifts it by closing the finding.",
}


def policy_line(
    withdrawal: Withdrawal,
    sheets: Sequence[Sheet],
    user: Any,
    *,
    all_passed: bool,
    blocker: str,
    taken: str,
    unexplained: bool = False,
    besides: Sequence[str] = (),
) -> PolicyLine:
    """Return what policy asks for and whether this reader may give it. ``taken``: by whom it is decided;
    ``besides``: sentences that whoever approves must know as well."""
    words = policy.requirement(
        reference_amount=withdrawal.reference_amount, risk_level=withdrawal.risk_level, all_passed=all_passed
    ).words
    moves, ask = {sheet.move for sheet in sheets}, any(sheet.escalates for sheet in sheets)
    said = next((sheet.explained for sheet in sheets if sheet.look.inline), "")
    words = " ".join(part for part in [*besides, words, said] if part)
    if taken:
        return PolicyLine("senior", taken, words)
    if blocker:
        return PolicyLine("blocked", "Blocked.", blocker, ask)
    if unexplained:
        return PolicyLine("senior", "Only a senior may approve this.", "Part of the money is unexplained.", ask)
    if Move.APPROVE in moves:
        return PolicyLine("allowed", "You can approve this.", words)
    if Move.ENDORSE in moves:
        return PolicyLine("second", "Needs a second approver.", f"You approve first, then a senior confirms. {words}")
    if Move.CONFIRM in moves:
        return PolicyLine("allowed", "You can confirm this.", words)
    if withdrawal.state == State.ON_HOLD:
        return PolicyLine("senior", "On hold.", "It must be released before anybody can approve it.")
    if withdrawal.state == State.SECOND_APPROVAL:
        lead = "You approved this." if user.pk in withdrawal.approver_ids() else "Needs a second approver."
        return PolicyLine("second", lead, f"A senior confirms who decided nothing on it before. {words}", ask)
    if withdrawal.needs_fraud_analyst:
        return PolicyLine("senior", "Only a fraud analyst may approve this.", words, ask)
    return PolicyLine("senior", "Only an operator or a senior may approve this.", words, ask)


def first_approval(withdrawal: Withdrawal, user: Any) -> str:
    """Return what the first of two approvers said, for the second one."""
    if withdrawal.state != State.SECOND_APPROVAL or not visibility.sees(user, Field.SIGNALS):
        return ""
    made = withdrawal.decisions.filter(move=Move.ENDORSE, status=Decision.Status.APPLIED).select_related("actor")
    first = made.order_by("-pk").first()
    if first is None:
        return ""
    at = timezone.localtime(first.decided_at)
    said = " · ".join(part for part in (reasons.label_of(first.reason) if first.reason else "", first.note) if part)
    quoted = f": “{said.rstrip('.')}”" if said else ""
    who, other = ("You", "Somebody else") if first.actor == user else (first.actor.name, "A second person")
    return f"{who} approved first, {at.day} {at:%b} at {at:%H:%M}{quoted}. {other} must confirm."


def blocker(
    withdrawal: Withdrawal,
    standing: Standing,
    of_player: Sequence[Usage],
    of_house: Sequence[Usage],
    *,
    now: datetime,
) -> str:
    """Return what stands in the way of an approval now, or nothing."""
    # Read with the withdrawal: what is hardly ever so is asked for only where it is.
    stopped = getattr(withdrawal, "player_is_stopped", True)
    outcomes = [
        *(incident.none_open(withdrawal, now=now) if stopped else ()),
        identity.judge(withdrawal.player, standing),
        limits.judge(withdrawal, of_player),
    ]
    objection = validity.blocker_among(outcomes) or validity.house_objection(of_house)
    return f"{objection.sentence} {LIFTED_BY[objection.code]}" if objection else ""
