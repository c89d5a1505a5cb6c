"""The command line is a contract: shape of every line, exit codes, languages."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.corpus.contents import pdf
from tests.corpus.handovers import catalogued, code, lay_out, row
from tests.homes import environment
from tests.intake.running import letter, liandong, lines

ITEM = {"file", "files", "item", "row", "state", "code", "title", "pages", "findings"}
HIT = {
    "rank", "code", "title", "document_number", "author", "date", "year", "score", "page", "line",
    "snippet", "count",
}  # fmt: skip
FINDING = {"code", "severity", "message", "remedy"}


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sequence[dict[str, Any]]]:
    """A data folder with two records and one held item, and what the command said."""
    root = tmp_path_factory.mktemp("cli")
    rows = [row(number) for number in (1, 2, 3)]
    files = {f"{code(number)}.txt": letter(number) for number in (1, 2)}
    source = lay_out(root / "in", catalogued(rows, files))
    outcome = liandong(
        root / "home", "intake", "receive", source, "--fonds", "Z109", "--accept", "--json"
    )
    assert outcome.returncode == 1, outcome.stderr  # one item is held
    return root / "home", lines(outcome)


def test_receive_prints_one_line_per_item_and_a_summary(
    received: tuple[Path, Sequence[dict[str, Any]]],
) -> None:
    *items, summary = received[1]

    assert [item["state"] for item in items] == ["admitted", "admitted", "held"]
    assert [item["code"] for item in items] == [code(1), code(2), code(3)]
    for item in items:
        assert set(item) >= ITEM
        assert all(set(finding) >= FINDING for finding in item["findings"])
    assert summary["summary"] is True
    assert (summary["items"], summary["admitted"], summary["held"]) == (3, 2, 1)
    assert {"batch", "kind", "files", "bytes", "blocking", "findings", "seconds"} <= set(summary)


def test_search_prints_one_line_per_hit(received: tuple[Path, object]) -> None:
    outcome = liandong(received[0], "search", "防汛", "--limit", "1", "--json")

    (hit,) = lines(outcome)
    assert outcome.returncode == 0
    assert set(hit) == HIT
    assert (hit["count"], hit["page"]) == (2, 1)
    nothing = liandong(received[0], "search", "没有这样的词", "--json")
    assert (nothing.returncode, nothing.stdout) == (0, "")


def test_show_prints_a_record_and_refuses_a_code_that_is_none(
    received: tuple[Path, object],
) -> None:
    (record,) = lines(liandong(received[0], "archive", "show", code(1), "--json"))
    assert (record["code"], record["looked_at"]) == (code(1), False)
    assert {"title", "object", "version", "files", "description"} <= set(record)

    refused = liandong(received[0], "archive", "show", "没有")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "没有这个档号：没有" in refused.stderr


@pytest.mark.slow
def test_verify_rebuild_and_reindex_end_with_a_summary(received: tuple[Path, object]) -> None:
    for words, expected in (
        (("archive", "verify", "--all"), {"summary": True, "checked": 2, "failed": 0}),
        (("archive", "verify", "--sample", "1"), {"summary": True, "checked": 1, "failed": 0}),
        (("archive", "rebuild"), {"summary": True, "records": 2, "indexed": 2}),
        (("archive", "reindex"), {"indexed": 2}),
    ):
        outcome = liandong(received[0], *words, "--json")
        assert outcome.returncode == 0, outcome.stderr
        assert expected.items() <= lines(outcome)[-1].items()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["bagit", "eep", "folder"])
def test_an_export_is_valid_and_never_overwrites(
    form: str, received: tuple[Path, object], tmp_path: Path
) -> None:
    out = tmp_path / ("1.eep" if form == "eep" else "out")
    words = ("archive", "export", code(1), "--as", form, out)
    assert liandong(received[0], *words).returncode == 0
    again = liandong(received[0], *words)
    assert (again.returncode, "文件已存在" in again.stderr) == (2, True)
    if form != "folder":
        (report,) = lines(liandong(received[0], "check", out, "--json"))
        assert (report["kind"], report["verdict"], report["findings"]) == (form, "valid", [])


def test_check_tells_what_is_wrong_by_code_and_with_exit_1(tmp_path: Path) -> None:
    bag = lay_out(tmp_path / "bag", {"bagit.txt": b"BagIt-Version: 1.0\n"})

    outcome = liandong(tmp_path / "home", "check", bag, "--json")

    (report,) = lines(outcome)
    assert (outcome.returncode, report["verdict"]) == (1, "invalid")
    assert all(set(finding) >= FINDING for finding in report["findings"])


def test_read_and_identify_print_one_line_per_file(tmp_path: Path) -> None:
    source = lay_out(tmp_path / "in", {"a.txt": letter(1), "b.pdf": pdf(2), "c.pdf": b""})

    found = lines(liandong(tmp_path / "home", "identify", source, "--json"))
    assert [one["puid"] for one in found[:2]] == ["x-fmt/111", "fmt/18"]
    assert {"file", "puid", "name", "mime", "basis", "extension_mismatch"} <= set(found[0])
    outcome = liandong(tmp_path / "home", "read", source, "--json")
    read = lines(outcome)
    assert outcome.returncode == 1
    assert {"file", "pages", "method", "seconds"} <= set(read[0])
    assert {"number", "text", "lines"} == set(read[0]["pages"][0])
    assert {"text", "box", "confidence"} == set(read[0]["pages"][0]["lines"][0])
    assert [len(one["pages"]) for one in read] == [1, 2, 0]
    assert read[2]["error"]["code"] == "FILE-EMPTY"


@pytest.mark.parametrize(
    "words",
    [
        ("intake", "receive", "/nowhere"),
        ("intake", "receive", ".", "--fonds", "../x"),
        ("intake", "receive", ".", "--mends", "99"),
        ("intake", "receive"),
        ("check", "/nowhere"),
        ("identify", "/nowhere"),
        ("archive", "export", "没有", "out"),
        ("nonsense",),
    ],
)
def test_wrong_use_ends_with_exit_2_and_a_sentence(
    words: tuple[str, ...], received: tuple[Path, object], tmp_path: Path
) -> None:
    outcome = liandong(received[0], *words)

    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert outcome.stderr.strip()
    assert "Traceback" not in outcome.stderr


def test_a_wrong_setting_ends_with_exit_2_and_its_name(tmp_path: Path) -> None:
    outcome = liandong(tmp_path, "archive", "verify", LIANDONG_PORTT="1")

    assert outcome.returncode == 2
    assert "LIANDONG_PORTT" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_an_empty_folder_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()

    outcome = liandong(tmp_path / "home", "intake", "receive", tmp_path / "in")

    assert (outcome.returncode, "这里没有文件" in outcome.stderr) == (2, True)


def test_help_needs_neither_django_nor_the_libraries(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from liandong.site.cli import main\n"
        "sys.argv = ['liandong', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "heavy = {'django', 'numpy', 'cv2', 'tantivy', 'pypdfium2'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", script], env=environment(tmp_path), capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert outcome.returncode == 0, outcome.stderr
    assert "移交接收" in outcome.stdout


def test_help_is_english_when_the_terminal_is(tmp_path: Path) -> None:
    outcome = liandong(tmp_path, "--help", LANG="en_US.UTF-8")

    assert outcome.returncode == 0
    assert "移交接收" not in outcome.stdout
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in outcome.stdout)


def test_findings_are_english_when_the_terminal_is(tmp_path: Path) -> None:
    source = lay_out(tmp_path / "in", {"a.pdf": b""})

    outcome = liandong(tmp_path / "home", "read", source, "--json", LANG="en_US.UTF-8")

    assert json.loads(outcome.stdout)["error"]["message"] == "The file is empty (0 bytes)"
