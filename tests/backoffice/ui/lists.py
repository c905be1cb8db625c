"""A small list that has everything a list screen can have, over staff; for tests of what lists do."""

import django_filters
from django.db.models import Value
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from backoffice.accounts.models import User
from backoffice.ui.columns import Column, TimeColumn
from backoffice.ui.filters import BaseFilter, ChoicesFilter, DateRangeFilter, MoneyRangeFilter
from backoffice.ui.screens import ListScreen
from backoffice.ui.selection import Selection, SelectionChanged
from backoffice.ui.tables import BaseTable
from backoffice.ui.tabs import Tab


class CrewTable(BaseTable):
    caption = "Crew"
    sort = "name"
    fixed = ("name",)
    optional = ("joined",)
    live = ("email",)
    name = Column(sort_by="name", linkify=lambda record: f"/crew/{record.pk}/")
    email = Column()
    limit = Column(accessor="approval_limit", sort_by="approval_limit")
    joined = TimeColumn(accessor="date_joined", form="exact", sort_by="date_joined")

    def label_of(self, record: User) -> str:
        return record.name


class CrewFilter(BaseFilter):
    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Search")
    working = django_filters.BooleanFilter(field_name="is_active", label="Working")
    theme = ChoicesFilter(
        choices=[("1", "One"), ("2", "Two"), ("3", "Three")], field_name="approval_limit", label="Limit is"
    )
    limit = MoneyRangeFilter(field_name="approval_limit", currency="EUR", label="Limit")
    since = DateRangeFilter(field_name="date_joined", label="Since")


class Crew(ListScreen):
    title = "Crew"
    queryset = User.objects.filter(email__startswith="crew").annotate(currency=Value("EUR"))
    table_class = CrewTable
    filterset_class = CrewFilter
    permission_required = "accounts.view_user"
    page_size = 3
    live_seconds = 1
    made_at = "date_joined"
    tabs = (Tab("all", "All", off=("limit",)), Tab("second", "Second", counted=False))
    bulk_url = "bulk"
    bulk_permission = "accounts.change_user"
    sum_by = ("approval_limit", "currency")


def bulk(request: HttpRequest) -> HttpResponse:
    """What a page behind a selection begins with."""
    try:
        rows = Selection.of(request.POST).rows(Crew, request)
    except SelectionChanged as change:
        return HttpResponse(str(change), status=409)
    return HttpResponse(", ".join(row.name for row in rows.order_by("name")))


urlpatterns = [
    path("crew/", Crew.as_view(), name="crew"),
    path("crew/bulk/", bulk, name="bulk"),
    path("", include("backoffice.urls")),
]
