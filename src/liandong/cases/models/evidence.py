"""Evidence (佐证): photos and papers of a case.  Bytes lie outside the database."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Evidence(models.Model):
    """One photo or paper.

    `sha256` is of the bytes as they were sent and stands in the event.  What is kept: a picture
    made anew without a word of metadata (`clean`), for photos; the bytes as sent, sealed, only
    where the kind asks for them; a blurred picture (`public`) once a person has confirmed it.
    """

    class Part(models.TextChoices):
        """When it was taken."""

        BEFORE = "before", _("办理前")  # of the report
        CHECK = "check", _("核实")
        AFTER = "after", _("办理后")
        INSPECTION = "inspection", _("核查")
        PAPER = "paper", _("材料")

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="evidence")
    event = models.ForeignKey(
        "cases.CaseEvent", models.PROTECT, null=True, blank=True, related_name="attached"
    )  # None: sent ahead of its step
    uuid = models.UUIDField(unique=True, default=uuid.uuid4)  # chosen by the sender: once
    part = models.CharField(max_length=12, choices=Part.choices)
    name = models.CharField(max_length=200)
    mime = models.CharField(max_length=100)  # of what is shown
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField(default=0)  # pixels of the clean picture
    height = models.PositiveIntegerField(default=0)
    image_hash = models.CharField(max_length=16, blank=True)  # picture hash, "" of plain areas
    added_at = models.DateTimeField()  # by the server's clock
    added_by = models.CharField(max_length=150)
    regions = models.JSONField(default=list)  # proposed blurs [x, y, w, h, kind] in pixels
    blurred_at = models.DateTimeField(null=True, blank=True)
    blurred_by = models.CharField(max_length=150, blank=True)  # a person: never the machine alone

    class Meta:
        ordering = ["case", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(blurred_at__isnull=True, blurred_by="")
                | (Q(blurred_at__isnull=False) & ~Q(blurred_by="")),
                name="evidence_blurred_paired",
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.part} {self.name}"
