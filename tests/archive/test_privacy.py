"""Personal information of records: examined at every door, masked until a person says no."""

import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from PIL import Image
from tests.archive.build import (
    NOW,
    TODAY,
    admission,
    fonds,
    jpeg,
    original,
    scanned_page,
    text_page,
)
from tests.archive.sharing import share
from tests.people import ARCHIVIST, CLERK, READER, STRANGER, client_of

from liandong.archive.models import HitState, PersonalHit, Record, RecordPage
from liandong.archive.policies import OPEN, PERSONAL, SENSITIVE, UNEXAMINED, Viewer
from liandong.archive.queries import find
from liandong.archive.queries.privacy import (
    boxes_to_black,
    hits_of,
    mask_state,
    masked_description,
    masked_lines,
    masked_text,
    secret_lines,
)
from liandong.archive.services import indexing, privacy
from liandong.archive.services.admission import Admission, ReadPage
from liandong.archive.services.admitting import admit
from liandong.archive.services.correcting import correct_line, describe, pack_corrections
from liandong.archive.services.indexing import index_records, index_stale
from liandong.archive.services.masked_copies import NotExamined, masked_pdf
from liandong.archive.services.packing import pack
from liandong.archive.services.rebuilding import rebuild
from liandong.base.models import AuditRow
from liandong.kernel.pages import Box
from liandong.kernel.query import parse

pytestmark = pytest.mark.django_db
SECRET = "11010519491231002X"
LINES = (f"身份证号：{SECRET}", "联系电话13812345678", "其余照办")
OPENED = {"level": OPEN, "open_from": 20200101}
Make = Callable[..., Record]


@pytest.fixture
def make(home: Path) -> Make:
    """Admits a scanned record with these lines on its pages."""
    fonds()

    def admitted(*pages: tuple[str, ...], number: int = 1, **facts: object) -> Record:
        staging = home / "staging"
        files = [
            original(staging, f"{at:03}.jpg", jpeg(), "image/jpeg") for at in range(len(pages))
        ]
        read = [
            ReadPage(file.name, scanned_page(1, *lines))
            for file, lines in zip(files, pages, strict=True)
        ]
        return _admit(admission(staging, number, originals=files, pages=read, **facts))

    return admitted


def _admit(one: Admission) -> Record:
    return admit(pack(one), one, by="li", now=NOW)


def page_of(record: Record, number: int = 1) -> RecordPage:
    return RecordPage.objects.select_related("record").get(record=record, number=number)


def hit_of(record: Record, kind: str) -> PersonalHit:
    return PersonalHit.objects.get(record=record, kind=kind)


def reject(*hits: PersonalHit) -> None:
    privacy.decide([hit.pk for hit in hits], "reject", by="li", now=NOW, reason="识别有误")


# Examination --------------------------------------------------------------------------------------


def test_a_record_is_examined_when_it_is_admitted(make: Make) -> None:
    record = make(LINES)
    assert record.personal == SENSITIVE
    assert {hit.kind for hit in hits_of(record)} == {"resident_id", "mobile"}
    assert set(PersonalHit.objects.values_list("state", flat=True)) == {HitState.PROPOSED}


def test_a_record_without_personal_information_is_clean(make: Make) -> None:
    assert make(("防汛工作从速办理",)).personal == 0


def test_a_company_code_is_nothing_to_hide(make: Make) -> None:
    record = make(("统一社会信用代码91350100M000100Y43",))
    assert (record.personal, hits_of(record)) == (0, [])


def test_the_description_is_examined_too(home: Path) -> None:
    fonds()
    one = admission(home / "staging", described={
        **admission(home / "staging").description, "title": "关于张建国同志任职的通知",
    })  # fmt: skip
    record = _admit(one)
    hits = hits_of(record, page=0)
    assert [(hit.field, hit.kind) for hit in hits] == [("title", "person_name")]
    assert masked_description(record, hits)["title"] == "关于张**同志任职的通知"


