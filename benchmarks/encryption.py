"""The container of sealed files against the bare cipher, random reads, and ingest with and without.

`python -m benchmarks encryption`.  Every peer sees the same bytes in the same run, in turns with
ours, and the best turn counts, in seconds of this thread's processor: other work on the machine is
left out as far as that can be.  The bare cipher is measured in one call over all bytes and in calls
of our chunk size, each from memory to memory; the ratio is to the faster of the two.
"""

import hashlib
import io
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.homes import lay_tables

from liandong.engines.keys.cipher import OpensslCipher
from liandong.kernel.sealed import (
    ALGORITHMS,
    Algorithm,
    DataKey,
    Place,
    open_sealed,
    seal,
    seal_bytes,
)

from . import handover
from .ingest import _inside

MEGABYTES = {"small": (1, 8), "full": (1, 32, 256)}
RUNS = {"aes": 15, "sm4": 5}
READS = 500
PIECE = 16 << 10
FILES = {"small": 60, "full": 1_000}
TARGET = 0.7
PLACE = Place("urn:uuid:benchmark", "v1/content/original/0001.sealed")
MAKE = OpensslCipher().aead

Row = dict[str, Any]


def run(size: str) -> Iterator[Row]:
    """Throughput per cipher and size, random reads, and the cost of ingest."""
    for algorithm in ALGORITHMS.values():
        for megabytes in MEGABYTES[size]:
            yield _throughput(algorithm, os.urandom(megabytes << 20))
        yield _random_reads(algorithm, os.urandom(32 << 20))
    yield from _ingest(FILES[size])


# Throughput ---------------------------------------------------------------------------------------


def _throughput(algorithm: Algorithm, content: bytes) -> Row:
    key = DataKey.new(algorithm)
    sealed = seal_bytes(content, key, PLACE, MAKE)
    ways: dict[str, Callable[[], object]] = {
        "bare_once": lambda: _bare(algorithm, key.secret, content, len(content)),
        "bare_chunks": lambda: _bare(algorithm, key.secret, content, 1 << algorithm.chunk_log),
        "seal": lambda: seal(io.BytesIO(content), _nowhere, key, PLACE, MAKE),
        "open": lambda: _read(sealed, key),
        "seal_and_sha512": lambda: seal(
            io.BytesIO(content), hashlib.sha512().update, key, PLACE, MAKE
        ),
        "sha512": lambda: hashlib.sha512(content).digest(),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(RUNS[algorithm.name]):
        for name, way in ways.items():  # in turns: whatever else the machine does, all feel it
            started = time.thread_time()
            way()
            speeds[name].append(len(content) / 1e6 / (time.thread_time() - started))
    best = {name: max(found) for name, found in speeds.items()}
    bare = max(best["bare_once"], best["bare_chunks"])
    return {
        "benchmark": "encryption",
        "what": "throughput",
        "cipher": algorithm.words,
        "megabytes": len(content) >> 20,
        **{f"{name}_mb_s": round(speed, 1) for name, speed in best.items()},
        "seal_share_of_bare": round(best["seal"] / bare, 3),
        "open_share_of_bare": round(best["open"] / bare, 3),
        "ratio": round(min(best["seal"], best["open"]) / bare, 3),
        "target": TARGET,
        "overhead_bytes": len(sealed) - len(content),
    }


def _bare(algorithm: Algorithm, key: bytes, content: bytes, size: int) -> None:
    view = memoryview(content)
    if algorithm.name == "aes":
        aes = AESGCM(key)
        for at in range(0, len(content), size):
            aes.encrypt(at.to_bytes(12, "big"), view[at : at + size], b"")
        return
    for at in range(0, len(content), size):
        sm4 = Cipher(algorithms.SM4(key), modes.GCM(at.to_bytes(12, "big"))).encryptor()
        sm4.update(view[at : at + size])
        sm4.finalize()


def _nowhere(_piece: memoryview) -> None:
    """Where sealed pieces go when only the sealing is measured."""


def _read(sealed: bytes, key: DataKey) -> None:
    with open_sealed(io.BytesIO(sealed), key, PLACE, MAKE) as stream:
        while stream.read(1 << key.algorithm.chunk_log):
            pass


# Random reads -------------------------------------------------------------------------------------


def _random_reads(algorithm: Algorithm, content: bytes) -> Row:
    key, chance = DataKey.new(algorithm), random.Random(1)  # noqa: S311 - places, no secret
    places = [chance.randrange(0, len(content) - PIECE) for _ in range(READS)]
    with tempfile.TemporaryDirectory(prefix="liandong-bench-") as folder:
        plain, sealed = Path(folder, "plain"), Path(folder, "sealed")
        plain.write_bytes(content)
        sealed.write_bytes(seal_bytes(content, key, PLACE, MAKE))
        started = time.thread_time()
        for at in places:  # opened for each, as a request for a tile does
            with plain.open("rb") as stream:
                stream.seek(at)
                stream.read(PIECE)
        bare_s = time.thread_time() - started
        started = time.thread_time()
        for at in places:
            with open_sealed(sealed.open("rb"), key, PLACE, MAKE) as stream:
                stream.seek(at)
                stream.read(PIECE)
        ours_s = time.thread_time() - started
    return {
        "benchmark": "encryption",
        "what": "random_reads",
        "cipher": algorithm.words,
        "piece_bytes": PIECE,
        "reads": READS,
        "plain_us": round(bare_s / READS * 1e6, 1),
        "sealed_us": round(ours_s / READS * 1e6, 1),
    }


# Ingest -------------------------------------------------------------------------------------------


def _ingest(files: int) -> Iterator[Row]:
    found: dict[str, Row] = {}
    for encryption in ("", *ALGORITHMS):
        with tempfile.TemporaryDirectory(prefix="liandong-bench-") as folder:
            root = Path(folder)
            handover.make(root / "in", files)
            lay_tables(root / "home")
            (row,) = _inside(
                "pipeline", root,
                LIANDONG_HOME=str(root / "home"), LIANDONG_ENCRYPTION=encryption,
            )  # fmt: skip
        found[encryption] = row
        yield {**row, "benchmark": "encryption", "what": "ingest", "encryption": encryption}
    plain = found[""]
    for name in ALGORITHMS:
        yield {
            "benchmark": "encryption", "what": "ingest/plain", "encryption": name, "files": files,
            "ratio": round(found[name]["objects_s"] / plain["objects_s"], 3),
            "cpu_ratio": round(found[name]["cpu_s"] / plain["cpu_s"], 3),
        }  # fmt: skip


if __name__ == "__main__":
    for one in run(sys.argv[1] if len(sys.argv) > 1 else "small"):
        print(one)
