"""Self-examination: what this installation has, what is missing, and what to do about it."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from liandong.archive.models import Record
from liandong.archive.services.keyring import key_of
from liandong.archive.services.objects import record_urn
from liandong.base.audit.grants import rights_now
from liandong.base.audit.heads import read_head
from liandong.base.audit.queries import audit_state
from liandong.base.engines import engine
from liandong.base.models import Account, AuditRow
from liandong.base.people.services.accounts import missing_officers
from liandong.base.triggers import UNIQUE, is_guarded
from liandong.kernel.digests import SM3_OF_ABC, digest_bytes
from liandong.kernel.sealed import CannotOpen

from .recovery import copy_state
from .server import DEMO_ACCOUNTS, DEMO_PASSWORD
from .worker import ALIVE_S, heartbeat

SEAL_LATE = timedelta(days=2)
FREE_MIN = 2 * 1024**3
State = str  # ok, optional (something works less well), broken
Answer = tuple[State, str, str, str]  # state, found, advice zh, advice en


def examine(language: str) -> Iterator[dict[str, Any]]:
    """One row per part: {"part","state","found","advice"}; nothing here raises."""
    for part, look in PARTS:
        try:
            state, found, advice_zh, advice_en = look()
        except Exception as error:  # noqa: BLE001 - a part that fails is the answer
            state, found, advice_zh, advice_en = (
                "broken",
                f"{type(error).__name__}: {error}",
                "查看日志",
                "See the log",
            )
        advice = advice_zh if language == "zh" else advice_en
        yield {
            "part": part,
            "state": state,
            "found": found,
            "advice": advice if state != "ok" else "",
        }


def _python() -> Answer:
    return "ok", sys.version.split()[0], "", ""


def _database() -> Answer:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok", f"{connection.vendor}, {Record.objects.count()} records", "", ""


def _disk() -> Answer:
    free = shutil.disk_usage(settings.HOME).free
    state = "ok" if free > FREE_MIN else "broken"
    return (
        state,
        f"{free / 1024**3:.1f} GB free at {settings.HOME}",
        "清理或扩充磁盘",
        "Free or add disk space",
    )


def _digests() -> Answer:
    state = "ok" if digest_bytes(b"abc").sm3 == SM3_OF_ABC else "broken"
    return (
        state,
        "SHA-512 SHA-256 SM3",
        "密码库异常，勿入库",
        "The crypto library is wrong: do not ingest",
    )


def _index() -> Answer:
    search = engine("search")
    indexed, records = search.count(), Record.objects.count()
    state = "ok" if indexed == records else "optional"
    return (
        state,
        f"{search.state()}; {indexed}/{records}",
        "运行 liandong archive reindex",
        "Run liandong archive reindex",
    )


def _store() -> Answer:
    store = engine("blobs")
    try:
        found = store.state()
    except OSError as error:
        return (
            "broken", str(error.strerror or error),
            "存储不可用：检查 LIANDONG_STORE、LIANDONG_S3_ 各项与存储服务",
            "The store is away: check LIANDONG_STORE, LIANDONG_S3_… and its server",
        )  # fmt: skip
    state = "ok" if not Record.objects.exists() or store.exists("0=ocfl_1.1") else "broken"
    return (
        state,
        found,
        "存储根缺失：从备份恢复",
        "The storage root is missing: restore a backup",
    )


def _recognition() -> Answer:
    import numpy as np

    from liandong.engines.reading.recognition import Recogniser

    started = time.perf_counter()
    Recogniser().recognise(np.full((64, 256, 3), 255, np.uint8))
    return "ok", f"PP-OCRv6, {time.perf_counter() - started:.1f} s", "", ""


def _formats() -> Answer:
    return "ok", str(engine("identifier").version), "", ""


def _virus() -> Answer:
    trusted, version = engine("antivirus").state()
    return (
        "ok" if trusted else "optional", version,
        "病毒检测转人工；安装：apt-get install clamav-daemon，并设 LIANDONG_CLAMD",
        "Virus checks go to a person; install clamav-daemon and set LIANDONG_CLAMD",
    )  # fmt: skip


def _office() -> Answer:
    soffice = shutil.which("soffice") or ""
    return (
        "ok" if soffice else "optional", soffice or "—",
        "旧版办公文件不读；安装：apt-get install libreoffice",
        "Legacy office files are not read; install libreoffice",
    )  # fmt: skip


def _font() -> Answer:
    listed = _run(["fc-list", ":lang=zh", "family"])
    return (
        "ok" if listed else "optional", listed.splitlines()[0] if listed else "—",
        "OFD 页图与演示扫描件需要中文字体；安装：apt-get install fonts-noto-cjk",
        "OFD page images need a Chinese font; install fonts-noto-cjk",
    )  # fmt: skip


def _run(command: list[str]) -> str:
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603


def _worker() -> Answer:
    beat = heartbeat()
    age = time.time() - beat.stat().st_mtime if beat.exists() else None
    state = "ok" if age is not None and age < ALIVE_S else "optional"
    found = "—" if age is None else f"{age:.0f} s"
    return state, found, "后台作业未运行：liandong serve", "No worker is running: liandong serve"


def _audit() -> Answer:
    """Guards of the tables, head and seals; the rows themselves are for `audit verify`."""
    advice = "运行 liandong audit verify", "Run liandong audit verify"
    unguarded = [table for table in UNIQUE if not is_guarded(table)]
    if unguarded:
        return "broken", f"no triggers: {' '.join(unguarded)}", *advice
    try:
        head = read_head()
    except ValueError:
        return "broken", "head.json", *advice
    if (
        head is not None
        and not AuditRow.objects.filter(number=head.number, hash=head.hash).exists()
    ):
        return "broken", f"row {head.number} is gone", *advice
    state = audit_state()
    sealed = state.seal.day.isoformat() if state.seal else "—"
    late = state.rows > 0 and (state.seal is None or timezone.now() - state.seal.at > SEAL_LATE)
    return (
        "optional" if late else "ok", f"{state.rows} rows, sealed {sealed}",
        "封存停了：liandong serve，或 liandong audit seal",
        "Sealing has stopped: liandong serve, or liandong audit seal",
    )  # fmt: skip


def _audit_rights() -> Answer:
    if connection.vendor != "postgresql":
        return "ok", "triggers", "", ""
    strong = [name for name, held in rights_now().items() if held]
    return (
        "optional" if strong else "ok", " ".join(strong) or "select, insert",
        "应用的数据库角色过强：运行 liandong audit grants，见 docs/operate/audit.md",
        "The role of the application is too strong: run liandong audit grants",
    )  # fmt: skip


def _encryption() -> Answer:
    sealed = Record.objects.exclude(encryption="").count()
    plain = Record.objects.filter(encryption="").count()
    wanted = settings.ENCRYPTION
    state = "optional" if wanted and plain else "ok"
    return (
        state, f"{wanted or '—'}, {sealed} encrypted, {plain} plain",
        "还有未加密的档案：liandong archive encrypt --all",
        "Some records are plain: liandong archive encrypt --all",
    )  # fmt: skip


def _keys() -> Answer:
    """Whether the keys of encrypted records can be had, and lie in a copy."""
    record = Record.objects.exclude(encryption="").order_by("-pk").first()
    if record is not None:
        try:
            key_of(record_urn(record.object_id))
        except CannotOpen as error:
            return (
                "broken", f"{error.code} {record.code}",
                "密钥缺失：由另存文件恢复 liandong key restore-recovery",
                "Keys are missing: liandong key restore-recovery",
            )  # fmt: skip
    copy = copy_state()
    found = f"{copy.files} files, copied {copy.made or '—'}"
    return (
        "optional" if copy.is_newer else "ok", found,
        "密钥有变而未另存：liandong key export-recovery，另处保管",
        "Keys changed since the last copy: liandong key export-recovery, and keep it elsewhere",
    )  # fmt: skip


def _signing() -> Answer:
    signer = engine("signer")
    note = "certified" if signer.is_certified else "not a certified product"
    return "ok", f"{signer.algorithm}, {signer.module}, {note}", "", ""


def _officers() -> Answer:
    missing = [str(officer.label) for officer in missing_officers()]
    return (
        "optional" if missing else "ok", "、".join(missing) or "3",
        "三员不全：运行 liandong account officers",
        "Officers are missing: run liandong account officers",
    )  # fmt: skip


def _passwords() -> Answer:
    held = Account.objects.filter(username__in=DEMO_ACCOUNTS, is_active=True)
    known = [one.username for one in held if one.check_password(DEMO_PASSWORD)]
    return (
        "optional" if known else "ok", ", ".join(known) or "—",
        "演示密码人人知道：正式使用前停用这些账号",
        "Everyone knows the demonstration passwords: close these accounts before real use",
    )  # fmt: skip


PARTS: tuple[tuple[str, Callable[[], Answer]], ...] = (
    ("python", _python),
    ("database", _database),
    ("disk", _disk),
    ("digests", _digests),
    ("store", _store),
    ("encryption", _encryption),
    ("keys", _keys),
    ("signing", _signing),
    ("index", _index),
    ("formats", _formats),
    ("recognition", _recognition),
    ("fonts", _font),
    ("antivirus", _virus),
    ("libreoffice", _office),
    ("worker", _worker),
    ("audit", _audit),
    ("audit rights", _audit_rights),
    ("officers", _officers),
    ("passwords", _passwords),
)
