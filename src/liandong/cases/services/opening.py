"""A report becomes a case: one door for every channel, and sent twice it is one case."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from liandong.base.audit import record_act
from liandong.base.models import Account, Unit
from liandong.cases.models import Case, CaseEvent, Evidence, GridCell, Pseudonym
from liandong.cases.policies import Bearer
from liandong.cases.queries.mandates import on_behalf
from liandong.kernel import catalog
from liandong.kernel.casework import STARTS, STATE, Kind, kinds, moves

from .effects import Effect
from .sealing import seal_contact
from .stepping import event_of, keep_words
from .timing import set_clocks

TITLE_LENGTH = 40


class BadReport(Exception):
    """A report that cannot be taken: faults as (field, code); nothing was kept."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(faults)
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Report:
    """What a requester sends.  `form` has the fields of the kind, `text` among them."""

    kind: str
    channel: str
    form: Mapping[str, str]
    uuid: UUID = field(default_factory=uuid4)
    category: str = ""
    address: str = ""
    lat: float | None = None  # WGS 84; converted at the edge
    lon: float | None = None
    datum: str = ""  # as it was sent
    requester: Account | None = None
    pseudonym: Pseudonym | None = None
    enterprise: Unit | None = None
    overseers: Sequence[Unit] = ()  # units of supervision, for kinds that belong to it
    contact: Mapping[str, str] = field(default_factory=dict)  # name, phone, email
    submitted_at: datetime | None = None  # of the source system, for imports
    token: str = ""  # chosen by the sender, who then has it though the answer gets lost
    facts: Mapping[str, Any] = field(default_factory=dict)  # of the first event: where it is from
    same_as: str = ""  # number of the case that the sender takes for the same matter


@dataclass(frozen=True, slots=True)
class Opened:
    """The case, the token of its tracking page (once; "" when it was sent before), fresh or not."""

    case: Case
    token: str
    is_fresh: bool


def open_case(
    report: Report, *, by: Bearer, now: datetime, evidence: Sequence[Evidence] = ()
) -> Opened:
    """Take a report in: the row, its first event, its contact sealed, in one transaction.

    `evidence` are rows not saved yet, whose bytes are stored already.  The same uuid again gives
    the case that is there.  Raises BadReport.
    """
    known = Case.objects.filter(uuid=report.uuid).first()
    if known is None:
        try:
            with transaction.atomic():
                return open_new(report, by=by, now=now, evidence=evidence)
        except IntegrityError:
            known = Case.objects.filter(uuid=report.uuid).first()
            if known is None:
                raise
    return Opened(known, "", is_fresh=False)


def open_new(
    report: Report, *, by: Bearer, now: datetime, evidence: Sequence[Evidence] = ()
) -> Opened:
    """Take in a report that was not there, in the caller's transaction: each row is written once.

    Raises BadReport, and IntegrityError where the same uuid came meanwhile.
    """
    kind = _checked(report, evidence)
    token = report.token or secrets.token_urlsafe(18)
    case = _case(report, kind, token, now=now)
    shown, private = _split(report, kind)
    event = _submitted(case, report, shown, by=by, now=now, evidence=evidence)
    if contact := {**private, **report.contact}:
        seal_contact(case, contact, now=now)
    set_clocks(case, now=now, events=[event])
    case.save(force_insert=True)
    if kind.circle:
        case.overseer_units.set(report.overseers)
    event.case = case
    event.save(force_insert=True)
    keep_words(event, shown)
    for one in evidence:
        one.case, one.event = case, event
        one.save(force_insert=True)
    record_act(
        "open_case", by=by.viewer.name, now=now, object=f"case:{case.number}",
        facts={"kind": case.kind, "channel": case.channel},
    )  # fmt: skip
    return Opened(case, token, is_fresh=True)


def token_digest(token: str) -> str:
    """What is kept of a token: it cannot be read back."""
    return hashlib.sha256(token.encode()).hexdigest()