def test_a_number_over_two_lines_is_one_hit_with_two_boxes(make: Make) -> None:
    record = make(("证件1101051949", "1231002X属实"))
    hit = hit_of(record, "resident_id")
    assert (hit.line, hit.last_line, len(hit.boxes)) == (0, 1, 2)
    assert masked_text(page_of(record), [hit]) == "证件110*******\n****002X属实"


def test_a_name_on_one_page_is_masked_on_the_others(make: Make) -> None:
    record = make(("姓名：高建设",), ("经查，高建设所述属实",))
    assert masked_text(page_of(record, 2), hits_of(record)) == "经查，高**所述属实"


# Masks --------------------------------------------------------------------------------------------


def test_masked_lines_have_the_same_shape_and_no_secret(make: Make) -> None:
    record = make(LINES)
    page, hits = page_of(record), hits_of(record)
    lines = masked_lines(page, hits)
    assert [len(line["text"]) for line in lines] == [len(line["text"]) for line in page.lines]
    assert lines[0]["text"] == "身份证号：110***********002X"
    assert secret_lines(page, hits) == {0, 1}


def test_what_was_recognised_before_a_correction_is_not_shown(make: Make) -> None:
    record = make(LINES)
    page = page_of(record)
    correct_line(page.pk, 2, "其余照办。", by="li", now=NOW, expected_before="其余照办")
    page = page_of(record)
    assert "recognised" in page.lines[2]
    assert all("recognised" not in line for line in masked_lines(page, hits_of(record)))


def test_a_record_that_was_not_examined_shows_nothing(make: Make) -> None:
    record = make(LINES)
    record.personal = UNEXAMINED
    page = page_of(record)
    page.record = record
    assert masked_lines(page, []) == []
    assert boxes_to_black(page, []) == [Box(0, 0, 200, 280)]
    assert set(masked_description(record, [])) == {"archival_code"}
    with pytest.raises(NotExamined):
        masked_pdf(record)


def test_a_decision_changes_the_name_of_the_masked_image(make: Make) -> None:
    record = make(LINES)
    before = mask_state(page_of(record), hits_of(record))
    reject(hit_of(record, "mobile"))
    assert mask_state(page_of(record), hits_of(record)) != before


# Decisions ----------------------------------------------------------------------------------------


def test_only_a_rejected_hit_is_shown_and_the_level_follows(make: Make) -> None:
    record = make(LINES)
    reject(hit_of(record, "resident_id"))
    record.refresh_from_db()
    assert masked_text(page_of(record), hits_of(record)).startswith(f"身份证号：{SECRET}")
    assert record.personal == level_without_id(record)
    reject(hit_of(record, "mobile"))
    record.refresh_from_db()
    assert record.personal == 0


def level_without_id(record: Record) -> int:
    return SENSITIVE if hit_of(record, "mobile").sensitive else PERSONAL


def test_a_confirmed_hit_stays_masked(make: Make) -> None:
    record = make(LINES)
    hit = hit_of(record, "mobile")
    privacy.decide([hit.pk], "confirm", by="li", now=NOW)
    hit.refresh_from_db()
    assert (hit.state, hit.decided_by, hit.decided_at) == (HitState.CONFIRMED, "li", NOW)
    assert "138****5678" in masked_text(page_of(record), hits_of(record))


def test_rejecting_needs_a_reason_and_changes_nothing_without(make: Make) -> None:
    hit = hit_of(make(LINES), "mobile")
    with pytest.raises(privacy.NeedsReason):
        privacy.decide([hit.pk], "reject", by="li", now=NOW, reason=" ")
    with pytest.raises(privacy.UnknownDecision):
        privacy.decide([hit.pk], "perhaps", by="li", now=NOW)
    hit.refresh_from_db()
    assert hit.state == HitState.PROPOSED


