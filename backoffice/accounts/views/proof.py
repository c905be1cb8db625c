"""Being asked once more who one is. The page of an act carries what was sent, so that nothing is typed twice."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import View

from backoffice.accounts import proof
from backoffice.accounts.requests import StaffRequest
from backoffice.accounts.views.sign_in import limited
from backoffice.audit.record import record


class Confirm(View):
    """Prove it, then go on to ``next``: a page, a file, or the answer for a script."""

    def get(self, request: StaffRequest) -> HttpResponse:
        return redirect("/")

    def post(self, request: StaffRequest) -> HttpResponse:
        form = proof.proof_form(request, request.user, sent=True)
        to, words = request.POST.get("next", ""), request.POST.get("words", "")
        if not url_has_allowed_host_and_scheme(to, allowed_hosts={request.get_host()}):
            to = "/"
        file = "file" in request.POST
        if not form.is_valid():
            return ask(request, form, words=words, action=request.path, next=to, file=file)
        accepted(request, form)
        return render(request, "accounts/file.html", {"url": to}) if file else redirect(to)


def ask(request: HttpRequest, form: Any, *, words: str, **context: Any) -> HttpResponse:
    """Return the page that asks. ``action``: where its form goes, with ``kept``, the fields that were sent there."""
    context |= {"form": form, "words": words, "back": _page_before(request)}
    return limited(render(request, "accounts/prove.html", context, status=401), form)


def accepted(request: HttpRequest, form: Any) -> None:
    proof.accept(request, form)
    user: Any = request.user
    data = {"state": form.way}
    record(subject_type="staff", subject_id=str(user.pk), action="prove", actor=user, data=data)


def _page_before(request: HttpRequest) -> str:
    """Return the page that the act was made on, or the first page."""
    before = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(before, allowed_hosts={request.get_host()})
    return before if before and ours and not before.endswith(request.path) else "/"
