"""Step `describe`: completes the description where the catalogue is silent, and says from what.

Nothing that a person wrote is changed.  The item number is not taken here: that happens when a
person accepts.  Source: DA/T 18-2022; DA/T 22-2015, 年度; 国家档案局令第8号 art. 12.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from liandong.archive.models import Fonds, RetentionRule
from liandong.archive.services.holdings import open_fonds
from liandong.intake.models import HandedFile, Item, Proposal, ProposalState, StepRun
from liandong.kernel import catalog
from liandong.kernel.checks import Finding
from liandong.kernel.codes import ArchivalCode, BadCode, detect, template
from liandong.kernel.dates import BadDate, PartialDate
from liandong.kernel.metadata import check_value, fields, retention_code

from .extract import TRUSTED, has_catalogue
from .review import DESCRIBES
from .steps import Done

DEFAULT_CATEGORY = "WS"  # 文书: what an office hands over
LONGEST = "Y"  # kept until a person decides otherwise: never destroyed by a guess
PROVISIONAL_FONDS = "X000"  # 待定全宗: what comes without any word on its fonds
GENERAL = "ZH"  # 综合: the subject of what comes without a unit; shown to a person as a guess
LOCAL: tzinfo = ZoneInfo("Asia/Shanghai")  # the day on which a file was written
_SPAN = re.compile(
    r"(?P<first>(?:19|20)[0-9]{2})\s*年?\s*[-—–~～至到]{1,2}\s*(?P<last>(?:19|20)[0-9]{2})"
)
_PLAN = re.compile("规划|计划|纲要|方案|要点")
_SUMMARY = re.compile("总结|报告|统计|年鉴|大事记|汇编")
_DISCLOSED = {"公开发布": "主动公开", "主动公开": "主动公开", "依申请公开": "依申请公开"}


@dataclass(slots=True)
class _Draft:
    """A description being completed: only empty fields are filled, each with its source."""

    item: Item
    description: dict[str, str]
    fonds: Fonds | None = None
    filled: dict[str, dict[str, str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def fill(self, name: str, value: str, source: str) -> None:
        """Set an empty field to a value that may stand there."""
        value = value.strip()[: fields()[name].max_length]
        if not value or self.get(name) or check_value(name, value):
            return
        self.description[name] = value
        self.filled[name] = {"value": value, "source": source}

    def get(self, name: str) -> str:
        """The value of a field, "" when it is empty."""
        return self.description.get(name, "").strip()

    def find(self, code: str, name: str = "", **facts: str) -> None:
        """Note a finding on a field."""
        column = fields()[name].name_zh if name else ""
        self.findings.append(Finding(code, row=self.item.row, column=column, facts=facts))


@dataclass(frozen=True, slots=True)
class _Known:
    """What the tables say about the items of one call."""

    now: datetime
    fonds: dict[str, Fonds]  # by number
    rules: Mapping[int, Sequence[RetentionRule]]  # by fonds id, in order
    proposals: Mapping[int, Sequence[Proposal]]  # by item id
    before: Mapping[int, Mapping[str, Any]]  # by item id: what this step filled last time
    written: Mapping[int, datetime]  # by item id: when its first file was last written


def describe(items: Sequence[Item], *, now: datetime) -> list[Done]:
    """Complete the description of each item; `detail["filled"]` has value and source by field."""
    known = _look_up(items, now)
    return [_describe_one(item, known) for item in items]


def _look_up(items: Sequence[Item], now: datetime) -> _Known:
    rules: dict[int, list[RetentionRule]] = defaultdict(list)
    for rule in RetentionRule.objects.all():
        rules[rule.fonds_id].append(rule)
    proposals: dict[int, list[Proposal]] = defaultdict(list)
    open_or_taken = Proposal.objects.filter(item__in=items).exclude(state=ProposalState.REJECTED)
    for proposal in open_or_taken.order_by("-confidence", "id"):
        proposals[proposal.item_id].append(proposal)
    runs = StepRun.objects.filter(item__in=items, step="describe").order_by("id")
    files = HandedFile.objects.filter(item__in=items, modified_at__isnull=False)
    written = files.order_by("-order").values_list("item_id", "modified_at")
    return _Known(
        now=now,
        fonds={one.number: one for one in Fonds.objects.select_related("unit")},
        rules=rules,
        proposals=proposals,
        before={run.item_id: run.detail.get("filled", {}) for run in runs},
        written={item_id: at for item_id, at in written if item_id and at},
    )


def _describe_one(item: Item, known: _Known) -> Done:
    draft = _Draft(item, _as_handed_over(item, known.before.get(item.pk, {})))
    _take_code_apart(draft, known)
    _settle_fonds(draft, known)
    _take_proposals(draft, known.proposals.get(item.pk, ()))
    draft.fill("archival_category", DEFAULT_CATEGORY, "rule:default")
    _settle_year(draft, known.written.get(item.pk))
    _settle_retention(draft, known)
    _settle_rest(draft)
    _judge(draft)
    detail = {"filled": draft.filled, "class": _class_text(draft)}
    return Done(tuple(draft.findings), detail, save=_writer(item, draft.description))


def _as_handed_over(item: Item, before: Mapping[str, Any]) -> dict[str, str]:
    """The description without what this step filled when it ran before."""
    return {
        name: text
        for name, text in item.description.items()
        if text and before.get(name, {}).get("value") != text
    }


def _writer(item: Item, description: Mapping[str, str]) -> Callable[[], None]:
    def save() -> None:
        item.description = dict(description)

    return save


# Where it belongs ---------------------------------------------------------------------------------


def _take_code_apart(draft: _Draft, known: _Known) -> None:
    """A code that was handed over says fonds, category, year, retention and unit."""
    code = _parsed(draft.get("archival_code"), known)
    if code is None:
        return
    category = "·".join(part for part in (code.category, code.subject) if part)
    for name, value in (
        ("fonds_number", code.fonds),
        ("archival_category", category),
        ("filing_year", f"{code.year:04d}" if code.year else ""),
        ("retention_period", _retention_name(code.retention)),
        ("org_or_subject", code.org),
    ):
        draft.fill(name, value, "archival_code")


def _parsed(text: str, known: _Known) -> ArchivalCode | None:
    if not text:
        return None
    fonds = known.fonds.get(text.split("-", 1)[0])
    forms = [fonds.code_template] if fonds else detect(text)
    for form in forms:
        try:
            return template(form).parse(text)
        except BadCode:
            continue
    return None


def _settle_fonds(draft: _Draft, known: _Known) -> None:
    batch_fonds = draft.item.batch.fonds
    if batch_fonds:
        draft.fill("fonds_number", batch_fonds.number, "batch")
    registered = known.fonds.keys() - {PROVISIONAL_FONDS}
    if len(registered) == 1:
        draft.fill("fonds_number", next(iter(registered)), "rule:only fonds")
    if not draft.get("fonds_number"):
        draft.fill("fonds_number", PROVISIONAL_FONDS, "rule:provisional until decided")
        draft.find("DESC-FONDS-GUESSED", "fonds_number", value=PROVISIONAL_FONDS)
    number = draft.get("fonds_number")
    draft.fonds = known.fonds.get(number) or _open_fonds(draft, known, number)
    draft.fill("fonds_name", draft.fonds.title, "fonds")
    unit = draft.item.batch.unit or draft.fonds.unit
    if "org" in template(draft.fonds.code_template).parts and not draft.get("archival_code"):
        if unit:
            draft.fill("org_or_subject", _unit_code(unit.code, unit.name), "unit")
        if not draft.get("org_or_subject"):
            draft.fill("org_or_subject", GENERAL, "rule:general until decided")
            draft.find("DESC-ORG-GUESSED", "org_or_subject", value=GENERAL)


def _open_fonds(draft: _Draft, known: _Known, number: str) -> Fonds:
    """A fonds that nobody registered yet is opened under its number, and that is said."""
    fonds = open_fonds(number, by="system", now=known.now)
    if number != PROVISIONAL_FONDS:
        draft.find("DESC-FONDS-NEW", "fonds_number", value=number)
    known.fonds[number] = fonds
    return fonds


def _unit_code(code: str, name: str) -> str:
    """The part of a code for a unit: capital letters, digits or Chinese, at most 12."""
    for text in (code.upper(), name):
        if re.fullmatch(r"[A-Z0-9\u4e00-\u9fa5]{1,12}", text):
            return text
    return ""


def _settle_year(draft: _Draft, written: datetime | None) -> None:
    """The filing year (年度): by document date; plans their first year, summaries their last.

    Source: DA/T 22-2015, 年度.
    """
    span = _SPAN.search(draft.get("title"))
    if span and _PLAN.search(draft.get("title")):
        draft.fill("filing_year", span["first"], "rule:DA/T 22 plan, first year")
    elif span and _SUMMARY.search(draft.get("title")):
        draft.fill("filing_year", span["last"], "rule:DA/T 22 summary, last year")
    try:
        year = PartialDate.parse(draft.get("document_date")).year
        draft.fill("filing_year", f"{year:04d}", "rule:DA/T 22 document date")
    except BadDate:
        pass
    if not draft.get("filing_year") and written is not None:
        draft.fill("filing_year", f"{written.astimezone(LOCAL).year:04d}", "file time")
        draft.find("DESC-YEAR-GUESSED", "filing_year", value=draft.get("filing_year"))


def _settle_retention(draft: _Draft, known: _Known) -> None:
    """The first rule of the fonds' approved table of which a word is in the title.

    Without one the longest period stands provisionally: a guess must never lead to destruction.
    """
    if draft.get("retention_period"):
        return
    for rule in known.rules.get(draft.fonds.pk, ()) if draft.fonds else ():
        words = [word for word in rule.words.split("|") if word and word in draft.get("title")]
        if words:
            source = f"rule:{rule.clause} {rule.approval} “{words[0]}”"
            draft.fill("retention_period", _retention_name(rule.retention), source)
            return
    draft.fill("retention_period", _retention_name(LONGEST), "rule:longest until decided")
    value = draft.get("retention_period")
    draft.find("DESC-NO-RETENTION-RULE", "retention_period", value=value)


def _retention_name(code: str) -> str:
    """The name of a retention code: Y → 永久, D30 → 30年; other codes as they are."""
    known = catalog.by_key("retention_periods", "code").get(code)
    if known:
        return known["name_zh"]
    return f"{code[1:]}年" if re.fullmatch("D[1-9][0-9]{0,2}", code) else code


# What it is ---------------------------------------------------------------------------------------


def _take_proposals(draft: _Draft, proposals: Sequence[Proposal]) -> None:
    """Fill empty fields from what was extracted; what a person agreed to comes first."""
    ranked = sorted(proposals, key=lambda one: one.state == ProposalState.PROPOSED)
    sure = [one for one in ranked if one.confidence >= TRUSTED or one.decided_value]
    _replace_file_name(draft, sure)
    for one in sure:
        name, value = _as_field(one)
        if name:
            draft.fill(name, value, f"proposal:{one.method}")


def _replace_file_name(draft: _Draft, proposals: Sequence[Proposal]) -> None:
    """A title that is only a file name gives way to the title on the document."""
    if not has_catalogue(draft.item) and any(one.field == "title" for one in proposals):
        draft.description.pop("title", None)


def _as_field(proposal: Proposal) -> tuple[str, str]:
    """Identifier and value that a proposal means for the description; "" for none."""
    value = proposal.decided_value or proposal.value
    if proposal.field == "issuing_body_mark":
        return "author", value.removesuffix("文件")
    if proposal.field == "note":
        found = next((kind for word, kind in _DISCLOSED.items() if word in value), "")
        return "disclosure_attribute" if found else "", found
    return DESCRIBES.get(proposal.field, ""), value


def _settle_rest(draft: _Draft) -> None:
    draft.fill("description_level", "文件级", "rule:default")
    draft.fill("opening_status", "未审核", "rule:default")
    if draft.item.page_count:
        draft.fill("page_count", str(draft.item.page_count), "files")
    if not draft.get("title"):  # of a catalogue row too: a record needs something to be called
        draft.fill("title", draft.item.key.rsplit("/", 1)[-1], "file name")


# What is missing ----------------------------------------------------------------------------------


def _judge(draft: _Draft) -> None:
    source = draft.filled.get("title", {}).get("source", "file name")
    if not has_catalogue(draft.item) and source == "file name":
        draft.find("DESC-TITLE-GUESSED", "title", value=draft.get("title"))
    if not draft.get("document_date"):
        draft.find("DESC-NO-DATE", "document_date")
    if not draft.get("author"):
        draft.find("DESC-NO-AUTHOR", "author")
    if draft.fonds and not draft.get("archival_code"):
        for name in _missing_parts(draft, draft.fonds):
            code = "DESC-NO-YEAR" if name == "filing_year" else "DESC-CODE-PART-MISSING"
            draft.find(code, name, part=fields()[name].name_zh)


_PARTS = {  # part of a code template → identifier
    "year": "filing_year",
    "retention": "retention_period",
    "org": "org_or_subject",
    "catalogue": "catalogue_number",
    "volume": "volume_number",
}


def _missing_parts(draft: _Draft, fonds: Fonds) -> Iterator[str]:
    """Fields without which the fonds' template gives no code."""
    for part, name in _PARTS.items():
        if part not in template(fonds.code_template).parts:
            continue
        value = draft.get(name)
        if not value or (part == "retention" and not retention_code(value)):
            yield name


def _class_text(draft: _Draft) -> str:
    """The lowest class that the item would be numbered in, for people."""
    parts = (
        draft.get("fonds_number"),
        draft.get("archival_category"),
        draft.get("filing_year"),
        retention_code(draft.get("retention_period")),
        draft.get("org_or_subject"),
    )
    return "-".join(part for part in parts if part)
