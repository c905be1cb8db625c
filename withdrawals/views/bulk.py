"""Many approvals at once: the preview that has to be seen, and the page of the job."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.views.generic import View

from backoffice.accounts.requests import StaffRequest
from backoffice.jobs import operations as jobs
from backoffice.jobs import queries as job_queries
from backoffice.jobs.models import Job
from backoffice.ui.access import Permitted
from backoffice.ui.paging import BadCursor, seal, unseal
from backoffice.ui.selection import MOST_SELECTED, Selection, SelectionChanged, keys_of
from withdrawals import queries, tables
from withdrawals.exceptions import MoveRefused
from withdrawals.models import Withdrawal
from withdrawals.operations import bulk
from withdrawals.pages import bulk as pages
from withdrawals.pages.route import provider_label
from withdrawals.views.queue import Queue

APPROVES = ("withdrawals.view_withdrawal", "withdrawals.approve_withdrawal")
# A job is asked about often while it is young.
YOUNG, SOON, LATER = timedelta(seconds=30), 2, 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody saw: version by reference and which of them were checked, of which view, under which token."""

    token: str
    query: str
    whole: bool
    versions: dict[str, int]
    picked: list[str]

    def sealed(self, user: Any) -> str:
        parts = [self.token, self.query, self.whole, self.versions, self.picked]
        return seal(parts, purpose=f"bulk:{user.pk}")

    @classmethod
    def of(cls, posted: QueryDict, user: Any) -> "Seen":
        """Raises BadCursor for anything but what this person was shown."""
        return cls(*unseal(posted.get("preview", ""), purpose=f"bulk:{user.pk}"))


class Asks(Permitted, View):
    """What the preview and its sending share."""

    permission_required: str | tuple[str, ...] = APPROVES
    request: StaffRequest

    def get(self, request: StaffRequest) -> HttpResponse:
        return redirect("withdrawals:queue")

    @cached_property
    def now(self) -> datetime:
        return timezone.now()

    def rows(self, seen: Seen) -> list[Withdrawal]:
        """What was seen, as it is now and as far as this person may read it."""
        return list(_listed(queries.withdrawals().filter(ref__in=seen.versions)))

    def left(self, seen: Seen) -> set[str]:
        """What is no longer checked."""
        return set(seen.versions) - set(self.request.POST.getlist("keep"))

    def show(self, seen: Seen, preview: bulk.Preview, *, status: int = 200, **said: Any) -> HttpResponse:
        """The preview page with these rows, sealed anew. ``changed``, ``note`` and ``error`` are sentences."""
        user, count = self.request.user, len(preview.picked)
        fresh = Seen(
            seen.token,
            seen.query,
            seen.whole,
            {line.withdrawal.ref: line.withdrawal.version for line in preview.lines},
            [row.ref for row in preview.picked],
        )
        table = tables.BulkTable([*preview.offered, *preview.rest], me=user, now=self.now)
        table.count_url = reverse("withdrawals:bulk-preview")
        too_many = not bulk.may_start(user, count)
        context = {
            "preview": preview,
            "count": count,
            "total": len(preview.lines),
            "sums": tables.money_words(preview.totals),
            "providers": [
                (provider_label(code) or "No provider now", amount, currency)
                for (code, currency), amount in sorted(preview.by_provider.items())
            ],
            "limits": pages.limit_words(preview.house),
            "reasons": list(preview.reasons.items()),
            "table": table,
            "sealed": fresh.sealed(user),
            "asks_count": count > settings.BULK_LIMIT and not too_many,
            "most": settings.BULK_LIMIT,
            "too_many": too_many,
            "may_send": bool(count) and not too_many and not preview.objection,
            "typed": self.request.POST.get("typed", ""),
            "back_url": f"{reverse('withdrawals:queue')}?{seen.query}",
            **said,
        }
        part = "HX-Request" in self.request.headers
        return render(self.request, f"withdrawals/bulk{'_part' if part else ''}.html", context, status=status)

    def refuse(self, sentence: str, *, status: int = 409) -> HttpResponse:
        return render(self.request, "withdrawals/bulk_refused.html", {"sentence": sentence}, status=status)


