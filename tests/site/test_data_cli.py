"""`liandong data` and `liandong archive examine`: rows that leave, holdings that are examined."""

import csv
import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from liandong.site.cli.app import app

RUN = CliRunner()


@pytest.fixture
def register(tmp_path: Path) -> Path:
    """Sixty requests of two counties, with names and a formula in a cell."""
    file = tmp_path / "in.csv"
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["姓名", "区县", "年龄", "类别", "备注"])
        for at in range(60):
            county = ("滨州市滨城区", "滨州市惠民县")[at % 2]
            kind = ("噪声", "路灯", "油烟")[at % 3]
            writer.writerow([f"张建{'国华军'[at % 3]}", county, 20 + at % 40, kind, "=1+1"])
    return file


def anonymise(source: Path, folder: Path, *more: str) -> tuple[int, dict[str, object]]:
    outcome = RUN.invoke(app, [
        "data", "anonymise", str(source), "--quasi", "区县:place", "--quasi", "年龄:age",
        "--out", str(folder / "out.csv"), "--report", str(folder / "report.json"), *more,
    ])  # fmt: skip
    report = folder / "report.json"
    return outcome.exit_code, json.loads(report.read_text("utf-8")) if report.exists() else {}


def test_an_anonymous_table_is_written_with_its_report(register: Path, tmp_path: Path) -> None:
    code, report = anonymise(register, tmp_path)
    text = (tmp_path / "out.csv").read_text("utf-8-sig")
    assert (code, report["refused"], report["mode"]) == (0, [], "anonymised")
    assert report["columns_dropped"] == ["姓名"]
    assert "张建" not in text
    assert "'=1+1" in text


def test_small_counts_are_hidden_in_the_table_of_counts(register: Path, tmp_path: Path) -> None:
    counts = tmp_path / "counts.csv"
    code, report = anonymise(
        register, tmp_path, "--counts", "区县,类别", "--counts-out", str(counts)
    )
    assert code == 0
    assert report["cells_suppressed"] == report["cells_small"] == 0
    assert "合计" in counts.read_text("utf-8-sig")


def test_a_table_that_the_gate_refuses_is_not_written(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    rows = "滨城区,30,请回电13812345678\n" * 8
    source.write_text("区县,年龄,联系\n" + rows, encoding="utf-8")
    code, report = anonymise(source, tmp_path, "--quasi", "联系:category")
    assert code == 1
    assert {"code": "personal-information-left", "where": "联系"} in report["refused"]
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    "more", [["--quasi", "没有:drop"], ["--quasi", "区县"], ["--k", "4"], ["--quasi", "区县:up"]]
)
def test_wrong_use_is_told(register: Path, tmp_path: Path, more: list[str]) -> None:
    code, report = anonymise(register, tmp_path, *more)
    assert code == 2
    assert report == {}


def test_an_existing_file_is_never_overwritten(register: Path, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("mine", encoding="utf-8")
    assert anonymise(register, tmp_path)[0] == 2
    assert (tmp_path / "out.csv").read_text("utf-8") == "mine"


def test_deidentified_rows_have_pseudonyms_and_a_key_for_its_owner_only(
    register: Path, tmp_path: Path
) -> None:
    key, out = tmp_path / "names.key", tmp_path / "inner.csv"
    outcome = RUN.invoke(app, [
        "data", "deidentify", str(register), "--people", "姓名", "--key", str(key),
        "--out", str(out),
    ])  # fmt: skip
    assert outcome.exit_code == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "张建" not in out.read_text("utf-8-sig")
    assert "不得作为开放数据" in outcome.stdout
