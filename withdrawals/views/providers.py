"""The provider board, and the switch that pauses one provider or all payouts."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.generic import FormView, View

from backoffice.ui.access import Permitted
from providers import queries as providers
from providers import routing
from withdrawals import tables
from withdrawals.forms import SwitchForm
from withdrawals.pages import providers as pages
from withdrawals.pages.abilities import abilities


class Board(Permitted, View):
    permission_required = "providers.view_provider"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        table = tables.ProviderTable(pages.board(now=now), me=request.user, now=now)
        context = {
            "table": table,
            "abilities": tables.AbilityTable(abilities(), me=request.user, now=now),
            "stop": providers.global_stop(),
            "days": pages.day_charts(now=now),
            "now": now,
        }
        return render(request, "withdrawals/providers.html", context)


class DayFile(Permitted, View):
    """The numbers of one provider's last 24 hours."""

    permission_required = "providers.view_provider"

    def get(self, _request: HttpRequest, code: str) -> StreamingHttpResponse:
        chart = next((one for one in pages.day_charts(now=timezone.now()) if one.slug == code), None)
        if chart is None:
            raise Http404
        response = StreamingHttpResponse(chart.csv(), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{code}-24-hours.csv"'
        return response


class Switch(Permitted, FormView):
    """Pause or resume, with a reason and the number of payouts that it concerns."""

    permission_required = "providers.pause_provider"
    form_class = SwitchForm
    template_name = "withdrawals/form.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if kwargs["act"] not in ("pause", "resume"):
            raise Http404
        self.code = routing.EVERYTHING if kwargs["code"] == "all" else kwargs["code"]
        self.pause = kwargs["act"] == "pause"
        try:
            self.label = pages.label_of(self.code)
        except KeyError:
            raise Http404 from None
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        everything = self.code == routing.EVERYTHING
        verb = ("Stop" if everything else "Pause") if self.pause else "Resume"
        return super().get_context_data(
            title=f"{verb} {self.label[:1].lower() + self.label[1:] if everything else self.label}",
            effect=pages.effect_of(self.code, pause=self.pause),
            verb=f"{verb} {'all payouts' if everything else self.label}",
            danger=self.pause,
            cancel_url=reverse("withdrawals:providers"),
            **kwargs,
        )

    def form_valid(self, form: forms.Form) -> HttpResponse:
        switch = routing.pause if self.pause else routing.resume
        user: Any = self.request.user
        changed = switch(self.code, actor=user, reason=form.cleaned_data["reason"], now=timezone.now())
        state = "paused" if self.pause else "running"
        messages.info(self.request, f"{self.label}: {state}." if changed else f"{self.label}: was {state} already.")
        return redirect("withdrawals:providers")

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)
