"""Staff: the people who use this tool. Nobody is exempt from anything: there are no superusers."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone


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
