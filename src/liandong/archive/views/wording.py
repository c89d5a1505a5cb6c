"""Words for the codes that stand in rows: events, outcomes, dates."""

from django.utils.translation import gettext as _


def event_word(kind: str) -> str:
    """A PREMIS event type as a person reads it; unknown types stand as they are."""
    return {
        "ingestion": _("入库"),
        "creation": _("生成衍生件"),
        "modification": _("校对文字"),
        "metadata modification": _("修改著录"),
        "fixity check": _("固定性校验"),
        "message digest calculation": _("计算摘要"),
        "validation": _("四性检测"),
        "virus check": _("病毒检测"),
        "format identification": _("格式识别"),
        "transfer": _("移交"),
        "metadata extraction": _("提取著录"),
        "text recognition": _("文字识别"),
        "accession": _("接收"),
    }.get(kind, kind)


def outcome_word(outcome: str) -> str:
    """The outcome of an event as a person reads it."""
    return {"success": _("成功"), "failure": _("失败"), "warning": _("有提示")}.get(
        outcome, outcome
    )


OUTCOME_TONES = {"success": "done", "failure": "failed", "warning": "warn"}


def date_text(date: int) -> str:
    """A date kept as YYYYMMDD as 2023-05-06, 2023-05 or 2023; "" where it is unknown."""
    digits = f"{date:08d}"
    parts = [digits[:4], digits[4:6], digits[6:]]
    known = [part for part in parts if int(part)]
    return "-".join(known) if known and int(digits[:4]) else ""


def method_word(method: str) -> str:
    """How a value was found: "ocr:pattern" → 识别文字·按格式."""
    source, _colon, way = method.partition(":")
    sources = {"ocr": _("识别文字"), "markup": _("文件内文字"), "layer": _("文字层")}
    ways = {"pattern": _("按格式"), "position": _("按版面位置"), "name": _("按名称")}
    return "·".join(part for part in (sources.get(source, source), ways.get(way, way)) if part)
