"""The answer to a decision that came too late: who did what, that nothing was done, and a way on."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from withdrawals import tables, visibility
from withdrawals.models import Withdrawal
from withdrawals.pages import timeline
from withdrawals.views.tabs import view_of


def conflict(request: HttpRequest, withdrawal: Withdrawal, sentence: str) -> HttpResponse:
    """Render 409 with what was typed, so that nobody has to type it again."""
    now, view = timezone.now(), view_of(request)
    flagged = request.path.startswith(reverse("withdrawals:flagged"))
    list_url = reverse("withdrawals:flagged" if flagged else "withdrawals:queue")
    context = {
        "withdrawal": withdrawal,
        "name": visibility.player_name(request.user, withdrawal.player),
        "list_url": f"{list_url}?view={view}" if view else list_url,
        "sentence": sentence,
        "last_word": timeline.last_word(withdrawal, request.user, now=now),
        "typed": request.POST.get("note", "") or request.POST.get("evidence", ""),
        "record_url": tables.address_of(withdrawal),
        "next_url": tables.next_address(view),
    }
    return render(request, "withdrawals/conflict.html", context, status=409)
