"""Grants of use (共享授权): who may use which records, how, and until when."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .records import Record


class ShareGrant(models.Model):
    """A live permission for a person or a department; it ends by itself, and can be withdrawn."""

    code = models.CharField(_("授权编号"), max_length=32, unique=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="grants"
    )
    unit = models.ForeignKey(
        "base.Unit", models.PROTECT, null=True, blank=True, related_name="grants"
    )
    purpose = models.CharField(_("利用目的"), max_length=300)
    uses = models.CharField(_("利用方式"), max_length=32)  # of kernel.viewer.USES, comma-separated
    whole = models.BooleanField(_("不遮盖个人信息"), default=False)
    reader = models.CharField(
        max_length=150, blank=True
    )  # whom a watermark names, if not the account
    begins_at = models.DateTimeField(_("自"))
    ends_at = models.DateTimeField(_("至"))
    granted_at = models.DateTimeField()
    granted_by = models.CharField(max_length=150)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=False, unit__isnull=True)
                | Q(account__isnull=True, unit__isnull=False),
                name="grant_to_one",
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("begins_at")), name="grant_ends"),
            models.CheckConstraint(condition=~Q(purpose=""), name="grant_has_purpose"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_by="")),
                name="grant_withdrawn_paired",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "ends_at"], name="grant_by_account"),
            models.Index(fields=["unit", "ends_at"], name="grant_by_unit"),
        ]

    def __str__(self) -> str:
        return self.code


class SharedRecord(models.Model):
    """A record that a grant names."""

    grant = models.ForeignKey(ShareGrant, models.CASCADE, related_name="shared_records")
    record = models.ForeignKey(Record, models.CASCADE, related_name="shared_records")

    class Meta:
        ordering = ["grant", "record"]
        constraints = [models.UniqueConstraint(fields=["grant", "record"], name="shared_once")]

    def __str__(self) -> str:
        return f"{self.grant_id}:{self.record_id}"
