"""Every read keeps the rule, counts exactly, and costs the same for one row and for many."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from tests.archive.build import NOW, TODAY, admission, admit_numbers, fonds, scanned_admission

from liandong.archive.models import Record
from liandong.archive.policies import INTERNAL, OPEN, SYSTEM, Viewer
from liandong.archive.queries import (
    explain,
    find,
    holdings_tree,
    page_of_record,
    readable,
    record_by_code,
    record_json,
    records_of_class,
    similar_codes,
)
from liandong.archive.services.admitting import admit
from liandong.archive.services.correcting import correct_line
from liandong.archive.services.indexing import index_records, index_stale, reindex_all
from liandong.archive.services.packing import pack
from liandong.base.engines import engine
from liandong.kernel.ports import SearchQuery
from liandong.kernel.query import parse

pytestmark = pytest.mark.django_db
STRANGER = Viewer()
CLERK = Viewer(name="wang", unit="BGS", clearance=INTERNAL, roles=frozenset({"clerk"}))


def seen(viewer: Viewer = SYSTEM) -> dict[str, Any]:
    return {"viewer": viewer, "today": TODAY}


@pytest.fixture
def records(home: Path) -> list[Record]:
    """Three indexed records: one open to all, two of the office alone."""
    fonds()
    staging = home / "staging"
    found = [
        *admit_numbers(staging, 1, level=OPEN, open_from=20200101),
        *admit_numbers(staging, 2, 3),
    ]
    index_records([one.pk for one in found])
    return found


def test_a_record_is_found_by_the_words_of_its_page(records: list[Record]) -> None:
    found = find(parse("防汛工作"), **seen())

    assert found.count == 3
    first = found.hits[0].snippets[0]
    assert (first.page, first.line) == (1, 1)
    assert ("防汛工作", True) in first.parts or any(on for _, on in first.parts)


def test_what_a_viewer_may_not_read_is_neither_found_nor_counted(records: list[Record]) -> None:
    assert find(parse("防汛"), **seen(STRANGER)).count == 1
    assert find(parse("防汛"), **seen(CLERK)).count == 3
    assert find(parse("防汛"), **seen(replace(CLERK, unit="CW"))).count == 1
    assert find(parse("防汛"), **seen(STRANGER)).facets["year"] == (("2011", "2011", 1),)


def test_the_database_disposes_what_the_index_proposes(records: list[Record]) -> None:
    Record.objects.filter(pk=records[0].pk).update(level=2)

    found = find(parse("防汛"), **seen(STRANGER))

    assert (found.hits, found.count) == ((), 0)


def test_facets_have_labels(records: list[Record]) -> None:
    facets = find(SearchQuery(), **seen()).facets

    assert facets["category"] == (("WS", "文书", 3),)
    assert facets["retention"] == (("Y", "永久", 3),)
    assert facets["fonds"] == (("Z109", "Z109 临江市人民政府", 3),)


def test_a_hit_shows_the_page_with_the_words(home: Path) -> None:
    fonds()
    one = scanned_admission(home / "staging", pages=3)
    record = admit(pack(one), one, by="li", now=NOW)
    index_records([record.pk])

    hit = find(parse("第3页"), **seen()).hits[0]

    assert (hit.snippets[0].page, hit.snippets[0].line, hit.thumbnail) == (3, 0, 3)


def test_a_corrected_line_is_found_after_the_job(home: Path) -> None:
    fonds()
    one = scanned_admission(home / "staging")
    record = admit(pack(one), one, by="li", now=NOW)
    index_records([record.pk])
    page = record.pages.get(number=1)
    correct_line(page.pk, 1, "泄洪闸", by="li", now=NOW, expected_before="防讯工作从速办理")
    assert find(parse("泄洪闸"), **seen()).count == 0

    assert index_stale() == 1

    assert find(parse("泄洪闸"), **seen()).count == 1


def test_a_new_index_holds_every_record(records: list[Record]) -> None:
    engine("search").remove([one.pk for one in records])

    assert reindex_all() == 3
    assert find(parse("防汛"), **seen()).count == 3


def test_searching_costs_the_same_for_one_hit_and_for_twenty(
    home: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    fonds()
    found = admit_numbers(home / "staging", *range(1, 22))
    index_records([one.pk for one in found])

    for question in ("文号:临政发〔2011〕7号", "防汛"):
        with django_assert_max_num_queries(5):
            assert find(parse(question), **seen(), limit=20).hits


@pytest.mark.parametrize(
    "typed",
    ["Z109-WS·2011-Y-BGS-0002", "z109-ws.2011-y-bgs-0002", "Ｚ109－WS・2011－Y－BGS－0002",
     "临政发〔2011〕2号", "临政发[2011]2号", "临政发（2011）第2号"],
)  # fmt: skip
def test_a_code_in_any_common_writing_is_found_first(records: list[Record], typed: str) -> None:
    assert similar_codes(typed, **seen())[0].pk == records[1].pk


def test_a_code_that_may_not_be_read_is_not_found(records: list[Record]) -> None:
    assert similar_codes(records[1].code, **seen(STRANGER)) == []
    assert record_by_code(records[1].code, **seen(STRANGER)) is None
    assert record_by_code("z109-ws.2011-y-bgs-0002", **seen()) == records[1]


def test_pages_keep_the_rule_of_their_record(records: list[Record]) -> None:
    assert page_of_record(records[0].pk, 1, **seen(STRANGER)) is not None
    assert page_of_record(records[1].pk, 1, **seen(STRANGER)) is None
    assert page_of_record(records[0].pk, 2, **seen()) is None


def test_the_tree_is_read_from_the_classes(
    records: list[Record], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        top = holdings_tree(**seen())
    with django_assert_num_queries(1):
        years = holdings_tree(**seen(), fonds="Z109", category="WS")

    assert [(one.value, one.label, one.count) for one in top] == [("Z109", "临江市人民政府", 3)]
    assert [(one.level, one.value, one.count) for one in years] == [("year", "2011", 3)]
    leaves = holdings_tree(**seen(), fonds="Z109", category="WS", year="2011", retention="Y")
    assert leaves[0].class_id == records[0].archival_class_id


def test_the_tree_tells_a_stranger_no_count_of_what_is_hidden(records: list[Record]) -> None:
    assert [one.count for one in holdings_tree(**seen(STRANGER))] == [None]
    Record.objects.update(level=2)
    assert holdings_tree(**seen(STRANGER)) == []


def test_a_class_is_listed_page_by_page(home: Path) -> None:
    fonds()
    found = admit_numbers(home / "staging", *range(1, 6))
    class_id = found[0].archival_class_id

    first = records_of_class(class_id, **seen(), limit=3)
    rest = records_of_class(class_id, **seen(), after=first[2].code, limit=3)

    assert [one.number for one in first] == [1, 2, 3, 4]
    assert [one.number for one in rest] == [4, 5]


def test_the_explanation_names_the_clause_that_grants(records: list[Record]) -> None:
    own = explain(CLERK, records[1], today=TODAY)
    other = explain(STRANGER, records[1], today=TODAY)

    assert (own.granted, [held for _, held in own.clauses]) == (True, [False, True])
    assert "BGS" in own.clauses[1][0]
    assert (other.granted, [held for _, held in other.clauses]) == (False, [False])


def test_explanation_and_list_agree(records: list[Record]) -> None:
    for viewer in (STRANGER, CLERK, SYSTEM):
        listed = set(readable(viewer, TODAY).values_list("pk", flat=True))
        assert listed == {one.pk for one in records if explain(viewer, one, today=TODAY).granted}


def test_a_record_is_shown_whole(records: list[Record]) -> None:
    row = record_json(Record.objects.select_related("fonds").get(pk=records[0].pk))

    assert row["code"] == records[0].code
    assert {file["path"] for file in row["files"]} >= {"original/通知.txt"}


def test_a_record_without_text_is_found_by_its_title(home: Path) -> None:
    fonds()
    one = admission(home / "staging", pages=[])
    record = admit(pack(one), one, by="li", now=NOW)
    index_records([record.pk])

    hit = find(parse("防汛工作"), **seen()).hits[0]

    assert any(on for _, on in hit.title)
    assert hit.thumbnail == 0
