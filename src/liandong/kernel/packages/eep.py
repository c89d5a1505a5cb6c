"""EEP packages (封装包): one record as one XML file, files inside as base64, read as a stream.

The structure is `catalog/eep_structure.csv`.  What we write has no 电子签名块;
a signer that adds it signs 被签名对象 in exclusive C14N and says so in 签名规则 (the standard's
canonical form is not known).  `metadata/dat46.xml` goes along as a document of its own, since the
elements of the standard cannot hold every field.
Source: DA/T 48-2009.  UNVERIFIED against the official schema.
"""

import base64
import binascii
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import BinaryIO

from liandong.kernel import catalog
from liandong.kernel.checks import Finding
from liandong.kernel.digests import Digests, digest_bytes, digest_file, digest_stream
from liandong.kernel.metadata import (
    AGENT_KINDS,
    fields,
    read_agents,
    read_events,
    read_record_elements,
)
from liandong.kernel.names import BadPath, inner_path, safe_name
from liandong.kernel.xml import BrokenXml, Element, HostileXml, XmlWriter, scan

from .packet import (
    DAT46_FILE,
    ROLES,
    PackedFile,
    PackedItem,
    Packet,
    content_files,
    item_from_folder,
    metadata_of,
    refuse_other_digests,
)

NAMESPACE = "http://www.saac.gov.cn/standards/ERM/encapsulation"
SIGNATURE_RULE = (
    "对“被签名对象”按 W3C Exclusive XML Canonicalization 1.0 规范化后签名"  # for signers
)
_FORMAT = "本EEP根据中华人民共和国档案行业标准DA/T 48-2009《基于XML的电子文件封装规范》生成"
_ORIGINAL = ("原始型", "本封装包包含电子文件数据及其元数据，原始封装，未经修改")
_OURS = (
    "liandong-eep"  # identifier of the event and agent that we add where the block may not be empty
)
_LINE = 57 * 1024  # bytes of content per piece: a multiple of 57 gives whole base64 lines of 76
_MOST_LEAF = 1 << 20  # characters of an element other than 编码数据
_MOST_TEXT = 64 << 20  # characters of all of them, attributes included
_MOST_FILES = 10_000


# Writing ------------------------------------------------------------------------------------------


def write(path: Path, item: PackedItem, *, created: datetime, creator: str) -> None:
    """Write a record as a new `.eep` file; memory stays small for files of any size.

    Raises FileExistsError, BadPath, DigestMismatch, OSError; after an error no file is left.
    """
    try:
        with path.open("xb") as stream:
            _write(stream, item, created.isoformat(timespec="seconds"), creator)
    except FileExistsError:
        raise
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _write(stream: BinaryIO, item: PackedItem, created: str, creator: str) -> None:
    xml = XmlWriter(stream.write)
    xml.open("电子文件封装包", xmlns=NAMESPACE)
    xml.leaf("封装包格式描述", _FORMAT)
    xml.leaf("版本", "2009")
    xml.open("被签名对象", eep版本="2009")
    xml.leaf("封装包类型", _ORIGINAL[0])
    xml.leaf("封装包类型描述", _ORIGINAL[1])
    xml.leaf("封装包创建时间", created)
    xml.leaf("封装包创建单位", creator)
    xml.open("封装内容")
    _write_record(xml, item)
    _write_events(xml, item, created)
    _write_agents(xml, item, creator)
    for _ in range(3):
        xml.close()


def _write_record(xml: XmlWriter, item: PackedItem) -> None:
    xml.open("文件实体块")
    xml.open("文件实体")
    for element, parts in _record_elements().items():
        if element == "文件数据":
            xml.open(element)
            _write_documents(xml, item)
            xml.close()
        elif element == "聚合层次":
            xml.leaf(element, "文件")
        elif parts:
            xml.open(element)
            for name, identifier in parts.items():
                if value := item.description.get(identifier, "").strip():
                    xml.leaf(name, value)
            xml.close()
        else:
            identifier = _leaves()[element]
            value = item.description.get(identifier, "").strip()
            if value or element == "电子文件号":
                xml.leaf(element, value)
    xml.close()
    xml.close()


@cache
def _record_elements() -> Mapping[str, Mapping[str, str]]:
    """Children of 文件实体 that we write, in order; for a container its (element → identifier)."""
    names = [token.rstrip("?*+") for token in _children()["文件实体"].split()]
    held = _containers()
    known = {name: held.get(name, {}) for name in names}
    return {name: known[name] for name in names if known[name] or name in _written_leaves()}


