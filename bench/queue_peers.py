"""What the list is compared with: the admin's list and a django-tables2 one, as people write them, on the same
tables, behind the same sign-in and middleware. Also the addresses of this bench: the product's and these two.
"""

from typing import Any

import django_filters
import django_tables2
from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

from backoffice import nav
from withdrawals.models import Withdrawal

PAGE_SIZE = 25
COLUMNS = (
    "ref", "player", "destination", "amount", "fee", "currency", "method", "state", "risk_score", "requested_at",
    "due_at", "provider", "provider_reference",
)  # fmt: skip


class Site(admin.AdminSite):
    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active


class WithdrawalAdmin(admin.ModelAdmin):
    list_display = COLUMNS
    list_filter = ("state", "method", "currency", "risk_level", "provider")
    search_fields = ("ref", "provider_reference", "player__email", "player__name", "player__ref", "destination__label")
    ordering = ("due_at", "id")
    list_per_page = PAGE_SIZE
    list_select_related = ("player", "destination")

    def has_view_permission(self, *_: Any, **__: Any) -> bool:
        return True

    def has_module_permission(self, *_: Any, **__: Any) -> bool:
        return True

    has_add_permission = has_change_permission = has_delete_permission = lambda *_, **__: False


site = Site()
site.register(Withdrawal, WithdrawalAdmin)


class Filter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search")

    class Meta:
        model = Withdrawal
        fields = ("state", "method", "currency", "risk_level", "provider")

    def search(self, rows: QuerySet[Any], _name: str, term: str) -> QuerySet[Any]:
        found = Q()
        for name in WithdrawalAdmin.search_fields:
            found |= Q(**{f"{name}__icontains": term})
        return rows.filter(found)


class Table(django_tables2.Table):
    class Meta:
        model = Withdrawal
        fields = COLUMNS
        template_name = "django_tables2/table.html"


_PAGE = """<!doctype html><title>Withdrawals</title>{% load django_tables2 %}{{ filter.form.as_p }}
{% render_table table %}{{ page }}"""


def shell(request: HttpRequest) -> dict[str, Any]:
    """The frame of the product's own pages; the others are spared what it asks the database."""
    return {} if request.path.startswith("/peers/") else nav.shell(request)


def tables2(request: HttpRequest) -> HttpResponse:
    """A list with select_related, pages by offset and an exact count."""
    rows = Withdrawal.objects.select_related("player", "destination").order_by("due_at", "pk")
    if request.GET.get("order") == "newest":
        rows = rows.order_by("-requested_at", "-pk")
    found = Filter(request.GET, queryset=rows)
    page = Paginator(found.qs, PAGE_SIZE).get_page(request.GET.get("page"))
    table = Table(page.object_list, orderable=False)
    template = engines["django"].from_string(_PAGE)
    return HttpResponse(template.render({"table": table, "filter": found, "page": page}, request))


urlpatterns = [
    path("peers/admin/", site.urls),
    path("peers/tables2/", tables2),
    path("", include("backoffice.urls")),
]
