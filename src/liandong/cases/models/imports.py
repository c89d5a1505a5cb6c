"""A file of another system on its way in: what it is, how its columns are read, how far it is."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class ImportState(models.TextChoices):
    """Where a file stands."""

    MAPPING = "mapping", _("待对应")  # its columns are being named
    RUNNING = "running", _("导入中")
    DONE = "done", _("已导入")
    FAILED = "failed", _("未能导入")  # as a whole: `fault` says why


class CaseImport(models.Model):
    """One file.  Its bytes lie in staging under `uuid` until it is done."""

    uuid = models.UUIDField(unique=True)
    name = models.CharField(_("文件"), max_length=200)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    state = models.CharField(
        _("状态"), max_length=8, choices=ImportState.choices, default=ImportState.MAPPING
    )
    header = models.JSONField(default=list)  # names of the columns
    mapping = models.JSONField(default=list)  # rows of field, column, value
    read = models.PositiveIntegerField(default=0)  # rows
    imported = models.PositiveIntegerField(default=0)
    closed = models.PositiveIntegerField(default=0)  # of those imported
    known = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    reasons = models.JSONField(default=dict)  # refused rows by code
    fault = models.CharField(max_length=300, blank=True)
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="done") | Q(read=F("imported") + F("known") + F("refused")),
                name="case_import_whole",  # rows in = rows out + rows refused
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, state__in=["mapping", "running"])
                | Q(ended_at__isnull=False, state__in=["done", "failed"]),
                name="case_import_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.name
