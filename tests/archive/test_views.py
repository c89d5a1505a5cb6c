"""Every address of the archive: who gets what, at which cost, and against which hostile input."""

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from tests.archive.build import admit_numbers, fonds, scanned_admission
from tests.people import ARCHIVIST, CLERK, EVERYONE, READER, STRANGER, client_of

from liandong.archive.models import LineCorrection, Record, RecordFile
from liandong.archive.policies import OPEN, RESTRICTED
from liandong.archive.services.admitting import admit
from liandong.archive.services.indexing import index_records
from liandong.archive.services.packing import pack
from liandong.base import params

pytestmark = pytest.mark.django_db
OPENED = {"level": OPEN, "open_from": 20200101}


@pytest.fixture
def opened(home: Path) -> Record:
    """A scanned record that everybody may read."""
    return _scanned(home, 1)


def _scanned(home: Path, number: int, **facts: object) -> Record:
    fonds()
    made = scanned_admission(home / "staging", number)
    for name, value in (OPENED | facts).items():
        object.__setattr__(made, name, value)
    record = admit(pack(made), made, by="li", now=made.at)
    index_records([record.pk])
    return record


def _pages(record: Record) -> list[str]:
    base, image = f"/records/{record.pk}/", f"/records/{record.pk}/v1/1/"
    files = RecordFile.objects.filter(record=record)
    return [
        base, f"{base}view/", f"{base}pages/1/text.json", f"{image}thumb.jpg", f"{image}image",
        f"{image}page.dzi", f"{image}page_files/0/0_0.jpg",
        *(f"{base}files/{file.pk}/" for file in files),
    ]  # fmt: skip


def _code(client: Client, path: str) -> int:
    answer = client.get(path)
    for _ in getattr(answer, "streaming_content", ()):
        pass  # read to its end, which closes it; a second close would drop the connection
    return answer.status_code


@pytest.mark.parametrize("who", EVERYONE)
def test_an_opened_record_is_there_for_everybody(who: str, opened: Record) -> None:
    client = client_of(who)
    assert {path: _code(client, path) for path in _pages(opened)} == dict.fromkeys(
        _pages(opened), 200
    )


@pytest.mark.parametrize(
    ("level", "unit", "readers"),
    [
        (1, "BGS", {CLERK, ARCHIVIST}),
        (1, "CZJ", {ARCHIVIST}),
        (RESTRICTED, "BGS", {ARCHIVIST}),
    ],
)
def test_a_hidden_record_answers_like_an_absent_one(
    home: Path, level: int, unit: str, readers: set[str]
) -> None:
    record = _scanned(home, 1, level=level, open_from=99991231, unit=unit)
    for who in EVERYONE:
        client, wanted = client_of(who), 200 if who in readers else 404
        assert {_code(client, path) for path in _pages(record)} == {wanted}, who
    absent = client_of(STRANGER).get("/records/999999/")
    hidden = client_of(STRANGER).get(f"/records/{record.pk}/")
    assert _without_ids(hidden.content) == _without_ids(absent.content)


def _without_ids(page: bytes) -> list[bytes]:
    noise = (b"csrf", b"<code>", b"next", b"X-CSRFToken")
    return [line for line in page.splitlines() if not any(word in line for word in noise)]


@pytest.mark.parametrize(
    ("path", "codes"),
    [
        ("/search/", (200, 200, 200, 200)),
        ("/search/?q=防汛", (200, 200, 200, 200)),
        ("/archive/", (200, 200, 200, 200)),
        ("/preservation/", (302, 403, 403, 200)),
        ("/records/{pk}/ocr/", (302, 403, 403, 200)),
        ("/records/{pk}/ocr/1/", (302, 403, 403, 200)),
        ("/records/{pk}/ocr/9/", (302, 403, 403, 404)),
        ("/records/0/", (404, 404, 404, 404)),
    ],
)
def test_pages_open_for_those_who_may(opened: Record, path: str, codes: tuple[int, ...]) -> None:
    address = path.format(pk=opened.pk)
    assert tuple(_code(client_of(who), address) for who in EVERYONE) == codes


def test_only_archivists_change_anything(opened: Record) -> None:
    line = {"id": 0, "text": "改", "version": opened.pages.get(number=1).lines[0]["text"]}
    for who in (STRANGER, READER, CLERK):
        client = client_of(who)
        address = f"/records/{opened.pk}/ocr/1/"
        assert client.post(address, line, content_type="application/json").status_code == 403
        refused = 302 if who == STRANGER else 403  # to the door, or no
        assert client.post("/preservation/verify/").status_code == refused
    archivist = client_of(ARCHIVIST)
    answer = archivist.post(address, line, content_type="application/json")
    assert (answer.status_code, answer.json()["text"]) == (200, "改")
    assert archivist.post("/preservation/verify/").status_code == 302
    correction = LineCorrection.objects.get(page__record=opened)
    undo = f"/records/{opened.pk}/corrections/{correction.pk}/undo/"
    assert client_of(CLERK).post(undo).status_code in {403, 404}
    assert archivist.post(undo).status_code == 302


@pytest.mark.parametrize(
    "body",
    ["{", "[]", "null", "{}", '{"id":0}', '{"id":"x","text":"","version":""}',
     '{"id":1e999,"text":"","version":""}'],
)  # fmt: skip
def test_a_correction_that_makes_no_sense_is_refused(opened: Record, body: str) -> None:
    client = client_of(ARCHIVIST)
    answer = client.post(f"/records/{opened.pk}/ocr/1/", body, content_type="application/json")
    assert (answer.status_code, "message" in answer.json()) == (400, True)


