from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


class PlatformConfig(AppConfig):
    name = "backoffice.platform"
    label = "platform"

    def ready(self) -> None:
        from backoffice.audit import words  # noqa: PLC0415 - models are not there before

        words.ACTS["add_api_client"] = "Was given a key"
        words.SUBJECTS["api_client"] = words.Subject("API client")

        # Models are not ready earlier. Without the application, nudges would go to Celery's default broker.
        from backoffice import celery, roles  # noqa: F401, PLC0415

        # The last app of the list: by now every model's permissions exist.
        post_migrate.connect(roles.synchronise, sender=self, dispatch_uid="roles")
        pre_migrate.connect(let_statements_take_their_time, sender=self, dispatch_uid="no limit")
        post_migrate.connect(limit_statements_again, sender=self, dispatch_uid="limit")


def let_statements_take_their_time(*, using: str, **_: Any) -> None:
    """Lift the limit of pages and tasks: a migration that writes a large table anew takes as long as it takes."""
    with connections[using].cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")


def limit_statements_again(*, using: str, **_: Any) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("RESET statement_timeout")
