"""Checks of a hand-over as a whole: counts, package structure, sequence, extra files, scanner."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from liandong.base.engines import engine
from liandong.intake.models import Batch, Item
from liandong.intake.services.unpacking.draft import finding_from_json
from liandong.kernel.checks import Finding, Verdict
from liandong.kernel.codes import BadCode, class_of, detect, template
from liandong.kernel.metadata import fields

from .sight import Answer, by_hand, judge, link_prefix, not_applicable, told, worst

EXPECTED_COLUMNS = ("archival_code", "title", "author", "document_date", "retention_period")
PACKAGES = frozenset({"bagit", "dat93", "eep"})
GAPS_MAX = 50  # findings on missing numbers; more says nothing new


@dataclass
class BatchSight:
    """A batch as the checks of the whole see it; each read is done once."""

    batch: Batch

    @property
    def prefix(self) -> str:
        return link_prefix(self.batch)

    @cached_property
    def told(self) -> list[Finding]:
        return [finding_from_json(one) for one in self.batch.declared.get("unpacked", [])]

    @cached_property
    def item_told(self) -> list[Finding]:
        rows = self.batch.items.exclude(checks={}).values_list("checks", flat=True)
        return [finding_from_json(one) for checks in rows.iterator()
                for one in checks.get("unpack", [])]  # fmt: skip

    @cached_property
    def about(self) -> Mapping[str, str]:
        about: Mapping[str, str] = self.batch.declared.get("about", {})
        return about

    def find(self, suffix: str, where: str = "", column: str = "", **facts: str) -> Finding:
        return Finding(f"{self.prefix}-{suffix}", where, None, column, facts=facts)


def catalogue_files(sight: BatchSight) -> Answer:
    """Catalogue and description files are there and have the columns they need."""
    faults = told(sight.told, "CAT-", "T93-NO-NOTES", "T93-NO-CATALOGUE", "T93-CATALOGUE",
                  "BAG-TAG", "BAG-NO-DECLARATION", "BAG-BAD-DECLARATION",
                  "BAG-NO-MANIFEST")  # fmt: skip
    if sight.batch.kind == "bare" and not faults:
        return not_applicable("未移交目录")
    where = str(sight.batch.declared.get("catalogue", sight.batch.kind))
    return Answer(worst(faults), "说明文件、目录文件齐全规范", _codes(faults), where)


def _codes(findings: list[Finding]) -> str:
    return "、".join(dict.fromkeys(finding.code for finding in findings))[:300]


def package_structure(sight: BatchSight) -> Answer:
    """The folders of a package are as its standard says."""
    if sight.batch.kind not in PACKAGES:
        return not_applicable("不是规定结构的信息包")
    faults = told([*sight.told, *sight.item_told], "BAG-", "T93-", "EEP-", "PKG-")
    return Answer(worst(faults), sight.batch.kind, _codes(faults))


def package_identity(sight: BatchSight) -> Answer:
    """Digests of before sending are those of after receiving, where the sender gave digests."""
    digest = f"SHA-256 {sight.batch.content_digest}"
    if sight.batch.kind != "bagit":
        return by_hand("请与移交方核对内容摘要", digest)
    faults = told([*sight.told, *sight.item_told], "BAG-")
    return Answer(worst(faults), "与封装时的摘要一致", _codes(faults), digest)


def item_count(sight: BatchSight) -> Answer:
    """As many items arrived whole as the catalogue or the sender declares."""
    declared = sight.batch.declared.get("registered_items") or sight.batch.declared.get(
        "item_count"
    )
    if declared is None:
        return by_hand("移交方未登记件数", f"{sight.batch.item_count} 件")
    rows = sight.batch.items.exclude(row=None) if sight.batch.kind == "catalogue" else None
    counted = (rows if rows is not None else sight.batch.items).filter(files__isnull=False)
    whole = counted.distinct().count()
    facts = {"declared": str(declared), "counted": str(whole)}
    faults = [] if whole == int(declared) else [sight.find("2-1a", **facts)]
    return judge(faults, expected=f"{declared} 件", actual=f"{whole} 件")


def byte_count(sight: BatchSight) -> Answer:
    """As many bytes arrived as the sender declares (Payload-Oxum of a bag, or registered)."""
    registered = sight.batch.declared.get("registered_bytes")
    if oxum := re.match(r"([0-9]+)\.", sight.about.get("Payload-Oxum", "")):
        faults = told(sight.told, "BAG-OXUM")
        return Answer(worst(faults), f"{oxum[1]} 字节", _codes(faults), "bag-info.txt")
    if registered is None:
        return by_hand("移交方未登记字节数", f"{sight.batch.size_bytes} 字节")
    actual = sight.batch.size_bytes
    facts = {"declared": str(registered), "counted": str(actual)}
    faults = [] if actual == int(registered) else [sight.find("2-2a", **facts)]
    return judge(faults, expected=f"{registered} 字节", actual=f"{actual} 字节")


def elements_present(sight: BatchSight) -> Answer:
    """The catalogue has a column for every element that is expected at hand-over."""
    if sight.batch.kind != "catalogue":
        return not_applicable("无目录表")
    columns = set(sight.batch.declared.get("columns", {}))
    if {"item_number", "filing_year"} <= columns:
        columns.add("archival_code")  # comes in parts
    missing = [fields()[name].name_zh for name in EXPECTED_COLUMNS if name not in columns]
    where = str(sight.batch.declared.get("catalogue", ""))
    findings = [sight.find("2-3a", where, column, field=column) for column in missing]
    return judge(findings, expected="、".join(fields()[name].name_zh for name in EXPECTED_COLUMNS))


def sequence(sight: BatchSight) -> Answer:
    """Item numbers run without gap within each class.  Source: DA/T 22-2015, 件号."""
    numbers: dict[str, set[int]] = defaultdict(set)
    form = sight.batch.fonds.code_template if sight.batch.fonds else ""
    for description in sight.batch.items.values_list("description", flat=True).iterator():
        text = description.get("archival_code", "")
        for one in ([form] if form else detect(text)[:1]) if text else []:
            try:
                code = template(one).parse(text)
            except BadCode:
                continue
            numbers[class_of(code)].add(code.number)
    if not numbers:
        return not_applicable("无档号")
    findings = [
        sight.find("2-6a", column="件号", series=name, missing=gaps)
        for name in sorted(numbers)
        if (gaps := _gaps(numbers[name]))
    ]
    return judge(findings[:GAPS_MAX], expected="件号连续", actual=f"{len(numbers)} 个类")


def _gaps(numbers: set[int]) -> str:
    """The missing numbers between the first and the last, as `3、7–9`; "" when there is none."""
    ordered = sorted(numbers)
    spans = [(before + 1, after - 1) for before, after in pairwise(ordered) if after - before > 1]
    words = [str(low) if low == high else f"{low}–{high}" for low, high in spans]
    return "、".join(words[:20])


def package_metadata(sight: BatchSight) -> Answer:
    """The metadata of a package has its elements."""
    if sight.batch.kind not in PACKAGES:
        return not_applicable("不是信息包")
    faults = told([*sight.told, *sight.item_told], "EEP-ELEMENT", "EEP-VALUE", "EEP-ATTRIBUTE",
                  "T93-NO-METADATA", "T93-METADATA", "BAG-TAG")  # fmt: skip
    if sight.batch.kind == "bagit" and not faults and not sight.about:
        return not_applicable("包内无元数据")
    return Answer(worst(faults), "元数据项齐全", _codes(faults))


def package_content(sight: BatchSight) -> Answer:
    """A package has exactly the files that it records."""
    if sight.batch.kind not in PACKAGES:
        return not_applicable("不是信息包")
    faults = told([*sight.told, *sight.item_told], "BAG-FILE", "BAG-FETCH", "T93-FILE", "T93-NO-",
                  "T93-COUNT", "T93-STRAY", "EEP-NO-FILE", "EEP-BASE64", "PKG-")  # fmt: skip
    return Answer(worst(faults), "与包内登记一致", _codes(faults))


def metadata_readable(sight: BatchSight) -> Answer:
    """Catalogue or metadata files could be read."""
    faults = told([*sight.told, *sight.item_told], "CAT-UNREADABLE", "CAT-OLD-FORMAT",
                  "CAT-NO-HEADER", "CAT-NOT-READ", "PKG-XML", "EEP-XML", "EEP-ROOT", "BAG-ENCODING",
                  "T93-CATALOGUE")  # fmt: skip
    if sight.batch.kind == "bare" and not faults:
        return not_applicable("未移交目录")
    return Answer(worst(faults), "可解析、可显示", _codes(faults))


def database_readable(sight: BatchSight) -> Answer:
    """Every item of the batch can be read from the database."""
    rows = Item.objects.filter(batch=sight.batch).values_list("pk", "description")
    counted = sum(1 for _ in rows.iterator())
    expected = sight.batch.item_count
    facts = {"declared": str(expected), "counted": str(counted)}
    faults = [] if counted == expected else [sight.find("3-2a", **facts)]
    return judge(faults, expected=f"{expected} 件", actual=f"{counted} 件")


def scanner_present(sight: BatchSight) -> Answer:
    """A virus scanner with fresh definitions is at hand; its absence is never a PASS."""
    trusted, state = engine("antivirus").state()
    if trusted:
        return Answer(Verdict.PASS, "已安装且病毒库有效", state, state)
    finding = sight.find("4-1a", state=state)
    return Answer(Verdict.MANUAL_REVIEW, "已安装且病毒库有效", state, state, (finding,))


def extra_files(sight: BatchSight) -> Answer:
    """Nothing is handed over that the catalogue does not have."""
    if sight.batch.kind == "bare":
        return not_applicable("未移交目录，无从比对")
    extra = told([*sight.told, *sight.item_told], "CAT-FILE-NOT-LISTED", "CAT-UNKNOWN-CODE",
                 "CAT-LEFTOVER", "BAG-FILE-UNLISTED", "T93-STRAY")  # fmt: skip
    if not extra:
        return judge([], expected="无多余文件")
    finding = sight.find("4-3a", extra[0].where, count=str(len(extra)))
    return judge([finding], expected="无多余文件", actual=f"{len(extra)} 个")


def carrier(sight: BatchSight) -> Answer:
    """Offline carriers are looked at by people; on line there is none."""
    name = sight.batch.declared.get("carrier")
    return by_hand("请人工检测载体", str(name)) if name else not_applicable("未登记离线载体")
