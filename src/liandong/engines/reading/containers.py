"""Limits for ZIP containers (OFD, office files): judged from the directory before any is read."""

import zipfile
from pathlib import Path, PurePosixPath

from liandong.kernel.hostility import HostileZip, ZipLimits, open_zip
from liandong.kernel.ports import Unreadable

METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # others unpack without a bound
MAX_ENTRIES = 20_000
MAX_ENTRY_BYTES = 256 * 2**20
MAX_BYTES = 2**30
MAX_RATIO = 200  # of an entry over RATIO_FROM bytes
RATIO_FROM = 8 * 2**20
_LIMITS = ZipLimits(ratio=2**40, entries=MAX_ENTRIES, size_bytes=MAX_BYTES)  # ratio: by entry
_REASONS = {
    "ZIP-ENTRIES": f"容器内超过 {MAX_ENTRIES} 个文件",
    "ZIP-SIZE": "容器解压后超过 1 GiB",
    "ZIP-BOMB": "容器压缩比异常",
}


def check_zip(file: Path) -> list[str]:
    """The names of the entries.

    Raises Unreadable: FILE-DAMAGED for no ZIP, FILE-TOO-LARGE beyond the limits, FILE-HOSTILE for
    names that lead outside or the same name twice, FILE-ENCRYPTED for encrypted entries.
    """
    try:
        with open_zip(file, _LIMITS) as package:
            entries = package.infolist()
    except HostileZip as error:
        reason = _REASONS.get(error.code)
        if reason is None:
            raise Unreadable("FILE-DAMAGED", reason="ZIP 容器无法打开") from error
        raise Unreadable("FILE-TOO-LARGE", reason=reason) from error
    except OSError as error:
        raise Unreadable("FILE-DAMAGED", reason="ZIP 容器无法打开") from error
    seen: set[str] = set()
    for entry in entries:
        _check_entry(entry)
        if entry.filename in seen:
            raise Unreadable(
                "FILE-HOSTILE", reason=f"容器内同名文件出现两次：{entry.filename[:80]}"
            )
        seen.add(entry.filename)
    return [entry.filename for entry in entries]


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename.replace("\\", "/")
    if ".." in PurePosixPath(name).parts or name[1:2] == ":":
        raise Unreadable("FILE-HOSTILE", reason=f"容器内路径越界：{name[:80]}")
    if entry.flag_bits & 1:
        raise Unreadable("FILE-ENCRYPTED")
    if entry.compress_type not in METHODS:
        raise Unreadable("FILE-HOSTILE", reason=f"容器内压缩方法不受支持：{name[:80]}")
    if entry.file_size > MAX_ENTRY_BYTES:
        raise Unreadable("FILE-TOO-LARGE", reason=f"容器内文件过大：{name[:80]}")
    if entry.file_size > RATIO_FROM and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        raise Unreadable("FILE-TOO-LARGE", reason=f"容器内文件压缩比异常：{name[:80]}")
