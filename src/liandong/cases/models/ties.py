"""Declared ties (回避关系) of officials to enterprises: who should keep away from whose matters."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Tie(models.Model):
    """What an official declared: a tie to an enterprise, from a day until it ended.

    It stops nobody.  Whoever is about to act on a case of that enterprise is reminded, and the
    act is marked in the event.  Source: casework design §6; 公务员法 art. 76 (from memory).
    """

    class Kind(models.TextChoices):
        """Where the tie comes from."""

        FAMILY = "family", _("亲属在该企业任职或者持股")
        SHARES = "shares", _("本人持股或者投资")
        FORMER = "former", _("曾在该企业任职")
        OTHER = "other", _("其他可能影响公正的关系")

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="ties")
    enterprise = models.ForeignKey("base.Unit", models.PROTECT, related_name="+")
    kind = models.CharField(_("关系"), max_length=8, choices=Kind.choices)
    note = models.CharField(_("说明"), max_length=300, blank=True)
    declared_at = models.DateTimeField(_("申报时间"))
    ended_at = models.DateTimeField(_("解除时间"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "enterprise"], condition=Q(ended_at__isnull=True),
                name="tie_once",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.account_id} {self.enterprise_id}"