def test_a_decision_leaves_an_audit_row_without_the_secret(make: Make) -> None:
    record = make(LINES)
    reject(hit_of(record, "mobile"))
    row = AuditRow.objects.get(act="decide_personal")
    assert (row.object, row.by, row.why) == (f"record:{record.code}", "li", "识别有误")
    assert "13812345678" not in row.facts


def test_a_decision_makes_the_index_stale(make: Make) -> None:
    record = make(LINES)
    Record.objects.update(indexed_version=1)
    reject(hit_of(record, "mobile"))
    record.refresh_from_db()
    assert record.indexed_version == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": HitState.CONFIRMED},
        {"decided_by": "li", "decided_at": NOW},
        {"state": HitState.REJECTED, "decided_by": "li", "decided_at": NOW},
        {"field": "title"},
    ],
)
def test_the_database_refuses_half_a_decision(make: Make, wrong: dict[str, object]) -> None:
    hit = hit_of(make(LINES), "mobile")
    with pytest.raises(IntegrityError), transaction.atomic():
        PersonalHit.objects.filter(pk=hit.pk).update(**wrong)


def test_a_place_has_one_hit_of_a_kind(make: Make) -> None:
    hit = hit_of(make(LINES), "mobile")
    hit.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        hit.save()


# Examined again -----------------------------------------------------------------------------------


def test_examining_again_keeps_decisions_and_changes_nothing(make: Make) -> None:
    record = make(LINES)
    reject(hit_of(record, "mobile"))
    before = list(PersonalHit.objects.order_by("pk").values())
    record.refresh_from_db()
    again = privacy.examine_record(record.pk, now=NOW)
    assert list(PersonalHit.objects.order_by("pk").values()) == before
    assert again.personal_revision == record.personal_revision


def test_holdings_admitted_before_are_examined_once(make: Make) -> None:
    record = make(LINES)
    PersonalHit.objects.all().delete()
    Record.objects.update(personal=UNEXAMINED)
    assert [one.pk for one in privacy.examine_all(now=NOW)] == [record.pk]
    assert list(privacy.examine_all(now=NOW)) == []
    assert len(list(privacy.examine_all(now=NOW, everything=True))) == 1
    assert hit_of(record, "resident_id")


def test_a_corrected_line_is_examined(make: Make) -> None:
    record = make(("其余照办",))
    page = page_of(record)
    correct_line(page.pk, 0, LINES[0], by="li", now=NOW, expected_before="其余照办")
    record.refresh_from_db()
    assert record.personal == SENSITIVE
    assert SECRET not in masked_text(page_of(record), hits_of(record))


def test_a_rejection_moves_with_the_text_around_it(make: Make) -> None:
    record = make(LINES)
    reject(hit_of(record, "mobile"))
    page = page_of(record)
    correct_line(page.pk, 1, "有联系电话13812345678", by="li", now=NOW, expected_before=LINES[1])
    hit = hit_of(record, "mobile")
    assert (hit.state, hit.start, hit.end) == (HitState.REJECTED, 5, 16)


def test_a_rejection_does_not_cover_a_changed_number(make: Make) -> None:
    record = make(LINES)
    reject(hit_of(record, "mobile"))
    page = page_of(record)
    correct_line(page.pk, 1, "联系电话13912345678", by="li", now=NOW, expected_before=LINES[1])
    assert "139****5678" in masked_text(page_of(record), hits_of(record))


def test_a_mark_of_a_person_still_hides_after_a_correction(make: Make) -> None:
    record = make(("密语甲乙丙丁戊",))
    mark = privacy.Mark(1, "person_name", line=0, start=2, last_line=0, end=7)
    privacy.add_marks(record.pk, [mark], by="li", now=NOW)
    page = page_of(record)
    correct_line(page.pk, 0, "密语甲乙丙己丁戊", by="li", now=NOW, expected_before="密语甲乙丙丁戊")
    assert masked_text(page_of(record), hits_of(record)) == "密语甲*****"


