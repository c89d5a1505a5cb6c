"""Numbers, codes and rows of new records.  Bytes are in the store before any row is written."""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Model, OuterRef

from liandong.archive.models import (
    ArchivalClass,
    Fonds,
    HeldNumber,
    LineCorrection,
    PersonalHit,
    PreservationEvent,
    Record,
    RecordFile,
    RecordPage,
)
from liandong.base.audit import Act, record_acts
from liandong.kernel.codes import ArchivalCode, BadCode, CodeTemplate, template
from liandong.kernel.metadata import retention_code

from . import privacy
from .admission import Admission
from .examining import level_of
from .holdings import is_in_store, keep_in_store
from .objects import Packed, correction_rows, event_rows, file_rows, page_rows, record_row
from .opening.keeping import restore_reviews

Row = TypeVar("Row", bound=Model)
logger = logging.getLogger(__name__)
DEFAULT_CATEGORY = "WS"  # 文书, when a description names no category
_ROWS = 500  # of one INSERT


class CodeTaken(Exception):
    """Another record has the archival code `code` already."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class UnknownFonds(Exception):
    """No fonds has the number `number`."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


class ClassKey(NamedTuple):
    """What tells one lowest class from another within a fonds; absent parts are ""."""

    category: str
    year: str
    retention: str
    org: str


def class_key(code: ArchivalCode) -> ClassKey:
    """The lowest class of a code, in which item numbers run.  DA/T 22-2015, 件号.

    Further parts of 类别号 follow the category after ·; a catalogue number (目录号) stands for the
    category, and a volume (案卷号) for the organisation, where the template has those instead.
    """
    width = template(code.template).volume_width
    volume = f"{code.volume:0{width}d}" if width else ""
    return ClassKey(
        category="·".join(part for part in (code.category, code.subject) if part) or code.catalogue,
        year=f"{code.year:04d}" if code.year else "",
        retention=code.retention,
        org=code.org or volume,
    )


# Numbers ------------------------------------------------------------------------------------------


@transaction.atomic
def take_number(
    fonds: Fonds,
    category: str,
    year: str,
    retention: str,
    org: str,
    *,
    holder: UUID | None = None,
) -> int:
    """The next item number of a class, from 1: the smallest that was given back, else one more.

    Commits with the caller's transaction: a number whose taker is rolled back was never taken.
    With a holder it is held until that one's record is admitted or it is given back.
    No gap and no repeat with any number of processes: the row of the class is locked
    (PostgreSQL) or the whole database is (SQLite, IMMEDIATE).
    """
    one = _locked_class(fonds, ClassKey(category, year, retention, org))
    returned = one.held_numbers.filter(holder__isnull=True).order_by("number").first()
    if returned is not None:
        number = returned.number
        returned.delete()
    else:
        one.last_number = number = one.last_number + 1
        one.save(update_fields=["last_number"])
    if holder is not None:
        HeldNumber.objects.create(archival_class=one, number=number, holder=holder)
    return number


@transaction.atomic
def give_back_number(
    fonds: Fonds, category: str, year: str, retention: str, org: str, number: int
) -> None:
    """Free a number that no record took, so that the next taker gets it.

    Giving back twice, or a number that a record has, changes nothing.
    """
    one = _locked_class(fonds, ClassKey(category, year, retention, org))
    known = Record.every.filter(archival_class=one, number=number)
    if not 1 <= number <= one.last_number or known.exists():
        return
    HeldNumber.objects.update_or_create(
        archival_class=one, number=number, defaults={"holder": None}
    )


def _locked_class(fonds: Fonds, key: ClassKey) -> ArchivalClass:
    ArchivalClass.objects.bulk_create(
        [ArchivalClass(fonds=fonds, **key._asdict())], ignore_conflicts=True
    )
    return ArchivalClass.objects.select_for_update().get(fonds=fonds, **key._asdict())


# Codes --------------------------------------------------------------------------------------------


