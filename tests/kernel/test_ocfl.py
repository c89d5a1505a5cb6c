"""OCFL objects of ours: whole after any interruption, deterministic, nothing stored twice."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.kernel.builders import FolderStore, Killed

from liandong.kernel.digests import digest_bytes
from liandong.kernel.names import BadPath
from liandong.kernel.packages import ocfl
from liandong.kernel.packages.ocfl import BrokenInventory, Content, Inventory, Repair

ID = "urn:uuid:0b0f2f3e-0000-4000-8000-000000000001"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WHO = {"user": "李明", "address": "urn:liandong:user:li", "created": AT}


def _write(folder: Path, **files: bytes) -> Inventory:
    contents = {f"original/{name}": Content(content) for name, content in files.items()}
    return ocfl.write_object(folder, ID, contents, message="归档", **WHO)  # type: ignore[arg-type]


def _published(tmp_path: Path) -> tuple[FolderStore, Inventory]:
    store = FolderStore(tmp_path / "store")
    ocfl.prepare_root(store)
    inventory = _write(tmp_path / "new", a=b"one", b=b"two")
    ocfl.publish_object(store, tmp_path / "new", ID)
    return store, inventory


def test_an_object_is_read_as_it_was_written(tmp_path: Path) -> None:
    store, inventory = _published(tmp_path)
    assert ocfl.read_inventory(store, ID) == inventory
    assert ocfl.files_of(inventory) == {
        "original/a": "v1/content/original/a",
        "original/b": "v1/content/original/b",
    }
    assert store.read(f"{ocfl.object_path(ID)}/v1/content/original/a") == b"one"
    assert Inventory.parse(inventory.to_bytes()) == inventory


def test_the_same_object_has_the_same_bytes(tmp_path: Path) -> None:
    one = _write(tmp_path / "1", a=b"one", b=b"two")
    other = _write(tmp_path / "2", b=b"two", a=b"one")
    assert one.to_bytes() == other.to_bytes()


def test_equal_contents_are_stored_once(tmp_path: Path) -> None:
    inventory = _write(tmp_path / "1", a=b"same", b=b"same")
    assert ocfl.files_of(inventory)["original/b"] == "v1/content/original/a"
    assert not (tmp_path / "1/v1/content/original/b").exists()


def test_a_known_digest_is_not_computed_again(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"x")
    files = {"original/a": Content(source, "f" * 128, "e" * 64)}
    inventory = ocfl.write_object(tmp_path / "o", ID, files, message="", **WHO)  # type: ignore[arg-type]
    assert inventory.manifest == {"f" * 128: ("v1/content/original/a",)}
    assert inventory.sha256 == {"e" * 64: ("v1/content/original/a",)}


@pytest.mark.parametrize("keep", [True, False])
def test_sources_are_kept_or_moved(tmp_path: Path, keep: bool) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"x")
    files = {"original/a": Content(source)}
    ocfl.write_object(tmp_path / "o", ID, files, message="", keep_sources=keep, sync=True, **WHO)  # type: ignore[arg-type]
    assert source.exists() is keep
    assert (tmp_path / "o/v1/content/original/a").read_bytes() == b"x"


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", "a/", "C:/a"])
def test_an_unsafe_path_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(BadPath):
        ocfl.write_object(tmp_path / "o", ID, {path: Content(b"")}, message="", **WHO)  # type: ignore[arg-type]


def test_a_path_cannot_be_file_and_folder(tmp_path: Path) -> None:
    files = {"a": Content(b"1"), "a/b": Content(b"2")}
    with pytest.raises(BadPath):
        ocfl.write_object(tmp_path / "o", ID, files, message="", **WHO)  # type: ignore[arg-type]


def _second(folder: Path, inventory: Inventory) -> Inventory:
    changes = {"original/a": Content(b"changed"), "original/b": None, "original/c": Content(b"two")}
    return ocfl.write_version(folder, inventory, changes, message="改正", **WHO)  # type: ignore[arg-type]


def test_a_new_version_holds_only_what_is_new(tmp_path: Path) -> None:
    store, first = _published(tmp_path)
    second = _second(tmp_path / "v2", first)
    ocfl.publish_version(store, tmp_path / "v2", second)
    assert ocfl.read_inventory(store, ID) == second
    assert ocfl.files_of(second) == {
        "original/a": "v2/content/original/a",
        "original/c": "v1/content/original/b",
    }
    assert ocfl.files_of(second, "v1") == ocfl.files_of(first)
    with pytest.raises(KeyError):
        ocfl.files_of(second, "v3")


@pytest.mark.parametrize("writes", range(4))
def test_an_object_is_whole_after_a_kill_at_any_write(tmp_path: Path, writes: int) -> None:
    store, first = _published(tmp_path)
    second = _second(tmp_path / "v2", first)
    store.writes = writes
    with contextlib.suppress(Killed):
        ocfl.publish_version(store, tmp_path / "v2", second)
    store.writes = 1000
    done = ocfl.repair(store, ID)
    assert done is (Repair.SOUND if writes in {0, 3} else Repair.FINISHED)
    assert ocfl.read_inventory(store, ID) == (first if writes == 0 else second)
    assert ocfl.repair(store, ID) is Repair.SOUND


@pytest.mark.parametrize("writes", range(3))
def test_a_repair_that_is_killed_is_done_by_the_next(tmp_path: Path, writes: int) -> None:
    store, first = _published(tmp_path)
    second = _second(tmp_path / "v2", first)
    store.place(tmp_path / "v2", f"{ocfl.object_path(ID)}/v2")
    store.writes = writes
    with contextlib.suppress(Killed):
        ocfl.repair(store, ID)
    store.writes = 1000
    ocfl.repair(store, ID)
    assert ocfl.read_inventory(store, ID) == second


def test_a_version_that_was_half_copied_is_undone(tmp_path: Path) -> None:
    store, first = _published(tmp_path)
    _second(tmp_path / "v2", first)
    store.place(tmp_path / "v2", f"{ocfl.object_path(ID)}/v2")
    store.delete(f"{ocfl.object_path(ID)}/v2/content/original/a")
    assert ocfl.repair(store, ID) is Repair.UNDONE
    assert ocfl.read_inventory(store, ID) == first
    assert not [key for key in store.keys("") if "/v2/" in key]


def test_damage_is_never_repaired_away(tmp_path: Path) -> None:
    store, first = _published(tmp_path)
    second = _second(tmp_path / "v2", first)
    ocfl.publish_version(store, tmp_path / "v2", second)
    key = ocfl.object_path(ID)
    store.replace(f"{key}/inventory.json", b'{"head": "v9"}')
    before = list(store.keys())
    with pytest.raises(BrokenInventory):
        ocfl.repair(store, ID)
    assert list(store.keys()) == before


def test_the_second_of_two_writers_is_refused(tmp_path: Path) -> None:
    store, first = _published(tmp_path)
    ocfl.publish_version(store, tmp_path / "v2", _second(tmp_path / "v2", first))
    with pytest.raises(FileExistsError):
        ocfl.publish_version(store, tmp_path / "other", _second(tmp_path / "other", first))


def test_a_changed_inventory_is_noticed(tmp_path: Path) -> None:
    store, _ = _published(tmp_path)
    path = f"{ocfl.object_path(ID)}/inventory.json"
    store.replace(path, store.read(path) + b" ")
    with pytest.raises(BrokenInventory):
        ocfl.read_inventory(store, ID)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"versions": {"v2": {}}}', b"\xff"])
def test_a_broken_inventory_is_named(content: bytes) -> None:
    with pytest.raises(BrokenInventory):
        Inventory.parse(content)


def test_an_unknown_object_is_not_found(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    with pytest.raises(FileNotFoundError):
        ocfl.read_inventory(store, ID)
    with pytest.raises(FileNotFoundError):
        ocfl.repair(store, ID)


def test_the_key_of_an_object_is_that_of_the_extension() -> None:
    # example of extension 0004 with its default parameters
    assert ocfl.object_path("object-01") == (
        "3c0/ff4/240/3c0ff4240c1e116dba14c7627f2319b58aa3d77606d0d90dfc6161608ac987d4"
    )


def test_the_root_is_prepared_once(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    ocfl.prepare_root(store)
    store.writes = 0
    ocfl.prepare_root(store)
    assert json.loads(store.read("ocfl_layout.json"))["extension"] == ocfl.LAYOUT


def test_bytes_get_both_digests(tmp_path: Path) -> None:
    inventory = _write(tmp_path / "o", a=b"one")
    assert list(inventory.sha256) == [digest_bytes(b"one").sha256]
