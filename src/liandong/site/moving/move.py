"""A move from one set of engines to another: begin, copy, compare, prove.

The target must be empty, or be the target of this very move: a note in its database says so, and
how far it is.  Nothing of the source is changed.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.core.management import call_command

from liandong.site.engine_sets import STORES

from . import bytes as stored
from . import rows
from .sides import Side

Progress = Callable[[int, int], None]


class NotEmpty(Exception):
    """The target is in use: `part` is database, store, evidence or folder."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


class Line(NamedTuple):
    """What was compared, on both sides."""

    part: str
    found: str
    is_equal: bool


def move(source: Side, target: Side, name: str, *, progress: Progress) -> Iterator[Line]:
    """Copy everything and compare it; `name` tells this move from others.  Resumable.

    Raises NotEmpty before anything is written, rows.UnknownTable, DatabaseError and OSError: then
    call it again with the same name.  After the last line the target waits for `end`.
    """
    target.home.mkdir(mode=0o700, parents=True, exist_ok=True)  # its database may lie there
    state = rows.state_of(target.alias, name)
    if state == "copied":
        return
    _begin(source, target, name, state)
    call_command("migrate", database=target.alias, verbosity=0, interactive=False)
    if rows.state_of(target.alias, name) == "new":
        rows.empty_tables(target.alias)
        rows.set_state(target.alias, name, "copying")
    rows.copy_rows(source.alias, target.alias, progress=progress)
    found = [*_tables(source, target), *move_stores(source, target, progress=progress)]
    found += _folders(source, target)
    yield from found
    if all(line.is_equal for line in found):
        rows.set_state(target.alias, name, "copied")


def end(target: Side) -> None:
    """Take the note away: the target is an installation like any other."""
    rows.set_state(target.alias, "", "")


def _begin(source: Side, target: Side, name: str, state: str) -> None:
    if not state:
        raise NotEmpty("database")
    if state != "empty":
        return
    for role, place in STORES.items():
        if source.stores[role] != target.stores[role]:
            store = target.open_store(role)
            if next(iter(store.keys()), None) is not None:
                raise NotEmpty(place)
    if source.home != target.home and target.home.is_dir() and any(stored.files_of(target.home)):
        raise NotEmpty("folder")
    rows.set_state(target.alias, name, "new")


def _tables(source: Side, target: Side) -> Iterator[Line]:
    for table, one, other in rows.pairs(source.alias, target.alias):
        if one.rows or other.rows:
            told = f"{one.rows} {one.digest[:16]}"
            same = one == other
            yield Line(table, told if same else f"{told} ≠ {other.rows} {other.digest[:16]}", same)


def move_stores(source: Side, target: Side, *, progress: Progress) -> Iterator[Line]:
    """Copy the stores and compare them; those of the same place not."""
    for role, place in STORES.items():
        if source.stores[role] == target.stores[role]:
            continue
        one, other = source.open_store(role), target.open_store(role)
        stored.copy_blobs(one, other, progress=progress)
        yield _line(place, stored.compare_blobs(one, other, progress=progress))


def _folders(source: Side, target: Side) -> Iterator[Line]:
    """The data folder, and the keys that stand apart from it."""
    pairs = {"folder": (source.home, target.home), "keys": (source.keys, target.keys)}
    for part, (one, other) in pairs.items():
        if one is not None and other is not None and one != other and one.is_dir():
            stored.copy_folder(one, other)
            yield _line(part, stored.compare_folder(one, other))


def _line(part: str, found: stored.Compared) -> Line:
    wrong = f", ≠ {len(found.wrong)}: {found.wrong[0]}" if found.wrong else ""
    return Line(part, f"{found.files} files, {found.size} bytes{wrong}", not found.wrong)
