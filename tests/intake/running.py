"""Runs hand-overs through the whole pipeline: in this process, or by the command line."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.corpus.handovers import NOW, lay_out
from tests.homes import environment, lay_tables

from liandong.archive.models import Fonds
from liandong.intake.models import Batch
from liandong.intake.services.drive import drive
from liandong.intake.services.receive import incoming_files, receive

INLINE = {"class": "liandong.engines.compute.inline.InlineCompute", "options": {}}


def letter(number: int, more: str = "") -> bytes:
    """A short letter as plain text: it is read in a moment."""
    text = (
        f"关于第{number}号防汛工作的通知\n\n各区县人民政府：\n"
        f"现将第{number}号有关事项通知如下，请认真贯彻执行。{more}\n"
        "滨州市人民政府办公室\n2011年5月6日\n"
    )
    return text.encode()


def take(
    source: Path,
    *,
    accept: bool = True,
    fonds: Fonds | None = None,
    mends: Batch | None = None,
    late: int = 0,
) -> Batch:
    """Receive what is at `source` and drive it as far as it goes; `late` minutes after NOW."""
    now = NOW + timedelta(minutes=late)
    batch = receive(
        incoming_files(source), name="一批", by="wang", now=now, fonds=fonds, accept=accept,
        mends=mends,
    )  # fmt: skip
    return drive(batch.pk, by="wang", clock=lambda: now)


def take_files(root: Path, files: Mapping[str, bytes], **terms: Any) -> Batch:
    """Lay the files out below `root` and take them."""
    return take(lay_out(root, files), **terms)


def states(batch: Batch) -> dict[str, int]:
    """How many items are in each state."""
    return dict(Counter(batch.items.values_list("state", flat=True)))


def told(batch: Batch) -> dict[str, set[str]]:
    """Codes of warnings and blocking findings by item key; "" is the batch as a whole."""
    found: dict[str, set[str]] = {}
    rows = batch.findings.exclude(severity="note").values_list("item__key", "code")
    for key, code in rows:
        found.setdefault(key or "", set()).add(code)
    return found


def blocked(batch: Batch) -> dict[str, set[str]]:
    """As `told`, blocking findings alone."""
    found: dict[str, set[str]] = {}
    for key, code in batch.findings.filter(severity="block").values_list("item__key", "code"):
        found.setdefault(key or "", set()).add(code)
    return found


# By the command line ------------------------------------------------------------------------------


FILLING = {"restore", "restore-recovery"}


def liandong(home: Path, *words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; a data folder that is not there yet gets its tables first.

    What fills an empty folder wants none.
    """
    is_new = not (home.exists() and any(home.iterdir()))
    if is_new and "LIANDONG_DATABASE" not in more and not FILLING & set(words[:2]):
        lay_tables(home)
    return subprocess.run(
        [sys.executable, "-m", "liandong.site", *map(str, words)],
        env=environment(home, **more), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def lines(outcome: subprocess.CompletedProcess[str]) -> Sequence[dict[str, Any]]:
    """The JSON objects on stdout, one a line."""
    return [json.loads(line) for line in outcome.stdout.splitlines()]
