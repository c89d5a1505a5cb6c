"""The contract of the blob port."""

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.engines.blobs.disk import BadKey, DiskBlobs
from liandong.kernel.ports import BlobStore

pytestmark = pytest.mark.enable_socket  # of the loopback, for S3
DISKS = ("durable", "fast")


@pytest.fixture(params=[*DISKS, pytest.param("s3", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    """Each adapter, empty."""
    if request.param in DISKS:
        yield DiskBlobs(tmp_path / "store", durable=request.param == "durable")
        return
    made = request.getfixturevalue("s3").store()
    yield made
    made.close()


@pytest.fixture
def disk(tmp_path: Path) -> DiskBlobs:
    return DiskBlobs(tmp_path / "store", durable=False)


def test_what_is_put_is_read(store: BlobStore) -> None:
    store.put("a/b/文件.txt", b"1")
    assert store.read("a/b/文件.txt") == b"1"
    with store.open("a/b/文件.txt") as stream:
        assert stream.read() == b"1"
    assert store.path("a/b/文件.txt").read_bytes() == b"1"
    assert store.exists("a/b/文件.txt")
    assert not store.exists("a/b")


def test_a_key_is_written_once(store: BlobStore) -> None:
    store.put("a", b"1")
    with pytest.raises(FileExistsError):
        store.put("a", b"2")
    assert store.read("a") == b"1"
    assert list(store.keys()) == ["a"]


def test_a_stream_can_be_read_from_anywhere(store: BlobStore) -> None:
    content = bytes(range(256)) * 10_000  # more than two blocks of a remote store
    store.put("a", content)
    with store.open("a") as stream:
        assert stream.seek(-5, io.SEEK_END) == len(content) - 5
        assert stream.read() == content[-5:]
        stream.seek(1_500_001)
        assert stream.read(1_000_000) == content[1_500_001:2_500_001]
        stream.seek(0)
        assert stream.read() == content
        stream.seek(len(content) + 1)
        assert stream.read() == b""


def test_a_stream_of_nothing_is_empty(store: BlobStore) -> None:
    store.put("a", b"")
    with store.open("a") as stream:
        assert stream.read() == b""


def test_it_says_where_it_is(store: BlobStore) -> None:
    store.put("a", b"12")
    assert store.state()
    assert store.size("a") == 2
    with pytest.raises(FileNotFoundError):
        store.size("b")


def test_a_key_can_be_replaced(store: BlobStore, tmp_path: Path) -> None:
    store.replace("a/b", b"1")
    store.replace("a/b", b"2")
    assert store.read("a/b") == b"2"
    (tmp_path / "file").write_bytes(b"3")
    store.replace("a/b", tmp_path / "file")
    assert store.read("a/b") == b"3"
    assert (tmp_path / "file").exists()


def test_what_is_not_there_is_not_found(store: BlobStore) -> None:
    store.put("a/b", b"")
    for read in (store.read, store.open, store.path):
        for key in ("a", "a/c", "a/b/c"):
            with pytest.raises(FileNotFoundError):
                read(key)


def test_keys_are_sorted_and_below_the_prefix(store: BlobStore) -> None:
    for key in ("b/2", "a-b", "a/z", "a/b/c", "ab"):
        store.put(key, b"")
    assert list(store.keys()) == ["a-b", "a/b/c", "a/z", "ab", "b/2"]
    assert list(store.keys("a")) == ["a/b/c", "a/z"]
    assert list(store.keys("ab")) == ["ab"]
    assert list(store.keys("none")) == []


def test_a_folder_is_placed_whole_or_not_at_all(store: BlobStore, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"made{number}/sub").mkdir(parents=True)
        (tmp_path / f"made{number}/sub/x").write_bytes(b"%d" % number)
    store.place(tmp_path / "made1", "objects/one")
    assert store.read("objects/one/sub/x") == b"1"
    assert not (tmp_path / "made1").exists()
    with pytest.raises(FileExistsError):
        store.place(tmp_path / "made2", "objects/one")
    assert store.read("objects/one/sub/x") == b"1"
    assert (tmp_path / "made2/sub/x").exists()


def test_a_folder_takes_the_place_of_another(store: BlobStore, tmp_path: Path) -> None:
    store.put("objects/one/a", b"old")
    store.put("objects/one/b/c", b"old")
    made = tmp_path / "made"
    (made / "sub").mkdir(parents=True)
    (made / "sub/x").write_bytes(b"new")
    store.exchange(made, "objects/one")
    assert list(store.keys()) == ["objects/one/sub/x"]
    assert store.read("objects/one/sub/x") == b"new"
    assert not made.exists()


def test_nothing_is_exchanged_with_what_is_not_there(store: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    with pytest.raises(FileNotFoundError):
        store.exchange(tmp_path / "made", "objects/one")
    assert (tmp_path / "made").is_dir()
    assert list(store.keys()) == []


def test_an_exchange_that_fails_changes_nothing(
    disk: DiskBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.put("objects/one/a", b"old")
    (tmp_path / "made").mkdir()
    monkeypatch.setattr("liandong.engines.blobs.disk._renameat2", None)
    with pytest.raises(OSError, match="exchange"):
        disk.exchange(tmp_path / "made", "objects/one")
    assert disk.read("objects/one/a") == b"old"
    assert [one.name for one in (tmp_path / "store/objects").iterdir()] == ["one"]


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no second file system")  # noqa: S108
def test_a_folder_of_another_file_system_is_copied(store: BlobStore) -> None:
    made = Path("/dev/shm") / f"liandong-{os.getpid()}"  # noqa: S108
    made.mkdir()
    (made / "x").write_bytes(b"1")
    store.place(made, "one")
    assert list(store.keys()) == ["one/x"]
    assert not made.exists()


def test_deleting_takes_the_key_or_all_below(store: BlobStore) -> None:
    for key in ("a/b/c", "a/b/d", "a/e", "f"):
        store.put(key, b"")
    store.delete("a/b")
    store.delete("f")
    store.delete("nothing/here")
    assert list(store.keys()) == ["a/e"]


@pytest.mark.parametrize(
    "key",
    ["", "/a", "a/", "a//b", "..", "a/../b", ".", "a/./b", "a\\b", "a\0b", ".partial-1", "\ud800"],
)
def test_a_bad_key_is_refused(store: BlobStore, key: str) -> None:
    with pytest.raises(BadKey):
        store.put(key, b"")
    with pytest.raises(BadKey):
        store.exists(key)


@given(st.text(alphabet="./\\a\0 é文", max_size=12))
def test_no_key_leaves_the_store(tmp_path_factory: pytest.TempPathFactory, key: str) -> None:
    root = tmp_path_factory.mktemp("root")
    store = DiskBlobs(root / "store", durable=False)
    try:
        store.replace(key, b"1")
    except BadKey:
        assert not (root / "store").exists()
    else:
        assert list(store.keys()) == [key]
        assert [path.name for path in root.iterdir()] == ["store"]


def test_what_an_interrupted_write_left_is_no_key_and_is_swept(disk: DiskBlobs) -> None:
    disk.put("a/b", b"1")
    left = disk.path("a/b").parent / ".partial-0"
    left.write_bytes(b"half")
    assert list(disk.keys()) == ["a/b"]
    assert disk.sweep() == 0
    os.utime(left, (0, time.time() - 90_000))
    assert disk.sweep() == 1
    assert not left.exists()


def test_many_folders_are_placed_at_once(store: BlobStore, tmp_path: Path) -> None:
    store.put("b/there", b"old")
    folders = {}
    for name in ("a", "b", "c"):
        folders[name] = tmp_path / f"made-{name}"
        folders[name].mkdir()
        (folders[name] / "file").write_bytes(name.encode())

    present = store.place_many(folders)

    assert present == {"b"}
    assert list(store.keys()) == ["a/file", "b/there", "c/file"]
    assert (folders["b"] / "file").exists()
