"""The look-up: one field, and either an answer about one player or a choice of several."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.generic import View

from backoffice.ui.access import Permitted
from withdrawals import totals
from withdrawals.operations.look_ups import look_up
from withdrawals.pages.player import page_of

LONGEST_TERM = 200


class Players(Permitted, View):
    permission_required = "kyc.look_up_player"

    def get(self, request: HttpRequest) -> HttpResponse:
        now, term = timezone.now(), request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_TERM]
        user: Any = request.user
        context: dict[str, object] = {"term": term, "now": now}
        if term:
            found = look_up(term, actor=user, now=now)
            context["found"] = found
            if len(found.players) == 1:
                player = found.players[0]
                context["answer"] = page_of(player, user, asked=found.withdrawal, now=now)
            else:
                context["open_totals"] = totals.open_totals([player.pk for player in found.players])
        return render(request, "withdrawals/players.html", context)
