"""One OCFL object per record, valid for others, the same when packed twice."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.archive.build import (
    admission,
    jpeg,
    original,
    scanned_admission,
    scanned_page,
    text_page,
    validate_store,
)

from liandong.archive.services.admission import ReadPage
from liandong.archive.services.objects import blob_store, read_object, record_urn
from liandong.archive.services.packing import pack, pack_many
from liandong.kernel.packages.ocfl import object_path

pytestmark = pytest.mark.django_db


def test_packed_record_is_what_the_store_says(home: Path) -> None:
    one = admission(home / "staging")

    packed = pack(one)

    assert read_object(one.object_id) == packed
    assert {file.path for file in packed.files} >= {
        "original/通知.txt", "metadata/description.json", "metadata/dat46.xml",
        "metadata/premis.xml", "metadata/checks.json", "metadata/fields.json",
        "metadata/files.json", "metadata/events.json", "derivative/text.json",
    }  # fmt: skip


def test_every_object_validates_with_another_library(home: Path) -> None:
    staging = home / "staging"

    pack_many([admission(staging, number) for number in range(1, 4)])
    pack(scanned_admission(staging, 4))

    assert validate_store(home / "store") == 4


def test_packing_again_gives_the_same_object(home: Path) -> None:
    one = admission(home / "staging")
    first = pack(one)
    before = sorted(blob_store().keys(""))

    second = pack(one)

    assert second == first
    assert sorted(blob_store().keys("")) == before


def test_originals_are_not_read_again(home: Path) -> None:
    staging = home / "staging"
    file = original(staging, "通知.txt", b"one")
    packed = pack(admission(staging, originals=[file]))

    root = object_path(record_urn(packed.object_id))
    kept = blob_store().path(f"{root}/{packed.files[0].content_path}")

    assert kept.stat().st_ino == file.source.stat().st_ino


def test_two_originals_with_the_same_bytes_are_kept_once(home: Path) -> None:
    staging = home / "staging"
    files = [original(staging, name, b"same") for name in ("a.txt", "b.txt")]

    packed = pack(admission(staging, originals=files))

    assert packed.files[0].content_path == packed.files[1].content_path
    assert read_object(packed.object_id) == packed
    assert validate_store(home / "store") == 1


def test_signs_that_no_database_keeps_do_not_reach_it(home: Path) -> None:
    one = admission(home / "staging")
    page = text_page(1, "防\0汛\ud800")
    packed = pack(replace(one, pages=[ReadPage(one.originals[0].name, page)]))

    assert packed.pages[0]["lines"][0]["text"] == "防汛?"


def test_files_json_says_what_was_handed_over(home: Path) -> None:
    one = admission(home / "staging")
    packed = pack(one)

    root = object_path(record_urn(packed.object_id))
    row = json.loads(blob_store().read(f"{root}/v1/content/metadata/files.json"))[0]

    assert row["original_name"] == "移交/通知.txt"
    assert (row["sha512"], row["sm3"]) == (one.originals[0].sha512, one.originals[0].sm3)


def test_recognised_pages_become_a_double_layer_pdf(home: Path) -> None:
    packed = pack(scanned_admission(home / "staging", pages=2))

    paths = {file.path for file in packed.files}

    assert "derivative/double-layer.pdf" in paths
    assert [page["image"] for page in packed.pages] == ["original/001.jpg", "original/002.jpg"]


def test_rendered_pages_are_numbered_through_the_record(home: Path) -> None:
    staging = home / "staging"
    files = [
        original(staging, name, name.encode(), "application/pdf") for name in ("a.pdf", "b.pdf")
    ]
    images = []
    for at in range(3):
        image = staging / f"page-{at}.jpg"
        image.write_bytes(jpeg(100 + at))
        images.append(image)
    pages = [
        ReadPage("a.pdf", scanned_page(1, "甲"), images[0]),
        ReadPage("a.pdf", scanned_page(2, "乙"), images[1]),
        ReadPage("b.pdf", scanned_page(1, "丙"), images[2]),
    ]

    packed = pack(admission(staging, originals=files, pages=pages))

    assert [page["image"] for page in packed.pages] == [
        f"derivative/pages/{number:04d}.jpg" for number in (1, 2, 3)
    ]
    assert [(page["file"], page["number"]) for page in packed.pages] == [
        ("original/a.pdf", 1), ("original/a.pdf", 2), ("original/b.pdf", 1),
    ]  # fmt: skip


def test_a_full_disk_leaves_no_half_object(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = admission(home / "staging")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(blob_store()), "place_many", full)
        with pytest.raises(OSError, match="No space"):
            pack(one)

    assert not [key for key in blob_store().keys("") if key.endswith("0=ocfl_object_1.1")]
    assert list((home / "staging" / "packing").iterdir()) == []
    assert pack(one).version == 1
