"""Filing: what is over becomes a record, once, whenever a process dies, with nothing private."""

import base64
import io
import json
from datetime import timedelta
from typing import Any

import bagit
import pytest
from PIL import Image
from tests.archive.build import validate_store
from tests.cases.build import (
    DAY,
    NOW,
    SAID,
    TO_DISPATCHED,
    TO_INSPECTING,
    bearer,
    cell,
    client,
    drive,
    opened,
    people,
    report,
    step,
)
from tests.intake.running import INLINE

from liandong.archive.models import PreservationEvent, Record, RecordFile
from liandong.archive.policies import SYSTEM as SYSTEM_VIEWER
from liandong.archive.queries import find
from liandong.archive.services.contents import contents_of
from liandong.archive.services.exporting import export
from liandong.archive.services.keyring import key_of
from liandong.archive.services.objects import blob_store, record_urn
from liandong.base.engines import engine
from liandong.base.models import AuditRow
from liandong.cases.models import Case, CaseEvent, CaseWords
from liandong.cases.policies import Bearer
from liandong.cases.queries.filing import disputable_until, filing_of
from liandong.cases.services import filing as filing_module
from liandong.cases.services.filing import NotReady, file_due, file_now, go_on
from liandong.cases.services.opening import open_case
from liandong.cases.services.photos import add_photo
from liandong.cases.services.proving import filed_faults
from liandong.cases.services.sealing import PATH, contact_urn, erase_contact
from liandong.cases.services.stepping import Given, take_step
from liandong.intake.models import Batch, Item
from liandong.intake.services.decide import send_back
from liandong.intake.services.drive import drive as drive_batch
from liandong.intake.services.receive import receive
from liandong.kernel.casework import kinds
from liandong.kernel.flows import StepRefused
from liandong.kernel.packages.bagit import validate
from liandong.kernel.packages.ocfl import object_path
from liandong.kernel.query import parse
from liandong.kernel.sealed import Place, open_sealed

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOW + 40 * DAY
PHONE, PERSON = "13800138000", "王小明"


@pytest.fixture(autouse=True)
def _ready(settings: Any, home: Any) -> None:
    settings.ENGINES = {**settings.ENGINES, "compute": INLINE}
    people()
    cell()


def closed(kind: str = "snap_report", **changes: Any) -> Case:
    """A case that went the whole way and was rated."""
    verifier = {"grid_worker": "grid"}.get(kinds()[kind].verifier, "desk")
    steps = (("accept_for_verification", "desk"), ("confirm", verifier), *TO_INSPECTING[2:],
             ("pass", "inspector"), ("rate", "requester"))  # fmt: skip
    return drive(opened(kind, **changes).case, steps)


def rejected(kind: str = "snap_report") -> Case:
    return step(opened(kind).case, "reject", "desk")


def admitted(case: Case, *, now: Any = LATER) -> Case:
    """Hand it over, drive the batch, and let the case learn its code."""
    go_on(case.pk, now=now)
    batch = Batch.objects.latest("pk")
    drive_batch(batch.pk, by="system", clock=lambda: now)
    go_on(case.pk, now=now)
    return Case.objects.get(pk=case.pk)


def view_of(case: Case) -> dict[str, Any]:
    record = Record.objects.get(code=case.code)
    held = contents_of(record_urn(record.object_id))
    return dict(json.loads(held.read("original/事项.json")))


# The way ------------------------------------------------------------------------------------------


def test_a_closed_case_becomes_a_record_and_its_code_comes_back_as_the_last_event() -> None:
    case = admitted(closed())
    record = Record.objects.get()
    assert (case.state, case.record, case.code) == ("filed", "filed", record.code)
    assert case.over_at is not None
    last = case.events.order_by("-number")[0]
    assert (last.axis, last.action, last.before, last.after) == ("record", "file", "due", "filed")
    assert (last.by, last.facts["package"]) == ("system", record_urn(record.object_id))
    assert last.sets == {"code": record.code}
    assert list(filed_faults(case)) == []
    assert AuditRow.objects.filter(act="file_case", object=f"case:{case.number}").count() == 1


def test_the_record_is_described_classed_and_kept_as_its_kind_says() -> None:
    case = admitted(closed())
    record = Record.objects.get()
    assert (record.category, record.retention, record.org) == ("ZY", "D10", "CG")
    assert (record.document_number, record.year) == (case.number, "2026")
    assert record.unit == "CGJ"
    assert record.title.startswith("随手拍：")
    assert record.level == 1
    restricted = admitted(closed("employee_demand"))
    assert Record.objects.get(code=restricted.code).level == 2