@pytest.mark.parametrize("line", [-1, 99, 2**70])
def test_a_line_that_is_not_there_is_not_found(opened: Record, line: int) -> None:
    body = json.dumps({"id": line, "text": "甲", "version": ""})
    client = client_of(ARCHIVIST)
    answer = client.post(f"/records/{opened.pk}/ocr/1/", body, content_type="application/json")
    assert answer.status_code in {404, 409}


def test_two_people_at_one_line_do_not_overwrite_each_other(opened: Record) -> None:
    client, address = client_of(ARCHIVIST), f"/records/{opened.pk}/ocr/1/"
    before = opened.pages.get(number=1).lines[0]["text"]
    for text, code in (("甲", 200), ("乙", 409)):
        body = {"id": 0, "text": text, "version": before}
        answer = client.post(address, body, content_type="application/json")
        assert (answer.status_code, answer.json()["text"]) == (code, "甲")


@pytest.mark.parametrize("who", [STRANGER, ARCHIVIST])
def test_lists_cost_the_same_for_one_row_and_for_twenty(home: Path, who: str) -> None:
    fonds()
    addresses = ("/search/?q=防汛", "/search/", "/archive/?fonds=Z109&category=WS", "/classes/")
    costs: dict[str, list[int]] = {path: [] for path in addresses}
    client = client_of(who)
    for numbers in (range(1, 2), range(2, 21)):
        records = admit_numbers(home / "staging", *numbers, **OPENED)
        index_records([one.pk for one in records])
        class_page = f"/archive/classes/{records[0].archival_class_id}/"
        for path in addresses:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert _code(client, class_page if path == "/classes/" else path) == 200
            asked = (query["sql"] for query in queries.captured_queries)
            # The audit chain's lock is a statement of its own on PostgreSQL.
            costs[path].append(sum("pg_advisory" not in sql for sql in asked))
    assert {path: one for path, (one, many) in costs.items() if one != many} == {}
    assert max(max(counts) for counts in costs.values()) <= 13, costs


HOSTILE = ["abc", "-1", "1" * 40, "9" * 5000, "\0", "a\0b", "٣", "²", "1e9", "nan", "' OR 1=1 --",
           "<script>", "../../etc/passwd", "%", "\ud7ff", "𠮷" * 600]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
def test_no_parameter_breaks_a_page(opened: Record, value: str) -> None:
    client = client_of(ARCHIVIST)
    names = ("q", "after", "before", "order", "year", "fonds", "category", "retention", "author",
             "from", "to", "date")  # fmt: skip
    class_page = f"/archive/classes/{opened.archival_class_id}/"
    for name in names:
        answer = client.get("/search/", {name: value})
        assert answer.status_code == 200, name
        assert b"<script>" not in answer.content.split(b"<main")[1]
    for path in (class_page, "/archive/", f"/records/{opened.pk}/view/"):
        pairs = {"after": value, "fonds": value, "p": value, "l": value, "find": value}
        assert client.get(path, pairs).status_code == 200, path


@pytest.mark.parametrize("number", ["0", "1", "9" * 30])
def test_numbers_in_paths_are_bounded(opened: Record, number: str) -> None:
    client = client_of(STRANGER)
    paths = (
        f"/records/{number}99/", f"/records/{opened.pk}/files/{number}999/",
        f"/archive/classes/{number}999/", f"/records/{opened.pk}/pages/{number}999/text.json",
    )  # fmt: skip
    assert {client.get(path).status_code for path in paths} == {404}


@pytest.mark.parametrize(
    "tail",
    ["../../../page.dzi", "0/..%2f..%2f..%2fsecret.key", "0/0_0.jpg/../../x", "99/0_0.jpg",
     "0/9_9.jpg", "-1/0_0.jpg", "0/0_0.png", "999999999999999999999/0_0.jpg"],
)  # fmt: skip
def test_a_tile_address_leads_nowhere_else(opened: Record, tail: str) -> None:
    answer = client_of(STRANGER).get(f"/records/{opened.pk}/v1/1/page_files/{tail}")
    assert answer.status_code == 404


def test_downloads_are_attachments_in_a_sandbox(opened: Record) -> None:
    client = client_of(STRANGER)
    for file in RecordFile.objects.filter(record=opened):
        answer = client.get(f"/records/{opened.pk}/files/{file.pk}/")
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
        assert len(b"".join(answer.streaming_content)) == file.size_bytes


def test_a_file_of_another_record_is_not_sent(home: Path, opened: Record) -> None:
    hidden = _scanned(home, 2, level=RESTRICTED, unit="CZJ", open_from=99991231)
    file = RecordFile.objects.filter(record=hidden).first()
    assert file is not None
    assert _code(client_of(STRANGER), f"/records/{opened.pk}/files/{file.pk}/") == 404


@given(st.text())
def test_a_number_of_an_address_is_always_a_key(text: str) -> None:
    assert 0 <= params.number(text) <= params.MOST
    assert 0.0 <= params.share(text, 0.5) <= 1.0
    assert "\0" not in params.words(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [("12", 12), ("0012", 12), ("٣", 0), ("", 0), (None, 0), ("1_0", 0), (" 1", 0)],
)
def test_only_plain_digits_are_a_number(text: str | None, found: int) -> None:
    assert params.number(text) == found
