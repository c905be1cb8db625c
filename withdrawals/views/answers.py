"""The answers to what was sent from an open page: go on, ask again, or say what became of it.

With JavaScript the page stays as it is and only its part changes; without it each answer is a page.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from withdrawals import tables, visibility
from withdrawals.models import Withdrawal
from withdrawals.pages import timeline
from withdrawals.views.origin import next_url_of, origin_of


def is_part(request: HttpRequest) -> bool:
    """Whether an open page asked, which can take in a part of itself."""
    return bool(getattr(request, "htmx", False))


def go_on(request: HttpRequest, address: str) -> HttpResponse:
    return HttpResponseClientRedirect(address) if is_part(request) else redirect(address)


def ask_again(request: HttpRequest, sheet: Any, form: Any, withdrawal: Withdrawal) -> HttpResponse:
    """Render 422: the sheet as it was sent, open, with what is wrong in it."""
    form.auto_id = f"id_{sheet.name}_%s"
    context = {
        "sheet": sheet,
        "address": request.get_full_path(),
        "form": form,
        "open": "1",
        "player_first": visibility.player_name(request.user, withdrawal.player).split()[0],
    }
    response = render(request, "withdrawals/sheet.html", context, status=422)
    return reswap(retarget(response, f"#sheet-{sheet.name}"), "outerHTML")


def conflict(request: HttpRequest, withdrawal: Withdrawal, sentence: str) -> HttpResponse:
    """Render 409: who did what, that nothing was done, and a way on. What was typed is not lost."""
    now, origin = timezone.now(), origin_of(request)
    flagged = request.path.startswith(reverse("withdrawals:flagged"))
    list_url = origin.back[1] if origin else reverse("withdrawals:flagged" if flagged else "withdrawals:queue")
    last_word = timeline.last_word(withdrawal, request.user, now=now)
    context = {
        "withdrawal": withdrawal,
        "name": visibility.player_name(request.user, withdrawal.player),
        "list_url": list_url,
        "sentence": sentence,
        "last_word": last_word,
        "typed": request.POST.get("note", "") or request.POST.get("evidence", "") or request.POST.get("why", ""),
        "record_url": tables.address_of(withdrawal),
        "next_url": next_url_of(request, withdrawal),
    }
    if not is_part(request):
        return render(request, "withdrawals/conflict.html", context, status=409)
    context |= {"notice": {"text": f"{sentence} {last_word}".strip(), "blocks": True}}
    response = render(request, "withdrawals/fragments/notice.html", context, status=409)
    return reswap(retarget(response, "#bar-notice"), "outerHTML")
