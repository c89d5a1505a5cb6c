"""Whatever is done to rows, seals and head in the database is found and named, twice over.

Once by the command's check, once by the script that stands alone, on the package that was exported.
"""

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from liandong.base.audit import plain, record_act
from liandong.base.audit.checking import (
    acknowledge_loss,
    begin_check,
    carry_out,
    check_chain,
    fault_words,
)
from liandong.base.audit.evidence import Range, write_range
from liandong.base.audit.heads import keys, read_head
from liandong.base.audit.queries import Wanted, links_of
from liandong.base.audit.seals import keep_files, seal
from liandong.base.audit.services import CLI, export_lines, export_package
from liandong.base.audit.tasks import check_audit, seal_audit
from liandong.base.models import AuditCheck, AuditRow, AuditSeal, Outcome
from liandong.base.triggers import frees, run
from liandong.kernel import verify_audit
from liandong.kernel.audit import row_code, row_hash
from liandong.kernel.verify_audit import FIELDS

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
SCRIPT = Path(verify_audit.__file__)
pytestmark = pytest.mark.django_db
Commits = Callable[..., Any]


@pytest.fixture
def rows(django_capture_on_commit_callbacks: Commits) -> list[AuditRow]:
    """Twelve rows and the head, sealed up to row 8; the seal's own act is row 9."""
    with django_capture_on_commit_callbacks(execute=True):
        for at in range(8):
            _act(at)
        seal(by="system", now=NOW)
        for at in range(9, 12):
            _act(at)
    run(
        [
            sql
            for one in ("base_auditrow", "base_auditseal")
            for sql in frees(one, connection.vendor)
        ]
    )
    return list(AuditRow.objects.order_by("number"))


def _act(at: int) -> AuditRow:
    when = NOW + timedelta(seconds=at)
    return record_act("look_record", by=f"p{at % 3}", now=when, object=f"record:Z{at}", why="查")


def _sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _found() -> list[tuple[str, int, int, str]]:
    faults = check_chain().faults
    return [(one["code"], one["first"], one["last"], one["note"]) for one in faults]


def _script(file: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT, file], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def _package(folder: Path) -> Path:
    """The evidence of everything as it is now, made without writing a row."""
    file = folder / "evidence.zip"
    write_range(file, Range(1, 10_000), by="li", now=NOW)
    return file


def test_rows_as_they_were_written_are_right(rows: list[AuditRow], tmp_path: Path) -> None:
    assert [row.number for row in rows] == list(range(1, 13))
    assert _found() == []
    assert _script(_package(tmp_path))[0] == 0


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "number"])
def test_a_changed_cell_is_named(name: str, rows: list[AuditRow], tmp_path: Path) -> None:
    others: dict[str, object] = {
        "at": rows[4].at + timedelta(microseconds=1), "outcome": "failed",
    }  # fmt: skip
    value = others.get(name, f"{str(getattr(rows[4], name))[:-1]}x")
    AuditRow.objects.filter(number=5).update(**{name: value})

    assert ("changed", 5, 5, name) in _found()
    code, said = _script(_package(tmp_path))
    assert (code, f"✗ 5 “{name}” 被改过" in said) == (1, True), said


@pytest.mark.parametrize(
    ("deed", "expected", "said"),
    [
        ("DELETE FROM base_auditrow WHERE number = 1", ("removed", 1, 1, ""), "✗ 1 被删除"),
        ("DELETE FROM base_auditrow WHERE number IN (5, 6)", ("removed", 5, 6, ""), "✗ 5–6 被删除"),
        ("DELETE FROM base_auditrow WHERE number > 10", ("removed", 11, 12, ""), "✗ 11–12 被删除"),
        ("DELETE FROM base_auditrow WHERE number = 12", ("removed", 12, 12, ""), "✗ 12 被删除"),
        ("DELETE FROM base_auditrow", ("removed", 1, 12, ""), "✗ 1–12 被删除"),
        ("UPDATE base_auditrow SET number = 500 WHERE number = 5", ("moved", 500, 500, "5"), "500"),
    ],
)
def test_a_removed_or_renumbered_row_is_named(
    deed: str, expected: tuple[Any, ...], said: str, rows: list[AuditRow], tmp_path: Path
) -> None:
    head = read_head()
    _sql(deed)
    assert expected in _found()
    files = _written(tmp_path, head)
    code, told = _script_of(*files)
    assert (code, said in told) == (1, True), told


