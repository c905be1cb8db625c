from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "providers"
    verbose_name = "Payment providers"

    def ready(self) -> None:
        """Tell the audit log how this app's acts read, and refuse to start with providers that cannot be meant."""
        from backoffice.audit import words  # noqa: PLC0415 - models are not there before
        from providers import checks  # noqa: F401, PLC0415 - it registers itself

        words.ACTS |= {"pause_provider": "Paused", "resume_provider": "Resumed"}
