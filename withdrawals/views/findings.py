"""Findings: what a provider said that does not fit, until a person has looked into it."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.functional import cached_property
from django.views.generic import FormView

from backoffice.accounts.requests import StaffRequest
from backoffice.ui.access import Permitted
from backoffice.ui.screens import ListScreen
from backoffice.ui.tabs import Tab
from withdrawals import filters, queries, tables
from withdrawals.exceptions import FindingClosed
from withdrawals.forms import AnswerForm, FindingForm
from withdrawals.models import Finding
from withdrawals.operations import findings
from withdrawals.pages import findings as pages
from withdrawals.pages.route import provider_label


class Findings(ListScreen):
    title = "Findings"
    queryset = queries.findings()
    table_class = tables.FindingTable
    filterset_class = filters.FindingFilter
    permission_required = "withdrawals.close_finding"
    search_label = "Withdrawal reference"
    empty_title = "Nothing is open"
    empty_text = "What a provider says that does not fit is written down here."
    tabs = (
        Tab("open", "Open", Q(resolved_at=None), hide=("closed",)),
        Tab(
            "closed",
            "Closed",
            Q(resolved_at__isnull=False),
            sort="-closed",
            empty="No finding was closed yet.",
            counted=False,
        ),
    )


class OneFinding(Permitted, FormView):
    """What was said, and while it is open the form that closes it with a note."""

    permission_required = "withdrawals.close_finding"
    template_name = "withdrawals/finding.html"
    request: StaffRequest

    def get_form_class(self) -> type[FindingForm]:
        return AnswerForm if self.finding.kind == findings.QUESTION else FindingForm

    @cached_property
    def finding(self) -> Finding:
        return get_object_or_404(queries.findings(), pk=self.kwargs["pk"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            finding=self.finding,
            label=findings.kind_label(self.finding.kind),
            provider=provider_label(self.finding.provider),
            facts=pages.facts_of(self.finding),
            effect=pages.effect_of(self.finding),
            is_question=self.finding.kind == findings.QUESTION,
            closing=pages.closing_of(self.finding),
            **kwargs,
        )

    def form_valid(self, form: Any) -> HttpResponse:
        note = form.cleaned_data["note"]
        try:
            findings.close(self.finding, actor=self.request.user, note=note, now=timezone.now())
        except FindingClosed as refusal:
            form.add_error(None, refusal.sentence)
            del self.finding
            return self.render_to_response(self.get_context_data(form=form), status=409)
        asked = self.finding.kind == findings.QUESTION
        messages.info(self.request, "Answered. Whoever asked reads it on the withdrawal." if asked else "Closed.")
        return redirect("withdrawals:findings")

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)
