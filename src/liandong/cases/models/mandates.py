"""Mandates (委托书): which chamber may act for which enterprise, in what, and how long."""

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from liandong.base.models import Unit

ALL = ""
"""The scope of a mandate for everything that the enterprise raises."""


class Mandate(models.Model):
    """One enterprise lets one chamber raise and follow its matters; withdrawn, it ends at once.

    A row is never removed: events of a case name it.  Source: casework design §5 (商会), §12, rule
    7; 山东省民营经济发展促进条例 art. 35 (nobody is forced to join).
    """

    enterprise = models.ForeignKey(Unit, models.PROTECT, related_name="mandates_given")
    chamber = models.ForeignKey(Unit, models.PROTECT, related_name="mandates_held")
    scope = models.CharField(_("委托事项"), max_length=32, blank=True)  # ALL, or code of a kind
    valid_from = models.DateField(_("起始日"))
    valid_until = models.DateField(_("终止日"))  # inclusive
    given_at = models.DateTimeField()
    given_by = models.CharField(max_length=150)  # account of the enterprise
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__gte=F("valid_from")), name="mandate_ends_after_start"
            ),
            models.CheckConstraint(
                condition=~Q(enterprise=F("chamber")), name="mandate_to_another"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_by="")),
                name="mandate_withdrawn_paired",
            ),
        ]
        indexes = [
            models.Index(fields=["enterprise", "chamber"], name="mandate_by_enterprise"),
            models.Index(
                fields=["chamber", "valid_until"], name="mandate_live",
                condition=Q(withdrawn_at__isnull=True),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.enterprise_id} → {self.chamber_id}"

    def is_live(self, day: date) -> bool:
        """Whether the chamber may act by it on this day."""
        return self.withdrawn_at is None and self.valid_from <= day <= self.valid_until


def live_on(day: date) -> models.QuerySet[Mandate]:
    """The mandates that hold on a day."""
    return Mandate.objects.filter(
        withdrawn_at__isnull=True, valid_from__lte=day, valid_until__gte=day
    )
