"""The head of the chain, kept outside the database: whoever has the database alone cannot forge it.

After each act the file `audit/head.json` in the data folder names the last row with a keyed code.
A table that lacks that row has lost rows at its end: the head then stays as it was, as evidence,
until somebody acknowledges the loss (`resume`).
"""

import json
import logging
import os
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from liandong.base.locks import hold
from liandong.base.models import AuditRow
from liandong.kernel.audit import algorithm_of, code_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """The last row that this machine knows to be written."""

    number: int
    hash: str


def folder() -> Path:
    """Where head and seals are kept: `audit` in the data folder."""
    return Path(settings.HOME) / "audit"


def key() -> bytes:
    """The secret that codes are made with; made when there is none.  Raises OSError."""
    return keys()[0]


def keys() -> tuple[bytes, ...]:
    """Every key of the file `audit.key`: the first makes codes, the others are former ones."""
    file = Path(settings.KEYS) / "audit.key"
    if not file.exists():
        _make_key(file)
    return _read_keys(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read_keys(file: Path, _changed: int) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(line) for line in file.read_text("ascii").split())


def _make_key(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(f"{secrets.token_hex(32)}\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.link(fresh, file)
    except FileExistsError:  # another process was quicker
        pass
    finally:
        fresh.unlink(missing_ok=True)


def digest_of(text: str) -> str:
    """What stands in a row for a text that must not: a keyed digest, 32 hex digits.

    Whoever has the key and a guess can tell whether it is the same text; nobody else can.
    """
    plain = unicodedata.normalize("NFKC", " ".join(text.split())).casefold()
    return code_of(f"text {plain}".encode("utf-8", "replace"), key(), "sm3").partition(":")[2][:32]


def read_head() -> Head | None:
    """The head as the file says; None where there is none.  Raises ValueError for a forged one."""
    try:
        known = json.loads((folder() / "head.json").read_text("utf-8") or "null")
    except FileNotFoundError:
        return None
    if known is None:  # cut off by a power failure before it was on the disk
        return None
    try:
        head = Head(int(known["number"]), str(known["hash"]))
        told = str(known["mac"])
    except (KeyError, TypeError) as error:
        raise ValueError("head.json") from error
    if told not in {_code(head, one) for one in keys()}:
        raise ValueError("head.json")
    return head


def follow(first: AuditRow, last: AuditRow) -> None:
    """Let the head follow rows that were committed: from `first` to `last`, which are chained.

    It goes on to the newest row that is there, so that of many writers who wait for the file only
    the first writes it.  Where the row that the head names is gone, nothing is written but an alarm
    in the log.
    """
    with hold("audit-head", wait=True):
        try:
            head = read_head()
        except ValueError:
            log.error("audit.head_forged file=%s", folder() / "head.json")
            return
        if head is not None and last.number <= head.number and _is_there(head):
            return
        if head is not None and not _stands(head, first):
            log.error("audit.rows_lost head=%s row=%s", head.number, last.number)
            return
        newest = AuditRow.objects.order_by("-number").values_list("number", "hash").first()
        write_head(Head(*newest) if newest else Head(last.number, last.hash))


def _stands(head: Head, first: AuditRow) -> bool:
    """Whether the row that the head names is still there, as it was."""
    if head.number == first.number - 1:
        return head.hash == first.previous
    return _is_there(head)


def _is_there(head: Head) -> bool:
    return AuditRow.objects.filter(number=head.number, hash=head.hash).exists()


def write_head(head: Head) -> None:
    """Replace the file, whole or not at all."""
    folder().mkdir(parents=True, exist_ok=True)
    known = {"number": head.number, "hash": head.hash, "mac": _code(head, key())}
    fresh = folder() / f".head.{os.getpid()}.{secrets.token_hex(4)}"
    fresh.write_text(json.dumps(known), "utf-8")
    fresh.replace(folder() / "head.json")


def set_aside(*, now: datetime) -> Path:
    """Move head and seals away, for whoever acknowledges a loss; where they are now."""
    with hold("audit-head", wait=True):
        aside = folder() / "superseded" / now.astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        aside.mkdir(parents=True)
        for name in ("head.json", "seals"):
            if (folder() / name).exists():
                (folder() / name).rename(aside / name)
    return aside


def _code(head: Head, one: bytes) -> str:
    return code_of(f"head {head.number} {head.hash}".encode(), one, algorithm_of(head.hash))