def settle_code(description: Mapping[str, str], *, holder: UUID | None = None) -> ArchivalCode:
    """The archival code (档号) of one description; see `settle_codes`.  Raises CodeTaken too."""
    (settled,) = settle_codes([(description, holder)])
    if isinstance(settled, CodeTaken):
        raise settled
    return settled


@transaction.atomic
def settle_codes(
    wanted: Sequence[tuple[Mapping[str, str], UUID | None]],
) -> list[ArchivalCode | CodeTaken]:
    """The archival codes (档号) of descriptions, by the template of their fonds, in order.

    A description that has a code keeps it, and CodeTaken stands for one that another has; else a
    number is taken as `take_number` does.  Either is held for the holder beside the description,
    the object id of the record to be, against everyone else.
    Raises UnknownFonds and BadCode (a part is missing or malformed); then none is settled.
    """
    fonds_of = {one.number: one for one in Fonds.objects.filter(number__in={
        _fonds_number(description) for description, _ in wanted
    })}  # fmt: skip
    drafts = [_drafted(description, fonds_of) for description, _ in wanted]
    classes: dict[tuple[int, ClassKey], list[int]] = defaultdict(list)
    for at, (fonds, code) in enumerate(drafts):
        classes[fonds.pk, class_key(code)].append(at)
    given = {str(draft[1]) for draft in drafts if draft[1].number}
    owners = dict(Record.every.filter(code__in=given).values_list("code", "object_id"))
    settled: dict[int, ArchivalCode | CodeTaken] = {}
    for (_, key), places in sorted(classes.items()):  # locked in one order everywhere
        numbers = _Numbers.of(_locked_class(drafts[places[0]][0], key))
        for at in sorted(places, key=lambda at: not drafts[at][1].number):  # claims before takers
            (fonds, code), holder = drafts[at], wanted[at][1]
            if not code.number:
                settled[at] = _with_number(
                    template(fonds.code_template), code, numbers.take(holder)
                )
            elif owners.get(str(code), holder) != holder or not numbers.claim(code.number, holder):
                settled[at] = CodeTaken(str(code))
            else:
                settled[at] = code
        numbers.write()
    return [settled[at] for at in range(len(wanted))]


def _fonds_number(description: Mapping[str, str]) -> str:
    given = description.get("archival_code", "").strip()
    return description.get("fonds_number", "").strip() or given.split("-", 1)[0]


def _drafted(
    description: Mapping[str, str], known: Mapping[str, Fonds]
) -> tuple[Fonds, ArchivalCode]:
    """The fonds and the code, with number 0 when it is still to be taken."""
    fonds = known.get(_fonds_number(description))
    if fonds is None:
        raise UnknownFonds(_fonds_number(description))
    shape, given = template(fonds.code_template), description.get("archival_code", "").strip()
    if not given:
        return fonds, replace(_draft(shape, fonds, description), number=0)
    code = shape.parse(given)
    if code.fonds != fonds.number:
        raise BadCode(f"the code is not of fonds {fonds.number}: {given!r}")
    return fonds, code


@dataclass(slots=True)
class _Numbers:
    """The numbers of one locked class, settled in memory and written at once."""

    one: ArchivalClass
    last: int
    held: dict[int, UUID | None]  # number → holder; None was given back
    before: dict[int, UUID | None]

    @classmethod
    def of(cls, one: ArchivalClass) -> "_Numbers":
        held = dict(one.held_numbers.values_list("number", "holder"))
        return cls(one, one.last_number, held, dict(held))

    def claim(self, number: int, holder: UUID | None) -> bool:
        """Hold a number that was handed over; False when it is another's."""
        if self.held.get(number) not in {None, holder}:
            return False
        self.held.pop(number, None)
        self._hold(number, holder)
        self.last = max(self.last, number)
        return True

    def take(self, holder: UUID | None) -> int:
        """The smallest number that was given back, else one more."""
        free = min((number for number, one in self.held.items() if one is None), default=0)
        self.held.pop(free, None)
        self.last += not free
        self._hold(free or self.last, holder)
        return free or self.last

    def _hold(self, number: int, holder: UUID | None) -> None:
        if holder is not None:
            self.held[number] = holder

    def write(self) -> None:
        """Write what changed."""
        changed = {
            number
            for number in self.before.keys() | self.held.keys()
            if self.before.get(number, self) != self.held.get(number, self)
        }
        self.one.held_numbers.filter(number__in=changed & self.before.keys()).delete()
        HeldNumber.objects.bulk_create(
            HeldNumber(archival_class=self.one, number=number, holder=self.held[number])
            for number in sorted(changed & self.held.keys())
        )
        if self.last != self.one.last_number:
            self.one.last_number = self.last
            self.one.save(update_fields=["last_number"])


