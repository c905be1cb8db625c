"""What each decision asks and says: one row per move. The bar, the sheets and the pages are made of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from withdrawals import guards, queries, reasons, visibility
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations.decisions import DECIDABLE, needs_reason, words_of
from withdrawals.reasons import Reason
from withdrawals.states import MOVE_LOOKS, HoldKind, Move, State


@dataclass(frozen=True, slots=True)
class Look:
    """Words with ``{money}`` in them. ``key`` is the shortcut; ``inline`` asks in the bar itself."""

    button: str
    question: str
    verb: str
    busy: str
    said: str
    key: str
    kind: str = "plain"
    inline: bool = False
    danger: bool = False
    effect: str = ""  # what becomes of the money, where the question does not say it


LOOKS: dict[Move, Look] = {
    Move.APPROVE: Look(
        "Approve {money}",
        "Approve {money}?",
        "Approve {money}",
        "Approving…",
        "Approved",
        "a",
        "primary",
        inline=True,
    ),
    Move.ENDORSE: Look(
        "Approve, then a second person confirms",
        "Approve {money} as the first of two?",
        "Approve {money}",
        "Approving…",
        "Approved as the first of two:",
        "a",
        "primary",
        inline=True,
    ),
    Move.CONFIRM: Look(
        "Confirm {money}",
        "Confirm {money}?",
        "Confirm {money}",
        "Confirming…",
        "Confirmed",
        "a",
        "primary",
        inline=True,
    ),
    Move.DISAGREE: Look(
        "Disagree…",
        "Send {money} back to review. Why?",
        "Send back to review",
        "Sending back…",
        "Sent back",
        "d",
    ),
    Move.REJECT: Look(
        "Reject…",
        "Reject {money} and return it to the balance. Why?",
        "Reject {money}",
        "Rejecting…",
        "Rejected",
        "r",
        danger=True,
    ),
    Move.HOLD: Look(
        "Hold…",
        "Put {money} on hold. What is it waiting for?",
        "Put on hold",
        "Putting on hold…",
        "Put on hold:",
        "h",
    ),
    Move.RELEASE: Look(
        "Release…", "Release {money} from hold to review. Why?", "Release", "Releasing…", "Released", "l"
    ),
    Move.RECALL: Look("Recall…", "Take back the approval of {money}. Why?", "Recall", "Recalling…", "Recalled", "b"),
    Move.COMPLETE: Look(
        "Mark as paid…",
        "{money} was paid by the provider. What proves it?",
        "Mark as paid",
        "Marking…",
        "Paid:",
        "p",
        effect="{money} is booked as paid.",
    ),
    Move.FAIL: Look(
        "Mark as not paid…",
        "{money} was definitely not paid. What proves it?",
        "Mark as not paid",
        "Marking…",
        "Not paid:",
        "f",
        danger=True,
        effect="{money} goes back to the player’s balance.",
    ),
    Move.CANCEL: Look(
        "Cancel…",
        "Cancel {money} for the player. Why?",
        "Cancel {money}",
        "Cancelling…",
        "Cancelled",
        "c",
        "quiet",
        effect="{money} goes back to the player’s balance.",
    ),
}
# The word that a person gives for a hold says what kind of hold it is.
HOLD_KINDS: dict[str, HoldKind] = {
    "waiting_document": HoldKind.PLAYER,
    "waiting_player": HoldKind.PLAYER,
    "waiting_provider": HoldKind.PROVIDER,
    "waiting_colleague": HoldKind.INTERNAL,
    "legal": HoldKind.LEGAL,
}
WAKE_CHOICES = (
    ("2h", "In 2 hours"),
    ("tomorrow", "Tomorrow, 09:00"),
    ("3d", "In 3 days"),
    ("7d", "In 7 days"),
    ("30d", "In 30 days"),
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one move asks of one person for one withdrawal."""

    move: Move
    look: Look
    withdrawal: Withdrawal
    reasons: tuple[Reason, ...]
    two: bool
    # What the provider has said before of the payout that is to be marked as paid.
    provider_reference: str = ""
    # What speaks against settling it by hand now.
    warnings: tuple[str, ...] = ()

    @property
    def question(self) -> str:
        if self.look.inline and self.reasons:
            return "Why is this fine?"
        return self._filled(self.look.question)

    @property
    def verb(self) -> str:
        return f"Propose: {self._lower(self.look.verb)}" if self.two else self._filled(self.look.verb)

    @property
    def button(self) -> str:
        words = self._filled(self.look.button)
        return f"{words}…" if self.reasons and not words.endswith("…") else words

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [(reason.code, reason.label) for reason in self.reasons]

    @property
    def hint(self) -> str:
        """What happens after sending."""
        if self.two and self.withdrawal.hold_kind == HoldKind.LEGAL:
            return "It needs a second compliance officer: this is kept as a proposal until they agree."
        if self.two:
            effect = f" Then {effect_of(self.withdrawal, self.move)}" if self.look.effect else ""
            return f"Two people must agree: this is kept as a proposal until somebody else agrees.{effect}"
        seconds = int(settings.UNDO_TIME.total_seconds())
        return f"You can undo for {seconds} seconds." if seconds else "It takes effect at once."

    @property
    def danger(self) -> bool:
        return self.look.danger

    @property
    def shows_player_text(self) -> bool:
        return self.move in (Move.REJECT, Move.HOLD)

    def _filled(self, words: str) -> str:
        return words.format(money=self.withdrawal.money)

    def _lower(self, words: str) -> str:
        filled = self._filled(words)
        return filled[:1].lower() + filled[1:]


