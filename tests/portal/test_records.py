"""Search and read by key: the same rule and the same masks as on the pages, and nothing beside."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone
from tests.archive.build import admission, code, fonds, original, text_page
from tests.portal.calling import Caller, account_of, caller, code_of, unit_of

from liandong.archive.models import Record, SharedRecord, ShareGrant
from liandong.archive.services.admission import ReadPage
from liandong.archive.services.admitting import admit_many
from liandong.archive.services.indexing import index_records
from liandong.archive.services.packing import pack_many
from liandong.archive.services.privacy import examine_record
from liandong.base.models import AuditRow, Role

pytestmark = pytest.mark.django_db(transaction=True)
ID_CARD = "11010519491231002X"
NOW = timezone.now()


@pytest.fixture(autouse=True)
def _shelf(home: Path) -> None:
    fonds()


def _admit(home: Path, number: int, *texts: str, **facts: Any) -> Record:
    content = "\n".join(texts or (f"第{number}号通知", "防汛工作从速办理")).encode()
    files = [original(home / "staging", "通知.txt", content)]
    page = text_page(1, *(texts or (f"第{number}号通知", "防汛工作从速办理")))
    one = admission(
        home / "staging", number, originals=files, pages=[ReadPage(files[0].name, page)], **facts
    )
    packed = pack_many([one])
    [record] = admit_many(list(zip(packed, [one], strict=True)), by="li", now=NOW)
    examine_record(record.pk, now=NOW)
    index_records([record.pk])
    record.refresh_from_db()
    return record


def _path(record: Record, rest: str = "") -> str:
    return f"/records/{quote(record.code)}{rest}"


def _share(record: Record, unit: str, *uses: str, whole: bool = False, days: int = 3) -> ShareGrant:
    grant = ShareGrant.objects.create(
        code=f"S-{unit}-{record.pk}", unit=unit_of(unit), purpose="核对", uses=",".join(uses),
        whole=whole, begins_at=NOW - timedelta(hours=1), ends_at=NOW + timedelta(days=days),
        granted_at=NOW, granted_by="li",
    )  # fmt: skip
    SharedRecord.objects.create(grant=grant, record=record)
    index_records([record.pk])
    return grant


def _file(who: Caller, record: Record) -> str:
    shown = who.get(_path(record)).json()
    number = next(one["id"] for one in shown["files"] if one["role"] == "original")
    return _path(record, f"/files/{number}")


# The own department -------------------------------------------------------------------------------


def test_a_department_reads_its_own_records_whole(home: Path) -> None:
    record = _admit(home, 1, "关于李雷的批复", f"身份证号{ID_CARD}")
    who = caller()

    shown = who.get(_path(record)).json()

    assert (shown["code"], shown["sight"], shown["withheld"]) == (record.code, "whole", False)
    assert shown["description"]["title"] == record.title
    pages = who.get(_path(record, "/pages")).json()
    assert [page["text"] for page in pages["items"]] == [f"关于李雷的批复\n身份证号{ID_CARD}"]
    assert who.get(_path(record, "/pages/1")).json()["text"] == pages["items"][0]["text"]
    answer = who.get(_file(who, record))
    assert b"".join(answer.streaming_content) == f"关于李雷的批复\n身份证号{ID_CARD}".encode()
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_code_may_be_written_in_any_common_way(home: Path) -> None:
    record = _admit(home, 1)
    for text in (record.code, record.code.replace("·", "."), record.code.lower()):
        assert caller().get(f"/records/{quote(text)}").json()["code"] == record.code


def test_every_read_leaves_a_row_with_the_key(home: Path) -> None:
    record = _admit(home, 1)
    who = caller()
    list(who.get(_file(who, record)).streaming_content)
    who.get(_path(record, "/pages/1"))
    who.get("/search?q=防汛")
    rows = AuditRow.objects.filter(by="clerk-BGS").values_list("act", "object")
    assert set(rows) == {
        ("look_record", f"record:{record.code}"), ("download_file", f"record:{record.code}"),
        ("read_part", f"record:{record.code}"), ("search", "page:/api/v1/search"),
    }  # fmt: skip
    assert '"key"' in AuditRow.objects.filter(act="search").latest("number").facts


# Others -------------------------------------------------------------------------------------------


def _everything(who: Caller, record: Record, file: str) -> list[Any]:
    return [who.get(_path(record)), who.get(_path(record, "/pages")),
            who.get(_path(record, "/pages/1")), who.get(file)]  # fmt: skip


def test_another_department_finds_nothing_and_absent_answers_alike(home: Path) -> None:
    record = _admit(home, 1)
    file = _file(caller(), record)
    other = caller("CZJ")
    hidden = _everything(other, record, file)
    absent = other.get(f"/records/{quote(code(99))}")
    for answer in hidden:
        assert answer.status_code == 404
        assert answer.json() | {"trace_id": ""} == absent.json() | {"trace_id": ""}
    found = other.get("/search?q=防汛").json()
    assert (found["count"], found["hits"]) == (0, [])
    assert all(values == [] for values in found["facets"].values())


def test_a_record_above_the_clearance_of_the_account_is_hidden(home: Path) -> None:
    record = _admit(home, 1, level=2)
    assert caller().get(_path(record)).status_code == 404
    cleared = caller(account=account_of("qian", "BGS", Role.CLERK, clearance=2))
    assert cleared.get(_path(record)).status_code == 200


def test_the_post_of_an_archivist_is_not_the_systems(home: Path) -> None:
    record = _admit(home, 1, unit="CZJ")
    archivist = account_of("qian", "BGS", Role.ARCHIVIST, Role.CLERK, clearance=2)
    assert caller(account=archivist).get(_path(record)).status_code == 404


def test_an_open_record_is_masked_and_its_files_stay_here(home: Path) -> None:
    record = _admit(home, 1, "关于李雷的批复", f"身份证号{ID_CARD}", level=0, open_from=19490101)
    file = _file(caller(), record)
    other = caller("CZJ")

    shown = other.get(_path(record))

    assert shown.json()["sight"] == "masked"
    assert all(one["sha256"] == one["sm3"] == "" for one in shown.json()["files"])
    text = other.get(_path(record, "/pages/1"))
    taken = other.get(file)
    assert (taken.status_code, code_of(taken)) == (403, "not-allowed")
    for answer in (shown, text, other.get(_path(record, "/pages"))):
        assert ID_CARD not in answer.content.decode()
    assert other.get(f"/search?q={ID_CARD}").json()["count"] == 0
    assert caller().get(f"/search?q={ID_CARD}").json()["count"] == 1


def test_a_record_that_nobody_examined_gives_no_text_to_others(home: Path) -> None:
    record = _admit(home, 1, "关于李雷的批复", level=0, open_from=19490101)
    Record.objects.filter(pk=record.pk).update(personal=9)
    other = caller("CZJ")
    shown = other.get(_path(record)).json()
    page = other.get(_path(record, "/pages/1")).json()
    assert (shown["withheld"], page["withheld"], page["text"]) == (True, True, "")
    assert "李雷" not in str(shown)


def test_a_share_opens_to_the_department_what_it_says_until_it_ends(home: Path) -> None:
    record = _admit(home, 1, "关于李雷的批复", f"身份证号{ID_CARD}")
    other = caller("CZJ")
    assert other.get(_path(record)).status_code == 404

    grant = _share(record, "CZJ", "look", whole=True)

    assert other.get(_path(record)).json()["sight"] == "whole"
    assert code_of(other.get(_file(other, record))) == "not-allowed"  # to look, not to copy
    ShareGrant.objects.filter(pk=grant.pk).update(uses="look,copy")
    assert b"".join(other.get(_file(other, record)).streaming_content)
    ShareGrant.objects.filter(pk=grant.pk).update(ends_at=timezone.now())
    assert other.get(_path(record)).status_code == 404


def test_a_grant_to_a_person_is_not_the_systems(home: Path) -> None:
    record = _admit(home, 1)
    person = account_of("sun", "CZJ")
    ShareGrant.objects.filter(pk=_share(record, "BGS", "look").pk).update(
        unit=None, account=person, code="S-person"
    )
    assert caller("CZJ", account=person).get(_path(record)).status_code == 404


def test_a_file_of_another_record_is_not_taken(home: Path) -> None:
    mine, other = _admit(home, 1), _admit(home, 2, unit="CZJ")
    who = caller()
    number = other.files.get(role="original").pk
    assert who.get(_path(mine, f"/files/{number}")).status_code == 404
    assert who.get(_path(mine, "/files/999999")).status_code == 404
    assert who.get(_path(mine, "/pages/2")).status_code == 404


# Search -------------------------------------------------------------------------------------------


def test_search_pages_through_every_hit_once_with_exact_counts(home: Path) -> None:
    made = [_admit(home, number).code for number in range(1, 6)]
    _admit(home, 6, unit="CZJ")
    who = caller()
    found: list[str] = []
    cursor = ""
    for _ in range(3):
        page = who.get(f"/search?q=防汛&limit=2&order=oldest&cursor={cursor}").json()
        assert page["count"] == 5
        found += [hit["code"] for hit in page["hits"]]
        cursor = page["next"]
    assert sorted(found) == sorted(made)
    assert cursor == ""
    assert page["facets"]["year"] == [{"value": "2011", "label": "2011", "count": 5}]


def test_search_takes_the_grammar_of_the_page(home: Path) -> None:
    _admit(home, 1)
    _admit(home, 2, "第2号通知", "抗旱工作")
    who = caller()
    for query, count in (
        ("q=从速办理", 1), ("q=抗旱", 1), ('q="防汛工作从速"', 1), ("q=通知 -抗旱", 1),
        ("q=通知", 2), ("q=year:2011", 2), ("year=2012", 0), ("fonds=Z109&date=2011", 2),
        ("q=从速 抗旱", 0),
    ):  # fmt: skip
        assert who.get(f"/search?{quote(query, '=&:')}").json()["count"] == count, query


@pytest.mark.parametrize("query", ["q=%00", "q=" + "a" * 501, "order=best", "year=%0a", "limit=51"])
def test_a_question_that_cannot_be_is_refused(query: str) -> None:
    answer = caller().get(f"/search?{query}")
    assert (answer.status_code, code_of(answer)) == (422, "invalid")


def test_search_asks_a_fixed_number_of_queries(
    home: Path, django_assert_max_num_queries: Any
) -> None:
    for number in range(1, 13):
        _admit(home, number)
    who = caller()
    with django_assert_max_num_queries(45):
        assert len(who.get("/search?q=防汛&limit=12").json()["hits"]) == 12
