"""What people do with records leaves rows: whatever shows content does, and fails without one."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from tests.archive.build import NOW, admit_numbers, fonds, scanned_admission
from tests.people import ARCHIVIST, CLERK, READER, STRANGER, client_of

from liandong.archive.models import LineCorrection, Record, RecordFile
from liandong.archive.policies import OPEN
from liandong.archive.services.admitting import admit
from liandong.archive.services.correcting import NoSuchLine, correct_line, describe, undo
from liandong.archive.services.exporting import CannotExport, export
from liandong.archive.services.indexing import index_records
from liandong.archive.services.packing import pack
from liandong.archive.services.rebuilding import rebuild
from liandong.archive.services.verifying import verify
from liandong.base.audit import digest_of, who_has_seen
from liandong.base.models import AuditRow, Outcome

pytestmark = pytest.mark.django_db


@pytest.fixture
def record(home: Path) -> Record:
    """A scanned record that everybody may read; the audit tells of its admission."""
    fonds()
    made = scanned_admission(home / "staging", 1)
    for name, value in (("level", OPEN), ("open_from", 20200101)):
        object.__setattr__(made, name, value)
    record = admit(pack(made), made, by="li", now=made.at)
    index_records([record.pk])
    return record


def rows(after: int = 0) -> list[tuple[str, str, str]]:
    """Act, object and who, of the rows after one."""
    found = AuditRow.objects.filter(number__gt=after).order_by("number")
    return list(found.values_list("act", "object", "by"))


def last() -> int:
    return AuditRow.objects.latest("number").number


def get(client: Client, path: str, **headers: str) -> int:
    answer = client.get(path, headers=headers)
    for _ in getattr(answer, "streaming_content", ()):
        pass  # read to its end, which closes it
    return answer.status_code


def facts() -> dict[str, object]:
    known: dict[str, object] = json.loads(AuditRow.objects.latest("number").facts or "{}")
    return known


# Looking ------------------------------------------------------------------------------------------


def test_looking_reading_downloading_and_printing_each_leave_a_row(record: Record) -> None:
    client, before = client_of(ARCHIVIST), last()
    file = RecordFile.objects.filter(record=record, role="original").first()
    assert file is not None
    base = f"/records/{record.pk}/"
    for path in (base, f"{base}view/?p=1", f"{base}v1/1/image", f"{base}files/{file.pk}/"):
        assert get(client, path) == 200, path
    name = f"record:{record.code}"
    assert rows(before) == [
        (act, name, "archivist")
        for act in ("look_record", "open_viewer", "print_image", "download_file")
    ]
    assert facts()["sha256"] == file.sha256
    assert next(one.act for one in who_has_seen(name)) == "download_file"


def test_parts_of_a_look_are_no_acts_of_their_own(record: Record) -> None:
    client, base = client_of(CLERK), f"/records/{record.pk}/"
    get(client, f"{base}view/")
    before = last()
    for path in (
        "pages/1/text.json",
        "v1/1/page.dzi",
        "v1/1/page_files/0/0_0.jpg",
        "v1/1/thumb.jpg",
    ):
        assert get(client, base + path) == 200, path
    assert get(client, f"{base}v1/1/image", **{"Sec-Fetch-Dest": "image"}) == 200
    assert rows(before) == []


@pytest.mark.parametrize(
    "part", ["pages/1/text.json", "v1/1/page.dzi", "v1/1/page_files/0/0_0.jpg"]
)
@pytest.mark.parametrize("who", [STRANGER, READER])
def test_a_part_that_is_fetched_by_itself_leaves_a_row_once(
    part: str, who: str, record: Record
) -> None:
    client, before = client_of(who), last()
    for _ in range(2):
        assert get(client, f"/records/{record.pk}/{part}") == 200
    by = "" if who == STRANGER else who
    assert rows(before) == [("read_part", f"record:{record.code}", by)]


def test_the_row_says_whether_the_whole_was_seen(record: Record) -> None:
    get(client_of(ARCHIVIST), f"/records/{record.pk}/")
    assert facts()["sight"] == "whole"
    Record.objects.filter(pk=record.pk).update(personal=2)
    get(client_of(READER), f"/records/{record.pk}/")
    assert facts()["sight"] == "masked"


def test_what_is_hidden_leaves_no_row_of_a_look(record: Record) -> None:
    Record.objects.update(level=2, open_from=99991231)
    before = last()
    assert get(client_of(READER), f"/records/{record.pk}/") == 404
    assert rows(before) == []


def test_a_search_keeps_digests_of_its_words_only(record: Record) -> None:
    client, before = client_of(CLERK), last()
    get(client, "/search/?q=张三 低保&year=2011")
    assert rows(before) == [("search", "", "clerk")]
    told = facts()
    assert str(told["words"]).split() == [digest_of("张三"), digest_of("低保")]
    assert (told["filters"], told["found"]) == (1, 0)
    assert "张" not in AuditRow.objects.latest("number").facts


@pytest.mark.parametrize("path", ["/search/", "/archive/", "/archive/?fonds=Z109", "/", "/desk/"])
def test_lists_write_nothing(path: str, record: Record) -> None:
    before, client = last(), client_of(ARCHIVIST)
    assert get(client, path) in {200, 302}
    assert rows(before) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["", "view/", "pages/1/text.json", "files/{file}/", "v1/1/image"])
def test_nothing_is_shown_when_its_row_cannot_be_written(path: str, home: Path) -> None:
    fonds()
    made = scanned_admission(home / "staging", 1)
    kept = admit(pack(made), made, by="li", now=made.at)
    file = RecordFile.objects.filter(record=kept, role="original").first()
    assert file is not None
    client = client_of(ARCHIVIST)
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE base_auditrow RENAME TO base_away")
    try:
        answer = client.get(f"/records/{kept.pk}/{path.format(file=file.pk)}")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE base_away RENAME TO base_auditrow")
    assert answer.status_code == 500


# Changing -----------------------------------------------------------------------------------------


def test_corrections_and_descriptions_leave_rows_with_their_change(record: Record) -> None:
    page, before = record.pages.get(number=1), last()
    text = page.lines[0]["text"]
    correct_line(page.pk, 0, "改过的行", by="zhao", now=NOW, expected_before=text)
    undo(LineCorrection.objects.get().pk, by="zhao", now=NOW)
    describe(record, {"title": "新题名"}, by="zhao", now=NOW + timedelta(minutes=1))
    assert [act for act, _, _ in rows(before)] == [
        "correct_text", "undo_correction", "describe_record",
    ]  # fmt: skip
    assert facts() == {"fields": "title"}


def test_a_refused_correction_leaves_no_row(record: Record) -> None:
    before = last()
    page = record.pages.get(number=1)
    with pytest.raises(NoSuchLine):
        correct_line(page.pk, 99, "x", by="zhao", now=NOW, expected_before="")
    assert rows(before) == []


@pytest.mark.django_db(transaction=True)
def test_a_description_that_cannot_be_audited_changes_neither_store_nor_row(home: Path) -> None:
    fonds()
    (kept,) = admit_numbers(home / "staging", 1)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE base_auditrow RENAME TO base_away")
    try:
        with pytest.raises(DatabaseError):
            describe(kept, {"title": "新题名"}, by="zhao", now=NOW)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE base_away RENAME TO base_auditrow")
    kept.refresh_from_db()
    assert (kept.version, "新题名" in kept.title) == (1, False)
    assert not list((home / "store").rglob("v2"))


def test_admission_leaves_a_row_for_each_record_in_its_transaction(home: Path) -> None:
    fonds()
    before = last()
    admitted = admit_numbers(home / "staging", 1, 2, 3)
    assert rows(before) == [("admit_record", f"record:{one.code}", "li") for one in admitted]


def test_checks_exports_and_rebuilding_leave_rows(record: Record, tmp_path: Path) -> None:
    before = last()
    run = verify(kind="all", by="zhao", now=NOW).run
    export(record, "folder", tmp_path / "out", by="zhao", now=NOW)
    rebuild(now=NOW, by="zhao")
    assert rows(before) == [
        ("verify_fixity", f"fixity:{run.pk}", "zhao"),
        ("export_record", f"record:{record.code}", "zhao"),
        ("rebuild_records", "archive:store", "zhao"),
    ]


def test_an_export_that_fails_says_so_in_a_second_row(
    record: Record, home: Path, tmp_path: Path
) -> None:
    before = last()
    with pytest.raises(CannotExport):
        export(record, "tar", tmp_path / "out", by="zhao", now=NOW)
    assert rows(before) == []  # nothing was tried
    for blob in (home / "store").rglob("v1/content/original/*"):
        blob.unlink()
    with pytest.raises(FileNotFoundError):
        export(record, "folder", tmp_path / "out", by="zhao", now=NOW)
    outcomes = AuditRow.objects.filter(number__gt=before).order_by("number")
    assert [row.outcome for row in outcomes] == [Outcome.DONE, Outcome.FAILED]
