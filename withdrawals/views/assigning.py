"""Many withdrawals to one person: who gets them, and what became of each."""

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.generic import View

from backoffice.accounts.models import User
from backoffice.accounts.requests import StaffRequest
from backoffice.ui import inline
from backoffice.ui.access import Permitted
from backoffice.ui.selection import Selection, SelectionChanged
from withdrawals import tables
from withdrawals.exceptions import NotAllowed
from withdrawals.forms import AssignForm
from withdrawals.operations import assigning
from withdrawals.pages.bulk import Result
from withdrawals.views.queue import Queue

# What the list calls it.
ASSIGN = "assign"


class Assign(Permitted, View):
    """What a selection is sent to, see bulk.Preview. Asks a senior to whom; anybody else takes them at once."""

    permission_required = ("withdrawals.view_withdrawal", "withdrawals.approve_withdrawal")
    request: StaffRequest

    def post(self, request: StaffRequest) -> HttpResponse:
        user, selection = request.user, Selection.of(request.POST)
        try:
            picked = selection.rows(Queue, request).order_by("due_at", "pk").values_list("ref", flat=True)
        except SelectionChanged as change:
            return self._refuse(f"{change} Nothing was done.", status=409)
        refs = list(picked[: assigning.MOST + 1])
        if not refs:
            return self._refuse("Nothing is selected.")
        if len(refs) > assigning.MOST:
            return self._refuse(f"At most {assigning.MOST} are assigned at once. Narrow the view and select again.")
        if not user.has_perm("withdrawals.take_over_claim"):
            return self._give(refs, user, selection.query)
        if "to" not in request.POST:
            return self._ask(AssignForm(refs=refs, initial={"pick": refs, "query": selection.query, "to": user}))
        form = AssignForm(request.POST, refs=refs)
        return self._give(refs, form.cleaned_data["to"], selection.query) if form.is_valid() else self._ask(form)

    def _ask(self, form: AssignForm) -> HttpResponse:
        count = len(form.fields["pick"].choices)  # type: ignore[attr-defined]
        context = {
            "title": f"Assign {count} selected",
            "effect": f"They are theirs for {inline.duration(settings.CLAIM_TIME)}, as if they had opened them. "
            "What a colleague is deciding stays with that colleague.",
            "verb": "Assign them",
            "form": form,
            "cancel_url": self._list_at(self.request.POST.get("query", "")),
        }
        return render(self.request, "withdrawals/assign.html", context, status=422 if form.is_bound else 200)

    def _give(self, refs: list[str], to: User, query: str) -> HttpResponse:
        now = timezone.now()
        try:
            given = assigning.assign(refs, to=to, actor=self.request.user, now=now)
        except NotAllowed as refusal:
            raise PermissionDenied(refusal.sentence) from refusal
        done = sum(1 for one in given if not one.refused)
        whom, whose = ("you", "You have it") if to == self.request.user else (to.name, f"{to.name} has it")
        context = {
            "title": f"{done} of {len(given)} assigned to {whom}",
            "table": tables.ResultTable([_told(one, whose) for one in given], me=self.request.user, now=now),
            "back_url": self._list_at(query),
        }
        return render(self.request, "withdrawals/assigned.html", context)

    def _list_at(self, query: str) -> str:
        return f"{reverse('withdrawals:queue')}?{query}" if query else reverse("withdrawals:queue")

    def _refuse(self, sentence: str, *, status: int = 422) -> HttpResponse:
        return render(self.request, "withdrawals/bulk_refused.html", {"sentence": sentence}, status=status)


def _told(given: assigning.Given, whose: str) -> Result:
    if given.refused:
        return Result(given.withdrawal, "attn", "warn", f"Not assigned: {given.refused}")
    return Result(given.withdrawal, "success", "check", whose)
