"""Permissions come from roles alone: nobody holds one of their own."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, OuterRef, QuerySet, Value
from django.db.models.functions import Concat

from backoffice.accounts.models import User
from backoffice.prepared import Prepared, Slot


class RolesBackend(ModelBackend):
    """Never asks the database for permissions given to one person; there is no way to give any."""

    def _get_user_permissions(self, user_obj: Any) -> QuerySet[Permission]:
        return Permission.objects.none()

    def get_user(self, user_id: Any) -> User | None:
        """Load somebody with the names of their roles, which every page shows, and with their rights."""
        user: Any = next(_SOMEBODY.instances(key=user_id), None)
        if user is None or not self.user_can_authenticate(user):
            return None
        user._role_names, user._held = user.names_of_roles, set(user.held_rights)
        return user


def _somebody() -> QuerySet[Any, Any]:
    names = Group.objects.filter(user=OuterRef("pk")).order_by("pk").values("name")
    right = Concat("content_type__app_label", Value("."), "codename")
    rights = Permission.objects.filter(group__user=OuterRef("pk")).order_by().annotate(right=right).values("right")
    found = User.objects.filter(pk=Slot("key", BigIntegerField()))
    return found.annotate(names_of_roles=ArraySubquery(names), held_rights=ArraySubquery(rights))


_SOMEBODY = Prepared(_somebody)
