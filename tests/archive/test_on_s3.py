"""The archive on S3: from a hand-over to a database rebuilt from the bucket alone."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from pytest_django import Settings
from tests.archive.build import NOW, TODAY
from tests.archive.test_rebuilding import forget_everything, holdings, snapshot
from tests.cases.build import opened, people
from tests.corpus.handovers import catalogued, code, row
from tests.intake.running import letter, states, take_files
from tests.people import ARCHIVIST, client_of
from tests.services.s3 import S3Server

from liandong.archive.models import Record
from liandong.archive.policies import SYSTEM
from liandong.archive.queries import find
from liandong.archive.services.exporting import export
from liandong.archive.services.objects import blob_store, record_urn
from liandong.archive.services.rebuilding import rebuild
from liandong.archive.services.rewriting import encrypt_record
from liandong.archive.services.verifying import verify
from liandong.base.engines import close_engines, engine
from liandong.cases.services.photos import add_photo, clean_path, drop_photo, original_of
from liandong.kernel.packages.ocfl import object_path
from liandong.kernel.query import parse
from liandong.kernel.sealed import AES

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.enable_socket]
S3 = "liandong.engines.blobs.s3.S3Blobs"


@pytest.fixture
def on_s3(home: Path, settings: Settings, s3: S3Server) -> Iterator[Path]:
    """A data folder whose stores are in a bucket; what is in the local ones would be a mistake."""
    bucket = s3.bucket()
    stores = {
        role: {"class": S3, "options": s3.options(bucket, f"one/{name}")}
        for role, name in (("blobs", "store"), ("evidence", "evidence"))
    }
    settings.ENGINES = {**settings.ENGINES, **stores}
    yield home
    close_engines()
    assert not [one for one in (home / "store").rglob("*") if one.is_file()]
    assert not (home / "evidence").exists()


def test_a_hand_over_is_admitted_found_seen_verified_and_rebuilt(
    on_s3: Path, tmp_path: Path
) -> None:
    handed = catalogued([row(1)], {f"{code(1)}.txt": letter(1)})
    batch = take_files(tmp_path / "in", handed)
    assert states(batch) == {"admitted": 1}

    found = find(parse("防汛"), viewer=SYSTEM, today=TODAY, limit=5)
    (record,) = [hit.record for hit in found.hits]
    client = client_of(ARCHIVIST)
    assert client.get(f"/records/{record.pk}/").status_code == 200
    original = record.files.get(role="original")
    with blob_store().open(
        f"{object_path(record_urn(record.object_id))}/{original.content_path}"
    ) as one:
        assert one.read() == letter(1)
    before = snapshot()
    assert verify(by="li", now=NOW).findings == []

    forget_everything()
    assert rebuild(now=NOW).findings == []
    assert snapshot() == before


def test_versions_pictures_sealing_and_exports(on_s3: Path, tmp_path: Path) -> None:
    scanned = holdings(on_s3 / "staging")[-1]
    client, image = client_of(ARCHIVIST), f"/records/{scanned.pk}/v{scanned.version}/1/"
    for name in ("thumb.jpg", "page.dzi", "image"):
        assert client.get(f"{image}{name}").getvalue()
    before = snapshot()
    assert verify(by="li", now=NOW).findings == []
    plain = export(scanned, "bagit", tmp_path / "bag", by="li", now=NOW)
    assert (plain / "manifest-sha512.txt").is_file()
    forget_everything()
    assert rebuild(now=NOW).findings == []
    assert snapshot() == before

    scanned = encrypt_record(Record.objects.get(code=scanned.code), AES, by="li", now=NOW)

    assert client.get(f"/records/{scanned.pk}/v{scanned.version}/1/thumb.jpg").getvalue()
    assert verify(by="li", now=NOW).findings == []
    key = object_path(record_urn(scanned.object_id))
    assert [one for one in blob_store().keys(key) if one.endswith(".jpg")] == []
    assert engine("blobs").sweep(0) == 0  # nothing was left behind


def test_a_photo_of_a_case_is_kept_in_the_bucket(on_s3: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(picture, "JPEG")
    people()
    one = add_photo(opened().case, picture.getvalue(), part="after", name="x", by="li", now=NOW)
    assert clean_path(one).read_bytes().startswith(b"\xff\xd8")
    assert original_of(one)
    drop_photo(one)
    assert list(engine("evidence").keys()) == []
    assert not clean_path(one).is_file()
