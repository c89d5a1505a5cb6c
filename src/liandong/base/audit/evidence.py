"""Evidence: rows as JSON lines, as CSV, and as a package that a stranger checks without us.

A package of a range holds every row of it, from seal to seal.  A package of chosen rows holds only
those, each with the way from its hash up to the root of its seal: nobody else's acts are given out.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from liandong.base.models import AuditRow, AuditSeal, Outcome
from liandong.base.signing import sign_detached
from liandong.base.tables import harmless
from liandong.kernel import catalog
from liandong.kernel.audit import algorithm_of, proofs
from liandong.kernel.digests import new_sm3
from liandong.kernel.verify_audit import FIELDS

from .heads import read_head
from .rows import rows_between, rows_of
from .seals import to_json

VERIFIER: Final = "verify_audit.py"
HEADINGS: Final = (
    "编号", "时间（北京）", "何人", "身份", "机构", "行为", "对象", "结果", "事由", "来源",
    "请求编号", "细节",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Range:
    """Every row from seal to seal."""

    first: int
    last: int


def line_of(values: Sequence[Any], **more: Any) -> str:
    """A row as one line of JSON, for files and for collectors of logs."""
    told = dict(zip(FIELDS, values, strict=True)) | more
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n"


def write_range(target: Path | BinaryIO, wanted: Range, *, by: str, now: datetime) -> Range:
    """Write a package of a range, widened to whole seals; the range that it holds.

    Rows after the last seal are held by the head.  Seal first, where it matters.
    """
    seals = AuditSeal.objects.filter(last__gte=wanted.first, first__lte=wanted.last)
    covering = list(seals.order_by("number"))
    ends = AuditRow.objects.order_by("-number").values_list("number", flat=True).first() or 0
    first = covering[0].first if covering else 1
    last = min(max([wanted.last, *(one.last for one in covering)]), ends)
    held = Range(first, last)
    about: dict[str, Any] = {"start": first}
    head = read_head()
    if head is not None and head.number <= last:
        about |= {"number": head.number, "hash": head.hash}
    with _Package(target) as package:
        package.lines("rows.jsonl", (line_of(row) for row in rows_between(first, last)))
        package.sheet(rows_between(first, last))
        package.finish(covering, about, _told(by, now, f"{first}–{last}"), now)
    return held


def write_selection(
    target: Path | BinaryIO,
    rows: QuerySet[AuditRow],
    *,
    conditions: Mapping[str, str],
    by: str,
    now: datetime,
) -> int:
    """Write a package of chosen rows, each with its proof; how many.  Rows not sealed stay out."""
    sealed = AuditSeal.objects.last()
    rows = rows.filter(number__lte=sealed.last if sealed else 0)
    numbers = list(rows.order_by("number").values_list("number", flat=True))
    seals = _seals_of(numbers)
    with _Package(target) as package:
        package.lines("rows.jsonl", _proved(rows, seals))
        package.sheet(rows_of(rows))
        said = "；".join(f"{name}={value}" for name, value in conditions.items())
        about = {"selection": True, "start": 1}
        package.finish(seals, about, _told(by, now, said or "全部"), now)
    return len(numbers)


def _seals_of(numbers: Sequence[int]) -> list[AuditSeal]:
    """The seals from the one over the first of these rows to the one over the last."""
    if not numbers:
        return []
    found = AuditSeal.objects.filter(last__gte=numbers[0], first__lte=numbers[-1])
    return list(found.order_by("number"))


def _proved(rows: QuerySet[AuditRow], seals: Iterable[AuditSeal]) -> Iterator[str]:
    for seal in seals:
        inside = list(rows_of(rows.filter(number__gte=seal.first, number__lte=seal.last)))
        if not inside:
            continue
        under = AuditRow.objects.filter(number__gte=seal.first, number__lte=seal.last)
        hashes = list(under.order_by("number").values_list("hash", flat=True))
        places = [row[0] - seal.first for row in inside]
        ways = proofs(hashes, places, algorithm_of(seal.root))
        for row, way in zip(inside, ways, strict=True):
            yield line_of(row, seal=seal.number, proof=way)


def _told(by: str, now: datetime, what: str) -> dict[str, Any]:
    return {"made_at": now.isoformat(), "made_by": by, "rows_of": what}


class _Package:
    """A zip that is being written, with the digest of each file."""

    def __init__(self, target: Path | BinaryIO) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)
        self._files: list[dict[str, Any]] = []

    def __enter__(self) -> "_Package":
        return self

    def __exit__(self, *_error: object) -> None:
        self._zip.close()

    def lines(self, name: str, lines: Iterable[str]) -> None:
        """Add a file, line by line."""
        sha256, sm3, size, count = hashlib.sha256(), new_sm3(), 0, 0
        with self._zip.open(name, "w", force_zip64=True) as out:
            for line in lines:
                content = line.encode("utf-8", "replace")
                for one in (sha256, sm3):
                    one.update(content)
                size, count = size + len(content), count + 1
                out.write(content)
        told = {"name": name, "size": size, "lines": count}
        self._files.append({**told, "sha256": sha256.hexdigest(), "sm3": sm3.hexdigest()})

    def sheet(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add the rows as CSV for people; nothing in it can become a formula."""
        self.lines("rows.csv", sheet_lines(rows))

    def finish(
        self, seals: Iterable[AuditSeal], about: Mapping[str, Any], told: Any, now: datetime
    ) -> None:
        """Add seals, head, verifier, words for people, and the signed list of it all."""
        dumped = (json.dumps(to_json(one), ensure_ascii=False) + "\n" for one in seals)
        self.lines("seals.jsonl", dumped)
        self.lines("head.json", [json.dumps(about) + "\n"])
        script = files("liandong.kernel").joinpath(VERIFIER).read_text("utf-8")
        self.lines(VERIFIER, script.splitlines(keepends=True))
        self.lines("说明.txt", [README])
        manifest = json.dumps({**told, "files": self._files}, ensure_ascii=False, indent=1)
        self._zip.writestr("manifest.json", manifest)
        if "signer" in settings.ENGINES:
            signed = sign_detached(manifest.encode(), now=now)
            self._zip.writestr("signature.json", json.dumps(signed, ensure_ascii=False, indent=1))


