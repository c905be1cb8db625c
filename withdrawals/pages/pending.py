"""What waits and why, in words: a decision for its undo time, a proposal for somebody else, a hold for its end."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from backoffice.ui import inline
from withdrawals import decided, guards, reasons, visibility
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations.decisions import words_of
from withdrawals.pages.looks import LOOKS
from withdrawals.pages.sheets import effect_of, with_view
from withdrawals.states import MOVE_LOOKS, HoldKind, Move, State


def undo_offer(user: Any, *, now: datetime, view: str = "") -> dict[str, Any] | None:
    """Return the toast of base.html while this person's last decision can be taken back."""
    return offer_to_undo(decided.undoable(user, now=now), user, now=now, view=view)


def offer_to_undo(decision: Decision | None, user: Any, *, now: datetime, view: str = "") -> dict[str, Any] | None:
    """Return the toast for a decision that can be taken back; nothing without one."""
    if decision is None:
        return None
    name = visibility.player_name(user, decision.withdrawal.player)
    left = int((decision.effective_at - now).total_seconds())
    amount = inline.written(decision.withdrawal.amount, decision.withdrawal.currency)
    return {
        "text": f"{said(decision)} {amount} for {name}",
        "url": with_view(reverse("withdrawals:undo", args=[decision.pk]), view),
        "seconds": max(left, 1),
    }


def waiting_words(decision: Decision, user: Any) -> str:
    """Return what waits: a decision for its undo time, a proposal for somebody else."""
    if decision.status != Decision.Status.PROPOSED:
        return f"{words_of(decision, user)} It takes effect when the undo time is over."
    effect = effect_of(decision.withdrawal, Move(decision.move))
    then = f" Then {effect}" if effect else ""
    return f"{decision.actor.name} proposes to {proposal_words(decision)}. {awaited(decision)}{then}"


def proposal_words(decision: Decision) -> str:
    """Return what is proposed and why: ``mark as paid: On the provider’s statement``."""
    why = f": {reasons.label_of(decision.reason)}" if decision.reason else ""
    return f"{MOVE_LOOKS[Move(decision.move)].label.lower()}{why}"


def awaited(decision: Decision) -> str:
    """Return who must agree to a proposal, and that nobody can where it is so."""
    if decision.move != Move.RELEASE or decision.withdrawal.hold_kind != HoldKind.LEGAL:
        return "It waits for somebody else to agree."
    if decided.is_held_by_another("freeze_withdrawal", than=decision.actor):
        return "It needs a second compliance officer."
    return "It needs a second compliance officer, and there is none: ask an administrator."


def declined_words(decision: Decision) -> str:
    """Return who declined what, for the person who proposed it and whoever comes next."""
    return f"{decision.words} {decision.actor.name} had proposed to {proposal_words(decision)}."


def waiting_facts(decision: Decision) -> list[tuple[str, str]]:
    """Return what was written with a decision: what the second person must see to agree."""
    told = [("Provider’s reference", "provider_reference"), ("Evidence", "evidence"), ("Message", "player_message")]
    facts = [(label, decision.facts[name]) for label, name in told if decision.facts.get(name)]
    return [*facts, ("Note", decision.note)] if decision.note else facts


def said(decision: Decision) -> str:
    """Return the past form of a decision for the person who made it: ``Approved``."""
    return LOOKS[Move(decision.move)].said


def hold_reason(withdrawal: Withdrawal, user: Any) -> str:
    """Return why a withdrawal is on hold, to those who may know."""
    legal = withdrawal.hold_kind == HoldKind.LEGAL
    seen = visibility.sees(user, visibility.Field.LEGAL if legal else visibility.Field.SIGNALS)
    return reasons.label_of(withdrawal.reason) if seen and withdrawal.state == State.ON_HOLD else ""


def _question(withdrawal: Withdrawal) -> Decision | None:
    made = withdrawal.decisions.filter(move=Move.HOLD, status=Decision.Status.APPLIED, reason=withdrawal.reason)
    return made.select_related("actor").order_by("-pk").first()


def hold_words(withdrawal: Withdrawal, user: Any) -> str:
    """Return why a withdrawal is on hold and what ends it, to those who may know."""
    why = hold_reason(withdrawal, user)
    if not why:
        return ""
    if withdrawal.reason in reasons.ANSWERED_WITH and (asked := _question(withdrawal)) is not None:
        why = f"{asked.actor.name} asked {why.removeprefix('Asked ')}: “{asked.note}”"
    if withdrawal.hold_kind == HoldKind.LEGAL:
        return f"{why}. A legal hold has no end of its own: two compliance officers must agree to release it."
    expires = withdrawal.hold_kind == HoldKind.PLAYER and guards.law_allows_cancelling(withdrawal)
    ends = "is cancelled" if expires else "goes back to review"
    if withdrawal.wake_at is None:
        return f"{why}. It stays until somebody releases it."
    local = timezone.localtime(withdrawal.wake_at)
    return f"{why}. Otherwise it {ends} on {local.day} {local:%b %Y, %H:%M}."
