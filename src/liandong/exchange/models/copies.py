"""Certified copies (出证): what was certified, by whom, and whether it still stands."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class CertifiedCopy(models.Model):
    """One sealed PDF of pages of one record; its facts are those that were signed."""

    number = models.CharField(_("出证编号"), max_length=16, unique=True)  # CZ-2026-0001
    code = models.CharField(_("核验码"), max_length=24, unique=True)  # of chance; printed on it
    record = models.ForeignKey("archive.Record", models.PROTECT, related_name="certified_copies")
    pages = models.JSONField(default=list)  # numbers within the record
    masked = models.BooleanField(default=False)
    source = models.CharField(max_length=32, blank=True)  # number of the request or visit, or ""
    facts = models.JSONField(default=dict)  # kernel.certified
    sha256 = models.CharField(max_length=64)  # of the whole file as it was given
    size_bytes = models.PositiveIntegerField()
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=150)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=150, blank=True)
    revoked_why = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by="", revoked_why="")
                | (Q(revoked_at__isnull=False) & ~Q(revoked_by="") & ~Q(revoked_why="")),
                name="copy_revoked_paired",
            )
        ]
        indexes = [models.Index(fields=["sha256"], name="copy_by_digest")]

    def __str__(self) -> str:
        return self.number


class CopyBytes(models.Model):
    """The file of a certified copy, kept until it was collected and some days more."""

    copy = models.OneToOneField(CertifiedCopy, models.CASCADE, related_name="kept")
    content = models.BinaryField()
    keep_until = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.copy_id)
