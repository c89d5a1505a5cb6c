"""Cases that may be of the same matter: a person decides, this only shows where to look.

Candidates come by the index `case_by_place` within the box of the kernel's radius, never more than
MOST, so that a suggestion costs the same in a city of a million cases.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q, QuerySet

from liandong.cases.models import Case, Evidence
from liandong.kernel.casework import ENDED_PUBLICLY, EXITS, kinds
from liandong.kernel.likeness import (
    DAYS,
    RADIUS,
    Likeness,
    Side,
    box_around,
    default_points,
    ranked,
    rate_bits,
    weights,
)
from liandong.kernel.places import COARSE
from liandong.kernel.viewer import Viewer

from .cases import visible
from .situations import case_by_number

MOST: Final = 400  # cases that are weighed
SHOWN: Final = 3
DECIDED: Final = 2000  # cases of a category, the newest, whose decisions make its rate
CLOSED_AS_DUPLICATE: Final = "duplicate"
_SHOWN_BESIDE: Final = (
    "submitted_at", "category", "lat", "lon", "address", "text", "title", "state",
    "lead_unit__name",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Similar:
    """A case and how alike it is; `is_said` where the reporter named it as the same."""

    case: Case
    likeness: Likeness
    is_said: bool = False

    @property
    def is_open(self) -> bool:
        """Whether another can be merged into it."""
        return self.case.state not in ENDED_PUBLICLY and self.case.state != "reopen_review"


def similar(case: Case, *, viewer: Viewer, limit: int = SHOWN) -> list[Similar]:
    """Cases that `viewer` may see and that are like this one: what the reporter named, then the
    most alike.  None without a place, and none for a place where a geocoder puts what it cannot
    find.
    """  # fmt: skip
    rows = visible(viewer).exclude(pk=case.pk).exclude(state__in=sorted(EXITS))
    rows = rows.select_related("lead_unit").only(*_SHOWN_BESIDE)
    others = list(rows.filter(pk__in=_near(case.lat, case.lon, case.submitted_at)))
    pictures = _image_hashes([case.pk, *(one.pk for one in others)])
    sides = [_side(one, pictures) for one in others]
    found = ranked(_side(case, pictures), sides, rates=rates_of([case.category]))
    said = rows.filter(pk=_said(case)).first()
    shown = [
        Similar(others[position], like, is_said=others[position] == said)
        for position, like in found
        if like.bits >= weights().suggest_from or others[position] == said
    ]
    if said is not None and not any(one.is_said for one in shown):
        days = abs((case.submitted_at - said.submitted_at).total_seconds()) / 86400
        shown.append(Similar(said, Likeness(0.0, None, days, ()), is_said=True))
    return sorted(shown, key=lambda one: not one.is_said)[:limit]


def _said(case: Case) -> int:
    """The key of the case that the reporter named as the same, 0 for none."""
    facts = case.events.filter(action="submit").values_list("facts", flat=True).first() or {}
    named = case_by_number(str(facts.get("same_as", "")))
    return named.pk if named else 0


@dataclass(frozen=True, slots=True)
class Nearby:
    """What a stranger is told of a report nearby: its number, category, age and a coarse distance.

    Distances are those of the coarse place, which anybody may know.
    """

    case: Case
    metres: float


def similar_public(
    *, lat: float, lon: float, category: str, text: str, now: datetime, limit: int = 2
) -> list[Nearby]:
    """Open public cases that a report about to be sent is like, by what anybody may know of them.

    Places are coarse and words count only where a person has made them public: whoever asks often
    learns nothing that the open interface does not tell.
    """
    open_kinds = [one.code for one in kinds().values() if one.open311]
    public = Case.objects.filter(kind__in=open_kinds).exclude(state__in=sorted(ENDED_PUBLICLY))
    if not category:
        return []
    around = list(public.filter(pk__in=_near(lat, lon, now)))
    suspect = default_points([_side(one, {}) for one in around])
    others = [one for one in around if (one.lat, one.lon) not in suspect]
    sides = [_public_side(one) for one in others]
    asked = Side(now, category, lat, lon, text=text)
    found = ranked(asked, sides, rates=rates_of([category]))
    return [
        Nearby(others[position], like.metres or 0.0)
        for position, like in found[:limit]
        if like.bits >= weights().public_from and others[position].category == category
    ]


def _near(lat: float | None, lon: float | None, at: datetime) -> list[int]:
    """Keys of the cases in the box, no more than DAYS before or after, the closest in time.

    Read from the index alone, and apart from every other condition: the planner would rather walk
    all cases of these months.
    """
    if lat is None or lon is None:
        return []
    box = box_around(lat, lon, RADIUS)
    rows = Case.objects.filter(
        lat__gte=box.south, lat__lte=box.north, lon__gte=box.west, lon__lte=box.east
    )
    span = timedelta(days=DAYS)
    found = [
        (abs(then - at), key)
        for key, then in rows.order_by().values_list("pk", "submitted_at")
        if abs(then - at) <= span
    ]
    return [key for _apart, key in sorted(found)[:MOST]]


def _side(case: Case, pictures: dict[int, set[str]]) -> Side:
    return Side(
        case.submitted_at, case.category, case.lat, case.lon, case.address, case.text,
        frozenset(pictures.get(case.pk, ())),
    )  # fmt: skip


def _public_side(case: Case) -> Side:
    lat = None if case.lat is None else round(case.lat, COARSE)
    lon = None if case.lon is None else round(case.lon, COARSE)
    words = case.public_text
    return Side(case.submitted_at, case.category, lat, lon, text=words)


def _image_hashes(keys: Sequence[int]) -> dict[int, set[str]]:
    rows = Evidence.objects.filter(
        case__in=keys, part=Evidence.Part.BEFORE, event__isnull=False
    ).exclude(image_hash="")
    found: dict[int, set[str]] = {}
    for key, image_hash in rows.values_list("case", "image_hash"):
        found.setdefault(key, set()).add(image_hash)
    return found


def rates_of(categories: Iterable[str]) -> dict[str, float]:
    """How readily persons have merged cases of these categories, in bits; {} for none."""
    wanted = sorted({one for one in categories if one})
    if not wanted:
        return {}
    merged, decided = _decisions(Case.objects.all())
    return {
        one: rate_bits(*_decisions(Case.objects.filter(category=one)), merged, decided)
        for one in wanted
    }


def _decisions(rows: QuerySet[Case]) -> tuple[int, int]:
    """How many of the newest with an outcome were closed as duplicates, and how many there are."""
    told = (
        rows.order_by("-id")
        .values("outcome")[:DECIDED]
        .aggregate(
            merged=Count("pk", filter=Q(outcome=CLOSED_AS_DUPLICATE)),
            decided=Count("pk", filter=~Q(outcome="")),
        )
    )
    return told["merged"], told["decided"]
