from django.apps import AppConfig


class KycConfig(AppConfig):
    name = "kyc"
    verbose_name = "Players and their verification"

    def ready(self) -> None:
        """Tell the audit log how this app's acts read."""
        from backoffice.audit import words  # noqa: PLC0415 - models are not there before

        words.ACTS |= {
            "register": "Was registered",
            "update": "Was changed",
            "record_verification": "Recorded a verification",
            "suspend": "Suspended",
            "reinstate": "Reinstated",
        }
