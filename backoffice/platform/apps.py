from django.apps import AppConfig
from django.db.models.signals import post_migrate


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
