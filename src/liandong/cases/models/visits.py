"""Visits to enterprises (走访): planned, made, and what was said, item by item.

Source: casework design §5 (走访); 优化营商环境条例 art. 48 (visits add no burden).
"""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class VisitPlan(models.Model):
    """One unit means to visit one enterprise within a period."""

    unit = models.ForeignKey("base.Unit", models.PROTECT, related_name="plans")
    enterprise = models.ForeignKey("base.Unit", models.PROTECT, related_name="planned_visits")
    starts_on = models.DateField(_("起始日"))
    ends_on = models.DateField(_("终止日"))  # inclusive
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["starts_on", "unit", "enterprise"]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "enterprise", "starts_on", "ends_on"], name="plan_once"
            ),
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="plan_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["enterprise", "starts_on"], name="plan_by_enterprise")]

    def __str__(self) -> str:
        return f"{self.unit_id} → {self.enterprise_id} {self.starts_on}"


class Visit(models.Model):
    """One visit: who came, when, and what was seen besides the items."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)  # chosen by the page: once
    unit = models.ForeignKey("base.Unit", models.PROTECT, related_name="visits_made")
    enterprise = models.ForeignKey("base.Unit", models.PROTECT, related_name="visits")
    visited_on = models.DateField(_("走访日期"))
    companions = models.CharField(_("同行人"), max_length=200, blank=True)  # officials
    note = models.TextField(_("情况"), max_length=2000, blank=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=150)  # account of the visitor

    class Meta:
        ordering = ["-visited_on", "-id"]
        indexes = [
            models.Index(fields=["enterprise", "visited_on"], name="visit_by_enterprise"),
            models.Index(fields=["unit", "visited_on"], name="visit_by_unit"),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} → {self.enterprise_id} {self.visited_on}"


class VisitItem(models.Model):
    """One thing that was said on a visit, on the list of the enterprise or of its employees."""

    class Party(models.TextChoices):
        """Whose need it is."""

        ENTERPRISE = "enterprise", _("企业需求")
        EMPLOYEE = "employee", _("职工需求")  # never shown to the enterprise

    class Became(models.TextChoices):
        """What became of it."""

        OPEN = "open", _("待处理")
        ON_SPOT = "on_spot", _("当场解决")
        INFORMATION = "information", _("了解情况")
        CASE = "case", _("转为事项")

    visit = models.ForeignKey(Visit, models.CASCADE, related_name="items")
    number = models.PositiveSmallIntegerField()  # within the visit, from 1
    uuid = models.UUIDField(unique=True, default=uuid.uuid4)  # of the case that it becomes
    party = models.CharField(max_length=12, choices=Party.choices)
    text = models.TextField(_("内容"), max_length=1000)
    became = models.CharField(max_length=12, choices=Became.choices, default=Became.OPEN)
    case = models.OneToOneField(
        "cases.Case", models.PROTECT, null=True, blank=True, related_name="visit_item"
    )
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["visit", "number"]
        constraints = [
            models.UniqueConstraint(fields=["visit", "number"], name="visit_item_once"),
            models.CheckConstraint(
                condition=Q(became="case", case__isnull=False)
                | (~Q(became="case") & Q(case__isnull=True)),
                name="visit_item_case_paired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visit_id}:{self.number}"