def test_each_event_of_the_case_is_an_event_of_the_record_and_each_actor_an_agent() -> None:
    case = admitted(closed())
    kinds = list(PreservationEvent.objects.filter(tool="cases").values_list("kind", "by"))
    assert ("派遣", "dispatcher") in kinds
    assert ("提交", "诉求人") in kinds
    unseen = PreservationEvent.objects.get(kind="归档", tool="cases")
    assert "不经人工" in unseen.detail["opinion"]
    record = Record.objects.get(code=case.code)
    names = contents_of(record_urn(record.object_id)).paths
    assert {"original/结案单.pdf", "original/事项.json"} <= set(names)
    assert (record.looked_at, record.admitted_by) == (False, "system")


def test_a_filed_case_is_found_by_search_in_the_archive() -> None:
    case = admitted(closed(form={"text": "黄河五路井盖缺失，存在安全隐患"}))
    answer = find(parse("井盖缺失"), viewer=SYSTEM_VIEWER, today=20261231, limit=5)
    assert [hit.record.code for hit in answer.hits] == [case.code]


def test_photos_go_along_without_their_metadata() -> None:
    case = drive(opened().case, TO_DISPATCHED)
    case = step(case, "sign_in", "city")
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(out, "JPEG")
    one = add_photo(case, out.getvalue(), part="after", name="后.jpg", by="city", now=NOW)
    take_step(case.pk, "hand_in", by=bearer("city"), now=NOW, given=Given(SAID, [one.uuid]))
    case = drive(case, (("pass", "inspector"), ("rate", "requester")))
    case = admitted(case)
    photo = RecordFile.objects.get(path="original/办理后-01.jpg")
    assert photo.mime == "image/jpeg"
    assert {"path": "办理后/办理后-01.jpg", "part": "after", "sha256_as_sent": one.sha256} in (
        view_of(case)["files"]
    )


def test_outside_tools_find_the_bag_and_the_object_valid(
    monkeypatch: pytest.MonkeyPatch, home: Any, tmp_path: Any
) -> None:
    seen: list[Any] = []
    usual = receive

    def look(files: Any, **terms: Any) -> Batch:
        handed = list(files)
        folder = handed[0].source.parent
        seen.append(validate(folder))
        bagit.Bag(str(folder)).validate()
        return usual(handed, **terms)

    monkeypatch.setattr(filing_module, "receive", look)
    case = admitted(closed())
    assert seen == [[]]
    assert validate_store(home / "store") >= 1
    record = Record.objects.get(code=case.code)
    out = export(record, form="bagit", out=tmp_path / "out", by="test", now=LATER)
    bagit.Bag(str(out)).validate()


# Refused and merged -------------------------------------------------------------------------------


def test_a_refused_case_is_filed_with_short_retention_once_nobody_can_dispute_it() -> None:
    case = rejected("enterprise_demand")
    until = disputable_until(case)
    assert until is not None
    assert go_on(case.pk, now=until - timedelta(minutes=1)) == "none"
    with pytest.raises(NotReady):
        file_now(case.pk, by="case-clerk", now=until - timedelta(minutes=1))
    case = admitted(case, now=until + timedelta(minutes=1))
    record = Record.objects.get(code=case.code)
    assert (case.state, record.retention) == ("filed", "D10")
    long = Record.objects.get(code=admitted(closed("enterprise_demand")).code)
    assert long.retention == "D30"


def test_a_merged_case_is_filed_and_names_its_parent() -> None:
    parent, case = opened().case, opened().case
    case = step(case, "merge", "desk", parent=parent.number)
    case = admitted(case)
    assert (view_of(case)["parent"], view_of(case)["state"]) == (parent.number, "merged")
    assert parent.number in Record.objects.get(code=case.code).description["annotation"]


def test_a_case_that_is_open_or_can_be_rated_is_not_filed() -> None:
    case = drive(opened().case, TO_INSPECTING)
    step(case, "pass", "inspector")
    assert go_on(case.pk, now=LATER) == "none"
    assert not Batch.objects.exists()


def test_nobody_files_a_case_by_naming_a_package() -> None:
    with pytest.raises(StepRefused) as refused:
        step(closed(), "file", "case-archivist")
    assert refused.value.reason == "wrong-role"


# Privacy ------------------------------------------------------------------------------------------


