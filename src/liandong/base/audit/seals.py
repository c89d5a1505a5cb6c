"""Seals (封存): the day's rows as one root, chained, signed, and written where the database is not.

A seal goes into its table, into `audit/seals` of the data folder, and into LIANDONG_AUDIT_PLACE,
which should be a disk that only takes and never gives back.  A place that cannot be reached now
gets what it lacks the next time.
"""

import json
import logging
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from liandong.base.engines import engine
from liandong.base.locks import hold
from liandong.base.models import AuditRow, AuditSeal, Outcome
from liandong.kernel.audit import Tree, seal_code, seal_hash
from liandong.kernel.verify_audit import HASH, SEAL, Checker

from .heads import folder, key
from .rows import knower, plain_seal, rows_between, seals_from
from .writing import record_act

log = logging.getLogger(__name__)
MOST: Final = 100_000  # rows under one seal: so many proofs are made in memory


def seal(*, by: str, now: datetime, daily: bool = False) -> list[AuditSeal]:
    """Seal every row that no seal covers yet, and write the files; the seals that were made.

    With `daily`, only when none was made today (Asia/Shanghai).  Rows that are wrong are sealed as
    well, and the seal says how many: sealing must not stop, and their fault cannot be mended.
    """
    made: list[AuditSeal] = []
    with hold("audit-seal", wait=True):
        last = AuditSeal.objects.last()
        end = AuditRow.objects.aggregate(last=Max("number"))["last"] or 0
        if _is_due(last, now, daily=daily):
            while (first := last.last + 1 if last else 1) <= end:
                last = _seal_rows(last, first, min(end, first + MOST - 1), by=by, now=now)
                made.append(last)
    keep_files()
    return made


def _is_due(last: AuditSeal | None, now: datetime, *, daily: bool) -> bool:
    if last is None:
        return True
    if daily:
        return timezone.localdate(now) > last.day
    rest = AuditRow.objects.filter(number__gt=last.last)
    return rest.exclude(act="seal_audit").exists()  # sealing leaves a row of its own


def _seal_rows(
    before: AuditSeal | None, first: int, last: int, *, by: str, now: datetime
) -> AuditSeal:
    """Seal these rows; the seal and the row that tells of it stand or fall together."""
    tree, checker = Tree(settings.AUDIT_DIGEST), Checker(start=first, known=knower())
    checker.link = before.last_hash if before else ""
    for values in rows_between(first, last):
        checker.feed(values)
        tree.add(values[HASH])
        told = values[HASH]
    made = AuditSeal(
        number=before.number + 1 if before else 1, day=timezone.localdate(now), at=now,
        first=first, last=last, last_hash=told, root=tree.root(), faults=len(checker.end()),
        previous=before.hash if before else "",
    )  # fmt: skip
    made.mac = seal_code(plain_seal(made), key(), settings.AUDIT_DIGEST)
    made.hash = seal_hash(plain_seal(made), settings.AUDIT_DIGEST)
    made.signature = _signature(made.hash)
    facts = {
        "first": first, "last": last, "faults": made.faults, "hash": made.hash,
    }  # fmt: skip
    with transaction.atomic():
        made.save(force_insert=True)
        record_act(
            "seal_audit", by=by, now=now, object=f"seal:{made.number}", facts=facts,
            outcome=Outcome.FAILED if made.faults else Outcome.DONE,
        )  # fmt: skip
    return made


def _signature(told: str) -> str:
    """The signer's signature of a seal's hash as JSON; "" where there is no signer."""
    if "signer" not in settings.ENGINES:
        return ""
    try:
        return json.dumps(engine("signer").sign(told.encode()).to_json())
    except OSError:  # the key cannot be had: a seal without signature is still a seal
        log.exception("audit.seal_unsigned")
        return ""


# Files --------------------------------------------------------------------------------------------


def places() -> list[Path]:
    """Where seals are kept beside the table."""
    away = settings.AUDIT_PLACE
    return [folder() / "seals", *([Path(away)] if away else [])]


def keep_files() -> int:
    """Write the seals that a place lacks, each a file; how many were written."""
    written = 0
    for place in places():
        try:
            written += _fill(place)
        except OSError:
            log.exception("audit.seals_not_kept place=%s", place)
    return written


def _fill(place: Path) -> int:
    place.mkdir(parents=True, exist_ok=True)
    there = {file.name for file in place.glob("*.json")}
    lacking = [one for one in seals_from() if _file_name(one) not in there]
    for one in lacking:
        text = json.dumps(to_json(one), ensure_ascii=False, indent=1)
        fresh = place / f".{_file_name(one)}.{os.getpid()}"
        with fresh.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(place / _file_name(one))
    return len(lacking)


def _file_name(one: AuditSeal) -> str:
    """Number, day and the start of the hash: two seals of one number never share a file."""
    return f"{one.number:06d}-{one.day.isoformat()}-{one.hash.partition(':')[2][:8]}.json"


def to_json(one: AuditSeal) -> dict[str, Any]:
    """A seal as its file has it: the fields, the hash, the signature."""
    signed = {"signature": json.loads(one.signature)} if one.signature else {}
    return {**plain_seal(one), "hash": one.hash, **signed}


def seals_in(place: Path) -> Iterator[dict[str, Any]]:
    """The seals of a folder.  Raises ValueError for a file that is none."""
    for file in sorted(place.glob("*.json")):
        known = json.loads(file.read_text("utf-8"))
        if not isinstance(known, dict) or not known.keys() >= set(SEAL):
            raise ValueError(file.name)
        yield known
