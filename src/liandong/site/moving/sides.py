"""The two ends of a move: a database, the stores, the data folder and the folder of keys."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils.module_loading import import_string

from liandong.kernel.ports import BlobStore
from liandong.site.engine_sets import STORES, blobs_of, database_of, disk_of, sqlite_of
from liandong.site.knobs import PREFIX, BadKnob, read_knobs

Setting = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """One end; `open_store` makes the store of a role."""

    alias: str  # of the database in `connections`
    database: Setting
    stores: Mapping[str, Setting]  # by role
    home: Path
    keys: Path | None  # None: the folder of keys does not move

    def open_store(self, role: str) -> BlobStore:
        """The store of this role, blobs or evidence."""
        wanted = self.stores[role]
        made: BlobStore = import_string(wanted["class"])(**wanted["options"])
        return made


def here() -> Side:
    """The installation that the settings of this process name."""
    stores = {role: settings.ENGINES[role] for role in STORES}
    return Side("default", settings.DATABASES["default"], stores, settings.HOME, settings.KEYS)


def elsewhere(environment: Mapping[str, str]) -> Side:
    """The installation that a file of settings names.  Raises BadKnob."""
    knobs: Mapping[str, Any] = read_knobs(environment)
    stores = {role: blobs_of(knobs, name) for role, name in STORES.items()}
    home = knobs["HOME"]
    side = Side("target", database_of(knobs), stores, home, knobs["KEYS"] or home / "keys")
    return _connected(side)


def unpacked(folder: Path) -> Side:
    """What a backup holds, unpacked."""
    stores = {role: disk_of(folder / name) for role, name in STORES.items()}
    database = sqlite_of(folder / "liandong.sqlite3")
    return _connected(Side("source", database, stores, folder, None))


def _connected(side: Side) -> Side:
    known = {**connections.settings, side.alias: dict(side.database)}
    connections.settings[side.alias] = connections.configure_settings(known)[side.alias]
    return side


def read_environment(file: Path) -> dict[str, str]:
    """The variables of a file for systemd: `NAME=value` a line, `#` begins a comment.

    Raises OSError, and BadKnob for a line that is none.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith(("#", ";")):
            continue
        name, sign, value = text.partition("=")
        if not sign or not name.isidentifier():
            raise BadKnob(f"{file}:{number}: {text[:40]!r}")
        found[name] = value.strip().strip("\"'")
    return found


def process_environment(file_values: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program that runs with the settings of a file and no others."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    kept.pop("DJANGO_SETTINGS_MODULE", None)
    return {**kept, **file_values}
