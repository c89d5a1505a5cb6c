"""`liandong ledger report` end to end, in processes of their own."""

import io
import json
from pathlib import Path

from docx import Document
from tests.intake.running import liandong


def test_the_report_of_a_month_is_written_in_each_form(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for form, start in (("docx", b"PK"), ("pdf", b"%PDF"), ("xlsx", b"PK")):
        out = tmp_path / f"r.{form}"
        done = liandong(
            home, "ledger", "report", "--month", "2026-10", "--format", form, "--out", out, "--json"
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["open"] == 0
        assert out.read_bytes().startswith(start)
    document = Document(io.BytesIO((tmp_path / "r.docx").read_bytes()))
    assert document.paragraphs[0].text == "台账月报 2026-10"


def test_wrong_use_is_said_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "r.docx"
    for words, text in (
        (("--month", "2026-13"), "月份须写成"),
        (("--month", "2026-10", "--kind", "x"), "不认识的种类"),
        (("--month", "2999-01"), "还没有开始"),
    ):
        done = liandong(tmp_path / "home", "ledger", "report", *words, "--out", out)
        assert (done.returncode, text in done.stderr) == (2, True)
    assert not out.exists()
