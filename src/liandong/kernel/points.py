"""Rules of points (积分): what an inspected report is worth, told from the catalogue.

Points are a thank-you for reports that passed inspection, never a rating: nothing here or above
sorts persons by them.  Source: casework design §11.7; catalog/points_rules.csv.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from . import catalog

FIRST: Final = "first"
CONFIRMATION: Final = "confirmation"
PHOTO, PLACE, DAILY_CAP = "photo", "place", "daily_cap"
WHOLE: Final = 100  # percent


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of the rules: values by code, points or percent as the catalogue says."""

    version: str
    values: Mapping[str, int]

    def worth(self, rule: str, *, has_photo: bool, has_place: bool) -> int:
        """Points of a report under FIRST or CONFIRMATION: weighted by quality, rounded down."""
        photo = self.values[PHOTO] if has_photo else WHOLE
        place = self.values[PLACE] if has_place else WHOLE
        return self.values[rule] * photo * place // WHOLE**2

    @property
    def daily_cap(self) -> int:
        """The most that one person is credited for inspections of one day."""
        return self.values[DAILY_CAP]


def rules_on(day: date) -> Rules | None:
    """The rules in force on a day; None before the first."""
    wanted = day.strftime("%Y%m%d")
    begun = [one for one in _versions() if one[0] <= wanted]
    return begun[-1][1] if begun else None


@cache
def _versions() -> tuple[tuple[str, Rules], ...]:
    """(first day YYYYMMDD, rules), by day."""
    values: dict[tuple[str, str], dict[str, int]] = {}
    for row in catalog.rows("points_rules"):
        of_version = values.setdefault((row["valid_from"], row["version"]), {})
        of_version[row["code"]] = int(row["value"])
    return tuple((begin, Rules(name, one)) for (begin, name), one in sorted(values.items()))
