"""The kinds of page. A list is declared by its attributes; see ListScreen. Pages work with plain GET;
htmx only swaps the part of a list that changed."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property
from django.utils.text import slugify
from django.views.generic import DetailView

from backoffice.ui import chooser, filter_menu, live, selection, viewing
from backoffice.ui.access import Permitted
from backoffice.ui.address import ListAddress
from backoffice.ui.appearance import DENSITIES
from backoffice.ui.exports import CHUNK, csv_lines
from backoffice.ui.paging import BadCursor, Countable, Page, capped_counts
from backoffice.ui.tables import BaseTable
from backoffice.ui.tabs import Notice, Tab


class ListScreen(Permitted, ListAddress):
    """A list: tabs, views of one's own, filters with chips, columns to choose, keyset pages, CSV.

    ``title``                the heading
    ``queryset``             the rows; its order is ignored. Tabs count its rows, so of a list with counted tabs
                             ``get_queryset`` may add to the rows and leaves none of them out
    ``table_class``          a BaseTable, which declares the order
    ``filterset_class``      a BaseFilter
    ``permission_required``  one name or several
    ``tabs``                 Tabs, the first is the default; counted together in one query
    ``page_size``, ``search_label``, ``empty_title``, ``empty_text``
    ``export_columns``       names of table columns, shown or not; none means no export
    ``export_permission``    needed besides, when given
    ``template_name``        extends screens/list.html when a list needs more than a declaration
    ``row_key``              the field that names a row in an address: a public reference where there is one
    ``live_seconds``         how often an open list asks what changed; 0 never
    ``made_at``              of a live list: the field with the time at which a row was made
    ``peek_template``        what Space shows of a row beside the list, with ``get_peek_context``; none means no peek
    ``bulk_url``             the name of the page that rows are selected for; none means no boxes
    ``bulk_permission``      needed besides, when given
    ``bulk_acts``            what may be begun with selected rows, as value of ``move`` and label; the first is usual
    ``sum_by``               the fields of amount and currency that a selection is added up by

    Override ``get_queryset``, ``get_live_queryset`` (the rows of which the live cells are drawn), ``get_summary``
    (the sentence beside the heading), ``get_totals``, ``get_notices``, ``get_export_limit``, ``get_empty_text`` and
    ``get_ways_on`` (what an empty list says, and where to go from it), ``get_offered``, ``claim_url``,
    ``export_lines``, ``prepare`` (what a table needs before it draws a row), ``may_sort``, ``get_hidden_columns`` (a
    hidden column cannot be chosen or sorted by either).
    Unknown and malformed parameters are left out, with a notice.
    """

    title: ClassVar[str] = ""
    page_size: ClassVar[int] = 25
    search_label: ClassVar[str] = "Search this list"
    empty_title: ClassVar[str] = "Nothing here"
    empty_text: ClassVar[str] = ""
    export_columns: ClassVar[tuple[str, ...]] = ()
    export_permission: ClassVar[str] = ""
    template_name: ClassVar[str] = "screens/list.html"
    row_key: ClassVar[str] = "pk"
    live_seconds: ClassVar[int] = 0
    made_at: ClassVar[str] = ""
    peek_template: ClassVar[str] = ""
    bulk_url: ClassVar[str] = ""
    bulk_permission: ClassVar[str] = ""
    bulk_acts: ClassVar[tuple[tuple[str, str], ...]] = (("", "Preview…"),)
    sum_by: ClassVar[tuple[str, str]] = ("amount", "currency")

    def get_live_queryset(self) -> QuerySet[Any]:
        return self.get_queryset()

    def get_summary(self) -> str:
        return ""

    def get_empty_text(self) -> str:
        return self.empty_text

    def get_offered(self, name: str) -> Collection[str] | None:
        """Return which values of a filter are worth offering; None for all of them."""
        return None

    def get_ways_on(self) -> list[tuple[str, str]]:
        """Links, as words and address, under the sentence of an empty list."""
        return []

    def get_peek_context(self, row: Any) -> dict[str, Any]:
        return {}

    @property
    def claim_url(self) -> str:
        """The address that claims a row, with KEY in the place of its key; empty where nobody claims."""
        return ""

    def prepare(self, table: BaseTable) -> None:
        """Hand the table what it needs to draw any row."""

    def taken(self) -> None:
        """Called before all rows of the list leave it in another way than by its pages: as a selection or a file."""

    def get_totals(self) -> str:
        """The line under the rows: sums of exactly the filtered rows."""
        return ""

    def get_notices(self) -> list[Notice]:
        return []

    def get_export_limit(self) -> int:
        """How many rows may leave as a file; 0 for any number."""
        return 0

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if (not request.GET or request.GET.keys() == {"saved"}) and (address := viewing.opening_address(self)):
            return redirect(f"{request.path}{address}")
        self.read_address()
        wanted = request.GET
        if self._may_export and wanted.get("export") == "csv" and not self._is_beyond_export:
            # Who only asks for the headers takes nothing along, so nothing is written down.
            return HttpResponse(content_type="text/csv") if request.method == "HEAD" else self.export()
        if self.live_seconds and "live" in wanted:
            return live.answer(self, wanted["live"])
        if self.peek_template and "peek" in wanted:
            return self._peek(wanted["peek"])
        page = self._page()
        response = render(request, self._template, self.get_context_data(page))
        patch_vary_headers(response, ["HX-Request"])
        if "move" in wanted:
            response["HX-Push-Url"] = f"{request.path}{self.url()}"
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Count what is ticked, or keep, change or delete a view; the address says which list it is about."""
        self.read_address()
        if "act" in request.POST:
            return viewing.act(self, request.POST)
        if not self.may_select:
            raise Http404
        return render(request, "screens/selection.html", selection.bar_of(self, request.POST))

    def get_context_data(self, page: Page) -> dict[str, Any]:
        table = self.table(page.rows)
        table.picks = self.may_select
        table.keyed = self.may_select or bool(self.live_seconds or self.peek_template)
        ignored = [Notice(f"Left out of the address: {', '.join(self.ignored)}.")] if self.ignored else []
        return {
            "screen": self,
            "summary": self.get_summary(),
            "totals": self.get_totals(),
            "notices": [*ignored, *self._export_refused(), *self.get_notices()],
            "views": viewing.bar_of(self),
            "filter": self.filterset,
            "fields": filter_menu.lines_of(self),
            "chips": filter_menu.chips_of(self),
            "kept_parameters": self.kept(*self.filter_names),
            "column_lines": chooser.lines_of(self.columns, self.table_class),
            "column_parameters": self.kept("cols", "density"),
            "plain_columns_url": self.url(without=("cols", "density")),
            "row_height": self.parameters.get("density", ""),
            "row_heights": list(DENSITIES.items()),
            "clear_url": self.url(without=self.filter_names),
            "export_url": self.url(changes={"export": "csv"}) if self._may_export else "",
            "page": page,
            "table": table,
            "live": live.Live(self, table, page) if self.live_seconds else None,
            "empty": filter_menu.empty_of(self) if not page.rows else None,
        }

    @property
    def may_select(self) -> bool:
        allowed = not self.bulk_permission or self.request.user.has_perm(self.bulk_permission)
        return bool(self.bulk_url) and allowed

    def table(self, rows: list[Any]) -> BaseTable:
        """Return the table of these rows, with the columns chosen, ready to draw."""
        shown = self.columns.shown
        table = self._table(
            rows,
            exclude=tuple(name for name in self.table_class.base_columns if name not in shown),
            sequence=[*shown, "..."],
        )
        table.follows = bool(self.live_seconds)
        self.prepare(table)
        return table

    def _peek(self, key: str) -> HttpResponse:
        row = self.get_queryset().filter(**{self.row_key: key}).first()
        if row is None:
            raise Http404
        context = {"row": row, "screen": self, "now": self.now, **self.get_peek_context(row)}
        return render(self.request, self.peek_template, context)

    def export(self) -> HttpResponseBase:
        """Stream exactly the filtered rows, in the order of the list."""
        rows = self.keyset.ordered(self.get_file_rows()).iterator(chunk_size=CHUNK)
        response = StreamingHttpResponse(self.export_lines(rows), content_type="text/csv; charset=utf-8")
        name = f"{slugify(self.title)}-{timezone.localtime(self.now):%Y-%m-%d-%H%M}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def get_file_rows(self) -> QuerySet[Any]:
        """The rows of the file; a list with wide rows overrides this and reads only what it writes."""
        return self.filterset.qs

    def export_lines(self, rows: Iterable[Any]) -> Iterator[str]:
        """Yield the lines of the file; a list that adds something to its rows overrides this."""
        return csv_lines(self._table([]), rows, self.export_columns)

    # Answers ----------------------------------------------------------------------------------------

    def _page(self) -> Page:
        (total,) = self._counts[:1]
        rows, wanted = self.filterset.qs, self.request.GET
        try:
            page = self.keyset.page(
                rows,
                size=self.page_size,
                total=total,
                after=wanted.get("after", ""),
                before=wanted.get("before", ""),
            )
        except BadCursor:
            self.ignored.append("page")
            page = self.keyset.page(rows, size=self.page_size, total=total)
        return replace(
            page,
            previous_url=self.url(changes={"before": page.before}) if page.before else "",
            next_url=self.url(changes={"after": page.after}) if page.after else "",
        )

    @cached_property
    def _counts(self) -> list[int]:
        """The rows of this list first, then of each counted tab without filters but for the dates that it keeps."""
        counted = {tab: self._countable(tab) for tab in self.tabs if tab.counted}
        plain = counted.get(self.tab) if self.tab and not self.filterset.active else None
        return capped_counts([plain or self.filterset.qs, *counted.values()])

    def _countable(self, tab: Tab) -> Countable:
        if self.dates and not tab.dated:
            return Countable.of(self.filtered(self.dates, tab.narrow(self.get_queryset(), self.request)).qs)
        if callable(tab.where):
            return Countable.of(tab.narrow(self.queryset.all(), self.request))
        screen: Any = type(self)
        return _written(screen, tab)

    @property
    def total(self) -> int:
        """How many rows the list has with its filters, counted to 10,001 at most."""
        return self._counts[0]

    def count_of(self, slug: str) -> int:
        """Return how many rows a counted tab has, without filters."""
        return dict(zip((tab.slug for tab in self.tabs if tab.counted), self._counts[1:], strict=True)).get(slug, 0)

    def tab_links(self) -> list[dict[str, Any]]:
        counts = iter(self._counts[1:])
        return [
            {
                "label": tab.label,
                "url": f"?view={tab.slug}" if tab.dated else self.with_dates(f"view={tab.slug}"),
                "current": tab is self.tab,
                "count": Page([], 0, next(counts), None, None).total_words if tab.counted else "",
            }
            for tab in self.tabs
        ]

    def _table(self, rows: list[Any], **kwargs: Any) -> BaseTable:
        def sort_url(sort: str) -> str:
            return self.url(changes={"sort": sort})

        return self.table_class(
            rows,
            me=self.request.user,
            now=self.now,
            sort=self.sort,
            sort_url=sort_url,
            # Not the request: with it the table would order the rows of the page anew, by what it shows.
            **kwargs,
        )

    @property
    def _may_export(self) -> bool:
        allowed = not self.export_permission or self.request.user.has_perm(self.export_permission)
        return bool(self.export_columns) and allowed

    @property
    def _is_beyond_export(self) -> bool:
        limit = self.get_export_limit()
        return bool(limit) and self.total > limit

    def _export_refused(self) -> list[Notice]:
        if self.request.GET.get("export") != "csv" or not self._may_export or not self._is_beyond_export:
            return []
        text = f"No file was made: you may take at most {self.get_export_limit():,} rows along. Narrow the list first."
        return [Notice(text)]

    @property
    def _template(self) -> str:
        headers = self.request.headers
        part = "HX-Request" in headers and "HX-History-Restore-Request" not in headers
        return "screens/list_part.html" if part else self.template_name


@cache
def _written(screen: type[ListScreen], tab: Tab) -> Countable:
    """The rows of a tab that are the same ones whoever asks, written down once per process."""
    return Countable.of(screen.queryset.all() if tab.where is None else screen.queryset.filter(tab.where))


class DetailScreen(Permitted, DetailView):
    """One record: ``queryset``, ``slug_field``, ``template_name``, ``permission_required``.

    What a person may not see is left out of the queryset, so that it answers 404. The context holds
    ``object`` and ``now``.
    """

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(now=timezone.now(), **kwargs)