def sheet_lines(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The rows as CSV for spreadsheets, with headings; no cell can become a formula."""
    acts = catalog.by_key("audit_acts", "code")
    outcomes = dict(Outcome.choices)
    yield "\ufeff" + _csv_line(HEADINGS)
    for row in rows:
        number, at, by, roles, unit, act, object, outcome, *rest = row[:12]
        when = timezone.localtime(datetime.fromisoformat(at)).strftime("%Y-%m-%d %H:%M:%S")
        name = acts[act]["name_zh"] if act in acts else act
        said = str(outcomes.get(outcome, outcome))
        yield _csv_line([number, when, by, roles, unit, name, object, said, *rest])


def _csv_line(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([harmless(str(cell)) for cell in cells])
    return line.getvalue()


README: Final = """审计证据包

一、里面有什么
  rows.jsonl       审计记录，一行一条（JSON）；rows.csv 是同样的记录，供人看，不作校验之用
  seals.jsonl      覆盖这些记录的封存：编号范围、末条杂凑、根、前一封存的杂凑、签名
  head.json        从第几条起；全程包另有导出时的链头
  verify_audit.py  校验程序，只用 Python 标准库（3.9 以上），不用本系统
  manifest.json    每个文件的大小、SHA-256、SM3；signature.json 是对它的签名

二、怎么校验
  在任何装有 Python 的电脑上，把本包原样放着，另取 verify_audit.py（最好不取包内这一份，
  而取本馆网站公布或事先留存的一份），执行：
      python3 -I verify_audit.py 证据包.zip
  退出码 0：没有发现不符；1：逐条说出哪一条被改（哪一格）、被删、被添加、被挪动；2：读不出。

三、它能证明什么
  全程包：第一条到最后一条逐条相链，改动、删除、插入、调换任何一条都会在该处显出来。
  选取包：只有所选各条，每条带有到封存根的证明；证明这些条原样在链上，不证明没有别的条。
  封存每日一次，签名后存到数据库之外；与另处留存的同号封存对照，可知封存本身没有换过。
  签名公钥的指纹以本馆公布的为准；签名用 SM2，可用任何支持 GB/T 32918 的工具校验。

四、几点说明
  杂凑为 SM3 或 SHA-256，写在每个值前面。时间为 UTC，rows.csv 中为北京时间。
  本包含个人信息，按用途保管，用后按规定销毁。
"""
