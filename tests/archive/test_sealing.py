"""Encrypted objects: what the store holds, who can open it, and what happens without a key."""

from pathlib import Path

import pytest
from pytest_django import Settings

from liandong.archive.services.objects import read_object
from liandong.archive.services.packing import pack

from .build import scanned_admission

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["aes", "sm4"], autouse=True)
def _encrypted(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.ENCRYPTION = request.param


def test_what_was_packed_is_read_as_it_was(home: Path, tmp_path: Path) -> None:
    packed = pack(scanned_admission(tmp_path / "in"))
    assert read_object(packed.object_id) == packed
