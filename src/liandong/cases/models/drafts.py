"""What an enterprise writes before it hands in: kept on the server for the one account."""

import uuid

from django.conf import settings
from django.db import models


class Draft(models.Model):
    """A report that is not handed in yet.  Its uuid will be that of the case: handed in once.

    The words lie sealed under a key of the draft, contact data are among them; the key is thrown
    away with the draft.  `services.drafting` is the only writer.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="drafts")
    kind = models.CharField(max_length=32)  # catalog/case_kinds.csv
    enterprise = models.ForeignKey("base.Unit", models.PROTECT, related_name="drafts")
    step = models.CharField(max_length=12)  # where to go on
    words = models.BinaryField(null=True, blank=True)  # sealed JSON, by code of field
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["-changed_at", "-id"]
        indexes = [models.Index(fields=["account", "-changed_at"], name="draft_by_account")]

    def __str__(self) -> str:
        return f"{self.kind} {self.uuid}"


class DraftPaper(models.Model):
    """A material (材料) of a draft; its bytes lie where those of Evidence lie."""

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="papers")
    uuid = models.UUIDField(unique=True)  # Evidence.uuid to come
    name = models.CharField(max_length=200)
    mime = models.CharField(max_length=100)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)  # of the bytes as they were sent
    width = models.PositiveIntegerField(default=0)  # pixels of a picture
    height = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.draft_id} {self.name}"
