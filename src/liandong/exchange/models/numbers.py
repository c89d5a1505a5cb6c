"""Numbers without gaps: LY-2026-0001."""

from django.db import models


class NumberSeries(models.Model):
    """The last number given in one year for one kind of paper."""

    kind = models.CharField(max_length=4)  # LY request, CD visit, CZ certified copy, JY loan
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "year"], name="series_once")]

    def __str__(self) -> str:
        return f"{self.kind}-{self.year}-{self.last:04d}"