def _written_leaves() -> frozenset[str]:
    return frozenset({"聚合层次", "文件数据", *_leaves()}) - {"信息系统描述"}


@cache
def _containers() -> Mapping[str, Mapping[str, str]]:
    elements = catalog.by_key("metadata_elements_dat46", "no")
    held: dict[str, dict[str, str]] = {}
    for row in catalog.rows("metadata_elements_dat46"):
        if row["parent"]:
            held.setdefault(elements[row["parent"]]["name_zh"], {})
    for one in fields().values():
        parent = elements[one.dat46]["parent"] if one.dat46 else ""
        if parent:
            name = elements[one.dat46]["name_zh"]
            held[elements[parent]["name_zh"]][name] = one.identifier
    return held


@cache
def _leaves() -> Mapping[str, str]:
    elements = catalog.by_key("metadata_elements_dat46", "no")
    return {
        elements[one.dat46]["name_zh"]: one.identifier
        for one in fields().values()
        if one.dat46 and not elements[one.dat46]["parent"] and one.identifier != "description_level"
    }


def _write_documents(xml: XmlWriter, item: PackedItem) -> None:
    files = content_files(item)
    for number, file in enumerate(files, start=1):
        with file.open() as stream:
            digests = digest_stream(stream)
        refuse_other_digests(file, digests)
        with file.open() as stream:
            main = number == 1 and file.role == "original"
            _write_document(xml, number, inner_path(file.place), digests, stream, main=main)
    content = metadata_of(item)
    with TemporaryDirectory() as folder:
        path = Path(folder, "dat46.xml")
        path.write_bytes(content)
        with path.open("rb") as stream:
            digests = digest_bytes(content)
            _write_document(xml, len(files) + 1, DAT46_FILE, digests, stream, main=False)


def _write_document(
    xml: XmlWriter, number: int, name: str, digests: Digests, stream: BinaryIO, *, main: bool
) -> None:
    xml.open("文档")
    xml.leaf("文档标识符", f"文档{number}")
    xml.leaf("文档序号", str(number))
    xml.leaf("文档主从声明", "主文档" if main else "附属文档")
    xml.leaf("题名", Path(name).stem)
    xml.open("文档数据", 文档数据ID=f"文档数据{number}")
    xml.open("编码", 编码ID=f"编码{number}")
    xml.open("电子属性")
    xml.leaf("计算机文件名", name)
    xml.leaf("计算机文件大小", str(digests.size))
    xml.close()
    xml.leaf("编码描述", f"Base64（RFC 2045）；SHA-256={digests.sha256}；SM3={digests.sm3}")
    xml.leaf("反编码关键字", Path(name).suffix.lstrip("."))
    xml.raw(f'<编码数据 编码数据ID="编码数据{number}">\n'.encode())
    while piece := stream.read(_LINE):
        xml.raw(base64.encodebytes(piece))
    xml.raw("</编码数据>\n".encode())
    for _ in range(3):
        xml.close()


def _write_events(xml: XmlWriter, item: PackedItem, created: str) -> None:
    rows = [
        (event.identifier, event.agent, event.kind, event.at, event.basis, event.detail)
        for event in item.events
    ] or [(_OURS, _OURS, "封装", created, "DA/T 48-2009", "")]
    xml.open("业务实体块")
    for identifier, agent, kind, at, basis, detail in rows:
        xml.open("业务实体")
        xml.leaf("业务标识符", identifier)
        xml.leaf("机构人员标识符", agent)
        xml.leaf("文件标识符", item.code)
        xml.leaf("业务状态", "历史行为")
        xml.leaf("业务行为", kind)
        xml.leaf("行为时间", at)
        xml.leaf("行为依据", basis)
        xml.leaf("行为描述", detail)
        xml.close()
    xml.close()


def _write_agents(xml: XmlWriter, item: PackedItem, creator: str) -> None:
    rows = [
        (agent.identifier, AGENT_KINDS.get(agent.kind, ""), agent.name, agent.code, agent.position)
        for agent in item.agents
    ] or [(_OURS, "单位", creator, "", "")]
    xml.open("机构人员实体块")
    for identifier, kind, name, code, position in rows:
        xml.open("机构人员实体")
        xml.leaf("机构人员标识符", identifier)
        xml.leaf("机构人员类型", kind)
        xml.leaf("机构人员名称", name)
        xml.leaf("组织机构代码", code)
        xml.leaf("个人职位", position)
        xml.close()
    xml.close()


# Reading ------------------------------------------------------------------------------------------