def _private(kind: str = "service_request") -> Case:
    text = f"联系人：{PERSON}，手机{PHONE}，请尽快处理"
    one = report(kind)
    form = {**one.form, "text": text}
    case = open_case(
        report(kind, form=form, contact={"name": PERSON, "phone": PHONE}), by=Bearer(), now=NOW
    ).case
    steps = (("accept_for_verification", "desk"), ("confirm", "desk"), ("dispatch", "dispatcher"),
             ("sign_in", "city"), ("hand_in", "city"), ("pass", "inspector"),
             ("rate", "requester"))  # fmt: skip
    return drive(case, steps, reply=f"已电话告知{PERSON} {PHONE}", proof="通话记录")


def test_nothing_private_is_in_the_redacted_view() -> None:
    case = admitted(_private())
    view = view_of(case)
    text = json.dumps(view, ensure_ascii=False)
    assert PHONE not in text
    assert PERSON not in text
    assert view["annex"] is True
    record = Record.objects.get(code=case.code)
    held = contents_of(record_urn(record.object_id))
    for path in held.paths:
        content = held.read(path).decode("utf-8", "ignore")
        assert PHONE not in content, path
        assert PERSON not in content, path


def test_the_annex_opens_with_its_keys_and_dies_with_them() -> None:
    case = admitted(_private())
    record = Record.objects.get(code=case.code)
    held = contents_of(record_urn(record.object_id))
    annex = json.loads(held.read("original/密封附件.json"))
    one = next(row for row in annex["sealed"] if row["key"] == contact_urn(case))
    stream = io.BytesIO(base64.b64decode(one["bytes"]))
    place = Place(one["key"], PATH)
    with open_sealed(stream, key_of(one["key"]), place, engine("cipher").aead) as plain:
        assert json.loads(plain.read())["phone"] == PHONE
    erase_contact(case, by="system", now=LATER)
    with pytest.raises(Exception, match=r".*"):
        key_of(one["key"])


@pytest.mark.parametrize("erase", [True, False])
def test_there_is_no_annex_on_the_map_nor_after_the_contact_was_erased(erase: bool) -> None:
    case = _private() if erase else closed(contact={"phone": PHONE})
    if erase:
        erase_contact(case, by="system", now=NOW)
    case = admitted(case)
    assert not RecordFile.objects.filter(path="original/密封附件.json").exists()
    assert view_of(case)["annex"] is False


# Proof --------------------------------------------------------------------------------------------


def test_a_changed_package_is_found() -> None:
    case = admitted(closed())
    row = RecordFile.objects.get(path="original/事项.json")
    key = object_path(record_urn(Record.objects.get(code=case.code).object_id))
    place = blob_store().path(f"{key}/{row.content_path}")
    place.chmod(0o600)
    place.write_bytes(place.read_bytes().replace("随手拍".encode(), "随手怕".encode()))
    codes = {fault.code for fault in filed_faults(case)}
    assert "ARCH-FILE-CHANGED" in codes


def test_a_chain_other_than_the_one_of_the_package_is_found() -> None:
    case = admitted(closed())
    event = case.events.order_by("number")[2]
    CaseWords.objects.filter(event=event).update(said={"reply": "改了"})
    _free(lambda: CaseEvent.objects.filter(pk=event.pk).update(hash="sm3:" + "0" * 64))
    codes = {fault.code for fault in filed_faults(Case.objects.get(pk=case.pk))}
    assert {"hash", "package"} <= codes


def test_a_code_that_no_record_has_is_found() -> None:
    case = admitted(closed())
    Case.objects.filter(pk=case.pk).update(code="Z999-ZY·2026-D10-CG-0001")
    codes = {fault.code for fault in filed_faults(Case.objects.get(pk=case.pk))}
    assert {"column", "record"} <= codes


def _free(act: Any) -> None:
    """Write where the database refuses it, as somebody with its password could."""
    from django.db import connection

    from liandong.base.triggers import frees, guards, run

    run(frees("cases_caseevent", connection.vendor))
    act()
    run(guards("cases_caseevent", connection.vendor))


# Once ---------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone."""


def _die(*_args: Any, **_terms: Any) -> None:
    raise Killed


