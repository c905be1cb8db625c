"""The decision bar: its buttons, what each of them asks, and what comes next."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.forms import Form
from django.urls import reverse

from backoffice.accounts.models import User
from backoffice.ui.paging import Listing
from withdrawals import visibility
from withdrawals.forms import DeclineForm, MoveForm, NoteForm, QuestionForm
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import claims, questions
from withdrawals.pages import pending, sheets
from withdrawals.pages.sheets import Action, Sheet, with_view
from withdrawals.states import UNDECIDED


@dataclass(frozen=True, slots=True)
class Ask:
    """What an act that is no move asks, for the same sheets; see Sheet."""

    name: str
    button: str
    question: str
    verb: str
    busy: str
    key: str
    icon: str
    kind: str = "plain"
    inline: bool = False
    hint: str = ""
    css: str = ""


QUESTION = Ask(
    "ask", "Ask the payments team…", "What should the payments team look into?", "Ask them", "Asking…", "q", "flag",
    hint="Their answer stands here.",
)  # fmt: skip
NOTE = Ask("note", "Note", "What should colleagues know?", "Add note", "Adding…", "n", "note", "quiet", css="opt")


def agree_to(decision: Decision) -> Ask:
    """Return what agreeing to a proposal asks: nothing but a second key."""
    words = f"Agree to {pending.proposal_words(decision)}?"
    return Ask("agree", "Agree", words, "Agree", "Agreeing…", "a", "two", "primary", inline=True)


def decline_of(decision: Decision) -> Ask:
    question = f"Decline to {pending.proposal_words(decision)}?"
    hint = "It can be decided anew."
    return Ask("decline", "Decline…", question, "Decline", "Declining…", "d", "xc", hint=hint)


# A sheet, where it is sent, and its form.
Asked = tuple[Sheet | Ask, str, Form]


def asked_of(withdrawal: Withdrawal, offered: list[Sheet], *, view: str, now: datetime) -> list[Asked]:
    """Return the sheets of these moves with their forms."""
    return [
        (sheet, sheets.address_of(sheet, view), MoveForm(sheet=sheet, now=now, auto_id=f"id_{sheet.name}_%s"))
        for sheet in offered
    ]


def answers_to(decision: Decision, *, view: str) -> list[Asked]:
    """Return what a second person can say to a proposal."""
    agree, decline = agree_to(decision), decline_of(decision)
    return [
        (agree, with_view(reverse("withdrawals:agree", args=[decision.pk]), view), Form()),
        (
            decline,
            with_view(reverse("withdrawals:decline", args=[decision.pk]), view),
            DeclineForm(auto_id="id_decline_%s"),
        ),
    ]


def bar_of(
    withdrawal: Withdrawal,
    asked: list[Asked],
    user: User,
    *,
    view: str,
    listing: Listing | None,
    is_last: bool = False,
    open_next: bool,
    now: datetime,
) -> dict[str, Any]:
    """Return the context of withdrawals/bar.html. ``listing``: where "next" comes from, for who goes on in one;
    behind the last one that is the first again."""
    acts = bool(asked)
    if questions.may_ask(withdrawal, user):
        address = with_view(reverse("withdrawals:ask", args=[withdrawal.ref]), view)
        asked = [*asked, (QUESTION, address, QuestionForm(auto_id="id_ask_%s"))]
    if user.has_perm("withdrawals.add_note"):
        address = with_view(reverse("withdrawals:note", args=[withdrawal.ref]), view)
        asked = [*asked, (NOTE, address, NoteForm(author=user, auto_id="id_note_%s"))]
    goes_on, following = bool(listing is not None and acts), None
    if goes_on:
        work = claims.workable(user, now=now, listing=listing)
        following = (work.ordered() if is_last else work.beyond(withdrawal)).exclude(pk=withdrawal.pk).first()
    return {
        "actions": [action_of(sheet, address) for sheet, address, _form in asked],
        "asked": asked,
        "acts": acts,
        "token": uuid.uuid4().hex,
        "open_next": open_next if goes_on else None,
        "following": following,
        "following_due": following.due_at if following and following.state in UNDECIDED else None,
        "following_name": visibility.player_name(user, following.player) if following else "",
    }


def action_of(sheet: Sheet | Ask, address: str) -> Action:
    """Return the button that opens a sheet, or leads to its page without JavaScript."""
    if isinstance(sheet, Sheet):
        return sheets.action_of(sheet, address)
    return Action(sheet.button, address, sheet.icon, sheet.key, sheet.kind, sheet=sheet.name, css=sheet.css)