def validate(path: Path) -> list[Finding]:
    """Every finding of a package; the files in it are decoded, checked and thrown away."""
    with TemporaryDirectory() as folder:
        return list(read(path, Path(folder)).findings)


def read(path: Path, into: Path, *, most_bytes: int | None = None) -> Packet:
    """Read a package; the files in it are written below `into`, an empty folder.

    Memory stays small for files of any size.  A broken package gives findings and no item.
    `most_bytes` bounds the size of the package (findings EEP-XML-HOSTILE above it).
    """
    reading = _Reading(into)
    try:
        return _read(path, reading, most_bytes)
    finally:
        shutil.rmtree(reading.draft)


def _read(path: Path, reading: "_Reading", most_bytes: int | None) -> Packet:
    try:
        with path.open("rb") as stream:
            scan(
                stream,
                start=reading.start,
                end=reading.end,
                text=reading.text,
                most_bytes=most_bytes,
            )
    except HostileXml as error:
        reading.found("EEP-XML-HOSTILE", reason=str(error))
        return Packet("eep", (), tuple(reading.findings))
    except BrokenXml as error:
        reading.found("EEP-XML-BROKEN", reason=str(error))
        return Packet("eep", (), tuple(reading.findings))
    finally:
        reading.close()
    root = reading.top.children[0]
    if root.name != "电子文件封装包" or root.namespace != NAMESPACE:
        reading.found("EEP-ROOT", root=f"{root.namespace} {root.name}".strip())
        return Packet("eep", (), tuple(reading.findings))
    reading.findings.extend(_structure_faults(root))
    _check_references(reading, root)
    return Packet("eep", _items(reading, root), tuple(reading.findings), _about(root))


@dataclass(slots=True)
class _Encoded:
    """One 编码数据 while and after it is decoded."""

    target: Path
    stream: BinaryIO
    identifier: str
    rest: str = ""
    broken: bool = False


@dataclass(slots=True)
class _Reading:
    """The tree without the content of 编码数据, which goes to files."""

    into: Path
    findings: list[Finding] = field(default_factory=list)
    top: Element = field(default_factory=lambda: Element(""))
    stack: list[Element] = field(default_factory=list)
    pieces: list[list[str]] = field(default_factory=list)  # text of each open element
    total: int = 0
    current: _Encoded | None = None
    decoded: dict[int, _Encoded] = field(default_factory=dict)  # by id() of the element
    count: int = 0
    draft: Path = field(init=False)  # where content is decoded to before it has its name

    def __post_init__(self) -> None:
        self.draft = Path(mkdtemp(prefix=".eep-", dir=self.into))

    def found(self, code: str, where: str = "", /, **facts: str) -> None:
        self.findings.append(Finding(code, where, facts=facts))

    def start(self, name: str, namespace: str, attributes: dict[str, str]) -> None:
        self._count(sum(map(len, attributes.values())))
        parent = self.stack[-1] if self.stack else self.top
        element = Element(name, namespace, attributes)
        parent.children.append(element)
        self.stack.append(element)
        self.pieces.append([])
        if name == "编码数据":
            if self.current is not None:  # one inside another
                self.current.broken = True
                self.close()
            self.count += 1
            if self.count > _MOST_FILES:
                raise HostileXml(f"more than {_MOST_FILES} files")
            target = self.draft / str(self.count)
            identifier = attributes.get("编码数据ID", "")
            self.current = _Encoded(target, target.open("xb"), identifier)
            self.decoded[id(element)] = self.current

    def text(self, piece: str) -> None:
        if self.current is not None:
            _decode(self.current, piece)
            return
        self._count(len(piece))
        if self.pieces:
            self.pieces[-1].append(piece)

    def end(self, name: str) -> None:
        element = self.stack.pop()
        element.text = "".join(self.pieces.pop())
        if len(element.text) > _MOST_LEAF:
            raise HostileXml(f"an element with more than {_MOST_LEAF} characters")
        if name == "编码数据" and self.current is not None:
            if self.current.rest:
                self.current.broken = True
            self.close()

    def _count(self, length: int) -> None:
        self.total += length
        if self.total > _MOST_TEXT:
            raise HostileXml(f"more than {_MOST_TEXT} characters beside the files")

    def close(self) -> None:
        if self.current is not None:
            self.current.stream.close()
            self.current = None


