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
        missing = [one for one in self.get_permission_required() if not self.request.user.has_perm(one)]
        words = " and ".join(permission_words(one) for one in missing)
        raise PermissionDenied(f"None of your roles lets you {words}.")


# What Django names by the model, in the words of the menu.
_WORDS = {
    "accounts.view_user": "see the staff",
    "accounts.change_user": "change the staff",
    "audit.view_auditentry": "read the audit log",
    "kyc.view_player": "see a player’s details",
    "ledger.view_entry": "read the journal",
    "providers.view_provider": "see the providers",
    "withdrawals.view_withdrawal": "see withdrawals",
}


def permission_words(permission: str) -> str:
    """Return what ``app.codename`` lets somebody do: ``see the flagged queue``."""
    if permission in _WORDS:
        return _WORDS[permission]
    app, _, codename = permission.partition(".")
    found = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
    words = found.name if found else codename.replace("_", " ")
    return words.removeprefix("Can ")
