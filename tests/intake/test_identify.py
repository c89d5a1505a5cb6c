"""Identification: formats by signature; what the archive does not take is said."""

from pathlib import Path
from typing import Any

import pytest
from tests.corpus.contents import OLE, docx, pdf, png
from tests.corpus.handovers import NOW, hand_over

from liandong.intake.models import Item
from liandong.intake.services.identify import file_findings, identify
from liandong.intake.services.unpack import unpack
from liandong.kernel.catalog import rows
from liandong.kernel.ports import Identification

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _staging(tmp_path: Path, settings: Any) -> None:
    settings.STAGING = tmp_path / "staging"


FILES = {
    "a.pdf": (pdf(), "fmt/17", set()),
    "b.png": (png(), "fmt/11", set()),
    "c.docx": (docx(), "fmt/412", set()),
    "d.txt": ("滨州市".encode(), "x-fmt/111", set()),
    "empty.pdf": (b"", "", {"FILE-EMPTY"}),
    "odd.zzz": (bytes(range(255, 0, -3)) * 9, "", {"FILE-UNKNOWN-FORMAT"}),
    "picture.pdf": (png(90), None, {"FILE-EXTENSION"}),
    "sql.db": (b"SQLite format 3\x00" + b"\0" * 100, None, {"YJ-3-3a"}),
}


@pytest.mark.parametrize("name", FILES)
def test_each_file_gives_exactly_its_findings(name: str, tmp_path: Path) -> None:
    content, _, codes = FILES[name]
    batch = hand_over(tmp_path / "in", {name: content})
    unpack(batch, by="wang", now=NOW)
    item = batch.items.get()

    (done,) = identify([item], now=NOW)
    done.save()

    assert {one["code"] for one in item.checks["identify"]} == codes


def test_saving_writes_the_format_on_the_file(tmp_path: Path) -> None:
    batch = hand_over(tmp_path / "in", {"a.pdf": pdf(), "b.docx": docx()})
    unpack(batch, by="wang", now=NOW)

    for done in identify(list(Item.objects.filter(batch=batch)), now=NOW):
        done.save()

    assert [file.mime for file in batch.files.order_by("path")] == [
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ]


def test_a_filing_names_the_filing_check() -> None:
    known = Identification("fmt/999999", "Odd", "x/odd", "signature")

    assert [one.code for one in file_findings("a.odd", 1, known, "GD")] == ["GD-3-3a"]


def test_every_allowed_format_says_whether_it_lasts_and_from_where() -> None:
    formats = rows("allowed_formats")

    assert len({row["puid"] for row in formats}) == len(formats) > 100
    assert {row["long_term"] for row in formats} == {"yes", "no"}
    assert all(row["name"] and row["source"] and row["confidence"] for row in formats)


def test_an_old_office_file_is_no_reason_to_stop(tmp_path: Path) -> None:
    batch = hand_over(tmp_path / "in", {"old.doc": OLE + b"\0" * 600})
    unpack(batch, by="wang", now=NOW)

    assert len(identify(list(batch.items.all()), now=NOW)) == 1