def _written(folder: Path, head: Any) -> list[Path]:
    """Rows, seals and head as files, as an outside auditor takes them."""
    from liandong.base.audit.evidence import line_of
    from liandong.base.audit.rows import rows_between
    from liandong.base.audit.seals import places, seals_in

    lines = "".join(line_of(row) for row in rows_between(1, 10_000))
    (folder / "rows.jsonl").write_text(lines, "utf-8")
    seals = "".join(json.dumps(one) + "\n" for one in seals_in(places()[0]))
    (folder / "seals.jsonl").write_text(seals, "utf-8")
    (folder / "head.json").write_text(json.dumps({"number": head.number, "hash": head.hash}))
    return [folder / name for name in ("rows.jsonl", "seals.jsonl", "head.json")]


def _script_of(*files: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT, *files], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def test_swapped_rows_are_named(rows: list[AuditRow], tmp_path: Path) -> None:
    _sql("UPDATE base_auditrow SET number = 1000 WHERE number = 3")
    _sql("UPDATE base_auditrow SET number = 3 WHERE number = 7")
    _sql("UPDATE base_auditrow SET number = 7 WHERE number = 1000")
    assert _found() == [("moved", 3, 3, "7"), ("moved", 7, 7, "3")]
    assert "✗ 3 被挪动 moved, it was row 7" in _script(_package(tmp_path))[1]


def test_an_inserted_row_is_named(rows: list[AuditRow], tmp_path: Path) -> None:
    for number in range(12, 5, -1):
        _sql("UPDATE base_auditrow SET number = %s WHERE number = %s", number + 1, number)
    _forge(after=5)
    assert ("added", 6, 6, "") in _found()
    assert ("moved", 7, 13, "6") in _found()
    assert "✗ 6 后来添加" in _script(_package(tmp_path))[1]


def _forge(*, after: int) -> AuditRow:
    """A row that fits after another, by somebody who has the database and not the key."""
    before = AuditRow.objects.get(number=after)
    row = AuditRow(
        number=after + 1, at=NOW, by="nobody", act="look_record", outcome="done",
        cells=before.cells, previous=before.hash,
    )  # fmt: skip
    row.mac = row_code(plain(row), b"x" * 32, "sm3")
    row.hash = row_hash(plain(row), "sm3")
    row.save(force_insert=True)
    return row


def test_a_row_forged_at_the_end_is_named_by_its_code(rows: list[AuditRow]) -> None:
    _forge(after=12)
    (found,) = _found()
    assert found[:3] == ("forged", 13, 13)


def test_rows_of_a_key_that_is_not_here_say_so(rows: list[AuditRow], settings: Settings) -> None:
    told = rows[0].mac.partition(":")[0]
    settings.KEYS = settings.KEYS / "other"
    assert ("forged", 1, 12, told) in _found()


def test_a_history_written_anew_is_named_by_codes_seals_and_head(
    rows: list[AuditRow], tmp_path: Path
) -> None:
    last = ""
    for row in AuditRow.objects.order_by("number"):
        row.by = "nobody" if row.number == 5 else row.by
        row.previous = last
        row.hash = last = row_hash(plain(row), "sm3")
        AuditRow.objects.filter(number=row.number).update(
            by=row.by, previous=row.previous, hash=row.hash
        )
    found = _found()
    assert ("rewritten", 1, 8, "seal 1") in found
    assert ("rewritten", 1, 12, "head") in found
    assert "rewritten" in _script(_package(tmp_path))[1]


def test_the_next_act_notices_that_the_last_rows_are_gone(
    rows: list[AuditRow],
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Commits,
) -> None:
    _sql("DELETE FROM base_auditrow WHERE number > 10")
    with django_capture_on_commit_callbacks(execute=True):
        for at in range(5):
            _act(at)  # row 11 again, and on
    assert "audit.rows_lost head=12" in caplog.text
    assert read_head() is not None
    assert read_head().number == 12  # type: ignore[union-attr]  # it stays, as evidence
    assert ("rewritten", 1, 12, "head") in _found()