def test_a_changed_description_is_examined(make: Make) -> None:
    record = make(("其余照办",))
    record = describe(record, {"annotation": "联系电话13812345678"}, by="li", now=NOW)
    assert masked_description(record, hits_of(record))["annotation"] == "联系电话138****5678"


def test_a_rebuild_unmasks_nothing_and_knows_the_decisions(make: Make) -> None:
    record = make((*LINES, "密语甲乙丙"))
    reject(hit_of(record, "mobile"))
    mark = privacy.Mark(1, "person_name", line=3, start=2, last_line=3, end=5)
    privacy.add_marks(record.pk, [mark], by="li", now=NOW)
    privacy.add_area(record.pk, 1, Box(10, 200, 60, 250), kind="face", by="li", now=NOW)
    record = pack_corrections(record, by="system", now=NOW)
    keys = ("page", "line", "start", "end", "kind", "state", "boxes", "decided_by", "reason")
    before = sorted(map(repr, PersonalHit.objects.values(*keys)))
    assert not privacy.undecided_packing(record.pk).exists()
    PersonalHit.objects.all().delete()
    Record.objects.all().delete()
    rebuild(now=NOW)
    assert sorted(map(repr, PersonalHit.objects.values(*keys))) == before
    text = masked_text(page_of(Record.objects.get()), hits_of(Record.objects.get()))
    assert text.splitlines() == [
        "身份证号：110***********002X", "联系电话13812345678", "其余照办", "密语甲**",
    ]  # fmt: skip


# Marks --------------------------------------------------------------------------------------------


def test_marking_what_a_detector_found_confirms_it(make: Make) -> None:
    record = make(LINES)
    hit = hit_of(record, "mobile")
    mark = privacy.Mark(1, "mobile", line=1, start=hit.start, last_line=1, end=hit.end)
    privacy.add_marks(record.pk, [mark], by="li", now=NOW)
    hit.refresh_from_db()
    assert (hit.state, hit.method) == (HitState.CONFIRMED, "pattern")


@pytest.mark.parametrize(
    "mark",
    [
        privacy.Mark(1, "mobile", line=9, last_line=9, end=1),
        privacy.Mark(1, "mobile", line=0, start=3, last_line=0, end=3),
        privacy.Mark(1, "mobile", line=0, start=0, last_line=0, end=99),
        privacy.Mark(7, "mobile", end=1),
        privacy.Mark(0, "mobile", field="title", end=999),
    ],
)
def test_a_place_that_is_not_there_is_refused(make: Make, mark: privacy.Mark) -> None:
    record = make(LINES)
    with pytest.raises(privacy.NoSuchPlace):
        privacy.add_marks(record.pk, [mark], by="li", now=NOW)
    with pytest.raises(privacy.NoSuchPlace):
        privacy.add_area(record.pk, 1, Box(900, 900, 950, 950), kind="face", by="li", now=NOW)
    assert not PersonalHit.objects.filter(method="person").exists()


# The masked copy ----------------------------------------------------------------------------------


def _pdf_text(content: bytes) -> str:
    done = subprocess.run(["pdftotext", "-", "-"], input=content, capture_output=True, check=True)
    return done.stdout.decode()


def test_the_masked_copy_gives_nothing_back(make: Make) -> None:
    record = make(LINES)
    content = masked_pdf(record).read_bytes()
    assert "110***********002X" in _pdf_text(content)
    with pikepdf.open(io.BytesIO(content)) as book:
        streams = [
            one.read_bytes()
            for one in book.objects
            if isinstance(one, pikepdf.Stream) and one.get("/Subtype") != pikepdf.Name.Image
        ]
    for secret in (SECRET, "13812345678"):
        for form in (secret.encode(), secret.encode("utf-16-be"), secret.encode().hex().encode()):
            assert all(form not in part for part in (content, *streams))