def _checked(report: Report, evidence: Sequence[Evidence]) -> Kind:
    kind = kinds().get(report.kind)
    if kind is None:
        raise BadReport([("kind", "unknown")])
    faults = [
        (one.code, "missing")
        for one in kind.fields
        if one.required and not report.form.get(one.code, "").strip() and not _photo_says_it(
            one.code, kind, evidence
        )
    ]  # fmt: skip
    known = {one.code for one in kind.fields}
    faults += [(name, "unknown") for name in sorted(report.form.keys() - known)]
    faults += [
        (name, "too-long") for name, text in report.form.items() if len(text) > _longest(name)
    ]
    if (report.lat is None) != (report.lon is None):
        faults.append(("place", "half"))
    elif report.lat is not None and not (abs(report.lat) <= 90 and abs(report.lon or 0) <= 180):
        faults.append(("place", "off-the-earth"))
    if report.category and not any(
        row["local_code"] == report.category for row in catalog.rows("problem_categories")
    ):
        faults.append(("category", "unknown"))
    if kind.requester == "enterprise" and report.enterprise is None:
        faults.append(("enterprise", "missing"))
    if kind.circle and not report.overseers:
        faults.append(("overseers", "missing"))
    if faults:
        raise BadReport(faults)
    return kind


def _photo_says_it(code: str, kind: Kind, evidence: Sequence[Evidence]) -> bool:
    """A photo report needs words or a photo, not both."""
    return code == "text" and kind.proof == "photo" and bool(evidence)


def _longest(name: str) -> int:
    return 4000 if name == "text" else 1000


def _case(report: Report, kind: Kind, token: str, *, now: datetime) -> Case:
    form, _private = _split(report, kind)
    text = form.pop("text", "")
    title = form.pop("title", "") or text.split("\n")[0][:TITLE_LENGTH] or kind.name_zh
    return Case(
        uuid=report.uuid, kind=kind.code, channel=report.channel, state=STARTS[STATE],
        ledger="none", record="active", round=1, title=title[:120], text=text,
        form=form,
        category=report.category, address=report.address[:200], lat=report.lat, lon=report.lon,
        datum=report.datum, grid=cell_at(report.lat, report.lon), level=kind.level,
        requester=report.requester, enterprise=report.enterprise, pseudonym=report.pseudonym,
        token_hash=token_digest(token),
        submitted_at=report.submitted_at or now, changed_at=now,
    )  # fmt: skip


def _split(report: Report, kind: Kind) -> tuple[dict[str, str], dict[str, str]]:
    """The answered fields that the case's pages show, and the private ones, which are sealed."""
    form = {name: text.strip() for name, text in report.form.items() if text.strip()}
    private = {one.code for one in kind.fields if one.private}
    shown = {name: text for name, text in form.items() if name not in private}
    return shown, {name: text for name, text in form.items() if name in private}


def _submitted(
    case: Case, report: Report, said: Mapping[str, str], *, by: Bearer, now: datetime,
    evidence: Sequence[Evidence],
) -> CaseEvent:  # fmt: skip
    (move,) = (one for one in moves() if one.action == "submit")
    facts = {"channel": case.channel, **report.facts, **on_behalf(case, by.viewer)}
    if report.same_as:
        facts["same_as"] = report.same_as
    effect = Effect(sets=first_sets(case), facts=facts, round=1)
    return event_of(
        case, move, "reporter", by=by, now=now, said=said, effect=effect, attached=evidence
    )


def first_sets(case: Case) -> dict[str, Any]:
    """Every projected column once, so that the events alone give the row."""
    cells = case.cells
    return {name: cells[name] for name in Case.PROJECTED if name not in {*STARTS, "round"}}


# Where it is --------------------------------------------------------------------------------------


def cell_at(lat: float | None, lon: float | None) -> GridCell | None:
    """The grid cell that has this point (WGS 84); None outside of every cell."""
    if lat is None or lon is None:
        return None
    near = GridCell.objects.filter(south__lte=lat, north__gte=lat, west__lte=lon, east__gte=lon)
    return next((cell for cell in near if is_inside(lon, lat, cell.outline)), None)


def is_inside(x: float, y: float, ring: Sequence[Sequence[float]]) -> bool:
    """Whether a point lies in a ring of [x, y]: an odd number of edges to its right."""
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], *ring[:1]), strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