def test_a_loss_that_somebody_answers_for_is_set_aside(
    rows: list[AuditRow], home: Path, django_capture_on_commit_callbacks: Commits
) -> None:
    _sql("DELETE FROM base_auditrow WHERE number > 10")
    with django_capture_on_commit_callbacks(execute=True):
        row = acknowledge_loss(why="断电", by="shen", now=NOW)
    assert (row.number, row.act, row.why) == (11, "resume_audit", "断电")
    assert json.loads(row.facts) == {"head": 12, "hash": rows[-1].hash}
    assert _found() == []
    (aside,) = (home / "audit" / "superseded").iterdir()
    assert json.loads((aside / "head.json").read_text())["number"] == 12
    assert [file.name for file in (home / "audit" / "seals").iterdir()]


def test_a_forged_head_is_named(rows: list[AuditRow], home: Path) -> None:
    (home / "audit" / "head.json").write_text('{"number": 2, "hash": "sm3:00", "mac": "x"}')
    assert _found() == [("head", 0, 0, "head.json")]


# Seals --------------------------------------------------------------------------------------------


def test_sealing_covers_every_row_once_and_leaves_a_row_of_its_own(rows: list[AuditRow]) -> None:
    first = AuditSeal.objects.get()
    assert (first.number, first.first, first.last, first.faults) == (1, 1, 8, 0)
    (second,) = seal(by="li", now=NOW)
    assert (second.first, second.last, second.previous) == (9, 12, first.hash)
    assert AuditRow.objects.get(number=13).object == "seal:2"
    assert seal(by="li", now=NOW) == []  # nothing but that row is new
    assert _found() == []


def test_a_day_is_sealed_once(rows: list[AuditRow]) -> None:
    assert seal(by="system", now=NOW, daily=True) == []
    (made,) = seal(by="system", now=NOW + timedelta(days=1), daily=True)
    assert made.day.isoformat() == "2026-11-27"
    assert seal(by="system", now=NOW + timedelta(days=1, hours=2), daily=True) == []


def test_a_long_day_gets_several_seals(
    rows: list[AuditRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liandong.base.audit.seals.MOST", 2)
    made = seal(by="li", now=NOW)
    assert [(one.first, one.last) for one in made] == [(9, 10), (11, 12)]
    assert _found() == []


def test_rows_that_are_wrong_are_sealed_and_counted(rows: list[AuditRow]) -> None:
    AuditRow.objects.filter(number=10).update(why="x")
    (made,) = seal(by="li", now=NOW)
    assert made.faults == 1
    assert AuditRow.objects.last().outcome == Outcome.FAILED  # type: ignore[union-attr]


def test_a_seal_is_signed_and_a_wrong_signature_is_named(rows: list[AuditRow], home: Path) -> None:
    one = AuditSeal.objects.get()
    signature = json.loads(one.signature)
    assert signature["algorithm"] == "SM2-SM3"
    (file,) = (home / "audit" / "seals").glob("*.json")
    known = json.loads(file.read_text())
    signature["value"] = signature["value"][:-2] + (
        "00" if signature["value"][-2:] != "00" else "01"
    )
    AuditSeal.objects.update(signature=json.dumps(signature))
    file.unlink()
    assert ("seal", 1, 1, "签名不符 wrong signature") in _found()
    assert known["signature"]["value"] != signature["value"]


def test_without_a_signer_a_seal_is_still_a_seal(rows: list[AuditRow], settings: Settings) -> None:
    settings.ENGINES = {name: one for name, one in settings.ENGINES.items() if name != "signer"}
    (made,) = seal(by="li", now=NOW)
    assert made.signature == ""
    assert _found() == []


def test_seals_are_kept_in_every_place_and_what_lacks_is_written_the_next_time(
    rows: list[AuditRow], settings: Settings, tmp_path: Path
) -> None:
    settings.AUDIT_PLACE = tmp_path / "away"
    (tmp_path / "away").write_text("no folder: the disk is not there")
    assert keep_files() == 0
    (tmp_path / "away").unlink()
    assert keep_files() == 1
    assert [file.name[:17] for file in (tmp_path / "away").iterdir()] == ["000001-2026-11-26"]


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("UPDATE base_auditseal SET last = 7", "changed"),
        ("DELETE FROM base_auditseal", "not in the database"),
    ],
)
def test_a_changed_or_removed_seal_is_named(deed: str, said: str, rows: list[AuditRow]) -> None:
    _sql(deed)
    assert [found for found in _found() if found[0] == "seal" and said in found[3]]


