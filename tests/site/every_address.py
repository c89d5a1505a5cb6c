"""People, things and values for the walk over every address.

A room that adds addresses adds here what their parameters may stand for: a `Thing` with a value
for each parameter and the facts that its rule asks for.  A parameter that nothing here has a value
for fails the walk.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.test import Client
from django.utils import timezone
from tests.archive.build import NOW, fonds, secret_admission
from tests.archive.sharing import share
from tests.site.room_things import room_things
from tests.site.thing import Thing

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
from liandong.kernel.viewer import INTERNAL, Share, Viewer
from liandong.portal.api.examples import BODIES as EXAMPLES
from liandong.portal.models import Delivery, Filing, Subscription, Transfer
from liandong.portal.policies import BORROWED_ROLES, SCOPES
from liandong.portal.services.keys import issue_key
from liandong.site.access_matrix import HOME, OTHER, ROLES

MORE_ROLES: Mapping[str, Viewer] = {  # near misses that the printed matrix does not show
    "low-archivist": Viewer("low-archivist", "", INTERNAL, frozenset({"archivist"})),
    "low-clerk": Viewer("low-clerk", HOME, 0, frozenset({"clerk"})),
}
PEOPLE: Mapping[str, Viewer] = {**ROLES, **MORE_ROLES}


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


def sent_to(address: Address, things: Iterable[Thing]) -> dict[str, Any]:
    """What a POST carries: the fields of a form, or the example of the contract of an API."""
    if not is_operation(address):
        return {"data": body_of(address, things)}
    body = EXAMPLES.get(address.where.rpartition(".")[2])
    return {
        "data": b"" if body is None else json.dumps(body).encode(),
        "content_type": "application/json",
        "headers": {"Idempotency-Key": uuid4().hex},
    }


def is_operation(address: Address) -> bool:
    """Whether an address is entered by an interface key, and by nothing else."""
    policy = address.policy
    return policy is not None and policy.code.startswith("api-") and policy.scope != "operation"


def make_people() -> dict[str, Client]:
    """A signed-in browser for each kind of person, whose account is as the matrix has it."""
    for code in sorted({HOME, OTHER, *(one.unit for one in PEOPLE.values())} - {""}):
        Unit.objects.get_or_create(code=code, defaults={"name": code})
    clients = {}
    for role, viewer in PEOPLE.items():
        clients[role] = Client(raise_request_exception=False)  # 500 is an answer
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
        if has_key(viewer):
            clients[role].defaults["HTTP_AUTHORIZATION"] = f"Bearer {_key(account)}"
    return clients


def has_key(viewer: Viewer) -> bool:
    """Whether this person may answer for an interface key: a member of a unit, no officer."""
    return bool(viewer.unit) and not viewer.officer


def _key(account: Account) -> str:
    assert account.unit is not None
    now = timezone.now()
    return issue_key(
        name="x", unit=account.unit, account=account, scopes=list(SCOPES), by="sec-admin", now=now,
        expires_at=now + timedelta(days=1), per_minute=100_000,
    ).token  # fmt: skip


def behind_key(viewer: Viewer) -> Viewer:
    """Whom an interface key of this person stands for: the person's grants are not the system's."""
    return replace(viewer, roles=viewer.roles & BORROWED_ROLES, shares=())


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
    things.append(Thing("session of another", "", {"code": "0" * 16}, seen_by=lambda _: False,
                        under="/me/sessions/"))  # fmt: skip
    things += [Thing("account", "", {"username": "clerk"}), Thing("unit", "", {"unit_code": HOME})]
    wanted = {"account": "clerk", "clearance": 2}
    request = ask("set_clearance", wanted, why="需要", by="sys-admin", now=timezone.now())
    officers = {"number": request.pk}  # asked, decides, audits
    things.append(Thing("request", "approval", officers, seen_by=lambda one: bool(one.officer)))
    things += _audit_things()
    for unit, owner in ((HOME, "clerk"), (OTHER, "other-clerk")):
        things += _batch_things(unit, owner, internal)
        things += _interface_things(unit, owner)
    things += room_things(home, internal)
    return things


def _interface_things(unit: str, owner: str) -> Iterator[Thing]:
    """What the system of a department made by its key."""
    office, account = Unit.objects.get(code=unit), Account.objects.get(username=owner)
    known: dict[str, Any] = {"unit": office, "key": "0" * 16}
    transfer = Transfer.objects.create(
        uuid=uuid4(), name=unit, opened_at=NOW, opened_by=owner, **known
    )
    file = Upload.objects.create(
        session=transfer.uuid, path="1", size_bytes=3, created_at=NOW, created_by=owner
    )
    values = {"transfer_id": str(transfer.uuid), "file_id": str(file.uuid)}
    yield Thing(f"transfer of {unit}", "transfer", values, seen_by=lambda one: one.unit == unit)
    filing = Filing.objects.create(
        system="oa", document="1", digest="0" * 64, filed_at=NOW, filed_by=owner, **known
    )
    values = {"filing_id": str(filing.uuid), "upload_id": str(uuid4())}
    yield Thing(f"filing of {unit}", "filing", values, seen_by=lambda one: one.unit == unit)
    subscription = Subscription.objects.create(
        uuid=uuid4(), unit=office, account=account, url="https://oa.example.cn/", events="ping",
        algorithm="hmac-sha256", made_at=NOW, made_by=owner,
    )  # fmt: skip
    notice = Delivery.objects.create(
        subscription=subscription, event="ping", body="{}", made_at=NOW
    )
    values = {"subscription_id": str(subscription.uuid), "delivery_id": str(notice.uuid)}
    yield Thing(
        f"subscription of {unit}", "subscription", values, seen_by=lambda one: one.unit == unit
    )


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
        "code": record.code,
        "file_number": record.files.get(role="original").pk,
        "rest": "nothing",
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
