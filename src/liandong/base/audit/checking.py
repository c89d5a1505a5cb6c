"""Checking the whole chain against head, seals and keys; every fault is named."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from liandong.base.engines import engine
from liandong.base.models import AuditCheck, AuditRow, Outcome
from liandong.kernel.audit import key_name
from liandong.kernel.signatures import Signature
from liandong.kernel.verify_audit import SEAL, Checker

from .heads import keys, read_head, set_aside
from .rows import knower, rows_between, seals_from
from .seals import keep_files, places, seals_in, to_json
from .writing import record_act

Fault = dict[str, Any]  # code, first, last, note: see `kernel.verify_audit`
Progress = Callable[[int, int], None]  # done, total
STEP: Final = 5000  # rows between two tellings of how far it is
OF_SEALS: Final = ("head", "seal")  # faults whose numbers are not of rows
KEPT: Final = 1000  # faults of one check, in its row
STALE: Final = timedelta(minutes=5)  # a check that told nothing for so long has died


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found."""

    rows: int
    seals: int
    faults: list[Fault]


def _nobody_watches(_done: int, _total: int) -> None:
    pass


def check_chain(*, progress: Progress = _nobody_watches, more: Sequence[Path] = ()) -> Checked:
    """Check every row from the first to the last of now; `more` are further folders of seals.

    Head and seals are read first: rows written meanwhile come after them.
    """
    faults: list[Fault] = []
    head = _head(faults)
    seals = _seals([*places(), *more], faults)
    total = AuditRow.objects.aggregate(last=Max("number"))["last"] or 0
    checker = Checker(([one[name] for name in SEAL] for one in seals), head, known=knower())
    rows = 0
    for rows, values in enumerate(rows_between(1, total), 1):
        checker.feed(values)
        if rows % STEP == 0:
            progress(rows, total)
    faults += checker.end()
    progress(rows, rows)
    joined = _joined(faults)
    _name_keys(joined)
    return Checked(rows, len(checker.seals), joined)


def _name_keys(faults: Iterable[Fault]) -> None:
    """Say of rows with a strange code which key they name, where that is none of ours."""
    ours = {key_name(one) for one in keys()}
    for fault in faults:
        if fault["code"] == "forged":
            row = AuditRow.objects.get(number=fault["first"])
            name = row.mac.partition(":")[0]
            fault["note"] = "" if name in ours else name


def _head(faults: list[Fault]) -> dict[str, Any] | None:
    try:
        head = read_head()
    except ValueError:
        faults.append({"code": "head", "first": 0, "last": 0, "note": "head.json"})
        return None
    return {"number": head.number, "hash": head.hash} if head else None


def _seals(folders: Iterable[Path], faults: list[Fault]) -> list[dict[str, Any]]:
    """Every seal of the table and of the folders, those that are the same only once."""
    held = [to_json(one) for one in seals_from()]
    numbers = {one["number"] for one in held}
    known = {json.dumps([one[name] for name in SEAL]): one for one in held}
    for place in folders:
        try:
            for one in seals_in(place):
                known.setdefault(json.dumps([one[name] for name in SEAL]), one)
                if one["number"] not in numbers:
                    numbers.add(one["number"])
                    faults.append(_seal_fault(one, "不在数据库 not in the database"))
        except (ValueError, OSError) as error:
            note = f"{place}: {error}"
            faults.append({"code": "seal", "first": 0, "last": 0, "note": note})
    unsigned = (one for one in known.values() if not _is_signed(one))
    faults += [_seal_fault(one, "签名不符 wrong signature") for one in unsigned]
    return list(known.values())


def _seal_fault(seal: Mapping[str, Any], note: str) -> Fault:
    return {"code": "seal", "first": seal["number"], "last": seal["number"], "note": note}


def _is_signed(seal: Mapping[str, Any]) -> bool:
    """False for a signature that is not one of our signer's; a seal may have none."""
    if "signature" not in seal or "signer" not in settings.ENGINES:
        return True
    try:
        signature = Signature.read(seal["signature"])
    except (ValueError, AttributeError):
        return False
    return bool(engine("signer").verify(str(seal["hash"]).encode(), signature))


def _joined(faults: Iterable[Fault]) -> list[Fault]:
    """Neighbouring rows with the same fault as one; moved rows when moved by the same distance."""
    joined: list[Fault] = []
    for one in sorted(faults, key=lambda fault: (fault["code"] not in OF_SEALS, fault["first"])):
        last = joined[-1] if joined else None
        if last and last["code"] == one["code"] and _goes_on(last, one):
            last["last"] = one["last"]
        else:
            joined.append(dict(one))
    return joined


