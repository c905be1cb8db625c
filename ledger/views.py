"""The journal and its entries: read-only, because nothing in the books can be edited."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.ui import inline
from backoffice.ui.paging import Page
from backoffice.ui.periods import period_tabs
from backoffice.ui.screens import DetailScreen, ListScreen
from ledger import queries, tables
from ledger.filters import JournalFilter
from ledger.models import Entry

_STAFF = "staff:"


class Journal(ListScreen):
    title = "Journal"
    table_class = tables.JournalTable
    filterset_class = JournalFilter
    permission_required = "ledger.view_entry"
    search_label = "Withdrawal reference"
    empty_title = "No entries"
    empty_text = "Nothing was booked in this period."
    tabs = period_tabs("booked_at")

    def get_queryset(self) -> QuerySet[Entry]:
        return queries.journal_for(self.request.user)

    def get_totals(self) -> SafeString | str:
        """Both sides per currency, of exactly the entries of the list; of everything only when it is narrowed."""
        if self.tab is not None and self.tab.slug == "all" and not any(self.filterset.active):
            return "Debits and credits are added up for a period or a filter."
        lines = queries.turnover(self.filterset.qs)
        parts = [_difference(line) for line in lines if not line.is_balanced]
        if lines and not parts:
            parts = [inline.mark("success", "okc", "Debits equal credits")]
        parts += [format_html("<b>{}</b>", inline.money(line.credits, line.currency)) for line in lines]
        return format_html_join("", "<span>{}</span>", ((part,) for part in parts))

    def get_context_data(self, page: Page) -> dict[str, Any]:
        context = super().get_context_data(page)
        context["table"].names = names_of(entry.posted_by for entry in page.rows)
        return context


class EntryPage(DetailScreen):
    permission_required = "ledger.view_entry"
    template_name = "ledger/entry.html"

    def get_queryset(self) -> QuerySet[Entry]:
        return queries.journal_for(self.request.user).select_related("reverses")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        entry = self.object
        undone = queries.journal().filter(reverses=entry).first()
        return super().get_context_data(
            lines=[(tables.account_words(line.account), line) for line in entry.postings.all()],
            turnover=queries.turnover(queries.journal().filter(pk=entry.pk)),
            reversed_by=undone,
            reference=tables.reference_link(entry.reference) if entry.reference else "",
            booked_by=names_of([entry.posted_by]).get(entry.posted_by, entry.posted_by),
            **kwargs,
        )


def names_of(posted_by: Iterable[str]) -> dict[str, str]:
    """Return the names of the people behind ``staff:12``; machines are called what they are."""
    numbers = {int(name.removeprefix(_STAFF)) for name in posted_by if name.startswith(_STAFF)}
    people = get_user_model().objects.filter(pk__in=numbers) if numbers else ()
    return {f"{_STAFF}{person.pk}": str(person) for person in people}


def _difference(line: queries.Turnover) -> SafeString:
    debits, credits = (inline.money(amount, line.currency) for amount in (line.debits, line.credits))
    return format_html("{} {} and {}", inline.mark("danger", "warn", "Debits and credits differ:"), debits, credits)
