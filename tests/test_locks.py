"""Locks hold a digest for every package and the address of none."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


def _packages(lock: Path) -> dict[str, str]:
    """Requirement line → everything up to the next one."""
    text = lock.read_text("utf-8")
    parts = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    return {part.split(" ", 1)[0]: part for part in parts if part[:1].isalnum()}


def test_the_four_locks_are_there() -> None:
    assert [lock.stem for lock in LOCKS] == ["cluster", "dev", "e2e", "run"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_holds_no_address_and_no_option(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^--", text, flags=re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_of_a_lock_is_pinned_with_a_digest(lock: Path) -> None:
    packages = _packages(lock)
    assert packages
    for name, part in packages.items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==\S+", name), name
        assert "--hash=sha256:" in part, name


def test_every_larger_lock_holds_the_smaller_with_the_same_versions() -> None:
    cluster, dev, e2e, run = (set(_packages(lock)) for lock in LOCKS)
    assert run <= cluster <= dev <= e2e


def test_every_dependency_of_the_project_is_locked() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    block = text.split("dependencies = [", 1)[1].split("\n]", 1)[0]
    wanted = {name.lower() for name in re.findall(r'^    "([A-Za-z0-9._-]+)', block, re.MULTILINE)}
    locked = {name.split("==")[0].lower() for name in _packages(ROOT / "requirements" / "run.lock")}
    assert wanted <= locked


def test_the_lock_of_the_front_end_holds_digests_and_no_address() -> None:
    text = (ROOT / "frontend" / "package-lock.json").read_text("utf-8")
    packages = json.loads(text)["packages"]
    assert '"resolved"' not in text
    for name, package in packages.items():
        assert not name or package.get("integrity") or package.get("inBundle"), name
