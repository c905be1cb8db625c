"""Every decision is one address: GET asks, POST decides. Without JavaScript this is the whole dialogue."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.generic import View
from django_htmx.http import reswap, retarget

from backoffice.accounts.requests import StaffRequest
from backoffice.ui.access import Permitted
from withdrawals import pulse, tables
from withdrawals.exceptions import AlreadyDecided, ClaimedByOther, FactsChanged, MoveRefused, NeedsReason, NotAllowed
from withdrawals.forms import MoveForm
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import asking, claims, decisions
from withdrawals.pages import pending, sheets
from withdrawals.states import Move
from withdrawals.views.answers import ask_again, conflict, go_on, is_part
from withdrawals.views.decision import withdrawal_or_404
from withdrawals.views.live import facts_context
from withdrawals.views.origin import origin_of, view_of

COUNTED = ("One thing", "Two things", "Three things", "Four things", "Five things")


class Decide(Permitted, View):
    """An unknown move answers 404, a forbidden one 403, one that came too late 409, a bad form 422."""

    permission_required: str | tuple[str, ...] = "withdrawals.view_withdrawal"
    request: StaffRequest

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.view = view_of(request)

    def get(self, request: StaffRequest, ref: str, **_: str) -> HttpResponse:
        now, withdrawal = timezone.now(), withdrawal_or_404(ref)
        self.move = self.get_move(withdrawal)
        asking.ask_when_seen(withdrawal, now=now)
        if (refused := self._too_late(withdrawal, now)) is not None:
            return refused
        form = MoveForm.fresh(sheet=self.get_sheet(withdrawal), now=now, open_next=self._may_go_on)
        return self._ask(form)

    def post(self, request: StaffRequest, ref: str, **_: str) -> HttpResponse:
        now, withdrawal = timezone.now(), withdrawal_or_404(ref)
        self.move = self.get_move(withdrawal)
        token, reason = request.POST.get("token", ""), request.POST.get("reason", "")
        try:
            first = decisions.first_answer(token, withdrawal, self.move, actor=request.user, reason=reason)
        except MoveRefused as refusal:
            return conflict(request, withdrawal, refusal.sentence)
        if first is not None:
            return self._go_on(first)
        if (refused := self._too_late(withdrawal, now)) is not None:
            return refused
        form = MoveForm(request.POST, sheet=self.get_sheet(withdrawal), now=now)
        if not form.is_valid():
            return self._ask(form)
        if (refused := self._facts_changed(withdrawal, now)) is not None:
            return refused
        try:
            decision = self._decide(withdrawal, form, now)
        except NeedsReason as refusal:
            form.add_error("reason" if "reason" in form.fields else None, refusal.sentence)
            return self._ask(form)
        except (NotAllowed, AlreadyDecided, ClaimedByOther) as refusal:
            return self._refused(withdrawal, refusal)
        except FactsChanged as refusal:
            again = self._facts_changed(withdrawal, now, refusal.sentence)
            return again or conflict(request, withdrawal, refusal.sentence)
        except MoveRefused as refusal:
            return conflict(request, withdrawal, refusal.sentence)
        if self._may_go_on:
            request.session["open_next"] = form.cleaned_data["open_next"]
        return self._go_on(decision)

    def get_move(self, withdrawal: Withdrawal) -> Move:
        """Return the move that the address names. Raises Http404 when it names none."""
        if self.kwargs["move"] not in sheets.BY_SLUG:
            raise Http404
        return sheets.BY_SLUG[self.kwargs["move"]]

    def get_sheet(self, withdrawal: Withdrawal) -> sheets.Sheet:
        if self.kwargs["move"] == sheets.ESCALATION:
            return sheets.escalation_of(withdrawal, self.request.user)
        return sheets.sheet_of(withdrawal, self.move, self.request.user)

    def get_back_url(self, withdrawal: Withdrawal) -> str:
        return tables.address_of(withdrawal, self.view)

    def _decide(self, withdrawal: Withdrawal, form: MoveForm, now: datetime) -> Decision:
        cleaned = form.cleaned_data
        return decisions.decide(
            withdrawal,
            self.move,
            actor=self.request.user,
            now=now,
            version=cleaned["version"],
            key=cleaned["token"],
            reason=cleaned.get("reason", ""),
            note=cleaned["note"],
            facts=form.facts,
        )

    def _too_late(self, withdrawal: Withdrawal, now: datetime) -> HttpResponse | None:
        """Refuse what this person may never do, and what is no longer possible or somebody else's."""
        objection = decisions.objection_to(withdrawal, self.move, actor=self.request.user, now=now)
        return None if objection is None else self._refused(withdrawal, objection)

    def _refused(self, withdrawal: Withdrawal, refusal: MoveRefused) -> HttpResponse:
        if isinstance(refusal, NotAllowed):
            raise PermissionDenied(refusal.sentence) from refusal
        if isinstance(refusal, AlreadyDecided) and refusal.own:
            return conflict(self.request, withdrawal, f"{refusal.sentence} Nothing more was done.")
        return conflict(self.request, withdrawal, f"{refusal.sentence} Nothing of yours was done.")

    def _facts_changed(self, withdrawal: Withdrawal, now: datetime, sentence: str = "") -> HttpResponse | None:
        """Refuse to approve what changed since the page showed it; the page gets the new facts, marked."""
        seen = self.request.POST.get("facts", "")
        if not seen or self.move not in claims.YES:
            return None
        changed = pulse.changed_since(seen, pulse.facts_of(withdrawal.ref, now=now))
        decisive = [pulse.DECISIVE[name] for name in changed if name in pulse.DECISIVE]
        if decisive:
            counted = COUNTED[len(decisive) - 1]
            sentence = f"{counted} changed while you looked: {' and '.join(decisive)}. Nothing was done; decide again."
        if not sentence:
            return None
        if not is_part(self.request):
            return conflict(self.request, withdrawal, sentence)
        context = facts_context(self.request, withdrawal_or_404(withdrawal.ref), changed, now=now)
        context["notice"] = {"text": sentence, "blocks": False}
        answer = render(self.request, "withdrawals/fragments/facts.html", context, status=409)
        return reswap(retarget(answer, "#facts-now"), "outerHTML")

    def _ask(self, form: MoveForm) -> HttpResponse:
        sheet = form.sheet
        if form.is_bound and is_part(self.request):
            return ask_again(self.request, sheet, form, sheet.withdrawal)
        context = {
            "title": sheet.question,
            "effect": sheet.hint,
            "verb": sheet.verb,
            "danger": sheet.danger,
            "sheet": sheet,
            "form": form,
            "cancel_url": self.get_back_url(sheet.withdrawal),
        }
        return render(self.request, "withdrawals/move.html", context, status=422 if form.is_bound else 200)

    def get_next_url(self, withdrawal: Withdrawal) -> str:
        """Return where to go after deciding."""
        if self._may_go_on and self.request.POST.get("open_next"):
            return tables.next_address(self.view, decided=withdrawal.ref)
        return self.get_back_url(withdrawal)

    @property
    def _may_go_on(self) -> bool:
        """Whether there is a list to go on in, and this person takes the next one from it."""
        origin = origin_of(self.request)
        return origin is not None and origin.is_worked_off_by(self.request.user)

    def _go_on(self, decision: Decision) -> HttpResponse:
        if decision.status == Decision.Status.PROPOSED:
            messages.info(self.request, f"Proposed. {pending.awaited(decision)}")
        return go_on(self.request, self.get_next_url(decision.withdrawal))
