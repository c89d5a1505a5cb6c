"""Appraisal, holds and destruction: nothing goes by itself, holds win, two persons supervise."""

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings
from tests.archive.build import NOW, TODAY, admission, code, description, fonds, validate_store
from tests.archive.test_rebuilding import forget_everything

from liandong.archive.models import (
    Appraisal,
    ArchivalClass,
    Decision,
    DestructionItem,
    DestructionList,
    HeldRecord,
    Hold,
    PreservationEvent,
    Record,
    RecordFile,
    RecordPage,
)
from liandong.archive.services import certificates, destroying, keyring
from liandong.archive.services.admitting import CodeTaken, admit_many, settle_code
from liandong.archive.services.appraising import (
    CannotAppraise,
    Opinion,
    appraise,
    keep_appraisals,
)
from liandong.archive.services.destroying import (
    CannotPropose,
    SamePerson,
    destroy_list,
    destroyed_but_there,
    propose,
    sweep_destroyed,
    take_step,
)
from liandong.archive.services.holding import BadHold, frozen_among, place_hold, release_hold
from liandong.archive.services.indexing import index_records
from liandong.archive.services.objects import blob_store, read_object, record_urn
from liandong.archive.services.packing import pack_many
from liandong.archive.services.rebuilding import rebuild
from liandong.archive.services.verifying import verify
from liandong.base.engines import engine
from liandong.base.models import AuditRow
from liandong.base.signing import verify_detached
from liandong.kernel.flows import StepRefused
from liandong.kernel.packages.ocfl import object_path
from liandong.kernel.retention import PERMANENT
from liandong.kernel.sealed import KeyLost

pytestmark = pytest.mark.django_db
OPINION = Opinion(Decision.DESTROY, "已无保存价值", "保管期限表 3.2")
WHO = {"by": "wang", "now": NOW, "today": TODAY}


def records(home: Path, *numbers: int, retention: str = "D10") -> list[Record]:
    """Records of 2011 whose period of ten years is over."""
    made = []
    for number in numbers:
        text = code(number).replace("-Y-", f"-{retention}-")
        described = description(number, archival_code=text, retention_period=retention)
        made.append(admission(home / "staging", number, described=described))
    packed = pack_many(made)
    done = admit_many(list(zip(packed, made, strict=True)), by="li", now=NOW)
    index_records([one.pk for one in done])
    return done


@pytest.fixture
def due(home: Path) -> list[Record]:
    fonds()
    return records(home, 1, 2)


@pytest.fixture
def listed(due: list[Record]) -> DestructionList:
    """A list of both, proposed by wang."""
    ids = [one.pk for one in due]
    appraise(ids, OPINION, **WHO)
    return propose(ids, reason="鉴定小组同意销毁", **WHO)


def step(one: DestructionList, name: str, by: str, role: str, **more: Any) -> DestructionList:
    return take_step(one.pk, name, role=role, **({"by": by, "now": NOW, "today": TODAY} | more))


def signed(one: DestructionList) -> DestructionList:
    step(one, "approve", "chen", "director", opinion="同意")
    step(one, "sign", "zhao", "archivist")
    return step(one, "sign", "sun", "archivist")


def destroyed(one: DestructionList) -> DestructionList:
    step(signed(one), "start", "wang", "archivist")
    destroy_list(one.pk, clock=lambda: NOW, today=TODAY)
    one.refresh_from_db()
    return one


def folder_of(record: Record, home: Path) -> Path:
    return home / "store" / object_path(record_urn(record.object_id))


# Due, and appraised -------------------------------------------------------------------------------


def test_a_record_knows_when_its_period_ends(home: Path) -> None:
    fonds()
    (ten,), (ever,) = records(home, 1), records(home, 2, retention="Y")
    assert (ten.retain_until, ever.retain_until) == (20211231, PERMANENT)


def test_nothing_goes_because_time_passed(due: list[Record], home: Path) -> None:
    verify(kind="all", by="li", now=NOW + timedelta(days=36500))
    keep_appraisals()
    assert Record.objects.count() == 2
    assert all(folder_of(one, home).is_dir() for one in due)