@pytest.mark.parametrize("place", ["pack_case", "write_bag", "receive", "record_act"])
def test_killed_at_the_hand_over_the_next_run_goes_on(
    place: str, monkeypatch: pytest.MonkeyPatch, home: Any
) -> None:
    case = closed()
    with monkeypatch.context() as patch:
        patch.setattr(filing_module, place, _die)
        with pytest.raises(Killed):
            go_on(case.pk, now=LATER)
    case = admitted(case)
    assert (case.state, Record.objects.count(), Batch.objects.count()) == ("filed", 1, 1)
    assert not list((home / "staging").glob("filing-*"))


def test_killed_between_the_record_and_the_case_the_same_batch_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = closed()
    go_on(case.pk, now=LATER)
    drive_batch(Batch.objects.get().pk, by="system", clock=lambda: LATER)
    usual = take_step
    taken: list[object] = []

    def once(*args: Any, **terms: Any) -> Case:
        if taken:
            raise Killed
        taken.append(args)
        return usual(*args, **terms)

    with monkeypatch.context() as patch:
        patch.setattr(filing_module, "take_step", once)
        with pytest.raises(Killed):
            go_on(case.pk, now=LATER)
    assert Case.objects.get(pk=case.pk).state == "closed"  # both events or none
    file_due(now=LATER)
    file_due(now=LATER)
    case = Case.objects.get(pk=case.pk)
    assert (case.state, case.record, Record.objects.count()) == ("filed", "filed", 1)
    assert case.events.filter(action="file").count() == 2


def test_a_run_hands_over_everything_that_is_due_and_no_more_than_it_may() -> None:
    cases = [closed() for _number in range(3)]
    assert file_due(now=LATER, most=2)["handed_over"] == 2
    assert file_due(now=LATER)["handed_over"] == 1
    for batch in Batch.objects.all():
        drive_batch(batch.pk, by="system", clock=lambda: LATER)
    assert file_due(now=LATER)["filed"] == 3
    assert file_due(now=LATER) == {"handed_over": 0, "filed": 0}
    assert Record.objects.count() == len(cases)


# Held ---------------------------------------------------------------------------------------------


def test_what_the_checks_hold_stays_due_and_the_page_says_why() -> None:
    case = closed(form={"text": "机密★10年 关于某事"})
    go_on(case.pk, now=LATER)
    drive_batch(Batch.objects.get().pk, by="system", clock=lambda: LATER)
    assert go_on(case.pk, now=LATER) == "quarantined"
    case = Case.objects.get(pk=case.pk)
    assert (case.state, case.record) == ("closed", "due")
    page = client("desk").get(f"/cases/{case.number}/close/").content.decode()
    assert "已隔离" in page
    with pytest.raises(NotReady):
        file_now(case.pk, by="case-clerk", now=LATER)


def test_a_returned_hand_over_waits_for_a_person_who_sends_the_case_again() -> None:
    case = closed()
    go_on(case.pk, now=LATER)
    item_of = lambda: Item.objects.latest("pk")  # noqa: E731
    batch = Batch.objects.get()
    Batch.objects.update(accept=False)
    drive_batch(batch.pk, by="system", clock=lambda: LATER)
    send_back([item_of().pk], reason="题名不妥", by="case-archivist", now=LATER)
    assert go_on(case.pk, now=LATER) == "returned"
    assert Batch.objects.count() == 1
    again = file_now(case.pk, by="case-archivist", now=LATER)
    assert (again.attempt, Batch.objects.count()) == (2, 2)
    assert again.batch is not None
    drive_batch(again.batch.pk, by="system", clock=lambda: LATER)
    go_on(case.pk, now=LATER)
    assert Case.objects.get(pk=case.pk).state == "filed"


# The page -----------------------------------------------------------------------------------------


def test_the_page_shows_what_becomes_the_record_and_files_now() -> None:
    case = closed()
    page = client("desk").get(f"/cases/{case.number}/close/").content.decode()
    assert "结案单.pdf" in page
    assert "事项.json" in page
    Case.objects.filter(pk=case.pk).update(over_at=NOW)
    answer = client("case-archivist").post(f"/cases/{case.number}/close/", follow=True)
    assert answer.status_code == 200
    assert filing_of(Case.objects.get(pk=case.pk)).state == "received"
    done = admitted(case)
    receipt = client("case-archivist").get(f"/cases/{case.number}/close/").content.decode()
    assert done.code in receipt


def test_only_those_who_file_see_the_page() -> None:
    case = closed()
    assert client("citizen").get(f"/cases/{case.number}/close/").status_code == 403
    assert client("city").get(f"/cases/{case.number}/close/").status_code == 403
    assert client("case-clerk").get(f"/cases/{case.number}/close/").status_code == 404
