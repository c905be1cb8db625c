"""Permissions come from roles alone: nobody holds one of their own."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet


class RolesBackend(ModelBackend):
    """Never asks the database for permissions given to one person; there is no way to give any."""

    def _get_user_permissions(self, user_obj: Any) -> QuerySet[Permission]:
        return Permission.objects.none()