def give_back_code(code: ArchivalCode) -> None:
    """Free the number of a settled code that will not be admitted."""
    fonds = Fonds.objects.filter(number=code.fonds).first()
    if fonds is not None:
        give_back_number(fonds, *class_key(code), code.number)


def _draft(shape: CodeTemplate, fonds: Fonds, description: Mapping[str, str]) -> ArchivalCode:
    """The code with number 1; raises BadCode."""
    parts, known = shape.parts, {name: text.strip() for name, text in description.items()}
    volume, year = known.get("volume_number", ""), known.get("filing_year", "")
    if "year" in parts and not re.fullmatch("[12][0-9]{3}", year):
        raise BadCode(f"no year: {year!r}")
    if "volume" in parts and not re.fullmatch("[0-9]{1,6}", volume):
        raise BadCode(f"no volume: {volume!r}")
    return shape.compose(
        fonds=fonds.number,
        number=1,
        category=known.get("archival_category") or DEFAULT_CATEGORY if "category" in parts else "",
        year=int(year) if "year" in parts else 0,
        retention=retention_code(known.get("retention_period", "")) if "retention" in parts else "",
        org=known.get("org_or_subject", "") if "org" in parts else "",
        catalogue=known.get("catalogue_number", "") if "catalogue" in parts else "",
        volume=int(volume) if "volume" in parts else 0,
    )


def _with_number(shape: CodeTemplate, draft: ArchivalCode, number: int) -> ArchivalCode:
    return shape.parse(str(replace(draft, number=number)))


# Rows ---------------------------------------------------------------------------------------------


def admit(packed: Packed, admission: Admission, *, by: str, now: datetime) -> Record:
    """Write the rows of one packed record; see `admit_many`."""
    return admit_many([(packed, admission)], by=by, now=now)[0]


def admit_many(
    pairs: Sequence[tuple[Packed, Admission]], *, by: str, now: datetime
) -> list[Record]:
    """Write the rows of records that were packed from these admissions; see `admit_packed`."""
    return admit_packed([packed for packed, _ in pairs], by=by, now=now)


def admit_packed(objects: Sequence[Packed], *, by: str, now: datetime) -> list[Record]:
    """Write the rows of packed records in one transaction; the records in the order given.

    The rows follow from the objects alone, so that a rebuild gives the same; `by` and `now` go to
    the log.  A record that is there already is returned as it is.
    Raises CodeTaken, UnknownFonds, BadCode; then nothing is written.
    """
    packed_records = {packed.object_id: packed for packed in objects}
    with transaction.atomic():
        known = Record.every.in_bulk(list(packed_records), field_name="object_id")
        fresh = [packed for object_id, packed in packed_records.items() if object_id not in known]
        records = write_rows(fresh, by=by, now=now)
        record_acts(_admissions(records), by=by, now=now)
    for record in records:
        logger.info("record.admitted id=%s by=%s at=%s", record.pk, by, now.isoformat())
    known |= {record.object_id: record for record in records}
    return [known[packed.object_id] for packed in objects]


def _admissions(records: Sequence[Record]) -> list[Act]:
    return [
        Act("admit_record", f"record:{one.code}", facts={"object": str(one.object_id)})
        for one in records
    ]


