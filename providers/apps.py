from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "providers"
    verbose_name = "Payment providers"

    def ready(self) -> None:
        """Let `manage.py` and the workers refuse to start with providers that cannot be meant."""
        from providers import checks  # noqa: F401, PLC0415 - models are not there before