def _decode(encoded: _Encoded, piece: str) -> None:
    text = encoded.rest + "".join(piece.split())
    whole = len(text) // 4 * 4
    encoded.rest = text[whole:]
    try:
        encoded.stream.write(base64.b64decode(text[:whole].encode(), validate=True))
    except (binascii.Error, UnicodeError, ValueError):
        encoded.broken = True


# Structure ----------------------------------------------------------------------------------------


@cache
def _children() -> Mapping[str, str]:
    return {
        row["path"].rpartition("/")[2]: row["children"]
        for row in catalog.rows("eep_structure")
        if row["children"]
    }


@cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    """For each element with known children, a pattern over `|name|name|…`."""
    patterns = {}
    for name, tokens in _children().items():
        parts = []
        for token in tokens.split():
            plain = token.rstrip("?*+")
            parts.append(f"(?:(?:{plain});){token[len(plain) :]}")
        patterns[name] = re.compile("".join(parts))
    return patterns


def _structure_faults(root: Element) -> list[Finding]:
    """EEP-ELEMENT-MISSING, EEP-ELEMENT-UNKNOWN, EEP-ORDER, EEP-VALUE, EEP-ATTRIBUTE."""
    findings = []
    for element in root.walk():
        pattern = _patterns().get(element.name)
        if pattern is not None:
            names = [child.name for child in element.children]
            if pattern.fullmatch("".join(f"{name};" for name in names)) is None:
                findings.extend(_sequence_faults(element.name, names))
        findings.extend(_value_faults(element))
    return findings


def _sequence_faults(parent: str, names: Sequence[str]) -> list[Finding]:
    tokens = _children()[parent].split()
    known = {name for token in tokens for name in token.rstrip("?*+").split("|")}
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    missing = [
        token.rstrip("+")
        for token in tokens
        if token[-1] not in "?*" and not set(token.rstrip("+").split("|")) & set(names)
    ]
    faults = [
        Finding("EEP-ELEMENT-UNKNOWN", parent, column=name, facts={"element": name})
        for name in unknown
    ]
    faults += [
        Finding("EEP-ELEMENT-MISSING", parent, column=name, facts={"element": name})
        for name in missing
    ]
    return faults or [Finding("EEP-ORDER", parent, facts={"elements": " ".join(names)[:200]})]


_REQUIRED = {
    "被签名对象": "eep版本",
    "文档数据": "文档数据ID",
    "编码": "编码ID",
    "编码数据": "编码数据ID",
}


@cache
def _domains() -> Mapping[str, tuple[str, ...]]:
    leaves = {"封装包格式描述", "版本", "封装包类型", "封装包类型描述", "文档主从声明"}
    rows = (
        (row["path"].rpartition("/")[2], row["domain"]) for row in catalog.rows("eep_structure")
    )
    return {name: tuple(domain.split("|")) for name, domain in rows if name in leaves and domain}


def _value_faults(element: Element) -> list[Finding]:
    faults = []
    domain, text = _domains().get(element.name), element.text.strip()
    if domain and text not in domain:
        facts = {"element": element.name, "value": text[:60]}
        faults.append(Finding("EEP-VALUE", element.name, facts=facts))
    needed = _REQUIRED.get(element.name)
    if needed and not element.attributes.get(needed):
        facts = {"element": element.name, "attribute": needed}
        faults.append(Finding("EEP-ATTRIBUTE", element.name, facts=facts))
    return faults


def _check_references(reading: _Reading, root: Element) -> None:
    """Identifiers are unique; references name something; signatures are told, never believed."""
    seen: set[str] = set()
    for element in root.walk():
        identifiers = [text for name, text in element.attributes.items() if name.endswith("ID")]
        own = [text for text in identifiers if text != element.attributes.get("引用编码数据ID")]
        if element.name == "文档标识符":
            own.append(element.text.strip())
        for identifier in own:
            if identifier in seen:
                reading.found("EEP-ID-DUPLICATE", element.name, identifier=identifier)
            seen.add(identifier)
    for element in root.walk():
        wanted = element.attributes.get("引用编码数据ID", "")
        if wanted and wanted not in seen:
            reading.found("EEP-REFERENCE", element.name, identifier=wanted)
        if element.name in {"电子签名块", "锁定签名"}:
            reading.found("EEP-SIGNATURE-UNVERIFIED", element.name)


def _about(root: Element) -> dict[str, str]:
    signed = root.find("被签名对象")
    if signed is None:
        return {}
    names = ("封装包类型", "封装包创建时间", "封装包创建单位")
    return {name: signed.text_of(name) for name in names}


# Content ------------------------------------------------------------------------------------------


