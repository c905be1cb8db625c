"""What people keep of a list: views of their own, and what it opens with."""

from django.conf import settings
from django.db import models


class SavedView(models.Model):
    """An address of a list under a name. It is read again for whoever opens it, so it shows nobody more than
    they may see; only its owner changes it. Without a name it only says what the list opens with for its owner."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    list = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80)
    label = models.CharField(max_length=60, blank=True)
    opens = models.BooleanField(default=False)
    # Filters, columns, order and row height, as ListScreen.query writes them.
    query = models.TextField()
    shared_with = models.ForeignKey("auth.Group", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["list", "slug"], name="saved_view_slug_unique"),
            models.UniqueConstraint(
                fields=["owner", "list"], condition=models.Q(opens=True), name="saved_view_one_opens"
            ),
        ]
        indexes = [models.Index(fields=["owner", "list"], name="saved_view_by_owner")]

    def __str__(self) -> str:
        return self.label

    @property
    def address(self) -> str:
        return f"?{self.query}&saved={self.slug}" if self.label else f"?{self.query}"
