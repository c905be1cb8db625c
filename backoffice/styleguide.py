"""Every component with all its states on one page, to be looked at in both themes. Invented data, no database."""

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html

from backoffice.jobs.models import Job
from backoffice.jobs.queries import Progress
from backoffice.palette import Group, Row
from backoffice.ui import charts, inline
from backoffice.ui.appearance import CHOICES
from backoffice.ui.chooser import Line
from backoffice.ui.columns import Column
from backoffice.ui.failures import Lost
from backoffice.ui.filter_menu import Line as Field
from backoffice.ui.filters import BaseFilter, Option
from backoffice.ui.models import SavedView
from backoffice.ui.paging import Page
from backoffice.ui.tables import BaseTable
from backoffice.ui.viewing import Bar
from fraud.states import Level, Risk
from kyc.models import Player
from withdrawals.states import LOOKS

COMPONENTS = Path(settings.BASE_DIR) / "templates" / "components"
DAYS = tuple(f"{day} Nov" for day in range(9, 23))
ICONS = re.findall(r'<symbol id="(\w+)"', (Path(settings.BASE_DIR) / "static" / "icons.svg").read_text())
TONES = ("neutral", "info", "attn", "danger", "success", "second")


class ExampleForm(forms.Form):
    reason = forms.CharField(help_text="At least ten characters.")
    until = forms.ChoiceField(choices=[("2h", "2 hours"), ("3d", "3 days")], widget=forms.RadioSelect)
    tell = forms.BooleanField(label="Tell the player", required=False)


class ExampleFilter(BaseFilter):
    q = django_filters.CharFilter(label="Search")
    name = django_filters.CharFilter(label="Name")

    class Meta:
        model = Player
        fields: tuple[str, ...] = ()


class ExampleTable(BaseTable):
    name = Column(verbose_name="Name")
    amount = Column(verbose_name="Amount", css="r num")
    caption = "An example"


def styleguide(request: HttpRequest) -> HttpResponse:
    """Show the page where things are built, and to administrators; nobody else knows that it exists."""
    if not (settings.DEBUG or request.user.has_perm("accounts.change_user")):
        raise Http404
    names = sorted(path.stem for path in COMPONENTS.glob("*.html"))
    context = {
        "parts": [(name, f"styleguide/{name}.html") for name in names],
        **_words(),
        **_data(),
        **_lists(),
        **_charts(),
    }
    if (theme := request.GET.get("theme", "")) in CHOICES["theme"]:
        context["theme"] = theme
    return render(request, "styleguide.html", context)


def _words() -> dict[str, Any]:
    return {
        "looks": list(LOOKS.values()),
        "tones": TONES,
        "icons": ICONS,
        "took": timedelta(minutes=51),
        "kinds": ("primary", "plain", "quiet", "danger"),
        "verdicts": ("allowed", "second", "senior", "blocked"),
        "risk": Risk(Level.HIGH, 71),
        "risk_bars": inline.risk(71, Risk(Level.HIGH, 71)),
        "reasons": [("known", "Known player"), ("proof", "Proof seen")],
        "signals": [
            {"level": "concern", "title": "The payout card is new", "text": "Added 3 h 12 min before.", "points": 22},
            {"level": "note", "title": "Login from another city", "text": "Tallinn, usually Zagreb.", "points": 6},
            {"level": "passed", "title": "20 checks passed", "text": "Nothing found.", "points": 0},
        ],
    }


def _data() -> dict[str, Any]:
    now = timezone.now()
    action = SimpleNamespace(
        label="Approve €2,450.00", url="#", icon="check", key="", kind="primary", sheet="guide-approve", css=""
    )
    reject = SimpleNamespace(label="Reject…", url="#", icon="x", key="", kind="plain", sheet="guide-reject", css="")
    return {
        "form": ExampleForm({"reason": ""}),
        "forms": {
            "fresh": ExampleForm(auto_id="id_fresh_%s"),
            "hold": ExampleForm(auto_id="id_hold_%s"),
            "stop": ExampleForm({"reason": ""}, auto_id="id_stop_%s"),
            "sheet": ExampleForm(auto_id="id_sheet_%s"),
        },
        "wrong": ["Marta rejected this 6 s ago. Nothing of yours was done."],
        "jobs": [
            (Job(title="Approve 17 payouts"), Progress(5, 17, timedelta(seconds=4), timedelta(seconds=10))),
            (Job(title="Approve 3 payouts", ended_at=now), Progress(3, 3, timedelta(seconds=2), None)),
        ],
        "actions": [action, reject],
        "lines": [
            {"label": "Deposits", "amount": 40_000, "signed": True},
            {"label": "This payout", "amount": -24_500, "signed": True, "detail": "to the card"},
            {"label": "Left", "amount": 15_500, "total": True},
        ],
        "bars": [
            {
                "label": f"Player, {tone or 'usual'}",
                "of": "€500.00",
                "cap": 500,
                "before": 200,
                "this": this,
                "rest": rest,
                "tone": tone,
            }
            for tone, this, rest in (
                ("", 100, "€200.00 left"),
                ("attn", 220, "€80.00 left"),
                ("danger", 400, "€100.00 over"),
            )
        ],
        "events": [
            {"icon": "check", "text": "Approved", "detail": "by Marta", "at": now, "quote": "Known player."},
            {"icon": "out", "text": "Requested", "at": now},
        ],
        "lost": Lost("the providers", "A1B2C3"),
        "found": [
            Group("guide", "Players", (Row("#", format_html("<mark>{}</mark> {}", "Elena", "Marković"), "user", "HR"),))
        ],
    }


