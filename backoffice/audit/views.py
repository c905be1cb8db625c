"""The audit log: read-only for everybody, and reading it is recorded too."""

from http import HTTPStatus
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.generic import View

from backoffice.audit import queries, tables, words
from backoffice.audit.filters import AuditFilter
from backoffice.audit.record import record
from backoffice.ui.access import Permitted
from backoffice.ui.screens import ListScreen
from backoffice.ui.tabs import Tab

REFUSALS = ("denied", "sign_in_failed", "code_failed", "passkey_failed", "proof_failed")


def _decisions(_request: HttpRequest) -> Q:
    return Q(action__in=words.DECISIONS, actor_user__isnull=False)


def _reading(_request: HttpRequest) -> Q:
    return Q(action__in=words.READING)


class AuditLog(ListScreen):
    title = "Audit log"
    queryset = queries.search()
    table_class = tables.AuditTable
    filterset_class = AuditFilter
    permission_required = "audit.view_auditentry"
    template_name = "audit/log.html"
    search_label = "WD-…, P-…, provider"
    empty_title = "No acts match"
    empty_text = "Every decision, look-up, export and refused attempt is written down here."
    tabs = (
        Tab("all", "Everything", counted=False),
        Tab("people", "People", Q(actor_user__isnull=False), counted=False),
        Tab("decisions", "Decisions", _decisions, counted=False),
        Tab("reading", "Look-ups and exports", _reading, counted=False),
        Tab("denied", "Refused attempts", Q(action__in=REFUSALS), counted=False),
    )

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().exclude(words.kept_from(self.request.user))

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Record the visit, not the turning of pages or the change of a filter within it."""
        response = super().get(request, *args, **kwargs)
        turned = "HX-Request" in request.headers or "after" in request.GET or "before" in request.GET
        if not turned and response.status_code == HTTPStatus.OK:
            _record(request, "view_log", filters=self.kept_in_audit)
        return response


class CheckChain(Permitted, View):
    """Recompute every hash in the database and say what came of it."""

    permission_required = "audit.view_auditentry"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Reloaded or opened by its address it checks nothing: the button stands in the log."""
        return redirect("audit:log")

    def post(self, request: HttpRequest) -> HttpResponse:
        faults = queries.chain_faults()
        chains, entries = queries.size()
        _record(request, "check_chain", faults=len(faults), entries=entries)
        found = []
        for fault in faults:
            subject_type, _, subject_id = fault.chain.partition(":")
            found.append((tables.subject(subject_type, subject_id, request.user), fault))
        context = {"faults": found, "chains": chains, "entries": entries, "checked_at": timezone.now()}
        return render(request, "audit/check.html", context)


def _record(request: HttpRequest, action: str, **data: Any) -> None:
    user: Any = request.user
    record(subject_type="staff", subject_id=str(user.pk), action=action, actor=user, data=data)
