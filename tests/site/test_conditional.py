"""Asked again for what a browser has, nothing is sent twice; what may not be kept has no ETag."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from tests.archive.build import fonds, scanned_admission
from tests.people import ARCHIVIST, STRANGER, client_of

from liandong.archive.models import Record
from liandong.archive.policies import OPEN, RESTRICTED
from liandong.archive.services.admitting import admit
from liandong.archive.services.packing import pack
from liandong.base import front_end

pytestmark = pytest.mark.django_db


@pytest.fixture
def scanned(home: Path) -> Record:
    """A record with page images that everybody may read."""
    fonds()
    made = scanned_admission(home / "staging", 1)
    for name, value in {"level": OPEN, "open_from": 20200101}.items():
        object.__setattr__(made, name, value)
    return admit(pack(made), made, by="li", now=made.at)


@pytest.mark.parametrize("part", ["thumb.jpg", "image", "page_files/0/0_0.jpg", "page.dzi"])
def test_an_image_that_a_browser_has_is_not_sent_again(part: str, scanned: Record) -> None:
    client, address = client_of(STRANGER), f"/records/{scanned.pk}/v1/1/{part}"
    first = client.get(address)
    assert len(b"".join(first.streaming_content)) > 0
    again = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["Cache-Control"] == first["Cache-Control"]
    other = client.get(address, headers={"If-None-Match": '"another"'})
    assert (other.status_code, len(b"".join(other.streaming_content)) > 0) == (200, True)


def test_what_not_everybody_may_see_has_no_tag(scanned: Record) -> None:
    Record.objects.update(level=RESTRICTED)
    answer = client_of(ARCHIVIST).get(f"/records/{scanned.pk}/v1/1/thumb.jpg")
    assert len(b"".join(answer.streaming_content)) > 0
    assert "no-store" in answer["Cache-Control"]
    assert "ETag" not in answer


def test_built_files_are_kept_for_ever_and_sent_compressed(client: Client) -> None:
    if not front_end.MANIFEST.exists():
        pytest.skip("the front end is not built")
    folder = front_end.MANIFEST.parent / "assets"
    largest = max(folder.glob("*.js"), key=lambda file: file.stat().st_size)
    assert re.match(settings.WHITENOISE_IMMUTABLE_FILE_TEST, f"/dist/assets/{largest.name}")
    assert {f"{largest.name}.br", f"{largest.name}.gz"} <= {one.name for one in folder.iterdir()}
    address = f"/static/dist/assets/{largest.name}"
    for coding in ("br", "gzip"):
        answer = client.get(address, headers={"Accept-Encoding": coding})
        assert answer["Content-Encoding"] == coding
        assert "immutable" in answer["Cache-Control"]
        assert len(b"".join(answer.streaming_content)) < largest.stat().st_size / 2
