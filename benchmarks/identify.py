"""Identification: files per second, and the share of PUIDs right on the skeletons of DROID.

A skeleton is named by its PUID (`fmt-14-signature-id-123.pdf`): the smallest file that has the
signature.  What PRONOM itself ranks above another counts as wrong here.  The limit is reading the
same files for their SHA-256: `ratio` is its files a second over those identified.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liandong.engines.identification.signatures import SignatureIdentifier

from . import machine

SHARED = Path(os.environ.get("LIANDONG_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
_NAME = re.compile(r"((?:x-)?fmt)-([0-9]+)-.*")


def run(size: str) -> Iterator[dict[str, Any]]:
    """One row per number of threads."""
    folder = SHARED / "droid_skeletons" / "test-skeletons"
    files = [file for file in sorted(folder.rglob("*")) if _NAME.fullmatch(file.name)]
    if not files:
        yield {"benchmark": "identify", "skipped": f"no skeletons in {folder}"}
        return
    expected = ["/".join(_NAME.fullmatch(file.name).groups()) for file in files]  # type: ignore[union-attr]
    started = time.perf_counter()
    for file in files:
        hashlib.sha256(file.read_bytes())
    limit = len(files) / (time.perf_counter() - started)
    for workers in (1, 0):
        identifier = SignatureIdentifier(workers)
        identifier.identify(files[:1])  # loads the signatures
        started = time.perf_counter()
        found = identifier.identify(files)
        seconds = time.perf_counter() - started
        right = sum(one.puid == puid for one, puid in zip(found, expected, strict=True))
        yield {
            "benchmark": "identify", "threads": workers or os.cpu_count(), "files": len(files),
            "files_s": round(len(files) / seconds, 1), "right": right,
            "peer_files_s": round(limit, 1), "ratio": round(limit * seconds / len(files), 1),
            "share": round(right / len(files), 4), "version": identifier.version[:60],
            **machine.peak_mb(), "load": machine.load(),
        }  # fmt: skip
