"""The end of a batch: its papers are kept beside the records."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django import Settings
from tests.corpus.handovers import NOW
from tests.intake.running import INLINE, letter, take_files

from liandong.archive.services.contents import contents_of
from liandong.archive.services.objects import blob_store
from liandong.archive.services.rebuilding import rebuild
from liandong.intake.models import Batch, BatchState
from liandong.intake.queries import unfinished_batches
from liandong.intake.services.closing import BATCH_URN, keep_papers
from liandong.kernel.packages.ocfl import files_of, object_path, read_inventory

pytestmark = pytest.mark.django_db

CATALOGUE = (
    "档号,题名,责任者,日期,保管期限\n"
    "Z109-WS·2011-Y-BGS-0001,关于防汛工作的通知,市政府办,20110506,永久\n"
)


@pytest.fixture(autouse=True)
def inline(home: Path, settings: object) -> None:
    settings.ENGINES = {**settings.ENGINES, "compute": INLINE}  # type: ignore[attr-defined]


def ended(tmp_path: Path) -> Batch:
    files = {"目录.csv": CATALOGUE.encode(), "Z109-WS·2011-Y-BGS-0001.txt": letter(1)}
    return take_files(tmp_path / "in", files)


def stored(batch: Batch) -> dict[str, bytes]:
    urn = f"{BATCH_URN}{batch.uuid}"
    inventory = read_inventory(blob_store(), urn)
    root = object_path(urn)
    return {path: blob_store().read(f"{root}/{key}") for path, key in files_of(inventory).items()}


def test_the_catalogue_and_the_report_of_an_ended_batch_are_kept(tmp_path: Path) -> None:
    batch = ended(tmp_path)
    assert batch.state == BatchState.ACCEPTED
    papers = stored(batch)
    assert papers["hand-over/目录.csv"] == CATALOGUE.encode()
    report = json.loads(papers["metadata/report.json"])
    assert report["items"][0]["code"] == "Z109-WS·2011-Y-BGS-0001"
    facts = json.loads(papers["metadata/batch.json"])
    record = batch.items.get().record
    assert record is not None
    assert facts["content_digest"] == f"sha256:{batch.content_digest}"
    assert {row["record"] for row in facts["files"]} == {str(record.object_id), ""}


def test_nothing_stays_staged_once_the_papers_are_kept(
    tmp_path: Path, django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        batch = ended(tmp_path)
    assert not batch.files.exclude(staged="").exists()
    assert [path for path in settings.STAGING.rglob("*") if path.is_file()] == []


def test_keeping_the_papers_twice_changes_nothing(tmp_path: Path) -> None:
    batch = ended(tmp_path)
    before = stored(batch)
    keep_papers(batch, by="system", now=NOW)
    assert stored(batch) == before


def test_a_batch_whose_papers_are_not_yet_kept_is_unfinished(tmp_path: Path) -> None:
    batch = ended(tmp_path)
    assert unfinished_batches() == []
    batch.files.filter(is_content=False).update(staged="left/000001.csv")
    assert list(unfinished_batches()) == [batch.pk]


def test_a_rebuild_passes_over_the_papers(tmp_path: Path) -> None:
    ended(tmp_path)
    done = rebuild(now=NOW, by="system")
    assert (done.records, done.findings) == (1, [])


def test_with_encryption_the_papers_are_sealed_too(tmp_path: Path, settings: Settings) -> None:
    settings.ENCRYPTION = "sm4"
    batch = ended(tmp_path)
    urn = f"{BATCH_URN}{batch.uuid}"
    root = settings.STORE / object_path(urn)
    for file in root.rglob("*"):
        assert not file.is_file() or "关于防汛工作的通知".encode() not in file.read_bytes()
        assert "目录" not in file.name
    held = contents_of(urn)
    assert held.read("hand-over/目录.csv") == CATALOGUE.encode()
    assert held.json("metadata/batch.json")["id"] == str(batch.uuid)