class Preview(Asks):
    """What a selection comes to; sent again by its own boxes, what the checked rows come to."""

    def post(self, request: StaffRequest) -> HttpResponse:
        if "preview" in request.POST:
            try:
                seen = Seen.of(request.POST, request.user)
            except BadCursor:
                return self.refuse("This preview is not yours, or was changed. Select again.")
            return self.show(seen, self._preview(self.rows(seen), without=self.left(seen)))
        selection = Selection.of(request.POST)
        try:
            rows = list(_listed(selection.rows(Queue, request))[: bulk.MOST + 1])
        except SelectionChanged as change:
            return self.refuse(f"{change} Nothing was done.")
        if not rows:
            return self.refuse("Nothing is selected.", status=422)
        if len(rows) > bulk.MOST:
            return self.refuse(
                f"At most {bulk.MOST} are looked through at once. Narrow the view and select again.", status=422
            )
        seen = Seen(uuid.uuid4().hex, selection.query, selection.whole, {}, [])
        return self.show(seen, self._preview(rows))

    def _preview(self, rows: list[Withdrawal], **facts: Any) -> bulk.Preview:
        return bulk.preview(rows, user=self.request.user, now=self.now, **facts)


class Apply(Asks):
    """Start the job, if everything is still as it was seen; else show what is different, and nothing is done."""

    def post(self, request: StaffRequest) -> HttpResponse:
        user = request.user
        try:
            seen = Seen.of(request.POST, user)
        except BadCursor:
            return self.refuse("This preview is not yours, or was changed. Select again.")
        if (job := Job.objects.filter(token=seen.token, owner=user).first()) is not None:
            return redirect("withdrawals:bulk-job", job.pk)  # sent twice
        preview = bulk.preview(self.rows(seen), user=user, now=self.now, without=self.left(seen))
        if changed := self._changes(seen, preview):
            return self.show(seen, preview, status=409, changed=changed)
        picked = [row.ref for row in preview.picked]
        if set(picked) != set(seen.picked):
            return self.show(
                seen, preview, note="You changed which rows. These are the new totals: look and send again."
            )
        if preview.objection:
            return self.show(seen, preview, status=422)
        if len(picked) > settings.BULK_LIMIT and request.POST.get("typed", "").strip() != str(len(picked)):
            return self.show(seen, preview, status=422, error=f"Type {len(picked)}, the number of payouts.")
        versions = {ref: seen.versions[ref] for ref in picked}
        title = f"Approve {len(picked)} payouts" if len(picked) > 1 else "Approve 1 payout"
        try:
            job = bulk.start(versions, title=title, user=user, token=seen.token, now=self.now)
        except MoveRefused as refusal:
            return self.show(seen, preview, status=422, note=refusal.sentence)
        return redirect("withdrawals:bulk-job", job.pk)

    def _changes(self, seen: Seen, preview: bulk.Preview) -> list[str]:
        found = bulk.changes({ref: seen.versions[ref] for ref in seen.picked}, preview)
        if not seen.whole:
            return found
        here = set(keys_of(Queue.opened(self.request, seen.query))[:MOST_SELECTED])
        return [*found, *(f"{ref}: came into the view since." for ref in sorted(here - set(seen.versions)))]


def _listed(rows: Any) -> Any:
    return rows.select_related("claim__owner").order_by("due_at", "pk")


class Result(Permitted, View):
    """How far a job is and what became of each; only for who started it. Asked by htmx, the part that changes."""

    permission_required = APPROVES

    def get(self, request: StaffRequest, pk: int) -> HttpResponse:
        now, job = timezone.now(), job_or_404(request, pk)
        items = list(job.items.order_by("pk"))
        refs = [item.subject for item in items]
        rows = {row.ref: row for row in queries.withdrawals().filter(ref__in=refs)}
        made = bulk.decisions_of(job, refs)
        progress = job_queries.progress_of(job, now=now)
        undo = pages.undo_seconds(made.values(), now=now)
        goes_on = job.state == Job.State.RUNNING or bool(undo)
        context = {
            "job": job,
            "progress": progress,
            "running": job.state == Job.State.RUNNING,
            "undo_seconds": undo,
            "table": tables.ResultTable(pages.results_of(items, rows, made), me=request.user, now=now),
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
            too_late = f" {late} had taken effect already." if late else ""
            messages.info(request, f"{undone} taken back.{too_late}")
        return redirect("withdrawals:bulk-job", job.pk)


def job_or_404(request: HttpRequest, pk: int) -> Job:
    user: Any = request.user
    return get_object_or_404(Job, pk=pk, kind=bulk.KIND, owner=user)
