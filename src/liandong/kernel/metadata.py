"""The description (著录) of a record, and its metadata as XML: DA/T 46 entities and PREMIS.

A description is `dict[str, str]` by the identifiers of `catalog/description_fields.csv`; an absent
field is absent or "".  Values are as a person would write them, never converted in silence.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO

from . import catalog
from .codes import detect, half_width
from .dates import BadDate, PartialDate
from .xml import BrokenXml, Element, XmlWriter, read_tree

Description = dict[str, str]

DAT46_NAMESPACE = "urn:liandong:dat46:1"  # ours: DA/T 46-2009 publishes elements, not a schema
PREMIS_NAMESPACE = "http://www.loc.gov/premis/v3"


@dataclass(frozen=True, slots=True)
class Field:
    """One row of `catalog/description_fields.csv`."""

    identifier: str
    name_zh: str
    name_en: str
    dat46: str  # number of the DA/T 46 element, "" when it has none
    obligation: str  # DA/T 18-2022, file level: 必著, 有则必著, 选著
    type: str  # text, int, year, date, enum, retention, security, code
    max_length: int  # characters
    domain: tuple[str, ...]  # values of an enum, in the order to offer them
    aliases: tuple[str, ...]  # headers of catalogues that mean this field


@dataclass(frozen=True, slots=True)
class FileFact:
    """What is known of one file of a record."""

    path: str  # logical path in the object
    role: str = "original"  # original, derivative, metadata
    size: int = 0  # bytes
    sha512: str = ""
    sha256: str = ""
    sm3: str = ""
    puid: str = ""
    format_name: str = ""
    mime: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One act on a record: a PREMIS event, a 业务实体 of DA/T 46."""

    identifier: str
    kind: str  # PREMIS eventType or a 业务行为 such as 归档
    at: str  # ISO 8601 with zone
    agent: str = ""  # identifier of an Agent
    outcome: str = ""
    detail: str = ""
    basis: str = ""  # 行为依据


@dataclass(frozen=True, slots=True)
class Agent:
    """Who or what acted: a PREMIS agent, a 机构人员实体 of DA/T 46."""

    identifier: str
    name: str
    kind: str = "person"  # person, unit, software
    code: str = ""  # 统一社会信用代码 of a unit
    position: str = ""  # of a person; version of software


@dataclass(frozen=True, slots=True)
class Metadata:
    """All that `dat46_xml` writes of a record."""

    description: Description = field(default_factory=dict)
    files: tuple[FileFact, ...] = ()
    events: tuple[Event, ...] = ()
    agents: tuple[Agent, ...] = ()


# Fields -------------------------------------------------------------------------------------------


