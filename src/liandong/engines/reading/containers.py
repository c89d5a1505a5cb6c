"""Limits for ZIP containers (OFD, office files): judged from the directory before any is read."""

import zipfile
from pathlib import Path, PurePosixPath

from liandong.kernel.ports import Unreadable

MAX_ENTRIES = 20_000
MAX_ENTRY_BYTES = 256 * 2**20
MAX_BYTES = 2**30
MAX_RATIO = 200  # of an entry over RATIO_FROM bytes
RATIO_FROM = 8 * 2**20


def check_zip(file: Path) -> list[str]:
    """The names of the entries.

    Raises Unreadable: FILE-DAMAGED for no ZIP, FILE-TOO-LARGE beyond the limits, FILE-HOSTILE for
    names that lead outside or the same name twice, FILE-ENCRYPTED for encrypted entries.
    """
    try:
        with zipfile.ZipFile(file) as package:
            entries = package.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, OSError) as error:
        raise Unreadable("FILE-DAMAGED", reason="ZIP 容器无法打开") from error
    if len(entries) > MAX_ENTRIES:
        raise Unreadable("FILE-TOO-LARGE", reason=f"容器内有 {len(entries)} 个文件")
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise Unreadable("FILE-TOO-LARGE", reason="容器解压后超过 1 GiB")
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
    if entry.file_size > MAX_ENTRY_BYTES:
        raise Unreadable("FILE-TOO-LARGE", reason=f"容器内文件过大：{name[:80]}")
    if entry.file_size > RATIO_FROM and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        raise Unreadable("FILE-TOO-LARGE", reason=f"容器内文件压缩比异常：{name[:80]}")