def _lists() -> dict[str, Any]:
    filters = ExampleFilter({}, queryset=Player.objects.none())
    tabs = [
        {"label": "Needs a decision", "url": "#", "current": True, "count": "41"},
        {"label": "On hold", "url": "#", "current": False, "count": "9"},
    ]
    picked = Field(
        "Method", "Card", [(Option("card", "Card", True), "#"), (Option("iban", "IBAN", False), "#")], "", [], False
    )
    acts = (("approve", "Preview approval"), ("hold", "Hold…"))
    return {
        "tabs": tabs,
        "bar_of_views": Bar(
            tabs, tabs[1:], SavedView(label="Late ones"), mine=True, edited=True, plain="#", opens=False
        ),
        "view_roles": ["Operator"],
        "filter": filters,
        "filter_lines": [picked, Field("Name", "", [], filters.control("name"), [], True)],
        "picked_lines": [picked],
        "chips": [
            {"label": "Status", "operator": "is", "value": "Late", "remove_url": "#"},
            {"label": "Amount", "operator": "at least", "value": "€1,000.00", "remove_url": "#"},
        ],
        "table": ExampleTable([{"name": "Elena Marković", "amount": "€2,450.00"}], now=timezone.now()),
        "page": Page([1, 2], 26, 41, None, None, previous_url="#", next_url="#"),
        "no_rows": Page([], 1, 0, None, None),
        "screen": SimpleNamespace(peek_template="peek", claim_url="#", may_select=False),
        "acts": acts,
        "sums": [inline.money(620_450, "EUR"), inline.money(720_000, "BRL")],
        "column_lines": [
            Line("amount", "Amount", on=True, fixed=True, first=True),
            Line("due", "Due", on=True),
            Line("risk", "Risk", on=True, last=True),
            Line("provider", "Provider"),
        ],
        "row_heights": [("", "As usual"), ("compact", "Compact")],
    }


def _charts() -> dict[str, Any]:
    paid = (None, None, 31, 40, 38, 44, 41, 39, 42, 45, 37, 40, 43, 28)
    failed = (None, None, 1, 2, 0, 3, 2, 1, 2, 9, 1, 2, 1, 3)
    rejected = (None, None, 2, 2, 1, 3, 1, 2, 2, 3, 1, 2, 2, 1)
    half = (None, None, 11, 12, 10, 13, 12, None, 14, 36, 12, 11, 12, 12)
    most = (None, None, 70, 95, 64, 88, 91, None, 84, 170, 90, 72, 80, 77)
    shares = (*(100.0,) * 60, None, *(40.0,) * 5, *(100.0,) * 30)
    looks = (*("good",) * 60, "none", *("bad",) * 5, *("slow",) * 2, *("good",) * 28)
    series = (("Paid", paid, "paid"), ("Failed", failed, "failed"), ("Rejected", rejected, "rejected"))
    stacks = tuple(charts.Series(*one) for one in series)
    empty = tuple(charts.Series(name, (None,) * 14, look) for name, _values, look in series)
    return {
        "columns": charts.Columns(
            slug="guide",
            title="Failures: 9 on 18 Nov, usually 2 a day",
            summary="Closed per day.",
            slots=DAYS,
            series=stacks,
            csv_url="#",
        ),
        "nothing": charts.Columns(
            slug="guide-empty", title="Nothing was closed in 14 days", summary="No data.", slots=DAYS, series=empty
        ),
        "times": charts.Lines(
            slug="guide-times",
            title="Nine of ten were paid within 2 h on 10 of 11 days",
            summary="Time to payout.",
            slots=DAYS,
            unit="min",
            series=(charts.Series("Half", half, "first"), charts.Series("90 %", most, "second")),
            words=("12 min", "1 h 17 min"),
            target=120,
            target_words="Aim 2 h",
        ),
        "day": charts.Strip(
            slug="guide-day",
            title="Volta worked in 88 of 95 quarter hours",
            summary="Share taken on.",
            slots=tuple(f"{n // 4:02}:{n % 4 * 15:02}" for n in range(96)),
            series=(charts.Series("Share, %", shares, "first"),),
            looks=looks,
        ),
    }
