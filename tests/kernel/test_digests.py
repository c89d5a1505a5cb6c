"""Digests: right values, one read, no half-written copy."""

import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel.digests import (
    SM3_OF_ABC,
    PlainSm3,
    copy_with_digests,
    digest_bytes,
    digest_file,
    digest_stream,
)


def test_sm3_of_abc_is_the_value_in_the_standard() -> None:
    assert digest_bytes(b"abc").sm3 == SM3_OF_ABC


@given(st.lists(st.binary(max_size=150), max_size=4))
def test_plain_sm3_agrees_with_the_library(parts: list[bytes]) -> None:
    plain = PlainSm3()
    for part in parts:
        plain.update(part)
    assert plain.hexdigest() == digest_bytes(b"".join(parts)).sm3


def test_file_stream_bytes_and_copy_agree(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000  # over two blocks
    source = tmp_path / "a"
    source.write_bytes(content)
    digests = digest_bytes(content)
    assert digests.sha512 == hashlib.sha512(content).hexdigest()
    assert digests.size == len(content)
    assert digest_file(source) == digests
    assert digest_stream(io.BytesIO(content)) == digests
    assert copy_with_digests(source, tmp_path / "b", sync=True) == digests
    assert copy_with_digests(io.BytesIO(content), tmp_path / "c") == digests
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes() == content


def test_an_empty_file_has_digests(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert digest_file(tmp_path / "a") == digest_bytes(b"")


def test_a_copy_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"new")
    (tmp_path / "b").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        copy_with_digests(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"old"


class _Failing(io.RawIOBase):
    def __init__(self) -> None:
        self.reads = 0

    def read(self, size: int = -1) -> bytes:
        self.reads += 1
        if self.reads > 1:
            raise OSError("the disk is gone")
        return b"x" * 10


def test_a_failed_copy_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        copy_with_digests(_Failing(), tmp_path / "b")  # type: ignore[arg-type]
    assert not (tmp_path / "b").exists()