def test_the_image_of_the_masked_copy_is_black_where_the_secret_stood(make: Make) -> None:
    record = make(LINES)
    (box,) = hit_of(record, "resident_id").boxes
    with pikepdf.open(io.BytesIO(masked_pdf(record).read_bytes())) as book:
        raw = pikepdf.PdfImage(next(iter(book.pages[0].get_images().values()))).as_pil_image()
    middle = (int((box[0] + box[2]) / 2), int((box[1] + box[3]) / 2))
    assert isinstance(raw, Image.Image)
    assert max(raw.convert("RGB").getpixel(middle)) < 24


def test_another_decision_makes_another_copy(make: Make) -> None:
    record = make(LINES)
    assert "13812345678" not in _pdf_text(masked_pdf(record).read_bytes())
    reject(hit_of(record, "mobile"))
    record.refresh_from_db()
    assert "13812345678" in _pdf_text(masked_pdf(record).read_bytes())


def test_a_record_of_text_alone_has_a_masked_copy_too(home: Path) -> None:
    fonds()
    page = text_page(1, *LINES)
    files = [original(home / "staging", "通知.txt", "\n".join(LINES).encode())]
    record = _admit(
        admission(home / "staging", originals=files, pages=[ReadPage(files[0].name, page)])
    )
    text = _pdf_text(masked_pdf(record).read_bytes())
    assert "138****5678" in text
    assert SECRET not in text


# Search -------------------------------------------------------------------------------------------


def _found(words: str) -> int:
    return find(parse(words), viewer=Viewer(), today=TODAY).count


def test_what_a_person_marks_is_not_found_from_the_commit_on(
    make: Make, django_capture_on_commit_callbacks: Any
) -> None:
    record = make(("防汛工作从速办理", "联系窨井盖"), **OPENED)
    index_records([record.pk])
    assert (record.personal, _found("窨井盖")) == (0, 1)
    mark = privacy.Mark(1, "person_name", line=1, start=2, last_line=1, end=5)
    with django_capture_on_commit_callbacks(execute=True):
        privacy.add_marks(record.pk, [mark], by="wang", now=NOW)
    assert (_found("窨井盖"), _found("防汛")) == (0, 0)
    assert index_stale() == 1
    assert (_found("窨井盖"), _found("防汛")) == (0, 1)


def test_a_rejection_taken_back_hides_what_it_showed(
    make: Make, django_capture_on_commit_callbacks: Any
) -> None:
    record = make(LINES, **OPENED)
    with django_capture_on_commit_callbacks(execute=True):
        reject(hit_of(record, "mobile"))
    index_stale()
    assert _found("13812345678") == 1
    with django_capture_on_commit_callbacks(execute=True):
        privacy.decide([hit_of(record, "mobile").pk], "confirm", by="wang", now=NOW)
    assert _found("13812345678") == 0


def test_a_new_examination_that_raises_the_level_hides_at_once(
    make: Make, django_capture_on_commit_callbacks: Any
) -> None:
    record = make(LINES, **OPENED)
    hits = PersonalHit.objects.filter(record=record)
    hits.delete()
    Record.objects.update(personal=0)
    index_records([record.pk])
    assert _found("13812345678") == 1
    with django_capture_on_commit_callbacks(execute=True):
        privacy.examine_record(record.pk, now=NOW)
    assert _found("13812345678") == 0


