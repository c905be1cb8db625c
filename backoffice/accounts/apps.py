from collections.abc import Collection

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "backoffice.accounts"
    label = "accounts"
    verbose_name = "Staff"

    def ready(self) -> None:
        """Start the clocks of every new session, and tell the audit log how these acts read."""
        from django.contrib.auth.signals import user_logged_in  # noqa: PLC0415 - models are not there before

        from backoffice.accounts import sessions  # noqa: PLC0415
        from backoffice.audit import words  # noqa: PLC0415

        user_logged_in.connect(sessions.begin)
        words.ACTS |= ACTS
        words.SUBJECTS["staff"] = words.Subject("Staff", names=_names)


def _names(keys: Collection[str]) -> dict[str, str]:
    from backoffice.accounts.models import User  # noqa: PLC0415 - models are not there before

    people = User.objects.filter(pk__in=[key for key in keys if key.isdecimal()])
    return {str(pk): name for pk, name in people.values_list("pk", "name")}


ACTS = {
    "sign_in": "Signed in",
    "sign_out": "Signed out",
    "sign_in_failed": "Failed to sign in",
    "code_failed": "Gave a wrong code",
    "passkey_failed": "Used a passkey that was refused",
    "proof_failed": "Gave a wrong password on being asked again",
    "prove": "Proved who they are",
    "add_second_factor": "Added a second factor",
    "remove_second_factor": "Removed a second factor",
    "reset_second_factor": "Had their second factor taken away",
    "make_recovery_codes": "Made recovery codes",
    "use_recovery_code": "Used a recovery code",
    "change_password": "Changed the password",
    "change_preferences": "Changed how they work",
    "end_session": "Session ended",
}
