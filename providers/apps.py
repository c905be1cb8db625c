from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "providers"
    verbose_name = "Payment providers"

    def ready(self) -> None:
        """Tell the audit log how this app's acts read."""
        from backoffice.audit import words  # noqa: PLC0415 - models are not there before

        words.ACTS |= {"pause_provider": "Paused", "resume_provider": "Resumed"}