def write_rows(records: Sequence[Packed], *, by: str, now: datetime) -> list[Record]:
    """Write every row of records that have none, in the caller's transaction; also for rebuild."""
    if not records:
        return []
    placed = _place_in_classes(records, by=by, now=now)
    _refuse_taken([packed.code for packed in records])
    drafts = [record_row(packed, *placed[packed.code]) for packed in records]
    hits = [privacy.examine_packed(packed, now=now) for packed in records]
    for draft, found in zip(drafts, hits, strict=True):
        draft.personal = level_of(found)
    rows = list(zip(_insert(Record, drafts), records, strict=True))
    _insert(RecordFile, (row for record, packed in rows for row in file_rows(record.pk, packed)))
    pages = _insert(
        RecordPage, (row for record, packed in rows for row in page_rows(record.pk, packed))
    )
    _insert(
        PreservationEvent, (row for record, packed in rows for row in event_rows(record.pk, packed))
    )
    _insert(PersonalHit, (hit for draft, found in zip(drafts, hits, strict=True)
                          for hit in privacy.hits_for(draft, found)))  # fmt: skip
    corrected = [(record, packed) for record, packed in rows if packed.corrections]
    for record, packed in corrected:
        numbers = {page.number: page.pk for page in pages if page.record_id == record.pk}
        _insert(LineCorrection, correction_rows(packed, numbers))
    restore_reviews((record.pk, packed.opening) for record, packed in rows if packed.opening)
    _count_in_classes(drafts)
    return drafts


def _insert(model: type[Row], rows: Iterable[Row]) -> list[Row]:
    return model._default_manager.bulk_create(list(rows), batch_size=_ROWS)


def _place_in_classes(
    records: Sequence[Packed], *, by: str, now: datetime
) -> dict[str, tuple[Fonds, ArchivalCode, int]]:
    """Fonds, parsed code and class of every code; makes the classes that are missing."""
    fonds_of = _fonds_of(records, by=by, now=now)
    parsed: dict[str, tuple[Fonds, ArchivalCode]] = {}
    for packed in records:
        fonds = fonds_of[packed.code.split("-", 1)[0]]
        parsed[packed.code] = (fonds, template(fonds.code_template).parse(packed.code))
    classes: dict[tuple[int, ClassKey], ArchivalClass] = {}
    for fonds, code in sorted(parsed.values(), key=lambda pair: (pair[0].pk, class_key(pair[1]))):
        key = (fonds.pk, class_key(code))  # locked in one order everywhere: no deadlock
        if key not in classes:
            classes[key] = _locked_class(fonds, key[1])
        classes[key].last_number = max(classes[key].last_number, code.number)
    ArchivalClass.objects.bulk_update(classes.values(), ["last_number"], batch_size=_ROWS)
    return {
        text: (fonds, code, classes[fonds.pk, class_key(code)].pk)
        for text, (fonds, code) in parsed.items()
    }


def _fonds_of(records: Sequence[Packed], *, by: str, now: datetime) -> dict[str, Fonds]:
    """The fonds by number, each with its object in the store; raises UnknownFonds."""
    numbers = {packed.code.split("-", 1)[0] for packed in records}
    rows = Fonds.objects.filter(number__in=numbers).prefetch_related("opening_periods")
    known = {one.number: one for one in rows}
    if missing := sorted(numbers - known.keys()):
        raise UnknownFonds(missing[0])
    for fonds in known.values():
        if not is_in_store(fonds):
            keep_in_store(fonds, by=by, now=now)
    return known


def _refuse_taken(codes: Sequence[str]) -> None:
    """Raise CodeTaken for a code that is twice among these or has a record."""
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise CodeTaken(code)
        seen.add(code)
    taken = Record.every.filter(code__in=codes).values_list("code", flat=True).first()
    if taken is not None:
        raise CodeTaken(taken)


def _count_in_classes(records: Sequence[Record]) -> None:
    for class_id, count in Counter(record.archival_class_id for record in records).items():
        ArchivalClass.objects.filter(pk=class_id).update(record_count=F("record_count") + count)
    taken = Record.every.filter(
        archival_class=OuterRef("archival_class"), number=OuterRef("number")
    )
    HeldNumber.objects.filter(
        Exists(taken), archival_class__in={record.archival_class_id for record in records}
    ).delete()
