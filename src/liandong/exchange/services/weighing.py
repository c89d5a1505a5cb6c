"""What the law asks before a request is decided: whose opinion, and how many people.

Source: 档案法实施条例 (2024) arts. 30, 34; 个人信息保护法 (2021) art. 28.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from liandong.archive.models import Record
from liandong.archive.policies import EXAMINED_CLEAN, OPEN, RESTRICTED, may_read
from liandong.archive.queries.records import granted
from liandong.base.models import Unit
from liandong.exchange.models import UseRequest
from liandong.kernel.viewer import Viewer

from .people import day_of, on_duty, today_number


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a decision on these records needs."""

    unasked: tuple[str, ...]  # codes of units whose opinion is still to be asked
    waiting: tuple[str, ...]  # asked, their time still runs
    silent: tuple[str, ...]  # no answer in time: no yes
    against: tuple[str, ...]
    unknown: tuple[str, ...]  # forming units that are no longer in the organisation tree
    restricted: int  # records of the level "restricted"
    personal: int  # records to be given whole that hold personal data, or were not examined

    @property
    def needs_opinion(self) -> bool:
        """Whether the law's opinion is still open."""
        return bool(self.unasked or self.waiting)

    @property
    def needs_two(self) -> bool:
        """Whether an archivist proposes and a director decides."""
        doubts = self.silent or self.against or self.unknown
        return bool(doubts or self.restricted or self.personal)


def weigh(request: UseRequest, records: Sequence[Record], *, whole: bool, now: datetime) -> Weighed:
    """What granting these records needs, as things stand."""
    units = units_concerned(request, records, now=now)
    known = set(Unit.objects.filter(code__in=units).values_list("code", flat=True))
    asked = {one.unit.code: one for one in request.opinions.select_related("unit")}
    today = day_of(now)
    return Weighed(
        unasked=_those(units & known, lambda code: code not in asked),
        waiting=_those(units & asked.keys(), lambda code: asked[code].is_open(today)),
        silent=_those(
            units & asked.keys(),
            lambda code: asked[code].agrees is None and not asked[code].is_open(today),
        ),
        against=_those(units & asked.keys(), lambda code: asked[code].agrees is False),
        unknown=_those(units - known, lambda _code: True),
        restricted=sum(record.level >= RESTRICTED for record in records),
        personal=sum(whole and record.personal != EXAMINED_CLEAN for record in records),
    )


def _those(codes: Iterable[str], wanted: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(sorted(code for code in codes if wanted(code)))


def units_concerned(
    request: UseRequest, records: Sequence[Record], *, now: datetime
) -> frozenset[str]:
    """Codes of the forming units of records that are not opened and not the asker's own."""
    today = today_number(now)
    return frozenset(
        record.unit
        for record in records
        if record.unit
        and record.unit != request.asker_unit
        and (record.level > OPEN or record.open_from > today)
    )


def within_duty(viewer: Viewer, records: Sequence[Record], *, now: datetime) -> bool:
    """Whether the decider may read every one of them without a grant."""
    seen = granted(may_read(on_duty(viewer), today_number(now)))
    return seen.filter(pk__in=[row.pk for row in records]).count() == len(records)