def test_a_changed_seal_file_is_named(rows: list[AuditRow], home: Path) -> None:
    (file,) = (home / "audit" / "seals").glob("*.json")
    file.write_text(file.read_text().replace('"last": 8', '"last": 7'))
    assert [found[:2] for found in _found()] == [("seal", 1)]
    file.write_text("{")
    assert [found[0] for found in _found()] == ["seal"]


def test_seals_kept_elsewhere_tell_of_rows_that_head_and_table_no_longer_know(
    rows: list[AuditRow], home: Path, settings: Settings, tmp_path: Path
) -> None:
    """Whoever has database and machine can forget the end, but not what others keep."""
    settings.AUDIT_PLACE = tmp_path / "away"
    keep_files()
    settings.AUDIT_PLACE = None
    _sql("DELETE FROM base_auditrow WHERE number > 6")
    _sql("DELETE FROM base_auditseal")
    for file in (home / "audit").rglob("*.json"):
        file.unlink()
    assert _found() == []
    faults = check_chain(more=[tmp_path / "away"]).faults
    assert ("removed", 7, 8) in [(one["code"], one["first"], one["last"]) for one in faults]


# Evidence -----------------------------------------------------------------------------------------


def test_chosen_rows_are_proved_without_giving_out_the_others(
    rows: list[AuditRow], tmp_path: Path
) -> None:
    file = tmp_path / "chosen.zip"
    count = export_package(file, Wanted(by="p1"), by="shen", now=NOW)
    with zipfile.ZipFile(file) as package:
        told = [json.loads(line) for line in package.read("rows.jsonl").splitlines()]
    assert count == len(told) == 4
    assert {row["by"] for row in told} == {"p1"}
    code, said = _script(file)
    assert (code, "4 行" in said) == (0, True), said


def test_a_chosen_row_that_was_changed_or_is_under_no_seal_is_named(
    rows: list[AuditRow], tmp_path: Path
) -> None:
    file = tmp_path / "chosen.zip"
    export_package(file, Wanted(by="p1"), by="shen", now=NOW)
    changed = _repacked(file, tmp_path / "a.zip", lambda row: row | {"why": "改"})
    assert "“why” 被改过" in _script(changed)[1]
    moved = _repacked(file, tmp_path / "b.zip", lambda row: row | {"proof": row["proof"][:-1]})
    assert "不在封存之内" in _script(moved)[1]


