"""Who is responsible: the duty list (派单目录) and the grid (网格)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class DutyClause(models.Model):
    """One line of the duty list: a unit answers for a category, by a named clause.

    Source: 北京市接诉即办工作条例 arts. 11–13; 滨州市社会治理网格化服务管理条例 art. 10.
    """

    category = models.CharField(_("类别"), max_length=16)  # local_code, or its class: C01
    unit = models.ForeignKey("base.Unit", models.PROTECT, related_name="duties")
    clause = models.CharField(_("条款"), max_length=200)  # shown on every dispatch
    severity = models.CharField(max_length=12, blank=True)  # "" for all
    area = models.CharField(max_length=32, blank=True)  # beginning of grid codes
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["category", "id"]
        indexes = [models.Index(fields=["category"], name="duty_by_category")]

    def __str__(self) -> str:
        return f"{self.category} {self.clause}"


class GridCell(models.Model):
    """A cell of the grid (单元网格): its unit, its worker, its outline.

    Source: 滨州市社会治理网格化服务管理条例 art. 6 (name, area, worker and telephone are public).
    """

    code = models.CharField(_("网格编码"), max_length=24, unique=True)
    name = models.CharField(_("网格名称"), max_length=100)
    unit = models.ForeignKey("base.Unit", models.PROTECT, related_name="cells")
    worker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="cells"
    )
    outline = models.JSONField(default=list)  # [[lon, lat], …] in WGS 84, one ring
    south = models.FloatField()
    west = models.FloatField()
    north = models.FloatField()
    east = models.FloatField()

    class Meta:
        ordering = ["code"]
        indexes = [models.Index(fields=["south", "north", "west", "east"], name="cell_by_box")]
        constraints = [
            models.CheckConstraint(
                condition=Q(south__lte=models.F("north"), west__lte=models.F("east")),
                name="cell_box_whole",
            )
        ]

    def __str__(self) -> str:
        return self.name