def sheet_of(withdrawal: Withdrawal, move: Move, user: Any) -> Sheet:
    """Return what this move asks of this person."""
    return Sheet(
        move=move,
        look=LOOKS[move],
        withdrawal=withdrawal,
        reasons=_reasons(withdrawal, move, user) if needs_reason(withdrawal, move) else (),
        two=guards.takes_two(withdrawal, move, user),
        provider_reference=withdrawal.live_attempt.provider_reference if move == Move.COMPLETE else "",
        warnings=_warnings(withdrawal, user) if move in (Move.COMPLETE, Move.FAIL) else (),
    )


def effect_of(withdrawal: Withdrawal, move: Move) -> str:
    """Return what the move does with the money, in a sentence; empty where the question says it."""
    return LOOKS[move].effect.format(money=withdrawal.money)


def _warnings(withdrawal: Withdrawal, user: Any) -> tuple[str, ...]:
    """Return what contradicts whoever says how an unknown payout ended."""
    attempt = withdrawal.live_attempt
    said = []
    if attempt.last_receipt_at is not None:
        local = timezone.localtime(attempt.last_receipt_at)
        words = f" ({attempt.answer})" if attempt.answer else ""
        when = f"{local.day} {local:%b %Y, %H:%M}"
        said.append(f"On {when} the provider said that it has this payout{words}. It may still pay it.")
    found = queries.open_findings_of(withdrawal, user)
    return (*said, *(f"An open finding speaks of it: {finding.words}" for finding in found))


def sheets_for(withdrawal: Withdrawal, user: Any) -> list[Sheet]:
    """Return what this person may decide now, in the order of the bar.

    What a provider still works on is left to the provider: by hand only an unknown outcome is settled.
    """
    possible = set(withdrawal.moves_for(user)) & set(DECIDABLE)
    if withdrawal.state != State.OUTCOME_UNKNOWN:
        possible -= {Move.COMPLETE, Move.FAIL}
    return [sheet_of(withdrawal, move, user) for move in LOOKS if move in possible]


def _reasons(withdrawal: Withdrawal, move: Move, user: Any) -> tuple[Reason, ...]:
    analyst = withdrawal.is_flagged and user.has_perm("withdrawals.decide_flagged")
    if move in (Move.APPROVE, Move.ENDORSE) and (analyst or withdrawal.needs_fraud_analyst):
        return reasons.CLEAR_FRAUD
    if move == Move.REJECT:
        return reasons.CONFIRM_FRAUD if analyst else reasons.REJECT
    if move == Move.HOLD and not user.has_perm("withdrawals.freeze_withdrawal"):
        return tuple(reason for reason in reasons.HOLD if reason.code != "legal")
    if move == Move.CANCEL:
        return tuple(reason for reason in reasons.CANCEL if reason.code != "expired")
    if move == Move.RELEASE:
        return reasons.UNFREEZE if withdrawal.hold_kind == HoldKind.LEGAL else reasons.RELEASE
    if move in (Move.APPROVE, Move.ENDORSE):
        return reasons.APPROVE
    return reasons.BY_MOVE[move]