def _repacked(file: Path, target: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "rows.jsonl":
                lines = [change(json.loads(line)) for line in content.splitlines()]
                content = "".join(json.dumps(line) + "\n" for line in lines).encode()
            new.writestr(name, content)
    return target


def test_a_package_holds_verifier_words_sheet_and_a_signed_list(
    rows: list[AuditRow], tmp_path: Path
) -> None:
    from liandong.base.signing import verify_detached
    from liandong.kernel.digests import digest_bytes

    file = tmp_path / "all.zip"
    count = export_package(file, Wanted(), by="shen", now=NOW)
    with zipfile.ZipFile(file) as package:
        held = {name: package.read(name) for name in package.namelist()}
    manifest = json.loads(held["manifest.json"])
    assert manifest["made_by"] == "shen"
    assert {one["name"]: one["sm3"] for one in manifest["files"]} == {
        name: digest_bytes(held[name]).sm3 for name in held if name not in
        {"manifest.json", "signature.json"}
    }  # fmt: skip
    assert verify_detached(held["manifest.json"], json.loads(held["signature.json"]))
    assert held["verify_audit.py"] == SCRIPT.read_bytes()
    assert "怎么校验" in held["说明.txt"].decode()
    assert count == len(held["rows.jsonl"].splitlines()) == 14  # the export and its seal as well


def test_nothing_in_the_sheet_becomes_a_formula(rows: list[AuditRow], tmp_path: Path) -> None:
    for odd in ("=1+1", "@SUM(A1)", "＝1", "\t=1", "-1"):
        record_act("look_record", by=odd, now=NOW, object=odd, why=odd)
    with zipfile.ZipFile(_package(tmp_path)) as package:
        sheet = list(csv.reader(io.StringIO(package.read("rows.csv").decode("utf-8-sig"))))
    assert sheet[0][0] == "编号"
    cells = [cell for line in sheet for cell in line]
    assert "'=1+1" in cells
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r＝")]


def test_rows_as_lines_go_on_where_they_stopped(rows: list[AuditRow]) -> None:
    numbers = [
        json.loads(line)["number"] for line in export_lines(Wanted(), after=9, by="li", now=NOW)
    ]
    assert numbers == [10, 11, 12, 13]  # the export itself is row 13


def test_giving_out_is_an_act_recorded_first(rows: list[AuditRow], tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        export_package(tmp_path, Wanted(by="p1"), by="shen", now=NOW)
    row = AuditRow.objects.filter(act="export_audit").get()
    assert (row.by, json.loads(row.facts)) == ("shen", {"form": "package", "by": "p1"})


def test_the_command_line_is_as_good_as_an_auditor() -> None:
    assert CLI.officer == "audit_admin"


# Checks that are watched --------------------------------------------------------------------------


def test_a_check_tells_how_far_it_is_and_what_it_found(
    rows: list[AuditRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liandong.base.audit.checking.STEP", 5)
    AuditRow.objects.filter(number=5).update(why="x")
    check, is_new = begin_check(by="shen", now=NOW)
    assert (is_new, check.total) == (True, 12)
    assert begin_check(by="li", now=NOW)[0] == check  # one at a time
    beats: list[int] = []

    def clock() -> datetime:
        beats.append(AuditCheck.objects.get().checked)
        return NOW

    done = carry_out(check.pk, clock=clock)
    assert (done.checked, done.faults, done.ended_at) == (12, 1, NOW)
    assert beats == [0, 5, 10, 12]
    assert done.found == [{"code": "changed", "first": 5, "last": 5, "note": "why"}]
    row = AuditRow.objects.order_by("-number").first()
    assert row is not None
    assert (row.act, row.by, row.outcome) == ("verify_audit", "shen", Outcome.FAILED)


def test_a_check_that_died_with_its_worker_does_not_stand_in_the_way(rows: list[AuditRow]) -> None:
    begin_check(by="shen", now=NOW)
    assert begin_check(by="shen", now=NOW + timedelta(minutes=6))[1]


def test_jobs_seal_and_check(rows: list[AuditRow]) -> None:
    assert seal_audit.call() >= 0
    check, _ = begin_check(by="shen", now=NOW)
    assert check_audit.call(check.pk) == 0


def test_every_kind_of_fault_has_its_sentence(rows: list[AuditRow]) -> None:
    codes = [*verify_audit.WORDS, "head"]
    said = {code: fault_words({"code": code, "first": 3, "last": 3, "note": "7"})
            for code in codes if code != "proof"}  # fmt: skip
    assert said["moved"] == "第 3 行被挪动：原来从第 7 行起"
    assert fault_words({"code": "removed", "first": 3, "last": 5, "note": ""}) == "第 3–5 行被删除"
    assert "何人" in fault_words({"code": "changed", "first": 3, "last": 3, "note": "by"})
    assert len(set(said.values())) == len(said)


def test_the_state_of_each_row_is_told_beside_it(rows: list[AuditRow]) -> None:
    AuditRow.objects.filter(number=5).update(why="x")
    AuditRow.objects.filter(number=8).delete()
    links = links_of(AuditRow.objects.filter(number__gte=4))
    assert [number for number, link in links.items() if not link.is_right] == [5, 9]
    assert (links[5].is_whole, links[9].is_linked) == (False, False)
    assert (links[4].seal, links[12].seal) == (1, 0)


def test_keys_of_before_still_know_their_rows(rows: list[AuditRow], settings: Settings) -> None:
    file = settings.KEYS / "audit.key"
    file.write_text(f"{'ab' * 32}\n{keys()[0].hex()}\n")
    record_act("look_record", by="li", now=NOW)
    assert _found() == []