def test_a_job_that_put_it_before_does_not_take_it_for_done(
    make: Make, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job reads and puts it, the act takes it out, and then the job notes what it has done."""
    record = make(LINES, **OPENED)
    note = indexing._mark

    def late(before: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            indexing.hide_until_indexed([record.pk])
        note(before)

    monkeypatch.setattr(indexing, "_mark", late)
    index_records([record.pk])
    monkeypatch.undo()
    assert _found("照办") == 0
    assert index_stale() == 1
    assert _found("照办") == 1


# Pages --------------------------------------------------------------------------------------------


@pytest.fixture
def archivist() -> Client:
    return client_of(ARCHIVIST)


@pytest.mark.parametrize("who", [STRANGER, READER, CLERK])
def test_the_review_is_for_archivists(who: str, make: Make) -> None:
    hit = hit_of(make(LINES), "mobile")
    client = client_of(who)
    assert client.get("/review/personal/").status_code in {302, 403}
    answer = client.post(f"/review/personal/{hit.pk}/", {"act": "reject", "reason": "x"})
    assert answer.status_code in {302, 403}
    hit.refresh_from_db()
    assert hit.state == HitState.PROPOSED


def test_the_review_shows_hits_by_record_and_page(make: Make, archivist: Client) -> None:
    record = make(LINES, LINES)
    text = archivist.get("/review/personal/").content.decode()
    assert text.count(record.code) == 2
    assert text.count("<rect") == 4
    assert f"<mark>{SECRET}</mark>" in text
    only = archivist.get("/review/personal/?kind=mobile").content.decode()
    assert only.count("<rect") == 2


def test_the_review_shows_one_record_and_decides_in_it_alone(make: Make, archivist: Client) -> None:
    one, other = make(LINES), make(LINES, number=2)
    text = archivist.get(f"/review/personal/?kind=mobile&record={one.pk}").content.decode()
    assert (text.count("<rect"), other.code in text) == (1, False)
    assert f'name="record" value="{one.pk}"' in text
    form = {"kind": "mobile", "act": "confirm", "record": one.pk}
    assert other.code not in archivist.post("/review/personal/many/", form).content.decode()
    archivist.post("/review/personal/many/", {**form, "sure": "1"})
    assert hit_of(one, "mobile").state == HitState.CONFIRMED
    assert hit_of(other, "mobile").state == HitState.PROPOSED


def test_the_review_goes_on_behind_a_cursor(make: Make, archivist: Client) -> None:
    record = make(*[LINES] * 7)
    first = archivist.get("/review/personal/").content.decode()
    assert f"after={record.pk}-5" in first
    second = archivist.get(f"/review/personal/?after={record.pk}-5").content.decode()
    assert second.count("ld-personal-page") == 2


def test_a_hit_is_decided_with_one_press(make: Make, archivist: Client) -> None:
    hit = hit_of(make(LINES), "mobile")
    url = f"/review/personal/{hit.pk}/"
    assert archivist.post(url, {"act": "reject", "reason": ""}).status_code == 302
    hit.refresh_from_db()
    assert hit.state == HitState.PROPOSED
    answer = archivist.post(
        url, {"act": "reject", "reason": "识别有误"}, headers={"HX-Request": "true"}
    )
    hit.refresh_from_db()
    assert (answer.content, hit.state) == (b"", HitState.REJECTED)


@pytest.mark.parametrize("act", ["", "delete"])
def test_an_unknown_decision_is_told(make: Make, archivist: Client, act: str) -> None:
    hit = hit_of(make(LINES), "mobile")
    url = f"/review/personal/{hit.pk}/"
    assert archivist.post(url, {"act": act}, headers={"HX-Request": "true"}).status_code == 422
    assert archivist.post(url, {"act": act}).status_code == 302


def test_a_kind_is_decided_at_once_after_a_preview(make: Make, archivist: Client) -> None:
    make(LINES, LINES)
    form = {"kind": "mobile", "act": "reject", "reason": "单位值班电话"}
    preview = archivist.post("/review/personal/many/", form).content.decode()
    assert preview.count("<mark>13812345678</mark>") == 2
    assert not PersonalHit.objects.exclude(state=HitState.PROPOSED).exists()
    archivist.post("/review/personal/many/", {**form, "sure": "1"})
    states = set(PersonalHit.objects.filter(kind="mobile").values_list("state", "reason"))
    assert states == {("rejected", "单位值班电话")}
    answer = archivist.post("/review/personal/many/", {"kind": "x", "act": "reject"}, follow=True)
    assert "没有这样的决定" in answer.content.decode()


def test_a_text_is_marked_wherever_it_stands(make: Make, archivist: Client) -> None:
    record = make(("密语甲乙", "丙也"), ("又见甲乙丙",))
    form = {"page": "1", "text": "甲乙丙", "kind": "person_name", "everywhere": "1"}
    archivist.post(f"/records/{record.pk}/personal/", form)
    assert masked_text(page_of(record), hits_of(record)) == "密语甲*\n*也"
    assert masked_text(page_of(record, 2), hits_of(record)) == "又见甲**"


def test_a_part_of_the_image_is_marked(make: Make, archivist: Client) -> None:
    record = make(("照片",))
    form = {"page": "1", "kind": "face", "left": "10", "top": "20", "right": "60", "bottom": "80"}
    archivist.post(f"/records/{record.pk}/personal/", form)
    assert boxes_to_black(page_of(record), hits_of(record)) == [Box(10, 20, 60, 80)]
    archivist.post(f"/records/{record.pk}/personal/", {"page": "1", "kind": "face", "left": "9999"})
    assert PersonalHit.objects.count() == 1


def test_a_text_that_is_not_there_is_told(make: Make, archivist: Client) -> None:
    record = make(("照片",))
    form = {"page": "1", "text": "没有", "kind": "person_name", "next": "/review/personal/"}
    answer = archivist.post(f"/records/{record.pk}/personal/", form, follow=True)
    assert "没有找到这段文字" in answer.content.decode()
    answer = archivist.post(f"/records/{record.pk}/personal/", {"kind": "x"}, follow=True)
    assert "没有这个种类" in answer.content.decode()


@pytest.mark.parametrize("who", [STRANGER, ARCHIVIST])
def test_the_record_page_offers_the_masked_copy_to_whoever_may_copy(make: Make, who: str) -> None:
    masked, clean = make(LINES, **OPENED), make(("防汛工作",), number=2, **OPENED)
    pages = [client_of(who).get(f"/records/{one.pk}/").content.decode() for one in (masked, clean)]
    assert [f"/records/{one.pk}/masked.pdf" in page
            for one, page in zip((masked, clean), pages, strict=True)] == [True, False]  # fmt: skip


def test_the_record_page_offers_no_masked_copy_to_others(make: Make) -> None:
    record = make(LINES, **OPENED)
    Record.objects.update(personal=UNEXAMINED)
    page = client_of(STRANGER).get(f"/records/{record.pk}/").content.decode()
    assert "masked.pdf" not in page


def test_the_masked_copy_goes_to_whoever_may_copy(make: Make) -> None:
    record = make(LINES, **OPENED)
    answer = client_of(STRANGER).get(f"/records/{record.pk}/masked.pdf")
    content = b"".join(answer.streaming_content)
    assert SECRET not in _pdf_text(content)
    assert answer["Cache-Control"] == "private, no-store"
    row = AuditRow.objects.get(act="download_file")
    assert (row.object, json.loads(row.facts)["file"]) == (f"record:{record.code}", "masked.pdf")
    closed = make(LINES, number=2)
    assert client_of(STRANGER).get(f"/records/{closed.pk}/masked.pdf").status_code == 404


def test_the_masked_copy_leaves_under_a_grant_beside_the_sheet_that_names_it(make: Make) -> None:
    record, reader = make(LINES), client_of(READER)
    share("G1", [record], account=READER, uses="look,copy")
    answer = reader.get(f"/records/{record.pk}/masked.pdf")
    content = b"".join(answer.streaming_content)
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheet, copy = parts.namelist()
        assert (sheet, copy.endswith(".pdf")) == ("00-利用说明.pdf", True)
        assert SECRET not in _pdf_text(parts.read(copy))
    assert answer["Content-Type"] == "application/zip"
