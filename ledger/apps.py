from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LedgerConfig(AppConfig):
    name = "ledger"

    def ready(self) -> None:
        from ledger.operations import know_currencies  # noqa: PLC0415 — models are ready only now

        post_migrate.connect(know_currencies, sender=self)
