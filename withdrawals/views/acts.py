"""What people do around a decision: notes, claims, taking a decision back, agreeing to a proposal."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.generic import FormView, View

from backoffice.accounts.requests import StaffRequest
from backoffice.ui.access import Permitted
from withdrawals import tables, visibility
from withdrawals.exceptions import MoveRefused, NotAllowed
from withdrawals.forms import DeclineForm, NoteForm, QuestionForm, TakeOverForm
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import claims, decisions, notes, proposals, questions
from withdrawals.pages import bar, pending
from withdrawals.views.answers import ask_again, conflict, go_on, is_part
from withdrawals.views.decision import withdrawal_or_404
from withdrawals.views.origin import view_of


class AskText(Permitted, FormView):
    """A page that asks for one text about one withdrawal."""

    template_name = "withdrawals/form.html"
    title = verb = ""
    request: StaffRequest

    def get_effect(self, withdrawal: Withdrawal) -> str:
        return ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        withdrawal = withdrawal_or_404(self.kwargs["ref"])
        return super().get_context_data(
            title=f"{self.title} {withdrawal.ref}",
            effect=self.get_effect(withdrawal),
            verb=self.verb,
            cancel_url=page_of(withdrawal, self.request),
            **kwargs,
        )

    def get_sheet(self) -> bar.Ask | None:
        """Return the sheet of an open page that asks the same, if there is one."""
        return None

    def form_invalid(self, form: Any) -> HttpResponse:
        sheet = self.get_sheet()
        if sheet is not None and is_part(self.request):
            return ask_again(self.request, sheet, form, withdrawal_or_404(self.kwargs["ref"]))
        return self.render_to_response(self.get_context_data(form=form), status=422)


class AddNote(AskText):
    """A note for colleagues."""

    permission_required = ("withdrawals.view_withdrawal", "withdrawals.add_note")
    form_class = NoteForm
    title, verb = "Note on", "Add note"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "author": self.request.user}

    def get_sheet(self) -> bar.Ask:
        return bar.NOTE

    def form_valid(self, form: Any) -> HttpResponse:
        withdrawal = withdrawal_or_404(self.kwargs["ref"])
        notes.add_note(withdrawal, author=self.request.user, **form.cleaned_data, now=timezone.now())
        messages.info(self.request, "Note added.")
        return go_on(self.request, page_of(withdrawal, self.request))


class AskPayments(AskText):
    """A question of support to the payments team."""

    permission_required = ("withdrawals.view_withdrawal", "withdrawals.add_note")
    form_class = QuestionForm
    title, verb = "Ask the payments team about", "Ask them"

    def get_sheet(self) -> bar.Ask:
        return bar.QUESTION

    def form_valid(self, form: Any) -> HttpResponse:
        withdrawal, user = withdrawal_or_404(self.kwargs["ref"]), self.request.user
        try:
            questions.ask(withdrawal, author=user, question=form.cleaned_data["note"], now=timezone.now())
        except NotAllowed as refusal:
            raise PermissionDenied(refusal.sentence) from refusal
        except MoveRefused as refusal:
            return conflict(self.request, withdrawal, refusal.sentence)
        messages.info(self.request, "Asked. The answer will stand here.")
        return go_on(self.request, page_of(withdrawal, self.request))


class TakeOver(AskText):
    """Take over what somebody else is deciding; their name and the reason are recorded."""

    permission_required = "withdrawals.view_withdrawal"
    form_class = TakeOverForm
    title = verb = "Take over"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        user = request.user
        if user.has_perm("withdrawals.view_withdrawal"):
            withdrawal = withdrawal_or_404(kwargs["ref"])
            if not claims.may_take_over(withdrawal, user, now=timezone.now()):
                raise PermissionDenied("None of your roles may take this over.")
        return super().dispatch(request, *args, **kwargs)

    def get_effect(self, withdrawal: Withdrawal) -> str:
        owner = claims.owner_of(withdrawal, now=timezone.now())
        return f"{owner.name} is deciding it now. Your reason is recorded." if owner else "Nobody has it now."

    def form_valid(self, form: Any) -> HttpResponse:
        withdrawal = withdrawal_or_404(self.kwargs["ref"])
        try:
            claims.take_over(withdrawal, user=self.request.user, now=timezone.now(), reason=form.cleaned_data["reason"])
        except NotAllowed as refusal:
            raise PermissionDenied(refusal.sentence) from refusal
        except MoveRefused as refusal:
            return conflict(self.request, withdrawal, refusal.sentence)
        return redirect(page_of(withdrawal, self.request))


class ClaimRow(Permitted, View):
    """Claim one row of the queue without leaving it: answers with whoever has it now."""

    permission_required = claims.CLAIMERS
    request: StaffRequest

    def has_permission(self) -> bool:
        return claims.may_claim(self.request.user)

    def post(self, request: StaffRequest, ref: str) -> HttpResponse:
        now, user = timezone.now(), request.user
        withdrawal = withdrawal_or_404(ref)
        refused = ""
        try:
            claims.claim(withdrawal, user=user, now=now)
        except MoveRefused as refusal:
            refused = refusal.sentence
        if "HX-Request" not in request.headers:
            return redirect(tables.address_of(withdrawal, view_of(request)))
        context = {
            "ref": withdrawal.ref,
            "owner": claims.owner_of(withdrawal_or_404(ref), now=now),
            "text": refused or f"{withdrawal.ref} is yours.",
            "tone": "attn" if refused else "info",
        }
        return render(request, "withdrawals/claimed.html", context, status=409 if refused else 200)


class AnswerDecision(Permitted, View):
    """What happens to a waiting decision: taken back by its author, agreed to or declined by a second person.

    GET asks where there is something to ask; POST does it.
    """

    permission_required = "withdrawals.view_withdrawal"
    request: StaffRequest
    act: str = ""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if self.act == "undo":
            self.http_method_names = ["post", "options"]

    def get(self, request: StaffRequest, pk: int) -> HttpResponse:
        return self._ask(self._decision(pk), DeclineForm() if self.act == "decline" else Form())

    def post(self, request: StaffRequest, pk: int) -> HttpResponse:
        decision, user, now = self._decision(pk), request.user, timezone.now()
        form = DeclineForm(request.POST)
        if self.act == "decline" and not form.is_valid():
            return self._ask(decision, form)
        try:
            if self.act == "decline":
                proposals.decline(decision, actor=user, now=now, why=form.cleaned_data["why"])
            elif self.act == "agree":
                proposals.second(decision, actor=user, now=now)
            else:
                decisions.undo(decision, actor=user, now=now)
        except NotAllowed as refusal:
            raise PermissionDenied(refusal.sentence) from refusal
        except MoveRefused as refusal:
            return conflict(request, decision.withdrawal, refusal.sentence)
        if self.act != "agree":
            messages.info(request, "Taken back: nothing was sent. You can decide it again.")
        return go_on(request, page_of(decision.withdrawal, request))

    def _decision(self, pk: int) -> Decision:
        decision = get_object_or_404(Decision.objects.select_related("withdrawal__player", "actor"), pk=pk)
        user = self.request.user
        if decision.actor_id != user.pk and not visibility.sees_decision(user, decision):
            raise Http404
        return decision

    def _ask(self, decision: Decision, form: Form) -> HttpResponse:
        sheet = bar.decline_of(decision) if self.act == "decline" else bar.agree_to(decision)
        if form.is_bound and is_part(self.request):
            return ask_again(self.request, sheet, form, decision.withdrawal)
        context = {
            "title": sheet.question,
            "effect": pending.waiting_words(decision, self.request.user),
            "verb": sheet.verb,
            "form": form,
            "cancel_url": page_of(decision.withdrawal, self.request),
        }
        return render(self.request, "withdrawals/form.html", context, status=422 if form.is_bound else 200)


def page_of(withdrawal: Withdrawal, request: HttpRequest) -> str:
    """The page that the act was made on."""
    return tables.address_of(withdrawal, view_of(request))
