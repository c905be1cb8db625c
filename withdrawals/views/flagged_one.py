"""The page of one flagged withdrawal, and the two verdicts."""

from dataclasses import dataclass, replace
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.generic import View

from backoffice.accounts.requests import StaffRequest
from backoffice.ui.access import Permitted
from withdrawals import decided, reasons, tables
from withdrawals.forms import MoveForm
from withdrawals.models import Withdrawal
from withdrawals.pages import bar, pending, sheets
from withdrawals.pages.approval import first_approval
from withdrawals.pages.flagged import hits_of, stake_of
from withdrawals.pages.head import head_of, presence_of
from withdrawals.pages.looks import Look
from withdrawals.pages.people import linked_of, player_facts, standing_of
from withdrawals.pages.record import outcome_of
from withdrawals.pages.route import route_of
from withdrawals.pages.why import results_of, why_of
from withdrawals.reasons import Reason
from withdrawals.states import LOOKS, UNDECIDED, Move, State
from withdrawals.views.decision import claimed, going_on, live_of, withdrawal_or_404
from withdrawals.views.moves import Decide
from withdrawals.views.origin import came_from, view_of


@dataclass(frozen=True, slots=True)
class Kind:
    """A verdict is one of these moves, whichever the withdrawal allows this analyst."""

    reasons: tuple[Reason, ...]
    looks: dict[Move, Look]


# What clearing does to the money, by the move behind it.
_THEN = {Move.APPROVE: "goes to a provider", Move.ENDORSE: "then a second person confirms"}


def _clears(move: Move) -> Look:
    """Clearing approves, so the sheet says so and what becomes of the money."""
    effect = f"Approve {{money}}: {_THEN[move]}"
    return Look(
        "Clear and approve…",
        f"{effect}. What explains the signals?",
        effect,
        "Approving…",
        "Approved",
        "o",
        "primary",
    )


VERDICTS: dict[str, Kind] = {
    "clear": Kind(reasons.CLEAR_FRAUD, {move: _clears(move) for move in _THEN}),
    "confirm-fraud": Kind(
        reasons.CONFIRM_FRAUD,
        {
            Move.REJECT: Look(
                "Confirm fraud…",
                "{money} is fraud and is not paid. The money goes back to the player’s balance. Of which kind?",
                "Confirm fraud",
                "Confirming…",
                "Confirmed as fraud:",
                "f",
                danger=True,
            )
        },
    ),
}


class FlaggedOne(Permitted, View):
    """Everything that was found about one withdrawal. Whoever may give a verdict claims it by opening it."""

    permission_required = "withdrawals.view_flagged"

    def get(self, request: StaffRequest, ref: str) -> HttpResponse:
        now, user, view = timezone.now(), request.user, view_of(request) or tables.FLAGGED
        withdrawal = withdrawal_or_404(ref)
        last = decided.last_decision(withdrawal)
        waiting = last if last is not None and last.is_waiting else None
        if waiting is None and withdrawal.state == State.UNDER_REVIEW:
            withdrawal = claimed(withdrawal, user, now=now)
        results = results_of(withdrawal)
        asked = [] if waiting else _asked(withdrawal, user, view=view)
        presence = presence_of(withdrawal, user, now=now)
        context = head_of(withdrawal, user, presence, last, now=now)
        flagged = ("Flagged", reverse("withdrawals:flagged"))
        context |= came_from(request, withdrawal, context["name"], otherwise=flagged)
        context |= {
            "place": view,
            "why": why_of(withdrawal, results, user),
            "first_approval": first_approval(withdrawal, user),
            "outcome": None
            if withdrawal.state in (*UNDECIDED, State.ON_HOLD)
            else outcome_of(withdrawal, user, now=now),
            "hits": hits_of(withdrawal, results, user),
            "stake": stake_of(withdrawal),
            "player": player_facts(
                withdrawal.player, standing_of(withdrawal, user, now=now), user, today=timezone.localdate(now)
            ),
            "people": linked_of(withdrawal, user, now=now),
            "route": route_of(withdrawal, user, now=now),
            "looks": LOOKS,
            "undo": pending.undo_offer(user, now=now, view=view),
        }
        answers = bar.answers_to(waiting, view=view) if waiting and context.get("may_agree") else []
        context |= live_of(withdrawal, presence, waiting, user, facts_seen="")
        ahead = going_on(request, withdrawal, asks=bool(asked))
        context |= bar.bar_of(withdrawal, [*answers, *asked], user, view=view, **ahead, now=now)
        return render(request, "withdrawals/flagged_one.html", context)


class Verdict(Decide):
    """Clear or confirm: GET asks, POST decides. The answers are those of every other decision."""

    permission_required = ("withdrawals.view_flagged", "withdrawals.decide_flagged")

    def get_move(self, withdrawal: Withdrawal) -> Move:
        if self.kwargs["verdict"] not in VERDICTS:
            raise Http404
        return _move_of(self.kwargs["verdict"], withdrawal, self.request.user)

    def get_sheet(self, withdrawal: Withdrawal) -> sheets.Sheet:
        return _sheet_of(self.kwargs["verdict"], withdrawal, self.request.user)

    def get_back_url(self, withdrawal: Withdrawal) -> str:
        return tables.address_of(withdrawal, self.view or tables.FLAGGED)


def _asked(withdrawal: Withdrawal, user: Any, *, view: str) -> list[tuple[sheets.Sheet, str, MoveForm]]:
    """Return the sheets of the verdicts that this person may give now."""
    if not user.has_perm("withdrawals.decide_flagged"):
        return []
    possible = withdrawal.moves_for(user)
    offered = [verdict for verdict in VERDICTS if _move_of(verdict, withdrawal, user) in possible]
    return [
        (
            sheet := _sheet_of(verdict, withdrawal, user),
            sheets.with_view(reverse("withdrawals:verdict", args=[withdrawal.ref, verdict]), view),
            MoveForm(sheet=sheet, now=timezone.now(), auto_id=f"id_{verdict}_%s"),
        )
        for verdict in offered
    ]


def _sheet_of(verdict: str, withdrawal: Withdrawal, user: Any) -> sheets.Sheet:
    """Return what a verdict asks, in the words of this page. It always asks for a reason."""
    kind = VERDICTS[verdict]
    sheet = sheets.sheet_of(withdrawal, _move_of(verdict, withdrawal, user), user)
    return replace(sheet, look=kind.looks[sheet.move], reasons=kind.reasons, name=verdict)


def _move_of(verdict: str, withdrawal: Withdrawal, user: Any) -> Move:
    """Return the move behind a verdict: the one that is possible now, else the one that will be refused."""
    possible = withdrawal.moves_for(user)
    moves = list(VERDICTS[verdict].looks)
    return next((move for move in moves if move in possible), moves[0])
