from django.apps import AppConfig


class WithdrawalsConfig(AppConfig):
    name = "withdrawals"

    def ready(self) -> None:
        """Tell the audit log, which knows no app, how the moves read."""
        from backoffice.audit import words  # noqa: PLC0415 - models are not there before
        from withdrawals.states import MOVE_LOOKS  # noqa: PLC0415

        words.ACTS |= {str(move): look.past for move, look in MOVE_LOOKS.items()}
