"""Personal information (个人信息) found in a record, or marked by a person.

A row says where, never what: the secret itself stands only in the page and the description.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .records import Record

NO_LINE = -1  # `PersonalHit.line` of a part of the image without text: a face, a signature


class HitState(models.TextChoices):
    """What a person said of a hit.  Only a rejected one is not masked."""

    PROPOSED = "proposed", _("待确认")
    CONFIRMED = "confirmed", _("已确认")
    REJECTED = "rejected", _("已否定")


class PersonalHit(models.Model):
    """Personal information at one place of a record."""

    record = models.ForeignKey(Record, models.CASCADE, related_name="personal_hits")
    page = models.PositiveIntegerField()  # number in the record; 0: a field of the description
    field = models.CharField(max_length=60, blank=True)  # identifier, on page 0
    line = models.IntegerField(default=0)  # index in `RecordPage.lines`; NO_LINE: image only
    start = models.PositiveIntegerField(default=0)  # in characters of that line or field
    last_line = models.IntegerField(default=0)  # where it ends
    end = models.PositiveIntegerField(default=0)  # in characters of that line, excluded
    kind = models.CharField(max_length=40)  # code of catalog/pii_kinds.csv
    sensitive = models.BooleanField(default=False)  # 敏感个人信息
    confidence = models.FloatField(default=1.0)  # 0.0 to 1.0; 1.0 when a person marked it
    method = models.CharField(max_length=12)  # kernel.privacy.Hit.method, or "person"
    boxes = models.JSONField(default=list)  # [[l,t,r,b]] in pixels of the page image, one a line
    state = models.CharField(max_length=10, choices=HitState.choices, default=HitState.PROPOSED)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(_("理由"), max_length=200, blank=True)
    packed = models.BooleanField(default=False)  # the decision is in a version of the OCFL object

    class Meta:
        ordering = ["record", "page", "field", "line", "start", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["record", "page", "field", "line", "start", "last_line", "end", "kind"],
                condition=Q(line__gte=0),
                name="hit_once",
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_at__isnull=True, decided_by="")
                | (
                    Q(state__in=["confirmed", "rejected"], decided_at__isnull=False)
                    & ~Q(decided_by="")
                ),
                name="hit_decided_paired",
            ),
            models.CheckConstraint(
                condition=~Q(state="rejected", reason=""), name="hit_rejected_with_reason"
            ),
            models.CheckConstraint(
                condition=Q(page=0) | Q(page__gt=0, field=""), name="hit_field_of_description"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "kind", "record"], name="hit_to_decide"),
            models.Index(fields=["packed", "record"], name="hit_to_pack"),
        ]

    def __str__(self) -> str:
        return f"{self.record_id}/{self.page}:{self.line} {self.kind}"
