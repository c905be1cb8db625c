"""The first page, the part of it that is asked for again, its charts as files, and the menu's live part."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.generic import View

from backoffice.nav import VIEW, Menu, landing_url
from backoffice.today import days, lines
from backoffice.ui import failures, fragments
from backoffice.ui.access import Permitted
from withdrawals import visibility


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the page, or what is said where it could not be loaded."""

    content: Any
    lost: failures.Lost | None = None


class _Today(Permitted, View):
    permission_required = VIEW

    def lines(self, now: datetime) -> list[Block]:
        """Return the sentence and lines of this person."""
        request, user = self.request, self.request.user
        made = [block("the first lines", lambda: lines.first_lines(request, now))]
        if not self.looks_up:
            made.append(block("what needs you", lambda: [lines.needs_you(request, now)]))
        if user.has_perm("providers.view_provider"):
            made.append(block("the providers", lambda: [lines.provider_line(request, now)]))
        if visibility.sees(user, visibility.Field.STATE):
            made.append(block("today so far", lambda: [days.so_far(request, now)]))
        return made

    @property
    def looks_up(self) -> bool:
        """Whether this person works from the look-up: its field is what the page begins with."""
        user = self.request.user
        return visibility.sees(user, visibility.Field.PLAYER_WORDS) and not visibility.sees(
            user, visibility.Field.STATE
        )


class Today(_Today):
    """Every block is loaded by itself: one that fails leaves the others."""

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        shown = self.lines(now)
        charts = []
        if visibility.sees(request.user, visibility.Field.STATE):
            charts = [
                block("payouts per day", lambda: days.closed_chart(now)),
                block("time to payout", lambda: days.times_chart(now)),
            ]
        context = {"blocks": shown, "version": _version(shown), "charts": charts, "looks_up": self.looks_up}
        return render(request, "today/page.html", context)


class TodayLines(_Today):
    def get(self, request: HttpRequest) -> HttpResponse:
        shown = self.lines(timezone.now())
        return fragments.answer(request, "today/lines.html", {"blocks": shown}, version=_version(shown))


class ChartFile(Permitted, View):
    """The numbers of one chart."""

    permission_required = VIEW

    def has_permission(self) -> bool:
        return super().has_permission() and visibility.sees(self.request.user, visibility.Field.STATE)

    def get(self, _request: HttpRequest, slug: str) -> StreamingHttpResponse:
        if slug not in days.CHARTS:
            raise Http404
        chart = days.CHARTS[slug](timezone.now())
        response = StreamingHttpResponse(chart.csv(), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{slug}.csv"'
        return response


def menu(request: HttpRequest) -> HttpResponse:
    """Answer the counts of the menu, for the page to put in their places."""
    shown = Menu(request).live
    return fragments.answer(request, "shell/menu_live.html", shown, version=shown["version"])


def start(request: HttpRequest) -> HttpResponse:
    """Go where this person's work begins."""
    return redirect(landing_url(request.user))


def block(name: str, load: Callable[[], Any]) -> Block:
    """Return what ``load`` answers. When the database refuses, only this block is missing."""
    try:
        with transaction.atomic():
            return Block(load())
    except DatabaseError:
        return Block(None, failures.lost(name, of="Today"))


def _version(blocks: list[Block]) -> str:
    return fragments.version_of([one.content for one in blocks])