def _items(reading: _Reading, root: Element) -> tuple[PackedItem, ...]:
    """The record of the newest layer; a 修改型 package falls back on the layers it wraps."""
    content = _newest_layer(root)
    block = content.find("文件实体块")
    record = block.find("文件实体") if block is not None else None
    if record is None:
        return ()
    files = _take_files(reading, content)
    known = read_record_elements(record)
    known.pop("description_level", None)
    if DAT46_FILE in files:
        try:
            item = item_from_folder(
                {path: file for path, (file, _) in files.items()},
                where=record.name,
                digests=lambda path: files[path][1],
            )
        except HostileXml as error:
            reading.found("PKG-XML-HOSTILE", DAT46_FILE, reason=str(error))
        except BrokenXml as error:
            reading.found("PKG-XML-BROKEN", DAT46_FILE, reason=str(error))
        else:
            merged = item.description | known
            return (PackedItem(merged, item.files, item.where, None, item.events, item.agents),)
    loose = tuple(_loose(path, file, digests) for path, (file, digests) in files.items())
    events = tuple(one for one in read_events(content) if one.identifier != _OURS)
    agents = tuple(one for one in read_agents(content) if one.identifier != _OURS)
    return (PackedItem(known, loose, record.name, None, events, agents),)


def _newest_layer(root: Element) -> Element:
    """封装内容 of an original package; of a modified one 修订内容, or what it wraps without one."""
    signed = root.find("被签名对象") or root
    changed = signed.find("修改封装内容")
    if changed is None:
        return signed.find("封装内容") or signed
    revised = changed.find("修订内容")
    if revised is not None and revised.find("文件实体块") is not None:
        return revised
    return _newest_layer(changed.find("原封装包") or changed)


def _loose(path: str, file: Path, digests: Mapping[str, str]) -> PackedFile:
    role, _, rest = path.partition("/")
    ours = role in ROLES and bool(rest)
    return PackedFile(rest if ours else path, file, role if ours else "original", digests)


_Files = dict[str, tuple[Path, Mapping[str, str]]]


def _take_files(reading: _Reading, content: Element) -> _Files:
    """Name the decoded files as the package does, and check size and digest of each."""
    files: _Files = {}
    by_identifier = {one.identifier: one for one in reading.decoded.values() if one.identifier}
    for number, code in enumerate((one for one in content.walk() if one.name == "编码"), start=1):
        data = code.find("编码数据")
        if data is None:
            continue
        kept = data.attributes.get("引用编码数据ID", "")  # unchanged since an older layer
        encoded = by_identifier.get(kept) if kept else reading.decoded.get(id(data))
        if encoded is None:
            continue
        path = _name_of(reading, code, number, files)
        if encoded.broken:
            reading.found("EEP-BASE64", path)
            continue
        target = reading.into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(encoded.target, target) if kept else encoded.target.rename(target)
        files[path] = target, _check_content(reading, code, path, target)
    if not files:
        reading.found("EEP-NO-FILE")
    return files


def _name_of(reading: _Reading, code: Element, number: int, files: _Files) -> str:
    about = code.find("电子属性")
    name = about.text_of("计算机文件名") if about is not None else ""
    extension = code.text_of("反编码关键字")
    try:
        path = str(inner_path(name))
    except BadPath as error:
        if name:
            reading.found("EEP-FILE-NAME", name[:120], reason=str(error)[:200])
        path = safe_name(f"{number:04d}.{extension}" if extension else f"{number:04d}")
    taken = path in files or any(
        other.startswith(f"{path}/") or path.startswith(f"{other}/") for other in files
    )
    return f"{number:04d}/{path}" if taken else path


def _check_content(reading: _Reading, code: Element, path: str, file: Path) -> dict[str, str]:
    about = code.find("电子属性")
    size = about.text_of("计算机文件大小") if about is not None else ""
    if re.fullmatch("[0-9]+", size) and int(size) != file.stat().st_size:
        reading.found("EEP-FILE-SIZE", path, expected=size, actual=str(file.stat().st_size))
    text = code.text_of("编码描述")
    promised = {
        name: match[1].lower()
        for name, label in (("sha256", "SHA-256"), ("sm3", "SM3"))
        if (match := re.search(rf"{label}=([0-9A-Fa-f]{{64}})", text))
    }
    actual = digest_file(file)
    for name, digest in promised.items():
        if getattr(actual, name) != digest:
            found = getattr(actual, name)
            reading.found(
                "EEP-DIGEST-MISMATCH", path, expected=digest, actual=found, algorithm=name
            )
    return promised
