"""What a decision asks of one person for one withdrawal. The bar, the sheets and the pages are made of it."""

from dataclasses import dataclass, replace
from typing import Any

from django.urls import reverse
from django.utils import timezone

from backoffice.accounts.preferences import undo_time
from backoffice.ui import inline
from ledger.models import Posting
from withdrawals import guards, queries, reasons
from withdrawals.models import Withdrawal
from withdrawals.operations import rehearsal
from withdrawals.operations.decisions import DECIDABLE, explained_because
from withdrawals.pages.looks import ESCALATE, LOOKS, Look
from withdrawals.reasons import Reason
from withdrawals.states import MOVE_LOOKS, UNDECIDED, HoldKind, Move


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
    # What tells it from another sheet of the same move: the last part of its address.
    name: str = ""
    undo_seconds: int = 0
    # Why policy has this person say why, in a sentence; empty where it does not.
    explained: str = ""

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
        return [(reason.code, self._offered(reason.label)) for reason in self.reasons]

    @property
    def hint(self) -> str:
        """What happens after sending."""
        if self.two and self.withdrawal.hold_kind == HoldKind.LEGAL:
            return "It needs a second compliance officer: this is kept as a proposal until they agree."
        if self.two:
            effect = f" Then {effect_of(self.withdrawal, self.move)}" if self.look.effect else ""
            return f"Two people must agree: this is kept as a proposal until somebody else agrees.{effect}"
        back = " It comes back in a day if nobody answers." if self.escalates else ""
        if not self.can_be_undone:
            return f"It takes effect at once.{back}"
        return f"You can undo for {self.undo_seconds} seconds.{back}"

    @property
    def can_be_undone(self) -> bool:
        return bool(self.undo_seconds) and not self.two

    def books(self) -> list[Posting]:
        """What settling it so would book; nothing for any other move."""
        facts = _SETTLED_WITH.get(self.move)
        return rehearsal.postings_of(self.withdrawal, self.move, now=timezone.now(), **facts) if facts else []

    @property
    def inline(self) -> bool:
        return self.look.inline

    @property
    def busy(self) -> str:
        return self.look.busy

    @property
    def danger(self) -> bool:
        return self.look.danger

    @property
    def shows_player_text(self) -> bool:
        return self.move in (Move.REJECT, Move.HOLD) and not self.escalates

    @property
    def may_be_reworded(self) -> bool:
        """Whether the player may be told any of the reasons in other words."""
        return any(reasons.may_be_reworded(reason.code) for reason in self.reasons)

    @property
    def escalates(self) -> bool:
        return self.look is ESCALATE

    def _offered(self, label: str) -> str:
        """Of a reason that says who was asked, who they are: ``A fraud analyst``."""
        return label.removeprefix(reasons.ASKED).capitalize() if self.escalates else label

    def _filled(self, words: str) -> str:
        return words.format(money=inline.written(self.withdrawal.amount, self.withdrawal.currency))

    def _lower(self, words: str) -> str:
        filled = self._filled(words)
        return filled[:1].lower() + filled[1:]


# What a rehearsal of settling by hand says, in the place of what a person will.
_SETTLED_WITH = {Move.COMPLETE: {"provider_reference": "preview"}, Move.FAIL: {"reason": "not_on_statement"}}


def sheet_of(withdrawal: Withdrawal, move: Move, user: Any) -> Sheet:
    """Return what this move asks of this person."""
    because = explained_because(withdrawal, move, user)
    return Sheet(
        move=move,
        look=LOOKS[move],
        withdrawal=withdrawal,
        reasons=_reasons(withdrawal, move, user) if because or withdrawal.wants_reason(move) else (),
        two=guards.takes_two(withdrawal, move, user),
        provider_reference=withdrawal.live_attempt.provider_reference if move == Move.COMPLETE else "",
        warnings=_warnings(withdrawal, user) if move in (Move.COMPLETE, Move.FAIL) else (),
        name=SLUGS[move],
        undo_seconds=int(undo_time(user).total_seconds()),
        explained=f"It needs a reason: {', '.join(because)}." if because else "",
    )


def escalation_of(withdrawal: Withdrawal, user: Any) -> Sheet:
    """Return what asking somebody else asks of this person: a hold in other words."""
    sheet = sheet_of(withdrawal, Move.HOLD, user)
    others = tuple(one for one in reasons.ESCALATE if not user.has_perm(reasons.ANSWERED_WITH[one.code]))
    return replace(sheet, look=ESCALATE, reasons=others, name=ESCALATION)


def effect_of(withdrawal: Withdrawal, move: Move) -> str:
    """Return what the move does with the money, in a sentence; empty where the question says it."""
    return LOOKS[move].effect.format(money=inline.written(withdrawal.amount, withdrawal.currency))


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
    """Return what this person may decide now, in the order of the bar."""
    possible = set(withdrawal.moves_for(user)) & set(DECIDABLE)
    offered = [sheet_of(withdrawal, move, user) for move in LOOKS if move in possible]
    if Move.HOLD in possible and withdrawal.state in UNDECIDED:
        at = next(n for n, sheet in enumerate(offered) if sheet.move == Move.HOLD)
        offered.insert(at + 1, escalation_of(withdrawal, user))
    return offered


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
        asked = withdrawal.reason in reasons.ANSWERED_WITH
        fitting = reasons.listed(move, legal_hold=withdrawal.hold_kind == HoldKind.LEGAL)
        return tuple(one for one in fitting if asked or one.code != "answered")
    if move in (Move.APPROVE, Move.ENDORSE):
        return reasons.APPROVE
    return reasons.BY_MOVE[move]


def address_of(sheet: Sheet, view: str = "") -> str:
    """Return where a sheet is sent, and asked on a page of its own; ``view`` travels with it."""
    return with_view(reverse("withdrawals:move", args=[sheet.withdrawal.ref, sheet.name]), view)


# The last part of a move's address.
SLUGS: dict[Move, str] = {move: move.replace("_", "-") for move in Move} | {Move.HOLD: "hold"}
ESCALATION = "escalate"
BY_SLUG = {slug: move for move, slug in SLUGS.items() if move in DECIDABLE} | {ESCALATION: Move.HOLD}


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
    icon = "flag" if sheet.escalates else MOVE_LOOKS[sheet.move].icon
    return Action(sheet.button, address, icon, look.key, look.kind, sheet=sheet.name)


def with_view(address: str, view: str) -> str:
    """Return an address that goes on in the list that ``view`` says, as an address does."""
    return f"{address}?{view}" if view else address
