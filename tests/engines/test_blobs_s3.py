"""What the blob port promises on S3 in particular: kills, versions, locks, and a store away."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.services.s3 import S3Server

from liandong.engines.blobs.s3 import S3Blobs
from liandong.engines.blobs.s3_local import LocalCopies
from liandong.engines.blobs.s3_objects import Objects
from liandong.kernel.ports import StoreUnavailable

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]
KEY = "objects/one"


class Killed(BaseException):
    """Stands for a kill: nothing of ours catches it."""


@pytest.fixture
def store(s3: S3Server) -> Iterator[S3Blobs]:
    made = s3.store()
    yield made
    made.close()


def folder(place: Path, **files: bytes) -> Path:
    """A small object of OCFL, made at `place`."""
    known = {
        "0=ocfl_object_1.1": b"ocfl_object_1.1\n", "inventory.json": b"{}",
        "inventory.json.sha512": b"-", "v1/inventory.json": b"{}",
        **{f"v1/content/{name}": content for name, content in files.items()},
    }  # fmt: skip
    for path, content in known.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    return place


@contextmanager
def killed_at(method: str, which: Callable[[str], bool]) -> Iterator[pytest.MonkeyPatch]:
    """Inside, the process dies when it would write a key of this kind."""
    write = getattr(Objects, method)

    def dying(self: Objects, key: str, content: Any) -> None:
        if which(key):
            raise Killed
        write(self, key, content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objects, method, dying)
        yield patch


def leave_half(store: S3Blobs, made: Path) -> None:
    """A placing that is killed when all but the last file is written."""
    with killed_at("create", lambda key: key == f"{KEY}/inventory.json"), pytest.raises(Killed):
        store.place(made, KEY)


def test_what_a_kill_left_is_not_seen_and_is_gone_on_with(store: S3Blobs, tmp_path: Path) -> None:
    made = folder(tmp_path / "made", a=b"1", b=b"2")
    leave_half(store, made)
    assert list(store.keys()) == []
    assert list(store.keys(KEY)) == []
    assert not store.exists(f"{KEY}/inventory.json")
    assert made.exists()

    with killed_at("overwrite", lambda key: key.startswith(KEY)):  # what is there stays
        store.place(made, KEY)

    assert store.read(f"{KEY}/v1/content/a") == b"1"
    assert len(list(store.keys())) == 6
    assert list(store._objects.listed(".partial-placing")) == []


def test_what_a_kill_left_of_other_bytes_is_replaced(store: S3Blobs, tmp_path: Path) -> None:
    leave_half(store, folder(tmp_path / "first", a=b"1", gone=b""))

    store.place(folder(tmp_path / "second", a=b"2"), KEY)

    assert store.read(f"{KEY}/v1/content/a") == b"2"
    assert not store.exists(f"{KEY}/v1/content/gone")


def test_what_another_process_is_writing_is_not_touched(
    store: S3Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", os.getppid)  # a process that lives
        leave_half(store, folder(tmp_path / "first", a=b"1"))

    with pytest.raises(OSError, match="另一进程"):
        store.place(folder(tmp_path / "second", a=b"2"), KEY)

    assert store.read(f"{KEY}/v1/content/a") == b"1"


def test_what_nobody_goes_on_with_is_swept(store: S3Blobs, tmp_path: Path) -> None:
    leave_half(store, folder(tmp_path / "made", a=b"1"))

    assert store.sweep() == 0  # so young
    assert store.sweep(0) == 1
    assert list(store._objects.listed()) == []
    assert list(store._objects.listed(".partial-placing")) == []


@pytest.mark.parametrize(
    ("last", "seen"), [("v1/content/b", b"old"), ("inventory.json.sha512", b"new")]
)
def test_an_exchange_killed_is_the_old_one_or_the_new_one(
    last: str, seen: bytes, store: S3Blobs, tmp_path: Path
) -> None:
    store.place(folder(tmp_path / "old", a=b"1"), KEY)
    store.replace(f"{KEY}/inventory.json", b"old")
    new = folder(tmp_path / "new", b=b"2")
    (new / "inventory.json").write_bytes(b"new")

    with killed_at("overwrite", lambda key: key == f"{KEY}/{last}"), pytest.raises(Killed):
        store.exchange(new, KEY)
    assert store.read(f"{KEY}/inventory.json") == seen
    assert store.read(f"{KEY}/v1/content/a") == b"1"
    store.sweep(0)

    assert store.exists(f"{KEY}/v1/content/a") == (seen == b"old")
    if seen == b"old":
        store.exchange(new, KEY)
        assert list(store.keys(f"{KEY}/v1/content")) == [f"{KEY}/v1/content/b"]


def test_a_large_file_goes_in_parts_and_comes_back_by_ranges(
    store: S3Blobs, tmp_path: Path
) -> None:
    content = os.urandom(1 << 20) * 18
    made = folder(tmp_path / "made", large=content)
    store.place(made, KEY)

    with store.open(f"{KEY}/v1/content/large") as stream:
        found = hashlib.file_digest(stream, "sha512").hexdigest()  # type: ignore[arg-type]
    assert found == hashlib.sha512(content).hexdigest()
    assert store.path(f"{KEY}/v1/content/large").read_bytes() == content
    with pytest.raises(FileExistsError):
        store._objects.create(f"{KEY}/v1/content/large", store.path(f"{KEY}/v1/content/large"))


def test_what_is_replaced_while_it_is_read_is_an_error(store: S3Blobs) -> None:
    store.replace("a", b"1" * (3 << 20))
    with store.open("a") as stream:
        stream.read(10)
        store.replace("a", b"2" * (3 << 20))
        with pytest.raises(OSError, match="被替换"):
            stream.read()


def test_a_copy_is_made_once_and_anew_when_the_key_has_other_bytes(store: S3Blobs) -> None:
    store.put("a.pdf", b"1")
    first = store.path("a.pdf")
    assert store.path("a.pdf") == first
    assert first.suffix == ".pdf"
    store.replace("a.pdf", b"2")
    assert store.path("a.pdf").read_bytes() == b"2"
    store.delete("a.pdf")
    assert not first.exists()


def test_copies_are_bounded_and_those_in_use_stay(tmp_path: Path) -> None:
    def fill(part: Path) -> None:
        part.write_bytes(b"x" * 400)

    copies = LocalCopies(tmp_path, 1000)
    made = [copies.get(name, "1", 400, fill) for name in "abc"]
    assert all(one.exists() for one in made)  # all asked for a moment ago
    for one in made[:2]:
        os.utime(one, (0, time.time() - 3600))
    half = tmp_path / ".partial-1"
    half.write_bytes(b"half")
    os.utime(half, (0, 0))

    copies.get("d", "1", 400, fill)

    assert [one.exists() for one in made] == [False, False, True]
    assert not half.exists()


def test_a_bucket_with_versions_keeps_replaced_bytes_and_none_of_deleted_ones(
    s3: S3Server,
) -> None:
    store = s3.store(s3.bucket(lock=True))
    assert "versioning Enabled, object lock Enabled" in store.state()
    store.put("a/b", b"1")
    store.replace("a/b", b"2")
    store.put("a-b", b"3")
    assert len(list(store._bucket.versions(""))) == 3

    store.delete("a")

    assert [name for name, *_ in store._bucket.versions("")] == ["store/a-b"]
    assert store.read("a-b") == b"3"


def test_an_exchange_leaves_no_former_version(s3: S3Server, tmp_path: Path) -> None:
    store = s3.store(s3.bucket(lock=True))
    store.place(folder(tmp_path / "old", a=b"plain"), KEY)

    store.exchange(folder(tmp_path / "new", b=b"sealed"), KEY)

    left = [name for name, _, newest in store._bucket.versions("") if KEY in name and newest]
    assert sorted(left) == sorted(f"store/{key}" for key in store.keys(KEY))
    assert all(newest for name, _, newest in store._bucket.versions("") if KEY in name)


def test_a_store_that_is_away_says_so(s3: S3Server, tmp_path: Path) -> None:
    away = {**s3.options("none"), "endpoint": "http://127.0.0.1:9", "retry_s": 1}
    store = S3Blobs(**away)
    for ask in (store.read, store.open, store.path, store.exists, lambda _: store.state()):
        with pytest.raises(StoreUnavailable, match="存储不可用"):
            ask("a")
    made = folder(tmp_path / "made", a=b"1")
    with pytest.raises(StoreUnavailable):
        store.place(made, KEY)
    assert made.exists()


def test_credentials_that_are_wrong_are_refused(s3: S3Server) -> None:
    bucket = s3.bucket()
    store = S3Blobs(**{**s3.options(bucket), "secret": "wrong"})
    with pytest.raises(OSError, match="存储拒绝"):
        store.put("a", b"1")
    assert not s3.store(bucket).exists("a")
    with pytest.raises(OSError, match="存储拒绝"):
        store.protection()


def test_a_key_that_s3_cannot_hold_is_refused(store: S3Blobs) -> None:
    with pytest.raises(OSError, match="1024"):
        store.put("/".join(["长" * 80] * 5), b"1")