def wake_at(choice: str, *, now: datetime) -> datetime:
    """Return the moment that a choice of WAKE_CHOICES stands for."""
    if choice == "tomorrow":
        tomorrow = timezone.localtime(now) + timedelta(days=1)
        return tomorrow.replace(hour=9, minute=0, second=0, microsecond=0)
    number, unit = int(choice[:-1]), choice[-1]
    return now + (timedelta(hours=number) if unit == "h" else timedelta(days=number))


def move_address(withdrawal: Withdrawal, move: Move, view: str = "") -> str:
    """Return the address of one move; ``view`` travels with it."""
    return _with_view(reverse("withdrawals:move", args=[withdrawal.ref, SLUGS[move]]), view)


# The last part of a move's address.
SLUGS: dict[Move, str] = {move: move.replace("_", "-") for move in Move} | {Move.HOLD: "hold"}
BY_SLUG = {slug: move for move, slug in SLUGS.items() if move in DECIDABLE}


def undo_offer(user: Any, *, now: datetime, view: str = "") -> dict[str, Any] | None:
    """Return the toast of base.html while this person's last decision can be taken back."""
    decision = queries.undoable(user, now=now)
    if decision is None:
        return None
    name = visibility.player_name(user, decision.withdrawal.player)
    left = int((decision.effective_at - now).total_seconds())
    return {
        "text": f"{said(decision)} {decision.withdrawal.money} for {name}",
        "url": _with_view(reverse("withdrawals:undo", args=[decision.pk]), view),
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
    if queries.is_held_by_another("freeze_withdrawal", than=decision.actor):
        return "It needs a second compliance officer."
    return "It needs a second compliance officer, and there is none: ask an administrator."


def declined_words(decision: Decision) -> str:
    """Return who declined what, for the person who proposed it and whoever comes next."""
    return f"{decision.words} {decision.actor.name} had proposed to {proposal_words(decision)}."


def waiting_facts(decision: Decision) -> list[tuple[str, str]]:
    """Return what was written with a decision: what the second person must see to agree."""
    told = [("Provider’s reference", "provider_reference"), ("Evidence", "evidence")]
    facts = [(label, decision.facts[name]) for label, name in told if decision.facts.get(name)]
    return [*facts, ("Note", decision.note)] if decision.note else facts


def said(decision: Decision) -> str:
    """Return the past form of a decision for the person who made it: ``Approved``."""
    return LOOKS[Move(decision.move)].said


@dataclass(frozen=True, slots=True)
class Action:
    """One button of the decision bar."""

    label: str
    url: str
    icon: str
    key: str
    kind: str = "plain"
    sheet: str = ""
    css: str = ""


def action_of(sheet: Sheet, address: str) -> Action:
    """Return the button that opens a sheet, or leads to its page without JavaScript."""
    look = sheet.look
    return Action(sheet.button, address, MOVE_LOOKS[sheet.move].icon, look.key, look.kind, sheet=sheet.move)


def note_action(withdrawal: Withdrawal, view: str) -> Action:
    address = _with_view(reverse("withdrawals:note", args=[withdrawal.ref]), view)
    return Action("Note", address, "note", "n", "quiet", css="opt")


def hold_reason(withdrawal: Withdrawal, user: Any) -> str:
    """Return why a withdrawal is on hold, to those who may know."""
    legal = withdrawal.hold_kind == HoldKind.LEGAL
    seen = visibility.sees(user, visibility.Field.LEGAL if legal else visibility.Field.SIGNALS)
    return reasons.label_of(withdrawal.reason) if seen and withdrawal.state == State.ON_HOLD else ""


def hold_words(withdrawal: Withdrawal, user: Any) -> str:
    """Return why a withdrawal is on hold and what ends it, to those who may know."""
    why = hold_reason(withdrawal, user)
    if not why:
        return ""
    if withdrawal.hold_kind == HoldKind.LEGAL:
        return f"{why}. A legal hold has no end of its own: two compliance officers must agree to release it."
    ends = "is cancelled" if withdrawal.hold_kind == HoldKind.PLAYER else "goes back to review"
    if withdrawal.wake_at is None:
        return f"{why}. It stays until somebody releases it."
    local = timezone.localtime(withdrawal.wake_at)
    return f"{why}. Otherwise it {ends} on {local.day} {local:%b %Y, %H:%M}."


def _with_view(address: str, view: str) -> str:
    return f"{address}?{urlencode({'view': view})}" if view else address
