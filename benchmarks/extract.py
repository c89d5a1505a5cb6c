"""Precision and recall of extracted fields, per field and level of reading errors.

`python -m benchmarks.extract small|full` prints JSON lines.  Documents are made from law text with
known fields (`benchmarks.official_documents`), their boxes as GB/T 9704 lays pages out, their
reading errors by a noise model: no real scans, so the figures say what the rules can do, not what
a scanner gives.
"""

import json
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.official_documents import Document, lay_out, read_badly
from liandong.kernel.documents import classified_mark, extract_fields
from liandong.kernel.documents.layout import as_printed
from liandong.kernel.pages import Box, Line, Method, Page
from liandong.kernel.text import fold

SIZES = {"small": 60, "full": 300}
LEVELS = {"clean": 0.0, "ocr 0.5 %": 0.005, "ocr 2 %": 0.02}
SHARED = Path(os.environ.get("LIANDONG_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))

_BODIES = (
    ("滨州市人民政府", "滨政发"),
    ("滨州市人民政府办公室", "滨政办字"),
    ("中共滨州市委组织部", "滨组发"),
    ("滨州市财政局", "滨财预"),
    ("惠民县人民政府", "惠政字"),
    ("滨州市交通运输局", "滨交函"),
    ("山东省人民政府办公厅", "鲁政办发"),
    ("滨州市滨城区彭李街道办事处", "彭街办发"),
)
_FORMS = (
    ("关于印发{law}的通知", "通知"),
    ("关于贯彻实施{law}的意见", "意见"),
    ("关于{law}执行情况的报告", "报告"),
    ("关于修订{law}的请示", "请示"),
    ("关于{law}有关问题的批复", "批复"),
    ("关于征求{law}修改意见的函", "函"),
    ("关于表彰{law}宣传工作先进集体的决定", "决定"),
    ("关于{law}落实情况的通报", "通报"),
)
_NAMES = ("王 芳", "李建国", "张 伟  刘志强", "欧阳明", "赵玉兰")
_ADDRESSEES = (
    "各县（市、区）人民政府，各市属开发区管委会，市政府各部门、各直属单位：",
    "市政府：", "各科室、各直属单位：", "市委，市人大常委会，市政协，滨州军分区：",
)  # fmt: skip
_COPIES = "市委各部门，市人大常委会办公室，市政协办公室，市监委，市法院，市检察院，滨州军分区"
_CHINESE = "〇一二三四五六七八九"


def documents(count: int, seed: int = 7) -> Iterator[Document]:
    """Documents of eight kinds with their known fields; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    laws = _laws()
    for number in range(count):
        yield _document(chance, laws[number % len(laws)], number)


def _laws() -> list[tuple[str, list[str]]]:
    files = sorted(SHARED.glob("laws_zh/**/*.md"))
    laws = []
    for file in files[:: max(1, len(files) // 80)]:
        lines = [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
        title = lines[0].lstrip("# ") if lines else ""
        text = [line for line in lines[1:] if not line.startswith(("#", "<"))]
        if 4 < len(title) < 30 and len(text) > 3:
            laws.append((title, text))
    return laws or [("档案管理办法", ["第一条 为了加强档案管理，制定本办法。"] * 30)]


def _document(chance: random.Random, law: tuple[str, list[str]], number: int) -> Document:
    body, org = _BODIES[number % len(_BODIES)]
    form, kind = _FORMS[chance.randrange(len(_FORMS))]
    about = form.format(law=f"《{law[0]}》")
    year, month, day = chance.randint(1985, 2024), chance.randint(1, 12), chance.randint(1, 28)
    serial = chance.randint(1, 180)
    upward = kind in {"报告", "请示"}
    signer = chance.choice(_NAMES) if upward else ""
    attachments = chance.choice([(), ("任务分工表",), ("工作方案", "进度安排表", "联络员名单")])
    start = chance.randrange(max(1, len(law[1]) - 8))
    printed = chance.random() < 0.7
    document = Document(
        mark=f"{body}文件",
        number=f"{org}〔{year}〕{serial}号",
        title=tuple(_broken(body + about, chance)),
        addressee=chance.choice(_ADDRESSEES),
        paragraphs=("现就有关事项通知如下：", *law[1][start : start + chance.randint(2, 8)]),
        attachments=attachments,
        signature=body,
        date=_date(year, month, day, chinese=year < 2012 and chance.random() < 0.8),
        note="（此件公开发布）" if chance.random() < 0.4 else "",
        copies=f"{_COPIES}。" if printed else "",
        printing=(f"{body}办公室", f"{year}年{month}月{day}日") if printed else ("", ""),
        copy_number=f"{number:06d}" if chance.random() < 0.3 else "",
        urgency=chance.choice(["", "", "特急", "加急"]),
        signer=signer,
        attached=tuple(
            (f"附件{at}" if len(attachments) > 1 else "附件", name, "统计截至", "2020年1月1日")
            for at, name in enumerate(attachments, start=1)
        ),
    )
    return replace(
        document, known=_known(document, body + about, kind, f"{year}{month:02}{day:02}")
    )


def _known(document: Document, title: str, kind: str, date: str) -> dict[str, str]:
    office, _ = document.printing
    known = {
        "issuing_body_mark": document.mark,
        "document_number": document.number,
        "title": title,
        "document_type": kind,
        "main_addressee": document.addressee.rstrip("："),
        "attachment_note": "；".join(document.attachments),
        "issuer_signature": document.signature,
        "document_date": date,
        "note": document.note.strip("（）"),
        "copy_addressee": document.copies.rstrip("。"),
        "printing": f"{office} {date}" if office else "",
        "copy_number": document.copy_number,
        "urgency": document.urgency,
        "signer": re.sub(r"(?<=^.) ", "", document.signer).replace("  ", "、"),
    }
    return {name: value for name, value in known.items() if value}


def _broken(title: str, chance: random.Random) -> Iterator[str]:
    """A title over rows of at most 20 characters, as a typist breaks it."""
    while title:
        room = min(20, len(title))
        if len(title) > 20:
            room = chance.randint(14, 20)
        yield title[:room]
        title = title[room:]


def _date(year: int, month: int, day: int, *, chinese: bool) -> str:
    if not chinese:
        return f"{year}年{month}月{day}日"
    digits = "".join(_CHINESE[int(digit)] for digit in str(year))
    return f"{digits}年{_number(month)}月{_number(day)}日"


def _number(value: int) -> str:
    tens, ones = divmod(value, 10)
    head = "" if not tens else "十" if tens == 1 else f"{_CHINESE[tens]}十"
    return head + (_CHINESE[ones] if ones else "")


def as_markup(pages: Sequence[Page]) -> list[Page]:
    """The same text without places."""
    lines = tuple(
        Line(line.text, Box(0, 0, 0, 0), line.confidence) for page in pages for line in page.lines
    )
    return [Page(1, 0, 0, lines, Method.MARKUP)]


def run(size: str = "small") -> Iterator[dict[str, Any]]:
    """One line per level and field, then one per level over all fields."""
    made = list(documents(SIZES[size]))
    for level, rate in LEVELS.items():
        chance = random.Random(11)  # noqa: S311 - not a secret
        read = [read_badly(lay_out(one), rate, chance) if rate else lay_out(one) for one in made]
        yield from _measure(level, made, read)
    yield from _measure("without places", made, [as_markup(lay_out(one)) for one in made])
    yield _marks()


def _measure(
    level: str, made: Sequence[Document], read: Sequence[Sequence[Page]]
) -> Iterator[dict[str, Any]]:
    counts: Counter[tuple[str, str]] = Counter()
    started = time.process_time()
    found = [{field.name: field for field in extract_fields(pages)} for pages in read]
    seconds = time.process_time() - started
    for document, fields in zip(made, found, strict=True):
        for name in document.known.keys() | fields.keys():
            counts[name, _verdict(document.known.get(name), fields.get(name))] += 1
    names = sorted({name for name, _ in counts})
    for name in names:
        yield {"benchmark": "extract", "level": level, "field": name} | _shares(counts, [name])
    yield (
        {"benchmark": "extract", "level": level, "field": "*", "documents": len(made)}
        | _shares(counts, names)
        | {"pages_per_cpu_s": round(sum(map(len, read)) / seconds, 1)}
        | {"ratio": round(seconds / _folded_s(read), 1)}
    )


def _folded_s(read: Sequence[Sequence[Page]]) -> float:
    """CPU seconds of folding the same lines once, the least that any reading of them costs."""
    started = time.process_time()
    for pages in read:
        for page in pages:
            for line in page.lines:
                fold(line.text)
    return max(time.process_time() - started, 1e-6)


def _verdict(known: str | None, found: Any) -> str:
    """right: the same but for wrongly read characters (one in ten); exact is counted apart."""
    if found is None:
        return "missed"
    if known is None:
        return "invented"
    if as_printed(found.value) == as_printed(known):
        return "exact"
    return "near" if _distance(found.value, known) <= len(known) // 10 else "wrong"


def _distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        previous, row[0] = row[0], i
        for j, right in enumerate(other, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (left != right))
    return row[-1]


def _shares(counts: Counter[tuple[str, str]], names: Sequence[str]) -> dict[str, Any]:
    total = {
        verdict: sum(counts[name, verdict] for name in names)
        for verdict in ("exact", "near", "wrong", "invented", "missed")
    }
    right = total["exact"] + total["near"]
    given = right + total["wrong"] + total["invented"]
    wanted = right + total["wrong"] + total["missed"]
    return {
        "precision": round(right / given, 4) if given else None,
        "recall": round(right / wanted, 4) if wanted else None,
        "exact": round(total["exact"] / wanted, 4) if wanted else None,
        "n": wanted,
    }


def _marks() -> dict[str, Any]:
    """Classified marks found, and near misses wrongly taken for one."""
    chance = random.Random(5)  # noqa: S311 - not a secret
    marked = [
        lay_out(Document(security=f"{level}{period}"))
        for level in ("绝密", "机密", "秘密")
        for period in ("", "★10年", "★长期", "★ 6个月", "＊20年")
    ]
    noisy = [read_badly(pages, 0.02, chance) for pages in marked * 8]
    near = [
        lay_out(Document(security=text))
        for text in (
            "商业秘密",
            "国家秘密目录",
            "秘密文件管理办法",
            "机密局",
            "关于保守秘密的规定",
            "公开",
        )
    ]
    laws = [
        lay_out(Document(mark="", number="", paragraphs=tuple(text[:9]))) for _, text in _laws()
    ]
    return {
        "benchmark": "extract",
        "field": "security_mark",
        "found": sum(classified_mark(pages) is not None for pages in marked + noisy),
        "of": len(marked) + len(noisy),
        "false_alarms": sum(classified_mark(pages) is not None for pages in near + laws),
        "near_misses": len(near) + len(laws),
    }


if __name__ == "__main__":
    for line in run(sys.argv[1] if len(sys.argv) > 1 else "small"):
        print(json.dumps(line, ensure_ascii=False), flush=True)
