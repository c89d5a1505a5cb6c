"""Conduct between officials and enterprises (亲清): contacts, hints to be judged, reports."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ContactRecord(models.Model):
    """One contact of an official with an enterprise (政商交往登记).  Rows are only added.

    A mistake is mended by a new row that names the one it replaces.  Source: casework design §6.
    """

    official = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="contacts",
        verbose_name=_("公职人员"),
    )
    enterprise = models.ForeignKey(
        "base.Unit", models.PROTECT, related_name="contacts", verbose_name=_("企业")
    )
    kind = models.CharField(_("形式"), max_length=16)  # catalog/contact_kinds.csv
    rule = models.CharField(_("依据"), max_length=8)  # catalog/conduct_rules.csv
    day = models.DateField(_("日期"))
    place = models.CharField(_("地点"), max_length=200)
    others = models.CharField(_("其他参加人"), max_length=300, blank=True)
    purpose = models.CharField(_("事由"), max_length=500, blank=True)
    next_step = models.CharField(_("下一步"), max_length=500, blank=True)
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    at = models.DateTimeField(_("登记时间"))
    by = models.CharField(max_length=150)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(replaces=F("id")), name="contact_not_itself")
        ]
        indexes = [models.Index(fields=["official", "enterprise", "day"], name="contact_by_pair")]

    def __str__(self) -> str:
        return f"{self.official_id} {self.enterprise_id} {self.day}"

    @property
    def official_name(self) -> str:
        """Account name of the official: a fact of the access rule."""
        return self.official.username

    @property
    def firm(self) -> str:
        """Code of the enterprise: a fact of the access rule."""
        return self.enterprise.code

    @property
    def is_announced(self) -> bool:
        """Whether it was registered before the day, not afterwards."""
        return timezone.localtime(self.at).date() < self.day


class ConductHint(models.Model):
    """Something that a rule noticed in a contact.  A person judges it, with a reason: never we."""

    class Verdict(models.TextChoices):
        """What a person found."""

        PROPER = "proper", _("正常")
        EXPLAIN = "explain", _("请说明情况")
        REFER = "refer", _("移交纪检监察机关")

    contact = models.ForeignKey(ContactRecord, models.PROTECT, related_name="hints")
    code = models.CharField(max_length=16)  # catalog/conduct_hints.csv
    found_at = models.DateTimeField()
    verdict = models.CharField(_("判定"), max_length=8, choices=Verdict.choices, blank=True)
    reason = models.CharField(_("理由"), max_length=500, blank=True)
    judged_by = models.CharField(max_length=150, blank=True)
    judged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["contact", "code"], name="hint_once"),
            models.CheckConstraint(
                condition=Q(verdict="", reason="", judged_by="", judged_at__isnull=True)
                | (~Q(verdict="") & ~Q(reason="") & ~Q(judged_by="") & Q(judged_at__isnull=False)),
                name="hint_judged_by_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.code}"


class ConductReport(models.Model):
    """Whom a report on conduct (廉洁与作风举报) is about, beside its case.

    Who complained is sealed with the case (`cases.services.sealing`) and in no column.
    """

    case = models.OneToOneField("cases.Case", models.PROTECT, related_name="conduct_report")
    unit = models.ForeignKey("base.Unit", models.PROTECT, related_name="+")
    person = models.CharField(_("所涉人员"), max_length=100, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.case_id} {self.unit_id}"
