"""/staff/: who can do what, and whether every account is safe."""

from django.db.models import Exists, Max, OuterRef, Q
from django.db.models.functions import Greatest

from backoffice.accounts.models import CodeApp, Passkey, User
from backoffice.accounts.tables import StaffTable
from backoffice.ui.screens import ListScreen
from backoffice.ui.tabs import Tab


class Staff(ListScreen):
    title = "Staff"
    queryset = (
        User.objects.prefetch_related("groups")
        .annotate(
            has_app=Exists(CodeApp.objects.filter(user=OuterRef("pk"))),
            has_passkey=Exists(Passkey.objects.filter(user=OuterRef("pk"))),
            last_seen=Greatest("last_login", Max("sessions__seen_at")),
        )
        .order_by("name")
    )
    table_class = StaffTable
    permission_required = "accounts.view_user"
    empty_title = "Nobody"
    empty_text = "Everybody here has a second factor."
    tabs = (
        Tab("active", "Active", Q(is_active=True)),
        Tab("unsafe", "Without second factor", Q(is_active=True, has_app=False, has_passkey=False)),
        Tab("left", "Inactive", Q(is_active=False), empty="Nobody has left."),
    )