def _goes_on(last: Fault, one: Fault) -> bool:
    if one["first"] != last["last"] + 1:
        return False
    if one["code"] == "moved":
        return bool(int(one["note"]) - one["first"] == int(last["note"]) - last["first"])
    return one["code"] in {"forged", "order"} and bool(one["note"] == last["note"])


def fault_words(fault: Mapping[str, Any]) -> str:
    """A fault as a sentence."""
    first, last, note = fault["first"], fault["last"], fault["note"]
    rows = _("第 {n} 行").format(n=first) if first == last else _("第 {first}–{last} 行").format(
        first=first, last=last
    )  # fmt: skip
    sentences = {
        "changed": _("{rows}的“{note}”被改过"),
        "removed": _("{rows}被删除"),
        "added": _("{rows}是后来添加的"),
        "moved": _("{rows}被挪动：原来从第 {note} 行起"),
        "order": _("{rows}次序颠倒或重复"),
        "forged": _("{rows}不是本系统写的：密钥码不符")
        + (_("（密钥 {note} 不在本机）") if note else ""),
        "rewritten": _("{rows}整段被重写：与{note}不符"),
        "seal": _("封存 {first} 有误：{note}"),
        "head": _("链头文件不是本系统写的：{note}"),
    }
    return sentences[fault["code"]].format(rows=rows, first=first, note=_note_words(fault, note))


def _note_words(fault: Mapping[str, Any], note: str) -> str:
    if fault["code"] == "changed":
        return cell_word(note)
    if note == "head":
        return _("链头")
    return note.replace("seal ", _("封存") + " ") if fault["code"] == "rewritten" else note


def cell_word(name: str) -> str:
    """A cell of a row as the pages call it; several, with blanks between, one by one."""
    words = {
        "number": _("编号"), "at": _("时间"), "by": _("何人"), "roles": _("身份"),
        "unit": _("机构"), "act": _("行为"), "object": _("对象"), "outcome": _("结果"),
        "why": _("事由"), "origin": _("来源"), "request": _("请求编号"), "facts": _("细节"),
        "cells": _("单元格校验"), "previous": _("前一行杂凑"), "mac": _("密钥码"),
        "hash": _("杂凑"), "hash/mac": _("杂凑或密钥码"),
    }  # fmt: skip
    return "、".join(words.get(one, one) for one in name.split())


def acknowledge_loss(*, why: str, by: str, now: datetime) -> AuditRow:
    """Go on after rows were lost (a restored backup, a power failure), with a row that says so.

    Head and seal files that name the lost rows are set aside as evidence, and a new head begins.
    Seals in LIANDONG_AUDIT_PLACE stay: with them a check goes on naming the lost rows.
    """
    try:
        head = read_head()
    except ValueError:
        head = None
    facts = {"head": head.number, "hash": head.hash} if head else {}
    with transaction.atomic():
        transaction.on_commit(lambda: set_aside(now=now))  # before the head follows
        row = record_act("resume_audit", by=by, now=now, object="audit:chain", why=why, facts=facts)
        transaction.on_commit(lambda: keep_files() and None)
    return row


# Checks that are watched --------------------------------------------------------------------------


def begin_check(*, by: str, now: datetime) -> tuple[AuditCheck, bool]:
    """The check that is going on, else a new one; and whether it is new.

    One that told nothing for five minutes has died with its worker: it is left as it is.
    """
    going = AuditCheck.objects.filter(ended_at__isnull=True, beat_at__gt=now - STALE).first()
    if going is not None:
        return going, False
    total = AuditRow.objects.aggregate(last=Max("number"))["last"] or 0
    return AuditCheck.objects.create(by=by, started_at=now, beat_at=now, total=total), True


def carry_out(check_id: int, *, clock: Callable[[], datetime]) -> AuditCheck:
    """Carry a check out and tell how far it is; the act is recorded when it has ended."""
    check = AuditCheck.objects.get(pk=check_id)

    def tell(done: int, total: int) -> None:
        check.checked, check.total, check.beat_at = done, total, clock()
        check.save(update_fields=["checked", "total", "beat_at"])

    found = check_chain(progress=tell)
    check.checked, check.total, check.ended_at = found.rows, found.rows, clock()
    check.faults, check.found = len(found.faults), found.faults[:KEPT]
    note_check(found, by=check.by, now=check.ended_at)
    check.save()
    return check


def note_check(found: Checked, *, by: str, now: datetime) -> None:
    """Record that the chain was checked, and with what result."""
    record_act(
        "verify_audit", by=by, now=now, object="audit:chain",
        outcome=Outcome.FAILED if found.faults else Outcome.DONE,
        facts={"rows": found.rows, "seals": found.seals, "faults": len(found.faults)},
    )  # fmt: skip
