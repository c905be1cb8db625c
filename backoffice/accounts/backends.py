"""Permissions come from roles alone: nobody holds one of their own."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from backoffice.accounts.models import User


class RolesBackend(ModelBackend):
    """Never asks the database for permissions given to one person; there is no way to give any."""

    def _get_user_permissions(self, user_obj: Any) -> QuerySet[Permission]:
        return Permission.objects.none()

    def get_user(self, user_id: Any) -> User | None:
        """Load somebody with the names of their roles, which every page shows."""
        names = ArraySubquery(Group.objects.filter(user=OuterRef("pk")).order_by("pk").values("name"))
        user = User.objects.filter(pk=user_id).annotate(names_of_roles=names).first()
        if user is None or not self.user_can_authenticate(user):
            return None
        user._role_names = user.names_of_roles
        return user
