"""The address of a list: what it may say, what of it makes sense, and how it is written."""

from collections.abc import Mapping
from copy import copy
from typing import Any, ClassVar, Self

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import resolve
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.views.generic import View

from backoffice.ui import chooser, saved
from backoffice.ui.appearance import DENSITIES
from backoffice.ui.filters import BaseFilter
from backoffice.ui.models import SavedView
from backoffice.ui.paging import Keyset
from backoffice.ui.tables import BaseTable
from backoffice.ui.tabs import Tab

# What an address may say besides the filters of a list.
OWN_PARAMETERS = frozenset({"sort", "after", "before", "export", "cols", "move", "density", "saved", "live", "peek"})


class ListAddress(View):
    """What a list is asked for. Unknown and malformed parameters are left out and named in ``ignored``.

    After ``read_address``: ``now``, ``tab``, ``filterset``, ``columns``, ``sort``, ``keyset``, and ``parameters`` with
    what made sense. The attributes are those of ListScreen.
    """

    queryset: ClassVar[QuerySet[Any]]
    table_class: ClassVar[type[BaseTable]]
    filterset_class: ClassVar[type[BaseFilter]] = BaseFilter
    tabs: ClassVar[tuple[Tab, ...]] = ()

    def get_queryset(self) -> QuerySet[Any]:
        return self.queryset.all()

    def get_hidden_columns(self) -> tuple[str, ...]:
        return self.tab.hide if self.tab else ()

    def may_sort(self, column: str) -> bool:
        """Whether this reader may order the rows by a column that shows less to some."""
        return True

    @classmethod
    def opened(cls, request: HttpRequest, query: str, *, path: str = "") -> Self:
        """Return this list as it stands at one of its addresses, for whoever asks; ``path``: where it stands, for a
        page elsewhere that must know its saved views and where they lead."""
        asked = copy(request)
        asked.GET = QueryDict(query)
        if path:
            asked.path, asked.resolver_match = path, resolve(path)
        screen = cls()
        screen.setup(asked)
        screen.read_address()
        return screen

    def read_address(self) -> None:
        """Take from the address what makes sense, and keep the rest to name it."""
        self.now = timezone.now()
        self.ignored: list[str] = []
        self.parameters = QueryDict(mutable=True)
        self.tab = self._accept_tab()
        self.filterset = self._accept_filters()
        self.columns = self._accept_columns()
        self.sort, self.keyset = self._accept_sort()
        self._accept_density()

    @property
    def list_name(self) -> str:
        """What the list is called where something about it is kept."""
        match = self.request.resolver_match
        return match.view_name if match else type(self).__qualname__

    @property
    def query(self) -> str:
        """The address as far as it makes sense, always written the same way; without the name of a saved view."""
        parameters = dict(self.parameters.lists())
        parameters.pop("saved", None)
        if self.tab:
            parameters["view"] = [self.tab.slug]
        return urlencode(sorted(parameters.items()), doseq=True)

    @cached_property
    def dates(self) -> QueryDict:
        """The part of the address that narrows the rows to a time; a view that has none of its own keeps it."""
        kept = QueryDict(mutable=True)
        for name in self.filterset.dates:
            if name in self.parameters:
                kept.setlist(name, self.parameters.getlist(name))
        return kept

    def with_dates(self, query: str) -> str:
        """Return the address of a view with the dates of this one, unless it has its own."""
        own = QueryDict(query)
        if not self.dates or any(name in own for name in self.filterset.dates):
            return f"?{query}"
        return f"?{query}&{self.dates.urlencode()}"

    @property
    def kept_in_audit(self) -> dict[str, list[str]]:
        """The address as an audit entry keeps it: what was typed may be a piece of personal data, which must not
        stand for good where nothing can be deleted, so of a typed value only that there was one."""
        names, fields = self.filterset.parameters, self.filterset.form.fields
        typed = {one for name, of in names.items() if isinstance(fields[name], forms.CharField) for one in of}
        return {name: ["…"] if name in typed else values for name, values in self.parameters.lists()}

    @property
    def filter_names(self) -> tuple[str, ...]:
        return tuple(name for names in self.filterset.parameters.values() for name in names)

    def kept(self, *without: str) -> list[tuple[str, str]]:
        """Return the parameters that a form about something else carries along."""
        return [(name, value) for name, values in self.parameters.lists() if name not in without for value in values]

    def url(self, without: tuple[str, ...] = (), changes: Mapping[str, str] | None = None) -> str:
        parameters = {name: values for name, values in self.parameters.lists() if name not in without}
        parameters |= {name: [value] for name, value in (changes or {}).items()}
        return f"?{urlencode(parameters, doseq=True)}" if parameters else self.request.path

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
        own = {*OWN_PARAMETERS, "view"} if self.tabs else OWN_PARAMETERS
        asked = [name for name in self.request.GET if name not in own]
        if not asked:
            return self.filtered(None, rows)  # its form is not needed before somebody sees it
        filterset = self.filtered(self.request.GET, rows)
        names = filterset.parameters
        refused = set(filterset.form.errors)
        for name in asked:
            field = next((field for field, parameters in names.items() if name in parameters), None)
            if field is None or field in refused:
                self.ignored.append(name[:40])
            elif any(self.request.GET.getlist(name)):
                self.parameters.setlist(name, self.request.GET.getlist(name))
        return self.filtered(self.parameters, rows) if refused else filterset

    def filtered(self, data: QueryDict | None, rows: QuerySet[Any]) -> BaseFilter:
        return self.filterset_class(data, queryset=rows, request=self.request)

    def _accept_columns(self) -> chooser.Choice:
        asked, move = self.request.GET.getlist("cols"), self.request.GET.get("move", "")
        hidden = self.get_hidden_columns()
        off = self.tab.off if self.tab else ()
        choice = chooser.choose(self.table_class, asked, move=move, hidden=hidden, off=off)
        if choice.unknown:
            self.ignored.append("cols")
        if choice.asked:
            self.parameters["cols"] = ",".join(choice.asked)
        return choice

    def _accept_density(self) -> None:
        asked = self.request.GET.get("density", "")
        if asked in DENSITIES:
            self.parameters["density"] = asked
        elif asked:
            self.ignored.append("density")
        name = self.request.GET.get("saved", "")
        if name and any(view.slug == name and view.label for view in self.saved_views):
            self.parameters["saved"] = name
        elif name:
            self.ignored.append("saved")

    @cached_property
    def opens_with(self) -> SavedView | None:
        return next((view for view in self.saved_views if view.opens and view.owner_id == self.request.user.pk), None)

    @cached_property
    def saved_views(self) -> list[SavedView]:
        return saved.views_for(self.request.user, self.list_name)

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
