"""What a person keeps of the lists: conditions under a name."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    """Conditions of the list of cases that an account keeps under a name; shown as a tab."""

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="case_views"
    )  # fmt: skip
    name = models.CharField(_("名称"), max_length=20)
    query = models.CharField(max_length=500)  # as in the address, without "?"
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="saved_view_once")
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name
