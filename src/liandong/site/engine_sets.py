"""Which engines keep the bytes and the rows of an installation, by its knobs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

KEEP_S = 60  # seconds that a connection is kept for the next request
STORES = {"blobs": "store", "evidence": "evidence"}  # role of the engine, name of its place


def database_of(knobs: Mapping[str, Any]) -> dict[str, Any]:
    """The database of Django: SQLite in the data folder, or PostgreSQL."""
    if not knobs["DATABASE"]:
        return sqlite_of(knobs["HOME"] / "liandong.sqlite3")
    part = urlsplit(knobs["DATABASE"])
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": part.path.lstrip("/"),
        "USER": part.username or "",
        "PASSWORD": knobs["DATABASE_PASSWORD"] or part.password or "",
        "HOST": part.hostname or "",
        "PORT": part.port or "",
        "CONN_MAX_AGE": KEEP_S,
        "CONN_HEALTH_CHECKS": True,  # the server may have been started anew meanwhile
    }


def sqlite_of(file: Path) -> dict[str, Any]:
    """The database of Django in a file."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "CONN_MAX_AGE": KEEP_S,  # opening and closing costs as much as a small request
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def blobs_of(knobs: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The store of this name: a folder of the data folder, or below a prefix of a bucket."""
    if not knobs["STORE"]:
        return disk_of(knobs["HOME"] / name)
    place = urlsplit(knobs["STORE"])
    return {
        "class": "liandong.engines.blobs.s3.S3Blobs",
        "options": {
            "bucket": place.netloc,
            "prefix": f"{place.path.strip('/')}/{name}".strip("/"),
            "endpoint": knobs["S3_ENDPOINT"],
            "region": knobs["S3_REGION"],
            "key": knobs["S3_KEY"],
            "secret": knobs["S3_SECRET"],
            "cache": knobs["HOME"] / "cache" / "blobs" / name,
            "cache_bytes": knobs["S3_CACHE_GB"] * 1024**3,
        },
    }


def disk_of(folder: Path) -> dict[str, Any]:
    """A store in a folder."""
    return {"class": "liandong.engines.blobs.disk.DiskBlobs", "options": {"folder": folder}}
