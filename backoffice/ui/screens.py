"""The kinds of page. A list is declared by its attributes; see ListScreen. Pages work with plain GET;
htmx only swaps the part of a list that changed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import (
    HttpRequest,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property
from django.utils.text import slugify
from django.views.generic import DetailView, View

from backoffice.ui.access import Permitted
from backoffice.ui.exports import csv_lines
from backoffice.ui.filters import BaseFilter
from backoffice.ui.paging import BadCursor, Keyset, Page, capped_counts
from backoffice.ui.tables import BaseTable

# How many rows of a file are fetched at a time.
CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Tab:
    """A named view of a list. ``where`` narrows the rows, for one request if it is a function;
    ``hide`` names columns that say the same in every row; ``sort`` and ``empty`` replace the order of the
    table and the list's empty text."""

    slug: str
    label: str
    where: Q | Callable[[HttpRequest], Q] | None = None
    hide: tuple[str, ...] = ()
    sort: str = ""
    empty: str = ""
    counted: bool = True

    def narrow(self, queryset: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        where = self.where(request) if callable(self.where) else self.where
        return queryset if where is None else queryset.filter(where)


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence above the rows. Tone and icon as in backoffice.ui.inline."""

    text: str
    tone: str = "attn"
    icon: str = "warn"


class ListScreen(Permitted, View):
    """A list: tabs, filters with chips, keyset pages, CSV.

    ``title``                the heading
    ``queryset``             the rows; its order is ignored
    ``table_class``          a BaseTable, which declares the order
    ``filterset_class``      a BaseFilter
    ``permission_required``  one name or several
    ``tabs``                 Tabs, the first is the default; counted together in one query
    ``page_size``, ``search_label``, ``empty_title``, ``empty_text``
    ``export_columns``       names of table columns, shown or not; none means no export
    ``export_permission``    needed besides, when given
    ``template_name``        extends screens/list.html when a list needs more than a declaration

    Override ``get_queryset``, ``get_summary`` (the sentence beside the heading), ``get_totals``, ``get_notices``,
    ``export_lines``,
    ``get_hidden_columns`` (a hidden column cannot be sorted by either), ``may_sort``.
    Unknown and malformed parameters are left out, with a notice.
    """

    title: ClassVar[str] = ""
    queryset: ClassVar[QuerySet[Any]]
    table_class: ClassVar[type[BaseTable]]
    filterset_class: ClassVar[type[BaseFilter]] = BaseFilter
    tabs: ClassVar[tuple[Tab, ...]] = ()
    page_size: ClassVar[int] = 25
    search_label: ClassVar[str] = "Search this list"
    empty_title: ClassVar[str] = "Nothing here"
    empty_text: ClassVar[str] = ""
    export_columns: ClassVar[tuple[str, ...]] = ()
    export_permission: ClassVar[str] = ""
    template_name: ClassVar[str] = "screens/list.html"

    def get_queryset(self) -> QuerySet[Any]:
        return self.queryset.all()

    def get_summary(self) -> str:
        return ""

    def get_totals(self) -> str:
        """The line under the rows: sums of exactly the filtered rows."""
        return ""

    def get_notices(self) -> list[Notice]:
        return []

    def get_hidden_columns(self) -> tuple[str, ...]:
        return self.tab.hide if self.tab else ()

    def may_sort(self, column: str) -> bool:
        """Whether this reader may order the rows by a column that shows less to some."""
        return True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.now = timezone.now()
        self.ignored: list[str] = []
        self.parameters = QueryDict(mutable=True)
        self.tab = self._accept_tab()
        self.filterset = self._accept_filters()
        self.sort, self.keyset = self._accept_sort()
        if self._may_export and request.GET.get("export") == "csv":
            return self.export()
        page = self._page()
        response = render(request, self._template, self.get_context_data(page))
        patch_vary_headers(response, ["HX-Request"])
        response["Cache-Control"] = "no-store"
        return response

    def get_context_data(self, page: Page) -> dict[str, Any]:
        table = self._table(page.rows, exclude=self.get_hidden_columns())
        ignored = [Notice(f"Left out of the address: {', '.join(self.ignored)}.")] if self.ignored else []
        return {
            "screen": self,
            "summary": self.get_summary(),
            "totals": self.get_totals(),
            "notices": [*ignored, *self.get_notices()],
            "tabs": self._tab_links(),
            "filter": self.filterset,
            "chips": self._chips(),
            "kept_parameters": [(name, self.parameters[name]) for name in ("view", "sort") if name in self.parameters],
            "clear_url": self._url(without=self._filter_names),
            "export_url": self._url(export="csv") if self._may_export else "",
            "page": page,
            "table": table,
            "empty": self._empty(),
        }

    def export(self) -> HttpResponseBase:
        """Stream exactly the filtered rows, in the order of the list."""
        rows = self.keyset.ordered(self.filterset.qs).iterator(chunk_size=CHUNK)
        response = StreamingHttpResponse(self.export_lines(rows), content_type="text/csv; charset=utf-8")
        name = f"{slugify(self.title)}-{timezone.localtime(self.now):%Y-%m-%d-%H%M}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "no-store"
        return response

    def export_lines(self, rows: Iterable[Any]) -> Iterator[str]:
        """Yield the lines of the file; a list that adds something to its rows overrides this."""
        return csv_lines(self._table([]), rows, self.export_columns)

    # What the address asks for, as far as it makes sense ------------------------------------------

    def _accept_tab(self) -> Tab | None:
        if not self.tabs:
            return None
        asked = self.request.GET.get("view", self.tabs[0].slug)
        for tab in self.tabs:
            if tab.slug == asked:
                if "view" in self.request.GET:
                    self.parameters["view"] = asked
                return tab
        self.ignored.append("view")
        return self.tabs[0]

    def _accept_filters(self) -> BaseFilter:
        rows = self.get_queryset()
        rows = self.tab.narrow(rows, self.request) if self.tab else rows
        filterset = self.filterset_class(self.request.GET, queryset=rows, request=self.request)
        names = filterset.parameters
        refused = set(filterset.form.errors)
        for name in self.request.GET:
            if name in {"sort", "after", "before", "export"} or (name == "view" and self.tabs):
                continue
            field = next((field for field, parameters in names.items() if name in parameters), None)
            if field is None or field in refused:
                self.ignored.append(name[:40])
            elif any(self.request.GET.getlist(name)):
                self.parameters.setlist(name, self.request.GET.getlist(name))
        return self.filterset_class(self.parameters, queryset=rows, request=self.request)

    def _accept_sort(self) -> tuple[str, Keyset]:
        hidden = self.get_hidden_columns()
        paths = {name: column.sort_by for name, column in self.table_class.base_columns.items() if column.orderable}
        asked = self.request.GET.get("sort", "")
        own = self.tab.sort if self.tab else ""
        if asked.removeprefix("-") in paths.keys() - hidden and self.may_sort(asked.removeprefix("-")):
            self.parameters["sort"] = asked
        else:
            if asked:
                self.ignored.append("sort")
            # The order of the table itself stays, also where its column says the same in every row.
            asked = own if own and own.removeprefix("-") not in hidden else self.table_class.sort
        path = paths[asked.removeprefix("-")]
        return asked, Keyset.of(self.get_queryset(), path, descending=asked.startswith("-"))

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
            previous_url=self._url(before=page.before) if page.before else "",
            next_url=self._url(after=page.after) if page.after else "",
        )

    @cached_property
    def _counts(self) -> list[int]:
        """The rows of this list first, then of each counted tab without filters."""
        counted = [tab.narrow(self.get_queryset(), self.request) for tab in self.tabs if tab.counted]
        return capped_counts([self.filterset.qs, *counted])

    def _tab_links(self) -> list[dict[str, Any]]:
        counts = iter(self._counts[1:])
        return [
            {
                "label": tab.label,
                "url": f"?view={tab.slug}",
                "current": tab is self.tab,
                "count": Page([], 0, next(counts), None, None).total_words if tab.counted else "",
            }
            for tab in self.tabs
        ]

    def _chips(self) -> list[dict[str, str]]:
        return [
            {"label": one.label, "value": one.value, "remove_url": self._url(without=one.parameters)}
            for one in self.filterset.active
        ]

    def _empty(self) -> dict[str, str]:
        filters = " and ".join(f"{one.label} {one.value}" for one in self.filterset.active)
        if filters:
            return {"title": "Nothing matches", "text": f"No row matches {filters}."}
        return {"title": self.empty_title, "text": (self.tab.empty if self.tab else "") or self.empty_text}

    def _table(self, rows: list[Any], **kwargs: Any) -> BaseTable:
        def sort_url(sort: str) -> str:
            return self._url(sort=sort)

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
    def _template(self) -> str:
        headers = self.request.headers
        part = "HX-Request" in headers and "HX-History-Restore-Request" not in headers
        return "screens/list_part.html" if part else self.template_name

    @property
    def _filter_names(self) -> tuple[str, ...]:
        return tuple(name for names in self.filterset.parameters.values() for name in names)

    def _url(self, without: tuple[str, ...] = (), **changes: str) -> str:
        parameters = self.parameters.copy()
        for name in without:
            parameters.pop(name, None)
        for name, value in changes.items():
            parameters[name] = value
        return f"?{parameters.urlencode()}" if parameters else self.request.path


class DetailScreen(Permitted, DetailView):
    """One record: ``queryset``, ``slug_field``, ``template_name``, ``permission_required``.

    What a person may not see is left out of the queryset, so that it answers 404. The context holds
    ``object`` and ``now``.
    """

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(now=timezone.now(), **kwargs)
