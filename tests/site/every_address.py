"""People, things and values for the walk over every address.

A room that adds addresses adds here what their parameters may stand for: a `Thing` with a value
for each parameter and the facts that its rule asks for.  A parameter that nothing here has a value
for fails the walk.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.test import Client
from django.utils import timezone
from tests.archive.build import NOW, fonds, secret_admission
from tests.archive.sharing import share

from liandong.archive.models import LineCorrection, PersonalHit, Record
from liandong.archive.queries.why import facts_of
from liandong.archive.services.admitting import admit
from liandong.archive.services.indexing import index_records
from liandong.archive.services.packing import pack
from liandong.base.addresses import Address
from liandong.base.approvals import ask
from liandong.base.audit import record_act
from liandong.base.models import Account, AuditCheck, Post, Unit
from liandong.intake.models import Batch, Item, ItemState, Proposal, Upload
from liandong.kernel.access import Fact
from liandong.kernel.viewer import INTERNAL, Share, Viewer
from liandong.site.access_matrix import HOME, OTHER, ROLES

MORE_ROLES: Mapping[str, Viewer] = {  # near misses that the printed matrix does not show
    "low-archivist": Viewer("low-archivist", "", INTERNAL, frozenset({"archivist"})),
    "low-clerk": Viewer("low-clerk", HOME, 0, frozenset({"clerk"})),
}
PEOPLE: Mapping[str, Viewer] = {**ROLES, **MORE_ROLES}


@dataclass(frozen=True)
class Thing:
    """What the parameters of an address may stand for."""

    name: str
    scope: str  # of the policies that guard it; "" when everybody may know of it
    values: Mapping[str, Any]  # by name of parameter
    facts: Mapping[str, Fact] = field(default_factory=dict)
    seen_by: Callable[[Viewer], bool] = lambda viewer: True  # where no rule is declared


BODIES: Mapping[str, Mapping[str, str]] = {  # by name of address: fields whose value is a thing's
    "intake:review_above": {"batch": "batch_id"},
}


def body_of(address: Address, things: Iterable[Thing]) -> dict[str, Any]:
    """What is posted to an address: the fields that name a thing, nothing else."""
    fields = BODIES.get(address.name, {})
    return {
        field: next(one.values[name] for one in things if name in one.values)
        for field, name in fields.items()
    }


def make_people() -> dict[str, Client]:
    """A signed-in browser for each kind of person, whose account is as the matrix has it."""
    for code in (HOME, OTHER):
        Unit.objects.get_or_create(code=code, defaults={"name": code})
    clients = {}
    for role, viewer in PEOPLE.items():
        clients[role] = Client()
        if not viewer.is_signed_in:
            continue
        account = Account.objects.create(
            username=viewer.name,
            full_name=viewer.name,
            unit=Unit.objects.filter(code=viewer.unit).first(),
            clearance=viewer.clearance,
            officer=viewer.officer,
        )
        Post.objects.bulk_create(Post(account=account, role=one) for one in viewer.roles)
        clients[role].force_login(account)
    return clients


def make_things(home: Path) -> list[Thing]:
    """Everything that addresses may point at; people must be there."""
    fonds()
    opened = _record(home, 1, level=0, open_from=20200101, unit=OTHER)
    internal = _record(home, 2, level=1, unit=HOME)
    restricted = _record(home, 3, level=2, unit=HOME)
    for role in ("grantee-masked", "grantee-whole"):
        (granted,) = PEOPLE[role].shares
        _share(granted.code, role, restricted, granted)
    things = [_record_thing(one) for one in (opened, internal, restricted)]
    things += [_hit_thing(one) for one in (opened, internal, restricted)]
    things.append(Thing("class", "", {"class_id": opened.archival_class_id}))
    things.append(Thing("passkey", "", {"pk": 1}))  # first asks again who one is
    things.append(Thing("session of another", "", {"code": "0" * 16}, seen_by=lambda _: False))
    things += [Thing("account", "", {"username": "clerk"}), Thing("unit", "", {"unit_code": HOME})]
    wanted = {"account": "clerk", "clearance": 2}
    request = ask("set_clearance", wanted, why="需要", by="sys-admin", now=timezone.now())
    officers = {"number": request.pk}  # asked, decides, audits
    things.append(Thing("request", "approval", officers, seen_by=lambda one: bool(one.officer)))
    things += _audit_things()
    for unit, owner in ((HOME, "clerk"), (OTHER, "other-clerk")):
        things += _batch_things(unit, owner, internal)
    return things


def _audit_things() -> Iterator[Thing]:
    """A row of an ordinary person, a row of an officer, and a check."""
    for by, officers in (("clerk", {"audit_admin", "sec_admin"}), ("sys-admin", {"audit_admin"})):
        name = f"page:/{by}/"
        row = record_act("open_page", by=by, now=NOW, object=name)
        yield Thing(
            f"audit row of {by}",
            "audit row",
            {"row_number": row.number, "object_name": name},
            seen_by=lambda viewer, officers=officers: viewer.officer in officers,
        )
    check = AuditCheck.objects.create(by="li", started_at=NOW, beat_at=NOW, ended_at=NOW)
    yield Thing("check of the audit", "", {"check_id": check.pk})


def _share(code: str, account: str, record: Record, granted: Share) -> None:
    uses = ",".join(sorted(granted.uses))
    share(code, [record], account=account, whole=granted.whole, uses=uses)


def _record(home: Path, number: int, **facts: Any) -> Record:
    one = secret_admission(home / "staging", number, **facts)
    record = admit(pack(one), one, by="li", now=NOW)
    index_records([record.pk])
    return record


def _record_thing(record: Record) -> Thing:
    page = record.pages.get(number=1)
    correction = LineCorrection.objects.create(
        page=page, line=0, before="旧", after=page.lines[0]["text"], at=NOW, by="li"
    )
    values = {
        "record_id": record.pk,
        "file_id": record.files.get(role="original").pk,
        "number": 1,
        "version": record.version,
        "level": 0,
        "column": 0,
        "row": 0,
        "correction_id": correction.pk,
    }
    return Thing(f"record {record.number}", "record", values, facts_of(record))


def _hit_thing(record: Record) -> Thing:
    hit = PersonalHit.objects.create(
        record=record, page=1, line=0, last_line=0, end=1, kind="person_name", method="person"
    )
    return Thing(f"hit of record {record.number}", "hit", {"hit_id": hit.pk}, facts_of(record))


def _batch_things(unit: str, owner: str, record: Record) -> Iterator[Thing]:
    batch = Batch.objects.create(
        name=unit, kind="bare", fonds=record.fonds, unit=Unit.objects.get(code=unit),
        received_at=NOW, received_by=owner, content_digest="0" * 64, state="pending_review",
    )  # fmt: skip
    item = Item.objects.create(batch=batch, key="1", state=ItemState.WAITING)
    proposal = Proposal.objects.create(
        item=item, field="title", value="通知", confidence=0.9, method="pattern"
    )
    upload = Upload.objects.create(
        session=uuid4(), path="1.txt", size_bytes=3, created_at=timezone.now(), created_by=owner
    )
    yield Thing(
        f"batch of {unit}",
        "batch",
        {"batch_id": batch.pk, "proposal_id": proposal.pk, "kind": "fields"},
        {"unit": unit},
    )
    yield Thing(
        f"upload of {owner}",
        "upload",
        {"upload_id": upload.uuid},
        seen_by=lambda viewer: viewer.name == owner,
    )