@cache
def fields() -> Mapping[str, Field]:
    """Every field by its identifier, in the order to show them."""
    return {
        row["identifier"]: Field(
            identifier=row["identifier"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            dat46=row["dat46"],
            obligation=row["dat18"],
            type=row["type"],
            max_length=int(row["max_length"]),
            domain=tuple(filter(None, row["domain"].split("|"))),
            aliases=tuple(filter(None, row["aliases"].split("|"))),
        )
        for row in catalog.rows("description_fields")
    }


def match_headers(headers: Sequence[object]) -> dict[int, str]:
    """Identifiers by column index (from 0) for a header row; unknown columns are left out.

    The first of two columns that mean the same field wins.  Blanks, asterisks and marks in
    brackets such as 题名（必填） do not matter.
    """
    known, found = _aliases(), dict[int, str]()
    for column, header in enumerate(headers):
        text = _plain_header(str(header or ""))
        identifier = known.get(text) or known.get(re.sub(r"[(\[【].*?[)\]】]", "", text))
        if identifier and identifier not in found.values():
            found[column] = identifier
    return found


@cache
def _aliases() -> Mapping[str, str]:
    named: dict[str, str] = {}
    for one in fields().values():
        for text in (*one.aliases, one.name_zh, one.identifier, one.name_en):
            named.setdefault(_plain_header(text), one.identifier)
    return named


def _plain_header(text: str) -> str:
    return re.sub(r"[\s*＊:：、]+", "", half_width(text)).casefold()


def check_value(identifier: str, text: str) -> list[tuple[str, dict[str, str]]]:
    """Faults of one value as (finding code, facts); an empty optional value has none.

    Codes are rows of `catalog/package_findings.csv`: META-MISSING, META-TOO-LONG,
    META-NOT-A-NUMBER, META-NOT-A-DATE, META-NOT-IN-LIST, META-BAD-CODE.
    Raises KeyError for an unknown identifier.
    """
    one, text = fields()[identifier], text.strip()
    if not text:
        return [("META-MISSING", {"field": one.name_zh})] if one.obligation == "必著" else []
    facts = {"field": one.name_zh, "value": text[:60]}
    faults = []
    if len(text) > one.max_length:
        faults.append(("META-TOO-LONG", facts | {"most": str(one.max_length)}))
    elif fault := _wrong_form(one, text):
        faults.append((fault, facts | {"domain": "、".join(one.domain)}))
    return faults


def _wrong_form(one: Field, text: str) -> str:
    """The code of the fault in the form of a value, or ""."""
    match one.type:
        case "int":
            return "" if re.fullmatch("[0-9]+", text) else "META-NOT-A-NUMBER"
        case "year":
            return "" if re.fullmatch("[12][0-9]{3}", text) else "META-NOT-A-NUMBER"
        case "date":
            return "" if _is_date(text) else "META-NOT-A-DATE"
        case "enum":
            return "" if text in one.domain else "META-NOT-IN-LIST"
        case "security":
            return "" if text.split("★")[0].strip() in one.domain else "META-NOT-IN-LIST"
        case "retention":
            return "" if retention_code(text) else "META-NOT-IN-LIST"
        case "code":
            return "" if detect(text) else "META-BAD-CODE"
    return ""


def _is_date(text: str) -> bool:
    try:
        PartialDate.parse(text)
    except BadDate:
        return False
    return True


def retention_code(text: str) -> str:
    """The code of a retention period (保管期限) as written: 永久 → Y, 30年 → D30; "" if none.

    长期 and 短期 keep their old codes LONG and SHORT: they are never converted.
    Source: 国家档案局令第8号 art. 6; DA/T 13-2022.
    """
    plain = "".join(half_width(text).split()).upper()
    for row in catalog.rows("retention_periods"):
        if plain in {row["code"], row["name_zh"]}:
            return row["code"]
    found = re.fullmatch(r"(?:定期|D)?([1-9][0-9]{0,2})年?", plain)
    if found is None or (plain == found[1] and plain not in {"10", "30"}):
        return ""
    return f"D{found[1]}"


# DA/T 46 ------------------------------------------------------------------------------------------


def dat46_xml(
    description: Mapping[str, str],
    files: Iterable[FileFact] = (),
    events: Iterable[Event] = (),
    agents: Iterable[Agent] = (),
) -> bytes:
    """The metadata of a record as XML; the same values give the same bytes.

    Elements have the names of DA/T 46-2009 and its order; fields that it lacks stand in 扩展.
    `read_dat46_xml` is the inverse (values stripped, blank ones left out).
    """
    out = BytesIO()
    xml = XmlWriter(out.write)
    xml.open("电子档案元数据", xmlns=DAT46_NAMESPACE, 依据="DA/T 46-2009")
    xml.open("文件实体")
    write_record_elements(xml, description)
    write_extension(xml, description)
    xml.open("计算机文件")
    for file in files:
        xml.leaf("文件", file.path, **_file_attributes(file))
    xml.close()
    xml.close()
    _write_events(xml, events)
    _write_agents(xml, agents)
    xml.close()
    return out.getvalue()


def _file_attributes(file: FileFact) -> dict[str, str]:
    known = {
        "role": file.role,
        "size": str(file.size),
        "sha512": file.sha512,
        "sha256": file.sha256,
        "sm3": file.sm3,
        "puid": file.puid,
        "format": file.format_name,
        "mime": file.mime,
    }
    return {name: value for name, value in known.items() if value}


def write_record_elements(xml: XmlWriter, description: Mapping[str, str]) -> None:
    """Write the DA/T 46 elements M1–M75 that have a value, with their containers."""
    open_container = ""
    for element, container, identifier in _dat46_order():
        value = description.get(identifier, "").strip()
        if not value:
            continue
        if container != open_container:
            if open_container:
                xml.close()
            if container:
                xml.open(container)
            open_container = container
        xml.leaf(element, value)
    if open_container:
        xml.close()


def write_extension(xml: XmlWriter, description: Mapping[str, str]) -> None:
    """Write the fields that DA/T 46 has no element for; nothing when there are none."""
    placed = {identifier for _, _, identifier in _dat46_order()}
    rest = {key: text.strip() for key, text in description.items() if key not in placed}
    if not any(rest.values()):
        return
    xml.open("扩展")
    for key in sorted(key for key, text in rest.items() if text):
        known = fields().get(key)
        xml.leaf("字段", rest[key], 标识=key, **({"名称": known.name_zh} if known else {}))
    xml.close()


@cache
def _dat46_order() -> tuple[tuple[str, str, str], ...]:
    """(element name, container name or "", identifier) in the order of the standard."""
    holders = {one.dat46: one.identifier for one in fields().values() if one.dat46}
    elements = catalog.by_key("metadata_elements_dat46", "no")
    order = sorted((int(number[1:]), number) for number in holders)
    placed = [
        (
            elements[number]["name_zh"],
            elements[elements[number]["parent"]]["name_zh"] if elements[number]["parent"] else "",
            holders[number],
        )
        for _, number in order
    ]
    containers = {container: at for at, (_, container, _) in reversed(list(enumerate(placed)))}
    return tuple(
        sorted(placed, key=lambda row: containers[row[1]] if row[1] else placed.index(row))
    )


def _write_events(xml: XmlWriter, events: Iterable[Event]) -> None:
    xml.open("业务实体块")
    for event in events:
        xml.open("业务实体")
        xml.leaf("业务标识符", event.identifier)
        xml.leaf("机构人员标识符", event.agent)
        xml.leaf("业务状态", "历史行为")
        xml.leaf("业务行为", event.kind)
        xml.leaf("行为时间", event.at)
        xml.leaf("行为依据", event.basis)
        xml.leaf("行为描述", event.detail)
        xml.leaf("行为结果", event.outcome)
        xml.close()
    xml.close()


AGENT_KINDS: Mapping[str, str] = {"unit": "单位", "person": "个人", "software": "软件"}


def _write_agents(xml: XmlWriter, agents: Iterable[Agent]) -> None:
    xml.open("机构人员实体块")
    for agent in agents:
        xml.open("机构人员实体")
        xml.leaf("机构人员标识符", agent.identifier)
        xml.leaf("机构人员类型", AGENT_KINDS.get(agent.kind, agent.kind))
        xml.leaf("机构人员名称", agent.name)
        xml.leaf("组织机构代码", agent.code)
        xml.leaf("个人职位", agent.position)
        xml.close()
    xml.close()


def read_dat46_xml(content: bytes) -> Metadata:
    """Read what `dat46_xml` wrote.  Raises HostileXml and BrokenXml."""
    root = read_tree(content)
    record = root.find("文件实体")
    if root.name != "电子档案元数据" or record is None:
        raise BrokenXml(f"the root is {root.name!r}, not 电子档案元数据 with 文件实体")
    files = record.find("计算机文件")
    return Metadata(
        description=read_record_elements(record) | _read_extension(record),
        files=tuple(_read_file(one) for one in files.all("文件")) if files else (),
        events=read_events(root),
        agents=read_agents(root),
    )


def read_record_elements(record: Element) -> Description:
    """The fields that the DA/T 46 elements below a 文件实体 hold."""
    found: Description = {}
    for name, container, identifier in _dat46_order():
        holder = record.find(container) if container else record
        value = holder.text_of(name) if holder is not None else ""
        if value:
            found[identifier] = value
    return found


def _read_extension(record: Element) -> Description:
    extension = record.find("扩展")
    if extension is None:
        return {}
    return {
        one.attributes["标识"]: one.text.strip()
        for one in extension.all("字段")
        if one.attributes.get("标识") and one.text.strip()
    }


def _read_file(one: Element) -> FileFact:
    known = one.attributes
    size = known.get("size", "0")
    return FileFact(
        path=one.text.strip(),
        role=known.get("role", "original"),
        size=int(size) if re.fullmatch("[0-9]{1,18}", size) else 0,
        sha512=known.get("sha512", ""),
        sha256=known.get("sha256", ""),
        sm3=known.get("sm3", ""),
        puid=known.get("puid", ""),
        format_name=known.get("format", ""),
        mime=known.get("mime", ""),
    )


def read_events(root: Element) -> tuple[Event, ...]:
    """Events of the 业务实体块 below an element."""
    block = root.find("业务实体块")
    return tuple(
        Event(
            identifier=one.text_of("业务标识符"),
            kind=one.text_of("业务行为"),
            at=one.text_of("行为时间"),
            agent=one.text_of("机构人员标识符"),
            outcome=one.text_of("行为结果"),
            detail=one.text_of("行为描述"),
            basis=one.text_of("行为依据"),
        )
        for one in (block.all("业务实体") if block else ())
    )


def read_agents(root: Element) -> tuple[Agent, ...]:
    """Agents of the 机构人员实体块 below an element."""
    kinds = {chinese: kind for kind, chinese in AGENT_KINDS.items()}
    block = root.find("机构人员实体块")
    return tuple(
        Agent(
            identifier=one.text_of("机构人员标识符"),
            name=one.text_of("机构人员名称"),
            kind=kinds.get(one.text_of("机构人员类型"), "person"),
            code=one.text_of("组织机构代码"),
            position=one.text_of("个人职位"),
        )
        for one in (block.all("机构人员实体") if block else ())
    )


# PREMIS -------------------------------------------------------------------------------------------


def premis_xml(
    object_id: str,
    files: Iterable[FileFact],
    events: Iterable[Event] = (),
    agents: Iterable[Agent] = (),
) -> bytes:
    """The record as PREMIS 3: one intellectual entity, its files, events and agents.

    Source: PREMIS Data Dictionary 3.0.  The same values give the same bytes.
    """
    out = BytesIO()
    xml = XmlWriter(out.write)
    xml.open(
        "premis",
        xmlns=PREMIS_NAMESPACE,
        **{"xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"},
        version="3.0",
    )
    xml.open("object", **{"xsi:type": "intellectualEntity"})
    _identifier(xml, "objectIdentifier", "URI", object_id)
    xml.close()
    for file in files:
        _premis_file(xml, file)
    for event in events:
        _premis_event(xml, event, object_id)
    for agent in agents:
        xml.open("agent")
        _identifier(xml, "agentIdentifier", "local", agent.identifier)
        xml.leaf("agentName", agent.name)
        xml.leaf("agentType", "organization" if agent.kind == "unit" else agent.kind)
        if agent.kind == "software" and agent.position:
            xml.leaf("agentVersion", agent.position)
        xml.close()
    xml.close()
    return out.getvalue()


def _identifier(xml: XmlWriter, name: str, kind: str, value: str) -> None:
    xml.open(name)
    xml.leaf(f"{name}Type", kind)
    xml.leaf(f"{name}Value", value)
    xml.close()


def _premis_file(xml: XmlWriter, file: FileFact) -> None:
    xml.open("object", **{"xsi:type": "file"})
    _identifier(xml, "objectIdentifier", "path", file.path)
    xml.open("objectCharacteristics")
    for algorithm, digest in (
        ("SHA-512", file.sha512),
        ("SHA-256", file.sha256),
        ("SM3", file.sm3),
    ):
        if digest:
            xml.open("fixity")
            xml.leaf("messageDigestAlgorithm", algorithm)
            xml.leaf("messageDigest", digest)
            xml.close()
    xml.leaf("size", str(file.size))
    xml.open("format")
    xml.open("formatDesignation")
    xml.leaf("formatName", file.format_name or file.mime or "unknown")
    xml.close()
    if file.puid:
        xml.open("formatRegistry")
        xml.leaf("formatRegistryName", "PRONOM")
        xml.leaf("formatRegistryKey", file.puid)
        xml.close()
    xml.close()
    xml.close()
    xml.leaf("originalName", file.path)
    xml.close()


def _premis_event(xml: XmlWriter, event: Event, object_id: str) -> None:
    xml.open("event")
    _identifier(xml, "eventIdentifier", "local", event.identifier)
    xml.leaf("eventType", event.kind)
    xml.leaf("eventDateTime", event.at)
    if event.detail or event.basis:
        xml.open("eventDetailInformation")
        xml.leaf("eventDetail", " · ".join(part for part in (event.detail, event.basis) if part))
        xml.close()
    if event.outcome:
        xml.open("eventOutcomeInformation")
        xml.leaf("eventOutcome", event.outcome)
        xml.close()
    if event.agent:
        _identifier(xml, "linkingAgentIdentifier", "local", event.agent)
    _identifier(xml, "linkingObjectIdentifier", "URI", object_id)
    xml.close()
