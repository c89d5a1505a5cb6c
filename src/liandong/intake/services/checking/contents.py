"""Checks of the content files of one item: links, formats, readability, viruses, signatures."""

import mmap
import zipfile

from django.conf import settings

from liandong.intake.models import HandedFile
from liandong.kernel.checks import Finding, Verdict
from liandong.kernel.hostility import ZIP_ERRORS

from .formats import is_allowed, is_long_term
from .sight import Answer, ItemSight, by_hand, judge, not_applicable, told, worst

COUNTABLE = ("image/", "application/pdf", "application/ofd")  # kinds whose pages are sheets
_DIGEST_CODES = ("EEP-FILE-SIZE", "EEP-DIGEST", "BAG-DIGEST", "T93-DIGEST")
_SIGNED_PDF = b"/ByteRange"


def signatures(sight: ItemSight) -> Answer:
    """A signature or seal in PDF or OFD cannot be trusted without a chain of certificates."""
    signed = [file.path for file in sight.files if _is_signed(file)]
    eep = told(sight.told, "EEP-SIGNATURE")
    if not signed and not eep:
        return not_applicable("文件不带电子签名、电子印章或时间戳")
    return by_hand("带电子签名或印章，未配置信任链", "；".join(signed)[:300])


def _is_signed(file: HandedFile) -> bool:
    path = settings.STAGING / file.staged
    if not file.size_bytes or file.mime not in {"application/pdf", "application/ofd"}:
        return False
    with path.open("rb") as stream:
        if file.mime == "application/pdf":
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return content.find(_SIGNED_PDF) >= 0
        try:
            with zipfile.ZipFile(stream) as package:
                return any(name.lower().endswith("signatures.xml") for name in package.namelist())
        except ZIP_ERRORS:
            return False


def attributes(sight: ItemSight) -> Answer:
    """Names, sizes and digests that a package declares are those of its files."""
    if sight.item.batch.kind not in {"bagit", "eep", "dat93"}:
        return not_applicable("移交目录未登记电子属性")
    return _from_told(sight, *_DIGEST_CODES, evidence="SHA-512, SHA-256, SM3")


def link_to_content(sight: ItemSight) -> Answer:
    """The item has its files, and it is certain that they are meant."""
    missing = told(sight.told, "CAT-ROW-NO-FILE", "T93-NO-FOLDER", "T93-NO-CONTENT", "EEP-NO-FILE")
    if not sight.files and not missing:
        return judge([sight.find("1-11a")])
    loose = told(sight.told, "CAT-LINKED", "CAT-UNKNOWN-CODE", "CAT-FILE-NOT-LISTED",
                 "CAT-PATH-NOT-FOUND")  # fmt: skip
    verdict = worst([*missing, *loose])
    actual = f"{len(sight.files)} 个文件"
    return Answer(verdict, "目录与文件一一对应", actual, "；".join(f.path for f in sight.files[:5]))


def content_complete(sight: ItemSight) -> Answer:
    """Files open, none is empty, and there are as many pages as the catalogue says."""
    if not sight.files:
        return not_applicable("无文件")
    findings = [*sight.unreadable, *_page_faults(sight)]
    before = told(sight.told, "FILE-EMPTY", *_DIGEST_CODES)
    verdict = worst([*findings, *before])
    pages = sum(file.page_count for file in sight.files)
    declared = sight.description.get("page_count", "")
    return Answer(
        verdict, f"{declared} 页" if declared else "", f"{len(sight.files)} 个文件，{pages} 页",
        "逐件打开计页", tuple(findings),
    )  # fmt: skip


def _page_faults(sight: ItemSight) -> list[Finding]:
    text = sight.description.get("page_count", "")
    if not text.isdecimal() or not int(text) or sight.unreadable:
        return []
    if not all(file.mime.startswith(COUNTABLE) and file.page_count for file in sight.files):
        return []  # texts and tables have no pages of their own
    declared, counted = int(text), sum(file.page_count for file in sight.files)
    if declared == counted:
        return []
    suffix = "2-7b" if counted < declared else "2-7c"
    facts = {"declared": str(declared), "counted": str(counted)}
    return [sight.find(suffix, sight.files[0].path, "页数", **facts)]


def formats(sight: ItemSight) -> Answer:
    """Every format is known and on the list of formats that the archive takes."""
    if not sight.files:
        return not_applicable("无文件")
    names = "、".join(sorted({file.format_name or "未知" for file in sight.files}))[:200]
    good = all(is_allowed(file.puid) for file in sight.files if file.size_bytes)
    before = told(sight.told, "FILE-EMPTY", "FILE-UNKNOWN-FORMAT", f"{sight.prefix}-3-3")
    verdict = Verdict.PASS if good and not before else Verdict.FAIL
    if verdict is Verdict.PASS and told(sight.told, "FILE-EXTENSION"):
        verdict = Verdict.WARN
    return Answer(verdict, "允许接收的格式", names, "PRONOM")


def readability(sight: ItemSight) -> Answer:
    """Files that do not open fail; that they can be read by people, people say."""
    if not sight.files:
        return not_applicable("无文件")
    if sight.unreadable:
        return Answer(Verdict.FAIL, "可打开", sight.unreadable[0].code, sight.unreadable[0].where)
    return by_hand("机器可打开；可读性由人抽查", f"{len(sight.files)} 个文件")


def long_term(sight: ItemSight) -> Answer:
    """Formats that are taken but should be migrated for keeping are noted."""
    known = [file for file in sight.files if file.puid and is_allowed(file.puid)]
    if not known:
        return not_applicable("无可识别的文件")
    weak = [file for file in known if not is_long_term(file.puid)]
    findings = tuple(
        sight.find("3-5a", file.path, format=file.format_name, puid=file.puid) for file in weak
    )
    verdict = Verdict.WARN if weak else Verdict.PASS
    return Answer(verdict, "长期保存格式", "；".join(f.path for f in weak)[:200], "", findings)


def package_format(sight: ItemSight) -> Answer:
    """Nothing is encrypted or packed once more."""
    if not sight.files:
        return not_applicable("无文件")
    findings = [
        sight.find("3-8a", file.path, format=file.format_name)
        for file in sight.files
        if file.mime in {"application/zip", "application/x-7z-compressed", "application/gzip",
                         "application/vnd.rar", "application/x-rar-compressed", "application/x-tar"}
    ]  # fmt: skip
    locked = told(sight.unreadable, "FILE-ENCRYPTED")
    return Answer(worst([*findings, *locked]), "不加密、不压缩", "", "", tuple(findings))


def viruses(sight: ItemSight) -> Answer:
    """The scanner found nothing, and neither did our own safety checks."""
    if not sight.files:
        return not_applicable("无文件")
    trusted, state = sight.scanner
    findings = [*sight.infected, *sight.hostile]
    if findings and worst(findings) is Verdict.FAIL:
        return judge(findings, evidence=state)
    if not trusted or sight.unscanned:
        why = "杀毒软件不可用或病毒库过期" if not trusted else "部分文件未能扫描"
        return Answer(Verdict.MANUAL_REVIEW, "无病毒", why, state, tuple(findings))
    return judge(findings, expected="无病毒", evidence=state)


def _from_told(sight: ItemSight, *codes: str, evidence: str = "") -> Answer:
    found = told(sight.told, *codes)
    answer = judge(found, evidence=evidence)
    return Answer(answer.verdict, actual=answer.actual, evidence=evidence)
