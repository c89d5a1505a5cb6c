"""Service stations (驿站) of riders and couriers; visits are counted, never who came."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Station(models.Model):
    """A place to rest, with its facilities and opening hours.  Source: casework design §11.6."""

    code = models.SlugField(_("编号"), max_length=24, unique=True)
    name = models.CharField(_("名称"), max_length=80)
    operator = models.ForeignKey("base.Unit", models.PROTECT, related_name="stations")
    address = models.CharField(_("地址"), max_length=200)
    lat = models.FloatField(_("纬度"))  # WGS 84
    lon = models.FloatField(_("经度"))
    is_24h = models.BooleanField(_("全天开放"), default=False)
    opens_at = models.TimeField(_("开门"), null=True, blank=True)
    closes_at = models.TimeField(_("关门"), null=True, blank=True)
    seats = models.PositiveSmallIntegerField(_("座位"), default=0)
    phone = models.CharField(_("电话"), max_length=40, blank=True)  # of the station
    facilities = models.JSONField(default=list)  # codes of catalog/station_facilities.csv
    is_open = models.BooleanField(_("对外开放"), default=True)
    note = models.CharField(_("说明"), max_length=300, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
                name="station_on_earth",
            ),
            models.CheckConstraint(
                condition=Q(is_24h=True) | Q(opens_at__isnull=False, closes_at__isnull=False),
                name="station_has_hours",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def operator_code(self) -> str:
        """Code of the unit that runs it: the fact of the access rule."""
        return self.operator.code


class StationDay(models.Model):
    """How many came on a day: a number, and nobody's name."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="days")
    day = models.DateField()
    visits = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["station", "day"], name="station_day_once")]

    def __str__(self) -> str:
        return f"{self.station_id} {self.day} {self.visits}"


class StationCheck(models.Model):
    """One round of checking (巡检): each facility in order or not."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="checks")
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    defects = models.JSONField(default=list)  # codes of what was not in order
    note = models.CharField(_("说明"), max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.station_id} {self.at}"
