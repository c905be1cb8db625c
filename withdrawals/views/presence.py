"""What an open page says while somebody looks at it, and what colleagues ask of each other about a claim."""

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.generic import View

from backoffice.accounts import sessions
from backoffice.accounts.requests import StaffRequest
from backoffice.ui.access import Permitted
from withdrawals import decided
from withdrawals.exceptions import MoveRefused, NotAllowed
from withdrawals.models import Withdrawal
from withdrawals.operations import claims
from withdrawals.views.acts import page_of
from withdrawals.views.answers import conflict
from withdrawals.views.decision import withdrawal_or_404


class Held(Permitted, View):
    """What the page of a claim says while it is open, and what colleagues ask of each other."""

    permission_required = "withdrawals.view_withdrawal"
    request: StaffRequest

    def post(self, request: StaffRequest, ref: str) -> HttpResponse:
        withdrawal = withdrawal_or_404(ref)
        acts: dict[str, Callable[[Withdrawal, datetime], HttpResponse]]
        acts = {"stay": self._stay, "leave": self._leave, "ask": self._ask, "hand-over": self._hand_over}
        act = acts.get(request.POST.get("do", ""))
        if act is None:
            return HttpResponse(f"Say what to do: {', '.join(acts)}.", status=400, content_type="text/plain")
        try:
            return act(withdrawal, timezone.now())
        except NotAllowed as refusal:
            raise PermissionDenied(refusal.sentence) from refusal
        except MoveRefused as refusal:
            return conflict(request, withdrawal, refusal.sentence)

    def _stay(self, withdrawal: Withdrawal, now: datetime) -> HttpResponse:
        """Note who looks; renew the claim of a page that shows it, unless nobody touched that page. Answers until
        when the claim holds, if it was renewed."""
        user, until = self.request.user, None
        claims.look_in(withdrawal, user=user, now=now)
        waiting = decided.waiting_decision(withdrawal)
        untouched = sessions.is_quiet(self.request)
        if waiting is None and not untouched and (mine := claims.renew(withdrawal, user=user, now=now)) is not None:
            until = mine.until
        return JsonResponse({"until": until})

    def _leave(self, withdrawal: Withdrawal, _now: datetime) -> HttpResponse:
        """Release what the page that was left had claimed, unless another page of the same person holds it."""
        user, page = self.request.user, self.request.POST.get("page", "")
        claims.look_away(withdrawal, user=user)
        if page:
            claims.let_go(withdrawal, user=user, page=page)
        return HttpResponse(status=204)

    def _ask(self, withdrawal: Withdrawal, now: datetime) -> HttpResponse:
        claims.ask_for(withdrawal, user=self.request.user, now=now)
        messages.info(self.request, "Asked. You are told here when it is handed over.")
        return redirect(page_of(withdrawal, self.request))

    def _hand_over(self, withdrawal: Withdrawal, now: datetime) -> HttpResponse:
        given = claims.hand_over(withdrawal, user=self.request.user, to=self.request.POST.get("to", ""), now=now)
        messages.info(self.request, f"Handed over to {given.owner.name}.")
        return redirect(page_of(withdrawal, self.request))
