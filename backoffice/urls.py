"""One include() per app, the health check, the first page."""

from django.urls import include, path

from backoffice import palette, views
from backoffice.styleguide import styleguide
from backoffice.today import views as today

urlpatterns = [
    # Asked for by what does not read the page's own link to the mark.
    path("favicon.ico", views.favicon, name="favicon"),
    path("healthz", views.healthz, name="healthz"),
    path("", today.Today.as_view(), name="today"),
    path("start/", today.start, name="start"),
    path("menu/", today.menu, name="menu"),
    path("today/lines/", today.TodayLines.as_view(), name="today-lines"),
    path("today/<slug:slug>.csv", today.ChartFile.as_view(), name="today-csv"),
    path("go/", palette.Go.as_view(), name="go"),
    path("go/found/", palette.Palette.as_view(), name="found"),
    path("styleguide/", styleguide, name="styleguide"),
    path("me/session/", views.session, name="session"),
    path("", include("backoffice.accounts.urls")),
    path("api/v1/", include("backoffice.platform.urls")),
    path("webhooks/", include("withdrawals.webhook_urls")),
    path("ledger/", include("ledger.urls")),
    path("audit/", include("backoffice.audit.urls")),
    # Withdrawals and every page that combines apps: its paths are complete.
    path("", include("withdrawals.urls")),
]
handler403 = "backoffice.views.forbidden"
handler404 = "backoffice.views.not_found"
handler500 = "backoffice.views.server_error"
