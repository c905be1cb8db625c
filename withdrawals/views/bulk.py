"""Many decisions at once: the preview that has to be seen, and what sends it."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.views.generic import View

from backoffice.accounts.requests import StaffRequest
from backoffice.jobs.models import Job
from backoffice.ui.access import Permitted
from backoffice.ui.paging import BadCursor, seal, unseal
from backoffice.ui.selection import MOST_SELECTED, Selection, SelectionChanged, keys_of
from withdrawals import queries, tables
from withdrawals.exceptions import MoveRefused
from withdrawals.forms import BulkForm
from withdrawals.models import Withdrawal
from withdrawals.operations import bulk
from withdrawals.pages import bulk as pages
from withdrawals.pages.route import provider_label
from withdrawals.pages.sheets import BY_SLUG, sheet_of
from withdrawals.states import BULK, Move
from withdrawals.views.assigning import ASSIGN, Assign
from withdrawals.views.queue import Queue

APPROVES = ("withdrawals.view_withdrawal", "withdrawals.approve_withdrawal")


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody saw, to decide it so: version by reference and which of them were checked, of which view, under
    which token."""

    move: Move
    token: str
    query: str
    whole: bool
    versions: dict[str, int]
    picked: list[str]

    def sealed(self, user: Any) -> str:
        parts = [self.move, self.token, self.query, self.whole, self.versions, self.picked]
        return seal(parts, purpose=f"bulk:{user.pk}")

    @classmethod
    def of(cls, posted: QueryDict, user: Any) -> "Seen":
        """Raises BadCursor for anything but what this person was shown."""
        move, *rest = unseal(posted.get("preview", ""), purpose=f"bulk:{user.pk}")
        return cls(Move(move), *rest)


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

    def preview(self, seen: Seen, rows: list[Withdrawal]) -> bulk.Preview:
        left = self.left(seen)
        return bulk.preview(rows, seen.move, user=self.request.user, now=self.now, without=left)

    def form(self, preview: bulk.Preview, *, sent: bool = False) -> BulkForm | None:
        """What is asked for all of them; ``sent``: as it was answered, else as it was typed so far."""
        if preview.move == Move.APPROVE or not preview.picked:
            return None
        sheet = sheet_of(preview.picked[0], preview.move, self.request.user)
        if sent:
            return BulkForm(self.request.POST, sheet=sheet, now=self.now)
        return BulkForm(initial=self.request.POST.dict(), sheet=sheet, now=self.now)

    def show(self, seen: Seen, preview: bulk.Preview, *, status: int = 200, **said: Any) -> HttpResponse:
        """The preview page with these rows, sealed anew. ``changed``, ``note`` and ``error`` are sentences."""
        user, count = self.request.user, len(preview.picked)
        fresh = Seen(
            seen.move,
            seen.token,
            seen.query,
            seen.whole,
            {line.withdrawal.ref: line.withdrawal.version for line in preview.lines},
            [row.ref for row in preview.picked],
        )
        table = tables.BulkTable([*preview.offered, *preview.rest], me=user, now=self.now)
        table.count_url = reverse("withdrawals:bulk-preview")
        table.words = pages.WORDS[seen.move]
        too_many = not bulk.may_start(user, count)
        context = {
            "preview": preview,
            "words": table.words,
            "form": self.form(preview),
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

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.POST.get("move") == ASSIGN:  # decides nothing, and has a page of its own
            return Assign.as_view()(request)
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: StaffRequest) -> HttpResponse:
        if "preview" in request.POST:
            try:
                seen = Seen.of(request.POST, request.user)
            except BadCursor:
                return self.refuse("This preview is not yours, or was changed. Select again.")
            return self.show(seen, self.preview(seen, self.rows(seen)))
        move = BY_SLUG.get(request.POST.get("move") or "approve")
        if move not in BULK:
            return self.refuse("Many at once are approved, held, rejected or assigned. Select again.", status=422)
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
        seen = Seen(move, uuid.uuid4().hex, selection.query, selection.whole, {}, [])
        return self.show(seen, self.preview(seen, rows))


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
        preview = self.preview(seen, self.rows(seen))
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
        form = self.form(preview, sent=True)
        if form is not None and not form.is_valid():
            return self.show(seen, preview, status=422, form=form)
        return self._start(seen, preview, form)

    def _start(self, seen: Seen, preview: bulk.Preview, form: BulkForm | None) -> HttpResponse:
        versions = {row.ref: seen.versions[row.ref] for row in preview.picked}
        payouts = "1 payout" if len(versions) == 1 else f"{len(versions)} payouts"
        try:
            job = bulk.start(
                versions,
                seen.move,
                title=f"{pages.WORDS[seen.move].verb} {payouts}",
                user=self.request.user,
                token=seen.token,
                now=self.now,
                said=form.said if form else bulk.Said(),
            )
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
