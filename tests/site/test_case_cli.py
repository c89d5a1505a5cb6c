"""`liandong case …` end to end, in processes of their own."""

import json
from pathlib import Path

import pytest
from tests.intake.running import liandong, lines

from liandong.kernel.casework import kinds, moves
from liandong.site.case_flows import diagram

CSV = (
    "id,title,begun,ended\n"
    "1,路灯不亮,2026-03-01 09:00,\n"
    "2,井盖缺失,2026-03-01 09:00,2026-03-02 09:00\n"
    "3,,2026-03-01 09:00,\n"
)
MAP = (
    "field,column,value\nsource,,oldtown\nkind,,snap_report\nsource_id,id,\ntitle,title,\n"
    "submitted_at,begun,\nclosed_at,ended,\n"
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    source, mapping = tmp_path / "old.csv", tmp_path / "map.csv"
    source.write_text(CSV, "utf-8")
    mapping.write_text(MAP, "utf-8")
    return source, mapping


def test_a_file_is_imported_refused_rows_are_kept_and_all_of_it_is_proven(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    home, (source, mapping) = tmp_path / "home", files
    refused = tmp_path / "refused.csv"
    words = ("case", "import", source, "--mapping", mapping, "--refused", refused, "--json")
    done = liandong(home, *words)
    assert done.returncode == 1, done.stderr
    (told,) = lines(done)
    assert (told["read"], told["imported"], told["closed"], told["refused"]) == (3, 2, 1, 1)
    assert refused.read_text("utf-8-sig").splitlines() == [
        "line,reason,field,value,id,title,begun,ended",
        "4,missing,title,,3,,2026-03-01 09:00,",
    ]
    again = liandong(home, *words)
    assert (again.returncode, "已存在" in again.stderr) == (2, True)

    proof = liandong(home, "case", "verify", "--json")
    assert (proof.returncode, lines(proof)) == (0, [{"summary": True, "cases": 2, "faults": 0}])
    rebuilt = liandong(home, "case", "rebuild", "20260301-000001")
    assert (rebuilt.returncode, rebuilt.stdout) == (0, "当前行与经过一致\n")


def test_verify_says_what_was_changed_and_ends_with_one(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    import sqlite3

    home, (source, mapping) = tmp_path / "home", files
    liandong(home, "case", "import", source, "--mapping", mapping, "--refused", tmp_path / "r.csv")
    with sqlite3.connect(home / "liandong.sqlite3") as database:
        database.execute("UPDATE cases_case SET state = 'accepted' WHERE id = 1")
    proof = liandong(home, "case", "verify", "--number", "20260301-000001", "--json")
    assert proof.returncode == 1
    fault, summary = lines(proof)
    assert (fault["code"], fault["case"]) == ("column", "20260301-000001")
    assert summary["faults"] == 1
    assert liandong(home, "case", "rebuild", "20260301-000001").stdout.startswith("已改写：state")
    assert liandong(home, "case", "verify").returncode == 0


def test_a_dry_run_needs_no_second_thought(tmp_path: Path, files: tuple[Path, Path]) -> None:
    home, (source, mapping) = tmp_path / "home", files
    done = liandong(home, "case", "import", source, "--mapping", mapping, "--dry-run", "--json",
                    "--refused", tmp_path / "r.csv")  # fmt: skip
    assert lines(done)[0]["imported"] == 2
    assert lines(liandong(home, "case", "verify", "--json"))[0]["cases"] == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("import", "nowhere.csv", "--profile", "boston"), "没有这个文件"),
        (("import", "nowhere.csv"), "--mapping"),
        (("verify", "--number", "20260101-000009"), "没有这个事项"),
        (("rebuild", "x"), "没有这个事项"),
        (("draw", "party"), "snap_report"),
    ],
)
def test_wrong_use_ends_with_two_and_says_why(
    tmp_path: Path, words: tuple[str, ...], text: str
) -> None:
    done = liandong(tmp_path / "home", "case", *words)
    assert (done.returncode, text in done.stderr) == (2, True)


def test_the_linter_is_content(tmp_path: Path) -> None:
    done = liandong(tmp_path / "home", "case", "lint")
    assert done.returncode == 0
    assert done.stdout == f"检查 {len(kinds())} 类事项，0 处有问题\n"


def test_a_diagram_has_every_step_that_moves_a_case(tmp_path: Path) -> None:
    drawn = liandong(tmp_path / "home", "case", "draw", "suggestion").stdout
    assert drawn.startswith("stateDiagram-v2\n")
    assert "verifying" not in drawn
    whole = diagram("snap_report", "en")
    for move in moves():
        if move.axis == "state" and move.source != move.target and (
            "verification_off" not in move.guards
        ):  # fmt: skip
            assert move.name_en in whole
    assert "[*] --> submitted: submit" in whole


def test_results_are_json_lines(tmp_path: Path) -> None:
    done = liandong(tmp_path / "home", "case", "verify", "--json")
    assert json.loads(done.stdout)["summary"] is True


def test_mails_are_taken_in_one_by_one_and_once(tmp_path: Path) -> None:
    home, good, bad = tmp_path / "home", tmp_path / "good.eml", tmp_path / "bad.eml"
    good.write_text("From: a@example.com\nMessage-ID: <1@x>\nSubject: hole\n\nA hole.\n", "utf-8")
    bad.write_bytes(b"\x00\xff")
    words = ("case", "mail", str(good), str(bad), str(tmp_path / "none.eml"), "--json")
    first, again = liandong(home, *words), liandong(home, *words)
    assert (first.returncode, again.returncode) == (1, 1)
    taken, broken, absent = lines(first)
    assert (taken["is_fresh"], broken["why"], absent["why"]) == (True, "broken", "unreadable")
    assert lines(again)[0] == {**taken, "is_fresh": False}


def test_tending_by_hand_counts_and_a_dry_run_does_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    nothing = liandong(home, "case", "tend")
    assert (nothing.returncode, nothing.stdout) == (0, "没有到时的事\n")
    dry = liandong(home, "case", "tend", "--all", "--dry-run", "--json")
    assert (dry.returncode, lines(dry)) == (0, [{"summary": True, "dry_run": True}])
