"""The search field of every page: where it leads by itself, and what the palette finds while somebody types."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.views.generic import View

from backoffice.nav import VIEW, items_for
from backoffice.ui import inline
from backoffice.ui.access import Permitted
from kyc import queries as kyc
from kyc.models import Player
from withdrawals import queries, tables, visibility
from withdrawals.models import Withdrawal
from withdrawals.operations import searches
from withdrawals.reference import normalise
from withdrawals.states import LOOKS
from withdrawals.views.tabs import PAGES, tabs_for

RECENT, MOST_RECENT = "recent", 8


@dataclass(frozen=True, slots=True)
class Row:
    """One answer: where it leads, its words with the matching part marked, and what stands on the right."""

    url: str
    text: SafeString
    icon: str
    aside: Any = ""


@dataclass(frozen=True, slots=True)
class Group:
    slug: str
    label: str
    rows: tuple[Row, ...]


class Go(Permitted, View):
    """``q`` is what was typed: a reference opens its record, and for whoever works from the look-up what names one
    player opens that player; anything else searches the list. ``to`` is the reference that was chosen in the palette.

    What was opened is remembered in the session, on the server, for the palette to offer again.
    """

    permission_required = VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        term = request.GET.get("to", request.GET.get("q", "")).strip()
        user: Any = request.user
        reference = normalise(term)
        if reference and (found := queries.withdrawals().filter(ref=reference).first()) is not None:
            return self._open(reference, tables.address_of(found))
        named = visibility.sees(user, visibility.Field.PLAYER_WORDS)
        if named and "to" in request.GET and (players := kyc.by_refs([term])):
            return self._open(term, tables.player_address(players[term]))
        answers = named and not visibility.sees(user, visibility.Field.STATE)
        if term and answers and len(people := kyc.look_up(term)) == 1:
            searches.remember(people, actor=user, now=timezone.now())
            return self._open(people[0].ref, tables.player_address(people[0]))
        query = f"?{urlencode({'view': 'all', 'q': term})}" if term else ""
        return redirect(reverse("withdrawals:queue") + query)

    def _open(self, reference: str, address: str) -> HttpResponse:
        session = self.request.session
        before = [one for one in session.get(RECENT, []) if one != reference]
        session[RECENT] = [reference, *before][:MOST_RECENT]
        return redirect(address)


class Palette(Permitted, View):
    """What a term names, in groups of at most eight; without one what was opened last, and the pages."""

    permission_required = VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        term = request.GET.get("q", "").strip()[: searches.LONGEST]
        groups = self._found(term, user) if term else self._recent(user)
        groups.append(Group("pages", "Pages", tuple(_pages(term, user))[: searches.MOST]))
        context = {"groups": [group for group in groups if group.rows], "term": term}
        return render(request, "shell/found.html", context)

    def _found(self, term: str, user: Any) -> list[Group]:
        found = searches.search(term, actor=user, now=timezone.now())
        exact = (found.exact,) if found.exact is not None else ()
        return [
            Group("exact", "Exact match", tuple(_rows(exact, term, user))),
            Group("withdrawals", "Withdrawals", tuple(_rows(found.withdrawals, term, user))),
            Group("players", "Players", tuple(_rows(found.players, term, user))),
        ]

    def _recent(self, user: Any) -> list[Group]:
        opened = searches.shown_again(self.request.session.get(RECENT, []), actor=user)
        return [Group("recent", "Opened last", tuple(_rows(opened, "", user)))]


def marked(text: str, term: str) -> SafeString:
    """Return the text with the first place where it has the term marked."""
    at = text.casefold().find(term.casefold()) if term else -1
    if at < 0 or len(text.casefold()) != len(text):
        return conditional_escape(text)
    end = at + len(term)
    return format_html("{}<mark>{}</mark>{}", text[:at], text[at:end], text[end:])


def _rows(found: Iterable[Withdrawal | Player], term: str, user: Any) -> Iterable[Row]:
    for one in found:
        url = f"{reverse('go')}?{urlencode({'to': one.ref})}"
        if isinstance(one, Player):
            yield Row(url, format_html("{} {}", marked(one.name, term), marked(one.ref, term)), "user", one.country)
            continue
        words = (visibility.player_name(user, one.player), visibility.destination_words(user, one), one.ref)
        text = format_html("{} · {} · {}", *(marked(part, term) for part in words))
        look = LOOKS[visibility.state_for(user, one.state, one.hold_kind)]
        aside = format_html(
            "{} {} {}", inline.money(one.amount, one.currency), inline.state(look), inline.time(one.requested_at)
        )
        yield Row(url, text, "out", aside)


def _pages(term: str, user: Any) -> Iterable[Row]:
    """Return the pages of the menu, the views of the queue and the help, by any part of their names."""
    pages = [(item.label, item.url, item.icon) for item in items_for(user)]
    queue = reverse("withdrawals:queue")
    known = {url for _label, url, _icon in pages}
    views = [
        (f"Withdrawals: {tab.label}", f"{queue}?view={tab.slug}", "out")
        for tab in tabs_for(user)
        if tab.slug not in PAGES
    ]
    pages += [page for page in views if page[1] not in known]
    if user.has_perm("withdrawals.view_transactions"):
        last_month = f"{reverse('withdrawals:transactions')}?view=last-month"
        pages.append(("Transactions of last month", last_month, "report"))
    pages.append(("Statuses: what each one means", reverse("withdrawals:statuses"), "help"))
    for label, url, icon in pages:
        if term.casefold() in label.casefold():
            yield Row(url, marked(label, term), icon)
