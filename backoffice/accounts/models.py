"""Staff: the people who use this tool. Nobody is exempt from anything: there are no superusers."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, name: str, password: str | None = None, **fields: Any) -> "User":
        """Create a member of staff without any role."""
        user = self.model(email=self.normalize_email(email).lower(), name=name, **fields)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username or "")


class User(AbstractBaseUser, PermissionsMixin):
    """One member of staff. What somebody may do comes from their roles (groups) alone."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    # House currency, minor units; empty means no personal ceiling.
    approval_limit = models.BigIntegerField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)
    # What differs from the defaults of backoffice.accounts.preferences.
    preferences = models.JSONField(default=dict, blank=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        default_permissions = ("view", "change")
        constraints = [
            models.CheckConstraint(
                name="user_approval_limit_positive",
                condition=models.Q(approval_limit__isnull=True) | models.Q(approval_limit__gt=0),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_superuser(self) -> bool:  # type: ignore[override]
        """Nobody is: this stands in the place of the field, so has_perm() has no way round the roles."""
        return False

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether one of the roles gives this right; Django's own asks every backend anew each time."""
        return self.is_active and obj is None and perm in self._held

    @cached_property
    def _held(self) -> set[str]:
        return self.get_all_permissions()

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split()[:2]).upper()

    @property
    def role_names(self) -> list[str]:
        """The names of the roles, in the order in which they were written down."""
        if not hasattr(self, "_role_names"):
            self._role_names = list(self.groups.order_by("pk").values_list("name", flat=True))
        return self._role_names


class SignInTry(models.Model):
    """A try to sign in that has not succeeded. ``account`` is a digest: people type passwords into the wrong field."""

    account = models.CharField(max_length=64)
    address = models.CharField(max_length=45)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["account", "at"], name="sign_in_try_account"),
            models.Index(fields=["address", "at"], name="sign_in_try_address"),
        ]


class StaffSession(AbstractBaseSession):
    """One window into the product: whose, from where, and when it was last touched. Written by sessions.py alone.

    Without a ``user`` it belongs to somebody who has not signed in yet.
    """

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    address = models.CharField(max_length=45)
    device = models.CharField(max_length=300)
    began_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    @classmethod
    def get_session_store_class(cls) -> Any:
        from backoffice.accounts.sessions import SessionStore  # noqa: PLC0415 - it asks for this model

        return SessionStore


class CodeApp(models.Model):
    """The app on somebody's phone that shows six digits every half minute.

    ``last_step`` is the half minute of the last code that was used: neither it nor an earlier one works again.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="code_app")
    secret = models.TextField()  # sealed
    last_step = models.BigIntegerField()
    added_at = models.DateTimeField()

    class Meta:
        default_permissions = ()


class RecoveryCode(models.Model):
    """One of ten codes for the day on which the phone is lost. Eighty random bits, so a plain digest hides it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="recovery_code_once", fields=["user", "digest"])]


class Passkey(models.Model):
    """A key that stays in a phone, a computer or a stick; what is kept here is public."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=60)
    credential_id = models.BinaryField(unique=True)
    credential = models.BinaryField()
    added_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
