"""Corrections count at once, keep their history, and end in the object whatever dies between."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.archive.build import NOW, admit_numbers, fonds, scanned_admission, validate_store

from liandong.archive.models import (
    LineCorrection,
    PreservationEvent,
    Record,
    RecordFile,
    RecordPage,
)
from liandong.archive.services.admitting import admit
from liandong.archive.services.correcting import (
    PACK_AFTER,
    BadDescription,
    CodeFixed,
    LineChanged,
    NoSuchLine,
    RecordChanged,
    correct_line,
    describe,
    is_resting,
    pack_corrections,
    undo,
)
from liandong.archive.services.indexing import index_records
from liandong.archive.services.objects import blob_store, read_object
from liandong.archive.services.packing import pack
from liandong.archive.services.verifying import check_record
from liandong.kernel.packages import ocfl

pytestmark = pytest.mark.django_db
WRONG, RIGHT = "防讯工作从速办理", "防汛工作从速办理"


@pytest.fixture
def record(home: Path) -> Record:
    """A recognised record of two pages."""
    fonds()
    one = scanned_admission(home / "staging")
    return admit(pack(one), one, by="li", now=NOW)


def correct(record: Record, text: str = RIGHT, before: str = WRONG) -> RecordPage:
    page = record.pages.get(number=1)
    return correct_line(page.pk, 1, text, by="wang", now=NOW, expected_before=before)


def test_a_correction_changes_line_text_and_confidence(record: Record) -> None:
    page = correct(record)

    assert page.text == f"第1页\n{RIGHT}"
    assert page.lines[1] | {"box": []} == {
        "text": RIGHT, "box": [], "confidence": 1.0, "corrected": True, "recognised": [WRONG, 0.9],
    }  # fmt: skip
    assert (page.corrected_lines, LineCorrection.objects.get().before) == (1, WRONG)


def test_a_line_changed_by_someone_else_is_not_overwritten(record: Record) -> None:
    correct(record)

    with pytest.raises(LineChanged) as refused:
        correct(record, "防 汛")

    assert refused.value.text == RIGHT
    assert LineCorrection.objects.count() == 1


@pytest.mark.parametrize("line", [-1, 2, 99])
def test_a_line_that_is_not_there_is_refused(record: Record, line: int) -> None:
    page = record.pages.get(number=1)

    with pytest.raises(NoSuchLine):
        correct_line(page.pk, line, "x", by="wang", now=NOW, expected_before="")


def test_the_same_text_confirms_the_line_once(record: Record) -> None:
    correct(record, WRONG)
    page = correct(record, WRONG)

    assert (page.lines[1]["confidence"], page.corrected_lines) == (1.0, 1)
    assert LineCorrection.objects.count() == 1


def test_a_correction_cannot_break_the_line_in_two(record: Record) -> None:
    page = correct(record, "防汛\n工作\0")

    assert page.lines[1]["text"] == "防汛 工作"


def test_undoing_gives_the_line_as_it_was_recognised(record: Record) -> None:
    before = record.pages.get(number=1)
    correct(record)

    page = undo(LineCorrection.objects.get().pk, by="li", now=NOW)

    assert (page.lines, page.text) == (before.lines, before.text)
    assert (page.confidence, page.corrected_lines) == (before.confidence, 0)
    assert LineCorrection.objects.count() == 2


def test_what_was_changed_since_cannot_be_undone(record: Record) -> None:
    correct(record)
    first = LineCorrection.objects.get().pk
    correct(record, "防汛工作", RIGHT)

    with pytest.raises(LineChanged):
        undo(first, by="li", now=NOW)


def test_a_correction_makes_the_index_stale_until_it_is_indexed(record: Record) -> None:
    index_records([record.pk])
    record.refresh_from_db()
    assert record.indexed_version == 1

    correct(record)

    record.refresh_from_db()
    assert record.indexed_version == 0


def test_corrections_are_packed_once_nobody_works_on_them(record: Record) -> None:
    correct(record)

    assert not is_resting(record.pk, now=NOW + timedelta(minutes=5))
    assert is_resting(record.pk, now=NOW + PACK_AFTER)


def test_packed_corrections_are_a_new_version(record: Record, home: Path) -> None:
    correct(record)

    changed = pack_corrections(record, by="system", now=NOW)

    kept = read_object(record.object_id)
    assert (changed.version, kept.version) == (2, 2)
    assert kept.pages[0]["lines"][1]["text"] == RIGHT
    assert [row["after"] for row in kept.corrections] == [RIGHT]
    assert LineCorrection.objects.get().packed
    assert kept.events[-1].kind == "modification"
    assert check_record(changed)[0] == []
    assert validate_store(home / "store") == 2


def test_packing_without_corrections_writes_nothing(record: Record) -> None:
    correct(record)
    pack_corrections(record, by="system", now=NOW)

    assert pack_corrections(record, by="system", now=NOW).version == 2


def test_the_first_version_keeps_what_was_recognised(record: Record) -> None:
    correct(record)
    pack_corrections(record, by="system", now=NOW)

    key = ocfl.object_path(f"urn:uuid:{record.object_id}")
    first = json.loads(blob_store().read(f"{key}/v1/content/derivative/text.json"))

    assert first["pages"][0]["lines"][1]["text"] == WRONG


def test_describing_changes_store_and_row(record: Record) -> None:
    changes = {"title": "关于防汛的通知", "document_date": "20110600", "annotation": "复制件"}

    changed = describe(record, changes, by="li", now=NOW)

    assert (changed.title, changed.document_date, changed.version) == (
        "关于防汛的通知",
        20110600,
        2,
    )
    assert read_object(record.object_id).description == changed.description
    event = PreservationEvent.objects.latest("pk")
    assert event.detail["fields"] == ["annotation", "document_date", "title"]


def test_describing_with_the_same_values_writes_nothing(record: Record) -> None:
    assert describe(record, {"title": record.title}, by="li", now=NOW).version == 1


def test_an_archival_code_never_changes(record: Record) -> None:
    with pytest.raises(CodeFixed, match="filing_year"):
        describe(record, {"filing_year": "2012"}, by="li", now=NOW)


def test_a_value_that_cannot_stand_is_refused(record: Record) -> None:
    with pytest.raises(BadDescription):
        describe(record, {"document_date": "去年"}, by="li", now=NOW)

    assert read_object(record.object_id).version == 1


def test_a_description_changed_meanwhile_is_not_overwritten(record: Record) -> None:
    describe(record, {"annotation": "一"}, by="li", now=NOW)

    with pytest.raises(RecordChanged):
        describe(record, {"annotation": "二"}, by="wang", now=NOW, expected_version=1)


class Killed(BaseException):
    """The process died here."""


def die(*_: object) -> None:
    raise Killed


@pytest.mark.parametrize("step", range(1, 8))
def test_a_death_between_any_two_writes_loses_no_correction(
    record: Record, home: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    correct(record)
    left = step
    store = blob_store()

    def dying(name: str) -> None:
        real = getattr(type(store), name)

        def wrapped(self: object, *given: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed
            result = real(self, *given)
            left -= 1
            if left == 0:
                raise Killed
            return result

        patch.setattr(type(store), name, wrapped)

    with monkeypatch.context() as patch:
        for name in ("place", "replace"):
            dying(name)
        if step == 7:
            patch.setattr(
                "liandong.archive.services.correcting.follow",
                lambda *_: (_ for _ in ()).throw(Killed),
            )
        with pytest.raises(Killed):
            pack_corrections(record, by="system", now=NOW)

    changed = pack_corrections(record, by="system", now=NOW)

    assert changed.version == 2
    assert LineCorrection.objects.filter(packed=True).count() == 1
    assert PreservationEvent.objects.filter(kind="modification").count() == 1
    assert check_record(changed)[0] == []
    assert validate_store(home / "store") == 2


def test_rows_of_files_follow_the_new_version(record: Record) -> None:
    correct(record)
    pack_corrections(record, by="system", now=NOW)

    row = RecordFile.objects.get(record=record, path="derivative/text.json")

    assert row.content_path == "v2/content/derivative/text.json"


def test_a_text_record_is_corrected_too(home: Path) -> None:
    fonds()
    record = admit_numbers(home / "staging", 1)[0]
    page = record.pages.get()
    correct_line(page.pk, 0, "第一号通知", by="li", now=NOW, expected_before="第1号通知")

    assert pack_corrections(record, by="li", now=NOW).version == 2
