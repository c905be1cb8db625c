"""The books, read-only."""

from django.urls import path

from ledger.views import EntryPage, Journal

app_name = "ledger"
urlpatterns = [
    path("journal/", Journal.as_view(), name="journal"),
    path("entries/<int:pk>/", EntryPage.as_view(), name="entry"),
]