@pytest.mark.parametrize(
    ("opinion", "until"),
    [
        (replace(OPINION, decision=Decision.LONGER, years=10), 20351231),
        (replace(OPINION, decision=Decision.LONGER, years=30), 20551231),
        (replace(OPINION, decision=Decision.PERMANENT), PERMANENT),
    ],
)
def test_what_is_kept_longer_says_so_in_its_object_too(
    due: list[Record], opinion: Opinion, until: int
) -> None:
    assert appraise([one.pk for one in due], opinion, **WHO) == 2
    assert set(Record.objects.values_list("retain_until", flat=True)) == {until}
    assert keep_appraisals() == 2
    assert keep_appraisals() == 0
    event = read_object(due[0].object_id).events[-1]
    assert (event.kind, event.by, event.detail["keep_until"]) == ("appraisal", "wang", until)
    assert verify(kind="all", by="li", now=NOW).findings == []
    forget_everything()
    assert rebuild(now=NOW).findings == []
    assert set(Record.objects.values_list("retain_until", flat=True)) == {until}


def test_an_event_is_written_once_although_the_job_died(
    due: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    appraise([due[0].pk], replace(OPINION, decision=Decision.PERMANENT), **WHO)
    keep_appraisals()
    Appraisal.objects.update(packed=False)
    keep_appraisals()
    kinds = [event.kind for event in read_object(due[0].object_id).events]
    assert kinds.count("appraisal") == 1


def test_an_appraisal_is_refused_whole(due: list[Record], home: Path) -> None:
    (early,) = records(home, 3, retention="D30")
    ids = [one.pk for one in due]
    longer = replace(OPINION, decision=Decision.LONGER, years=10)
    place_hold([due[1]], kind="audit", reason="审计", basis="", begins=TODAY, by="li", now=NOW)
    for given, opinion, reason in (
        ([], OPINION, "no-records"),
        (ids, replace(OPINION, reason=" "), "no-reason"),
        (ids, replace(OPINION, clause=""), "no-reason"),
        (ids, replace(longer, years=7), "years"),
        ([*ids, early.pk], OPINION, "not-due"),
        (ids, OPINION, "frozen"),
    ):
        with pytest.raises(CannotAppraise, match=reason):
            appraise(given, opinion, **WHO)
    assert not Appraisal.objects.exists()
    assert appraise(ids, longer, **WHO) == 2  # a hold does not stand against keeping


# Holds --------------------------------------------------------------------------------------------


def test_a_hold_needs_records_reason_and_days(due: list[Record]) -> None:
    good: dict[str, Any] = {"kind": "legal", "reason": "诉讼", "basis": "", "begins": TODAY}
    for given, bad, reason in (
        ([], {}, "no-records"),
        (due, {"reason": " "}, "no-reason"),
        (due, {"kind": "x"}, "no-reason"),
        (due, {"until": TODAY - 1}, "bad-dates"),
    ):
        with pytest.raises(BadHold, match=reason):
            place_hold(given, **(good | bad), by="li", now=NOW)
    assert not Hold.objects.exists()


def test_a_hold_counts_from_its_first_to_its_last_day(due: list[Record]) -> None:
    place_hold([due[0]], kind="legal", reason="诉讼", basis="（2026）1号", begins=20260101,
               until=20261231, by="li", now=NOW)  # fmt: skip
    ids = [one.pk for one in due]
    assert frozen_among(ids, today=20251231) == set()
    assert frozen_among(ids, today=20260101) == {due[0].pk}
    assert frozen_among(ids, today=20261231) == {due[0].pk}
    assert frozen_among(ids, today=20270101) == set()


def test_a_released_hold_counts_no_more_and_is_released_once(due: list[Record]) -> None:
    one = place_hold(due, kind="legal", reason="诉讼", basis="", begins=TODAY, by="li", now=NOW)
    with pytest.raises(BadHold, match="no-reason"):
        release_hold(one.pk, reason="", by="li", now=NOW)
    release_hold(one.pk, reason="结案", by="li", now=NOW)
    assert frozen_among([one.pk for one in due], today=TODAY) == set()
    with pytest.raises(BadHold, match="released"):
        release_hold(one.pk, reason="结案", by="li", now=NOW)


@pytest.mark.parametrize("encryption", ["", "aes"])
def test_holds_come_back_with_a_rebuild(
    due: list[Record], settings: Settings, encryption: str
) -> None:
    settings.ENCRYPTION = encryption
    place_hold(
        due, kind="legal", reason="诉讼", basis="（2026）1号", begins=TODAY, by="li", now=NOW
    )
    other = place_hold([due[0]], kind="audit", reason="审计", basis="", begins=TODAY, by="li",
                       now=NOW)  # fmt: skip
    release_hold(other.pk, reason="完毕", by="li", now=NOW)
    before = sorted(Hold.objects.values_list("uuid", "reason", "basis", "released_by"))
    Hold.objects.all().delete()
    forget_everything()
    assert rebuild(now=NOW).findings == []
    assert sorted(Hold.objects.values_list("uuid", "reason", "basis", "released_by")) == before
    ids = list(Record.objects.values_list("pk", flat=True))
    assert frozen_among(ids, today=TODAY) == set(ids)


def test_a_hold_stands_even_when_its_words_are_locked(
    due: list[Record], settings: Settings
) -> None:
    settings.ENCRYPTION = "aes"
    one = place_hold(due, kind="legal", reason="诉讼", basis="", begins=TODAY, by="li", now=NOW)
    keyring.shred_key(f"urn:liandong:hold:{one.uuid}")
    one.delete()
    rebuild(now=NOW)
    assert frozen_among([one.pk for one in due], today=TODAY) == {one.pk for one in due}


# The list -----------------------------------------------------------------------------------------


def test_a_list_takes_only_what_was_appraised_for_it(due: list[Record], home: Path) -> None:
    ids = [one.pk for one in due]
    with pytest.raises(CannotPropose, match="not-appraised"):
        propose(ids, reason="同意", **WHO)
    appraise(ids, OPINION, **WHO)
    with pytest.raises(CannotPropose, match="no-reason"):
        propose(ids, reason=" ", **WHO)
    with pytest.raises(CannotPropose, match="no-records"):
        propose([], reason="同意", **WHO)
    one = propose(ids[:1], reason="同意", **WHO)
    assert (one.number, one.state) == ("销毁-2026-001", "proposed")
    with pytest.raises(CannotPropose, match="listed"):
        propose(ids, reason="同意", **WHO)
    with pytest.raises(CannotAppraise, match="listed"):
        appraise(ids[:1], replace(OPINION, decision=Decision.PERMANENT), **WHO)
    assert propose(ids[1:], reason="同意", **WHO).number == "销毁-2026-002"


def test_two_supervisors_who_are_neither_each_other_nor_the_proposer(
    listed: DestructionList,
) -> None:
    with pytest.raises(SamePerson, match="proposer"):
        step(listed, "approve", "wang", "director", opinion="同意")
    step(listed, "approve", "chen", "director", opinion="同意")
    with pytest.raises(SamePerson, match="proposer"):
        step(listed, "sign", "wang", "archivist")
    assert step(listed, "sign", "zhao", "archivist").state == "half_signed"
    with pytest.raises(StepRefused, match="wrong-state"):
        step(listed, "start", "wang", "archivist")
    with pytest.raises(SamePerson, match="supervisor"):
        step(listed, "sign", "zhao", "archivist")
    with pytest.raises(SamePerson, match="proposer"):
        step(listed, "sign", "wang", "archivist")
    assert step(listed, "sign", "sun", "archivist").state == "signed"


@pytest.mark.parametrize(
    ("name", "role", "reason"),
    [
        ("approve", "archivist", "wrong-role"),
        ("approve", "director", "missing-evidence"),
        ("sign", "archivist", "wrong-state"),
        ("start", "archivist", "wrong-state"),
        ("finish", "director", "wrong-state"),
        ("withdraw", "archivist", "missing-evidence"),
    ],
)
def test_a_refused_step_leaves_no_trace(
    listed: DestructionList, name: str, role: str, reason: str
) -> None:
    rows = AuditRow.objects.count()
    with pytest.raises(StepRefused, match=reason):
        step(listed, name, "chen", role)
    listed.refresh_from_db()
    assert (listed.state, AuditRow.objects.count()) == ("proposed", rows)


def test_a_refused_list_frees_its_records(listed: DestructionList, due: list[Record]) -> None:
    step(listed, "refuse", "chen", "director", opinion="有利用价值")
    keep = replace(OPINION, decision=Decision.PERMANENT)
    assert appraise([one.pk for one in due], keep, **WHO) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"decided_by": "wang", "decided_at": NOW},
        {"first_by": "wang", "first_at": NOW},
        {"first_by": "zhao", "first_at": NOW, "second_by": "zhao", "second_at": NOW},
        {"second_by": "zhao", "second_at": NOW},
        {"first_by": "zhao"},
        {"decided_at": NOW},
        {"state": "approved"},
        {"state": "signed", "decided_by": "chen", "decided_at": NOW},
        {"state": "vanished"},
    ],
)
def test_the_database_refuses_what_the_service_would_not_write(
    listed: DestructionList, changes: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        DestructionList.objects.filter(pk=listed.pk).update(**changes)


def test_the_database_knows_no_executing_list_without_two_signatures(
    listed: DestructionList,
) -> None:
    step(listed, "approve", "chen", "director", opinion="同意")
    step(listed, "sign", "zhao", "archivist")
    for state in ("signed", "executing", "done"):
        with pytest.raises(IntegrityError), transaction.atomic():
            DestructionList.objects.filter(pk=listed.pk).update(
                state=state, started_at=NOW, started_by="wang"
            )


# Destruction --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("encryption", "outcome"), [("", "deleted"), ("aes", "shredded")])
def test_a_destroyed_record_is_gone_everywhere_and_its_description_stays(
    home: Path, settings: Settings, encryption: str, outcome: str
) -> None:
    settings.ENCRYPTION = encryption
    fonds()
    due = records(home, 1, 2)
    ids = [one.pk for one in due]
    appraise(ids, OPINION, **WHO)
    one = destroyed(propose(ids, reason="同意", **WHO))
    assert one.state == "done"
    assert set(one.items.values_list("outcome", flat=True)) == {outcome}
    assert not Record.objects.exists()
    kept = Record.every.get(pk=due[0].pk)
    assert (kept.title, kept.destroyed_under) == (due[0].title, one.number)
    assert kept.events.filter(kind="deletion").count() == 1
    for model in (RecordPage, RecordFile):
        assert not model.objects.exists()
    assert engine("search").count() == 0
    assert not folder_of(due[0], home).exists()
    assert ArchivalClass.objects.get().record_count == 0
    for record in due:
        with pytest.raises(KeyLost):
            keyring.key_of(record_urn(record.object_id))
    assert verify(kind="all", by="li", now=NOW).findings == []
    assert validate_store(home / "store") == 2  # the fonds and the list
    acts = AuditRow.objects.filter(act="destroy_record").values_list("object", flat=True)
    assert set(acts) == {f"record:{record.code}" for record in due}


@pytest.mark.parametrize("when", ["before the rows go", "after the rows went"])
@pytest.mark.django_db(transaction=True)
def test_an_index_job_in_the_middle_does_not_bring_back_what_is_destroyed(
    home: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    fonds()
    (record,) = records(home, 1)
    ids = [record.pk]
    appraise(ids, OPINION, **WHO)
    one = propose(ids, reason="同意", **WHO)
    bury, put = destroying._bury, engine("search").put
    if when == "before the rows go":

        def late_bury(*args: Any, **words: Any) -> None:
            index_records(ids)
            bury(*args, **words)

        monkeypatch.setattr(destroying, "_bury", late_bury)
        destroyed(one)
    else:

        def late_put(documents: Any) -> None:
            monkeypatch.setattr(engine("search"), "put", put)
            destroyed(one)
            put(documents)

        monkeypatch.setattr(engine("search"), "put", late_put)
        index_records(ids)
    assert not Record.objects.exists()
    assert engine("search").count() == 0


def test_the_code_of_a_destroyed_record_is_never_given_again(
    listed: DestructionList, due: list[Record], home: Path
) -> None:
    destroyed(listed)
    with pytest.raises(CodeTaken):
        settle_code(due[0].description)
    fresh = {name: text for name, text in due[0].description.items() if name != "archival_code"}
    assert settle_code(fresh).number == 3


@pytest.mark.parametrize("encryption", ["", "sm4"])
def test_a_rebuild_does_not_bring_back_what_was_destroyed(
    home: Path, settings: Settings, encryption: str
) -> None:
    settings.ENCRYPTION = encryption
    fonds()
    due = records(home, 1, 2, 3)
    ids = [one.pk for one in due[:2]]
    appraise(ids, OPINION, **WHO)
    destroyed(propose(ids, reason="同意", **WHO))
    facts = ("code", "title", "page_count", "size_bytes", "destroyed_at", "destroyed_under")
    before = sorted(Record.every.values_list(*facts), key=repr)
    lists = list(DestructionList.objects.values("number", "state", "first_by", "second_by"))
    DestructionList.objects.all().delete()
    Record.every.all().delete()
    forget_everything()
    done = rebuild(now=NOW)
    assert (done.findings, done.created) == ([], 1)
    assert sorted(Record.every.values_list(*facts), key=repr) == before
    assert list(DestructionList.objects.values("number", "state", "first_by", "second_by")) == lists
    assert ArchivalClass.objects.get().record_count == 1
    assert rebuild(now=NOW).findings == []


def test_what_an_old_backup_brings_back_is_told_and_thrown_away_again(
    listed: DestructionList, due: list[Record], home: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder_of(due[0], home), tmp_path / "backup")
    destroyed(listed)
    shutil.copytree(tmp_path / "backup", folder_of(due[0], home))
    for found in (verify(kind="all", by="li", now=NOW).findings, rebuild(now=NOW).findings):
        assert [one.code for one in found] == ["ARCH-DESTROYED-PRESENT"]
    assert not Record.objects.exists()
    assert [one.pk for one in destroyed_but_there()] == [due[0].pk]
    assert len(sweep_destroyed(by="li", now=NOW)) == 1
    assert verify(kind="all", by="li", now=NOW).findings == []


@pytest.mark.parametrize("name", ["approve", "sign", "start"])
def test_a_hold_stops_every_further_step(
    listed: DestructionList, due: list[Record], name: str
) -> None:
    if name != "approve":
        step(listed, "approve", "chen", "director", opinion="同意")
    if name == "start":
        step(listed, "sign", "zhao", "archivist")
        step(listed, "sign", "sun", "archivist")
    place_hold([due[1]], kind="legal", reason="诉讼", basis="", begins=TODAY, by="li", now=NOW)
    with pytest.raises(CannotPropose, match=f"frozen {due[1].code}"):
        step(listed, name, "sun" if name == "sign" else "chen", "director", opinion="同意")


def test_a_hold_wins_after_the_last_signature(
    listed: DestructionList, due: list[Record], home: Path
) -> None:
    step(signed(listed), "start", "wang", "archivist")
    place_hold([due[1]], kind="legal", reason="诉讼", basis="", begins=TODAY, by="li", now=NOW)
    assert destroy_list(listed.pk, clock=lambda: NOW, today=TODAY) == 1
    assert [one.code for one in Record.objects.all()] == [due[1].code]
    assert read_object(due[1].object_id)
    outcomes = dict(listed.items.values_list("record__code", "outcome"))
    assert outcomes == {due[0].code: "deleted", due[1].code: "held"}
    facts = json.loads(certificates.read_certificate(listed, certificates.FACTS))
    assert facts["totals"] == {"records": 1, "pages": 1, "shredded": 0, "deleted": 1, "held": 1}


class Killed(BaseException):
    """The process died here."""


@pytest.mark.parametrize("encryption", ["", "aes"])
@pytest.mark.parametrize(
    "where",
    [
        "liandong.archive.services.destroying.shred_key",
        "liandong.archive.services.destroying.forget_cache",
        "liandong.archive.services.destroying._bury",
        "liandong.archive.services.destroying._finish",
        "liandong.archive.services.certificates.keep_paper",
    ],
)
def test_a_death_in_the_middle_is_made_good(
    home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, where: str, encryption: str
) -> None:
    settings.ENCRYPTION = encryption
    fonds()
    due = records(home, 1, 2)
    ids = [one.pk for one in due]
    appraise(ids, OPINION, **WHO)
    one = propose(ids, reason="同意", **WHO)
    step(signed(one), "start", "wang", "archivist")

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(where, die)
        if encryption or not where.endswith("shred_key"):
            with pytest.raises(Killed):
                destroy_list(one.pk, clock=lambda: NOW, today=TODAY)
    destroy_list(one.pk, clock=lambda: NOW, today=TODAY)
    one.refresh_from_db()
    assert one.state == "done"
    assert not Record.objects.exists()
    assert PreservationEvent.objects.filter(kind="deletion").count() == 2
    assert ArchivalClass.objects.get().record_count == 0
    assert verify(kind="all", by="li", now=NOW).findings == []


def test_a_rebuild_in_the_middle_of_a_destruction_can_be_finished(
    listed: DestructionList, due: list[Record], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step(signed(listed), "start", "wang", "archivist")

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("liandong.archive.services.destroying._bury", die)
        with pytest.raises(Killed):
            destroy_list(listed.pk, clock=lambda: NOW, today=TODAY)
    DestructionList.objects.all().delete()
    forget_everything()
    rebuild(now=NOW)
    (again,) = DestructionList.objects.all()
    assert again.state == "executing"
    assert destroy_list(again.pk, clock=lambda: NOW, today=TODAY) == 2
    assert not Record.objects.exists()
    assert Record.every.count() == 2


# The certificate ----------------------------------------------------------------------------------


def test_the_certificate_says_who_what_when_and_how(
    listed: DestructionList, due: list[Record]
) -> None:
    one = destroyed(listed)
    facts = json.loads(certificates.read_certificate(one, certificates.FACTS))
    assert [step[:2] for step in facts["steps"]] == [
        ["提出", "wang"], ["批准", "chen"], ["监销人", "zhao"], ["监销人", "sun"],
        ["执行", "wang"], ["完成", "系统"],
    ]  # fmt: skip
    assert [item["code"] for item in facts["items"]] == [record.code for record in due]
    assert {item["outcome"] for item in facts["items"]} == {"删除字节"}
    html = certificates.read_certificate(one, certificates.HTML).decode()
    for word in (due[0].title, due[0].code, "保管期限表 3.2", "非商用密码认证产品", "zhao"):
        assert word in html
    assert certificates.read_certificate(one, certificates.PDF).startswith(b"%PDF")


def test_the_certificate_is_signed(listed: DestructionList) -> None:
    one = destroyed(listed)
    facts = certificates.read_certificate(one, certificates.FACTS)
    signed_by_us = json.loads(certificates.read_certificate(one, certificates.SIGNATURE))
    assert verify_detached(facts, signed_by_us)
    assert not verify_detached(facts + b" ", signed_by_us)


def test_a_list_cannot_be_started_twice(listed: DestructionList) -> None:
    one = destroyed(listed)
    with pytest.raises(StepRefused, match="wrong-state"):
        step(one, "start", "wang", "archivist")
    later: datetime = NOW + timedelta(days=1)
    assert destroy_list(one.pk, clock=lambda: later, today=TODAY) == 0
    assert DestructionItem.objects.filter(done_at=NOW).count() == 2
    assert blob_store().exists(f"{object_path(certificates.urn_of(one))}/inventory.json")
    assert not HeldRecord.objects.exists()
