"""The acts that ask once more who somebody is, unless that was proved a short time ago: one list, and its guard."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch, reverse
from django.utils import timezone

from backoffice.accounts import proof, sessions
from backoffice.accounts.views.proof import accepted, ask


@dataclass(frozen=True, slots=True)
class Act:
    """``words`` finish the sentence "You are about to …".

    ``only`` narrows it to some values of the arguments in its address. ``file``: the GET that downloads is meant,
    not the POST.
    """

    url_name: str
    words: str
    only: Mapping[str, tuple[str, ...]] | None = None
    file: bool = False


ACTS = (
    Act("withdrawals:move", "confirm an approval", {"move": ("confirm",)}),
    Act("withdrawals:move", "settle a payout by hand", {"move": ("complete", "fail")}),
    Act("withdrawals:agree", "agree to what a colleague proposes"),
    Act("withdrawals:bulk-apply", "decide many withdrawals at once"),
    Act("withdrawals:take-over", "take over what a colleague is deciding"),
    Act("withdrawals:provider-switch", "pause or resume payouts"),
    Act("withdrawals:transactions", "download personal data", file=True),
    Act("withdrawals:queue", "download personal data", file=True),
    Act("withdrawals:in-flight", "download personal data", file=True),
    Act("security", "add a passkey"),
    Act("add-app", "set up an app with codes"),
    Act("remove-app", "remove the app with codes"),
    Act("remove-passkey", "remove a passkey"),
    Act("new-codes", "make new recovery codes"),
    Act("change-password", "change your password"),
    Act("end-sessions", "end sessions"),
)


def act_of(match: ResolverMatch, method: str | None, asked: Mapping[str, Any]) -> Act | None:
    """Return which of the acts a request is, if any."""
    for act in ACTS:
        meant = (method in ("GET", "HEAD") and "export" in asked) if act.file else method == "POST"
        narrowed = all(str(match.kwargs.get(name)) in values for name, values in (act.only or {}).items())
        if meant and narrowed and act.url_name == match.view_name:
            return act
    return None


class FreshProofMiddleware:
    """Asks in the place of the act. What was sent to it stands in the page, and is sent again with the proof."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        user: Any = request.user
        match = request.resolver_match
        act = act_of(match, request.method, request.GET) if match and user.is_authenticated else None
        if act is None or sessions.is_fresh(request, now=timezone.now()):
            return None
        if act.file:
            form = proof.proof_form(request, user)
            return ask(
                request, form, words=act.words, action=reverse("confirm"), next=request.get_full_path(), file=True
            )
        sent = any(name.startswith(proof.PREFIX) for name in request.POST)
        form = proof.proof_form(request, user, sent=sent)
        if sent and form.is_valid():
            accepted(request, form)
            return None
        ours = ("csrfmiddlewaretoken", *(name for name in request.POST if name.startswith(proof.PREFIX)))
        kept = [(name, value) for name, values in request.POST.lists() if name not in ours for value in values]
        return ask(request, form, words=act.words, action=request.get_full_path(), kept=kept)
