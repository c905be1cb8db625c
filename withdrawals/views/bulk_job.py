"""The page of a job that decides many: how far it is, what became of each, and stopping it."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.generic import View

from backoffice.accounts.requests import StaffRequest
from backoffice.jobs import operations as jobs
from backoffice.jobs import queries as job_queries
from backoffice.jobs.models import Job
from backoffice.ui.access import Permitted
from withdrawals import queries, tables
from withdrawals.operations import bulk
from withdrawals.pages import bulk as pages
from withdrawals.states import BULK
from withdrawals.views.bulk import APPROVES

# A job is asked about often while it is young.
YOUNG, SOON, LATER = timedelta(seconds=30), 2, 5


class Result(Permitted, View):
    """How far a job is and what became of each; only for who started it. Asked by htmx, the part that changes."""

    permission_required = APPROVES

    def get(self, request: StaffRequest, pk: int) -> HttpResponse:
        now, job = timezone.now(), job_or_404(request, pk)
        jobs.see(job, now=now)
        items = list(job.items.order_by("pk"))
        refs = [item.subject for item in items]
        rows = {row.ref: row for row in queries.withdrawals().filter(ref__in=refs)}
        made = bulk.decisions_of(job, refs)
        progress = job_queries.progress_of(job, now=now)
        undo = pages.undo_seconds(made.values(), now=now)
        results = pages.results_of(items, rows, made, pages.WORDS[bulk.move_of(job)])
        goes_on = job.state == Job.State.RUNNING or bool(undo)
        context = {
            "job": job,
            "progress": progress,
            "running": job.state == Job.State.RUNNING,
            "undo_seconds": undo,
            "table": tables.ResultTable(results, me=request.user, now=now),
            "every": (SOON if now - job.created_at < YOUNG else LATER) if goes_on else 0,
            "now": now,
        }
        asked = "HX-Request" in request.headers
        response = render(request, f"withdrawals/bulk_job{'_part' if asked else ''}.html", context)
        if asked and not goes_on:
            response.status_code = 286  # htmx: the last answer, ask no more
        return response


class Act(Permitted, View):
    """Stop a job, or stop it and take back what still can be."""

    permission_required = APPROVES
    act = ""

    def post(self, request: StaffRequest, pk: int) -> HttpResponse:
        now, job = timezone.now(), job_or_404(request, pk)
        if self.act == "cancel":
            left = jobs.cancel(job, actor=request.user, now=now)
            messages.info(request, f"Cancelled. {left} were not decided.")
        else:
            undone, late = bulk.undo_all(job, actor=request.user, now=now)
            too_late = f" It was too late for {late}: they took effect, or a colleague agreed to them." if late else ""
            messages.info(request, f"{undone} taken back.{too_late}")
        return redirect("withdrawals:bulk-job", job.pk)


def job_or_404(request: HttpRequest, pk: int) -> Job:
    user: Any = request.user
    return get_object_or_404(Job, pk=pk, kind__in=BULK.values(), owner=user)
