"""Backup and restore: what comes back verifies, and a damaged backup is never put in place."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from tests.corpus.handovers import catalogued, code, lay_out, row
from tests.intake.running import letter, liandong, lines


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data folder with a record and a held item, and its backup."""
    root = tmp_path_factory.mktemp("backup")
    files = {f"{code(1)}.txt": letter(1), f"{code(3)} 名字 'odd'.txt": letter(3)}
    source = lay_out(root / "in", catalogued([row(1)], files))
    liandong(root / "home", "intake", "receive", source, "--fonds", "Z109", "--accept")
    outcome = liandong(root / "home", "backup", root / "all.tar")
    assert (outcome.returncode, outcome.stdout.strip()) == (0, str(root / "all.tar"))
    return root / "home", root / "all.tar"


def _tree(home: Path) -> dict[str, bytes]:
    return {
        file.relative_to(home).as_posix(): file.read_bytes()
        for name in ("store", "staging")
        for file in (home / name).rglob("*")
        if file.is_file()
    }


def test_what_comes_back_is_the_same_and_verifies(kept: tuple[Path, Path], tmp_path: Path) -> None:
    home, file = kept

    outcome = liandong(tmp_path / "new", "restore", file)

    assert outcome.returncode == 0, outcome.stderr
    assert _tree(tmp_path / "new") == _tree(home)
    assert (tmp_path / "new" / "secret.key").read_text() == (home / "secret.key").read_text()
    (hit,) = lines(liandong(tmp_path / "new", "search", "防汛", "--json"))
    assert hit["code"] == code(1)


@pytest.mark.slow
def test_a_folder_in_use_is_never_overwritten(kept: tuple[Path, Path]) -> None:
    home, file = kept
    before = _tree(home)

    outcome = liandong(home, "restore", file)

    assert (outcome.returncode, "不能恢复" in outcome.stderr) == (2, True)
    assert _tree(home) == before


def test_a_backup_never_overwrites_a_file(kept: tuple[Path, Path]) -> None:
    home, file = kept

    assert liandong(home, "backup", file).returncode == 2


def _changed(file: Path, target: Path, name: str) -> Path:
    """The backup with other bytes under one name, as a worn disk gives them."""
    with tarfile.open(file) as old, tarfile.open(target, "w") as new:
        for member in old:
            content = old.extractfile(member).read()  # type: ignore[union-attr]
            if member.name.endswith(name):
                content = bytes([content[0] ^ 1]) + content[1:]
            new.addfile(member, io.BytesIO(content))
    return target


@pytest.mark.slow
@pytest.mark.parametrize("name", ["description.json", "liandong.sqlite3"])
def test_a_damaged_backup_is_refused(name: str, kept: tuple[Path, Path], tmp_path: Path) -> None:
    broken = _changed(kept[1], tmp_path / "broken.tar", name)

    outcome = liandong(tmp_path / "new", "restore", broken)

    assert outcome.returncode == 2
    assert "1 files differ" in outcome.stderr
    assert not (tmp_path / "new" / "liandong.sqlite3").exists()
    assert liandong(tmp_path / "new", "restore", kept[1]).returncode == 0  # the good one still can


@pytest.mark.slow
def test_a_backup_cut_off_or_hostile_is_refused(kept: tuple[Path, Path], tmp_path: Path) -> None:
    content = kept[1].read_bytes()
    (tmp_path / "cut.tar").write_bytes(content[: len(content) // 2])
    with tarfile.open(tmp_path / "out.tar", "w") as tar:
        member = tarfile.TarInfo("../../escaped")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))

    for name in ("cut.tar", "out.tar"):
        assert liandong(tmp_path / "a" / "b" / "new", "restore", tmp_path / name).returncode == 2
    assert not list(tmp_path.rglob("escaped"))


def test_the_manifest_has_a_digest_of_every_file(kept: tuple[Path, Path]) -> None:
    with tarfile.open(kept[1]) as tar:
        names = set(tar.getnames())
        rows = tar.extractfile("manifest.jsonl").read().decode().splitlines()  # type: ignore[union-attr]

    listed = {row["path"]: row for row in map(json.loads, rows[1:])}
    assert listed.keys() == names - {"manifest.jsonl"}
    assert all(len(row["sha256"]) == 64 for row in listed.values())
