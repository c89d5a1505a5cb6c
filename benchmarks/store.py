"""Placing objects in a store: on disk and on S3, beside bare puts to the same server.

`python -m benchmarks --size small|full store` starts a real S3 server (SeaweedFS) on the loopback.
Every object is an OCFL object of six files.  The peer on S3 is the same files by `obstore.put` from
as many threads and nothing else: no order, no note, no write-once; `ratio` is objects a second over
those of the peer in the same run.  On disk the peer is a plain copy with one sync at the end.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import obstore
from tests.services import s3

from liandong.engines.blobs.disk import DiskBlobs
from liandong.kernel.packages.ocfl import Content, object_path, write_object
from liandong.kernel.ports import BlobStore

from . import machine

SIZES = {"small": ((200, 20_000), (4, 16 << 20)), "full": ((5_000, 20_000), (40, 64 << 20))}
TOGETHER = 50  # objects of one call
THREADS = 16
NOW = datetime(2026, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


def run(size: str) -> Iterator[Row]:
    """Two rows for each store: many small objects, and few large ones; then reading them."""
    with s3.running() as server, tempfile.TemporaryDirectory(prefix="liandong-bench-") as name:
        root = Path(name)
        for count, size_bytes in SIZES[size]:
            facts = {"benchmark": "store", "objects": count, "bytes_each": size_bytes}
            disk, remote = DiskBlobs(root / f"disk-{count}"), server.store()
            peers = (
                ("disk", disk, partial(_copy, root / f"copy-{count}")),
                ("s3", remote, partial(_bare, server)),
            )
            for kind, store, act in peers:
                peer = _seconds(act, root, count, size_bytes)
                took = _seconds(partial(_place, store), root, count, size_bytes)
                yield {
                    **facts, "store": kind, **_rates(count, size_bytes, took),
                    "peer_objects_s": round(count / peer, 1), "ratio": round(peer / took, 2),
                    "load": machine.load(),
                }  # fmt: skip
                yield {**facts, "store": kind, **_reading(store, count * size_bytes)}
            remote.close()
    yield {"benchmark": "store", **machine.peak_mb()}


def _rates(count: int, size_bytes: int, took_s: float) -> Row:
    return {
        "objects_s": round(count / took_s, 1),
        "mb_s": round(count * size_bytes / took_s / 1e6, 1),
    }


def _seconds(
    act: Callable[[Mapping[str, Path]], None], root: Path, count: int, size_bytes: int
) -> float:
    """How long it takes with objects made anew, whose making does not count."""
    folder = Path(tempfile.mkdtemp(dir=root))
    made = {}
    for number in range(count):
        urn = f"urn:bench:{number}"
        content = os.urandom(size_bytes)
        digest = hashlib.sha512(content).hexdigest()
        write_object(
            folder / str(number), urn, {"original/a": Content(content, digest)},
            message="", user="", created=NOW,
        )  # fmt: skip
        made[object_path(urn)] = folder / str(number)
    started = time.perf_counter()
    act(made)
    took = time.perf_counter() - started
    shutil.rmtree(folder)
    return took


def _place(store: BlobStore, made: Mapping[str, Path]) -> None:
    keys = list(made)
    for at in range(0, len(keys), TOGETHER):
        store.place_many({key: made[key] for key in keys[at : at + TOGETHER]})


def _copy(target: Path, made: Mapping[str, Path]) -> None:
    for key, folder in made.items():
        shutil.copytree(folder, target / key)
    os.sync()


def _bare(server: s3.S3Server, made: Mapping[str, Path]) -> None:
    store = server.store()._objects._store
    files = [
        (f"{key}/{file.relative_to(folder).as_posix()}", file)
        for key, folder in made.items()
        for file in folder.rglob("*")
        if file.is_file()
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(lambda one: obstore.put(store, *one), files):
            pass


def _reading(store: BlobStore, total: int) -> Row:
    """One pass over all contents, as `archive verify` reads."""
    started = time.perf_counter()
    read = 0
    for key in store.keys(""):
        if "/content/" in key:
            with store.open(key) as stream:
                while block := stream.read(1 << 20):
                    read += len(block)
    if read != total:
        raise AssertionError(f"{read} of {total} bytes came back")
    return {"read_mb_s": round(read / (time.perf_counter() - started) / 1e6, 1)}
