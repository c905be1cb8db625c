"""Who may open a page, and what somebody who may not is told."""

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect


class Permitted(PermissionRequiredMixin):
    """Names the permission that is missing in words; nobody signed in is sent to sign-in first."""

    request: HttpRequest

    def handle_no_permission(self) -> HttpResponseRedirect:
        if not self.request.user.is_authenticated:
            return super().handle_no_permission()
        names = [permission_words(one) for one in self.get_permission_required() if not self.request.user.has_perm(one)]
        raise PermissionDenied(f"It needs a permission that none of your roles has: {', '.join(names)}.")


def permission_words(permission: str) -> str:
    """The name of ``app.codename`` as a role table shows it; the codename if it is not stored."""
    app, _, codename = permission.partition(".")
    found = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
    return f"“{found.name}”" if found else f"“{codename.replace('_', ' ')}”"
