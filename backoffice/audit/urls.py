"""The audit log and the check of its chain."""

from django.urls import path

from backoffice.audit.views import AuditLog, CheckChain

app_name = "audit"
urlpatterns = [
    path("", AuditLog.as_view(), name="log"),
    path("check/", CheckChain.as_view(), name="check"),
]
