"""Bulk import: rows in are rows out and rows refused with reason; again is the same."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cases.build import cell, people, step

from liandong.base.models import AuditRow
from liandong.cases.models import Case, CaseEvent
from liandong.cases.services import importing
from liandong.cases.services.importing import BadFile, Counts, Refused, import_rows
from liandong.cases.services.proving import faults_of
from liandong.kernel.case_imports import BadMapping, Layout, mapping_of, profile, profiles

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
HEAD = "id,title,begun,ended,lat,lon,category\n"
MAP = (
    {"field": "source", "value": "oldtown"}, {"field": "kind", "value": "snap_report"},
    {"field": "source_id", "column": "id"}, {"field": "title", "column": "title"},
    {"field": "submitted_at", "column": "begun"}, {"field": "closed_at", "column": "ended"},
    {"field": "lat", "column": "lat"}, {"field": "lon", "column": "lon"},
    {"field": "category", "column": "category"},
)  # fmt: skip


def lay() -> Layout:
    return mapping_of(MAP)


def run(*rows: str, **terms: object) -> tuple[Counts, list[Refused]]:
    refused: list[Refused] = []
    lines = iter([HEAD, *(f"{row}\n" for row in rows)])
    counts = import_rows(lines, lay(), by="cli", now=NOW, refuse=refused.append, **terms)  # type: ignore[arg-type]
    assert counts.read == counts.imported + counts.known + counts.refused
    assert len(refused) == counts.refused
    return counts, refused


def test_an_open_row_is_submitted_and_begins_at_the_desk() -> None:
    run("7,路灯不亮,2026-03-01 09:00,,37.05,118.05,C0101")
    case = Case.objects.get()
    assert (case.state, case.record, case.channel) == ("submitted", "active", "import")
    assert case.submitted_at == datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
    assert (case.clock, case.number[:8]) == ("T1", "20260301")
    event = case.events.get()
    assert (event.action, event.at) == ("submit", NOW)
    assert event.facts == {"channel": "import", "source": "oldtown", "source_id": "7"}
    assert faults_of(case) == []


def test_a_closed_row_says_where_it_was_closed_and_waits_for_filing() -> None:
    run("8,路灯不亮,2026-03-01 09:00,2026-03-04 10:00,,,")
    case = Case.objects.get()
    assert (case.state, case.record, case.outcome, case.score) == ("closed", "due", "", None)
    assert case.over_at == datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
    first, second = case.events.order_by("number")
    assert (first.axis, first.action, first.before, first.after) == (
        "state", "import", "draft", "closed",
    )  # fmt: skip
    assert first.facts["source_id"] == "8"
    assert first.facts["closed_at"] == "2026-03-04T02:00:00.000000+00:00"
    assert (second.axis, second.after, second.previous) == ("record", "due", first.hash)
    assert faults_of(case) == []


def test_an_imported_case_goes_on_like_every_other() -> None:
    people()
    grid = cell()
    run("7,路灯不亮,2026-03-01 09:00,,37.05,118.05,")
    case = Case.objects.get()
    assert case.grid == grid
    assert step(case, "accept_for_verification", "desk").state == "verifying"
    assert faults_of(Case.objects.get()) == []


REFUSED = [
    (",路灯,2026-03-01,,,,", "missing", "source_id"),
    ("1,,2026-03-01,,,,", "missing", "title"),
    ("1,路灯,,,,,", "missing", "submitted_at"),
    ("1,路灯,昨天,,,,", "not-a-time", "submitted_at"),
    ("1,路灯,2026-03-01,2026-02-01,,,", "closed-before-it-began", "closed_at"),
    ("1,路灯,2027-03-01,,,,", "in-the-future", "submitted_at"),
    ("1,路灯,2026-03-01,,37.1,,", "not-a-place", "lat"),
    ("1,路灯,2026-03-01,,nan,118,", "off-the-earth", "lat"),
    ("1,路灯,2026-03-01,,97.1,118,", "off-the-earth", "lat"),
    ("1,路灯,2026-03-01,,,,X9", "unknown-category", "category"),
    ("1,路灯\x07,2026-03-01,,,,", "unprintable", "title"),
    ("1,路灯,2026-03-01,,", "columns", ""),
    ("1,路灯,2026-03-01,,,,,多", "columns", ""),
    (f"1,{'路' * 121},2026-03-01,,,,", "too-long", "title"),
]


@pytest.mark.parametrize(("row", "code", "name"), REFUSED)
def test_a_row_that_cannot_be_read_is_refused_with_its_reason(
    row: str, code: str, name: str
) -> None:
    counts, refused = run("9,好,2026-03-01,,,,", row)
    assert (counts.imported, counts.refused) == (1, 1)
    assert (refused[0].code, refused[0].name, refused[0].line) == (code, name, 3)


def test_one_id_twice_in_a_file_is_refused_the_second_time() -> None:
    counts, refused = run("1,甲,2026-03-01,,,,", "1,乙,2026-03-01,,,,")
    assert counts.reasons == {"twice": 1}
    assert refused[0].text == "1"


def test_again_is_the_same_and_what_was_cut_off_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    rows = [f"{number},路灯,2026-03-01,,,," for number in range(5)]

    def cut() -> Iterator[str]:
        yield from [HEAD, *(f"{row}\n" for row in rows[:3])]
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - the disk
        import_rows(cut(), lay(), by="cli", now=NOW)
    assert Case.objects.count() == 2
    counts, _refused = run(*rows)
    assert (counts.imported, counts.known) == (3, 2)
    counts, _refused = run(*rows)
    assert (counts.imported, counts.known, Case.objects.count()) == (0, 5, 5)
    assert CaseEvent.objects.count() == 5


def test_a_dry_run_counts_and_writes_nothing() -> None:
    counts, _refused = run("1,甲,2026-03-01,2026-03-02,,,", "x,,,,,,", dry_run=True)
    assert (counts.imported, counts.closed, counts.refused) == (1, 1, 1)
    assert (Case.objects.count(), AuditRow.objects.filter(act="import_cases").count()) == (0, 0)


def test_an_import_is_written_in_the_audit() -> None:
    run("1,甲,2026-03-01,,,,")
    row = AuditRow.objects.get(act="import_cases")
    assert (row.by, row.object) == ("cli", "source:oldtown")
    assert json.loads(row.facts)["cases"] == 1


@pytest.mark.parametrize(
    ("text", "code"), [("", "empty"), ("a,b\n1,2\n", "columns"), (f'{HEAD}1,"甲\n', "not-csv")]
)
def test_a_file_that_is_not_of_the_layout_is_refused_as_a_whole(text: str, code: str) -> None:
    with pytest.raises(BadFile) as bad:
        import_rows(iter(text.splitlines(keepends=True)), lay(), by="cli", now=NOW)
    assert bad.value.code == code


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (MAP[1:], "missing"),
        (MAP[:4], "missing"),
        ([*MAP, {"field": "police", "column": "x"}], "bad-row"),
        ([*MAP, {"field": "kind", "value": "conduct_report"}], "unknown-kind"),
        ([*MAP, {"field": "zone", "value": "Mars/Olympus"}], "unknown-zone"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(rows: list[dict[str, str]], code: str) -> None:
    with pytest.raises(BadMapping) as bad:
        mapping_of(rows)
    assert bad.value.code == code


def test_every_profile_of_the_catalogue_is_a_mapping() -> None:
    assert profiles() == ["boston", "nyc311", "ottawa"]
    assert {profile(name).kind for name in profiles()} == {"snap_report"}


FILES = {
    "Missing Sign.csv": "boston", "Rodent Activity.csv": "boston",
    "Unsafe Dangerous Conditions.csv": "boston", "FebSR-2014.csv": "ottawa",
    "nyc311_sample_a.csv": "nyc311",
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_real_files_come_in_whole(name: str, shared_data: Path) -> None:
    path = shared_data / "service_requests" / name
    if not path.is_file():
        pytest.skip(f"no {name}")
    refused: list[Refused] = []
    with path.open(encoding="utf-8-sig", newline="") as lines:
        counts = import_rows(lines, profile(FILES[name]), by="cli", now=NOW, refuse=refused.append)
    assert counts.read == counts.imported + counts.refused > 1000
    assert Case.objects.count() == counts.imported
    assert counts.refused <= counts.read // 100
    assert all(one.code and one.line > 1 for one in refused)
    for case in Case.objects.order_by("?")[:20]:
        assert faults_of(case) == []
