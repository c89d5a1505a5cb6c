"""Transfer packages by item (移交信息包): 说明文件.TXT, 目录文件.XML, one folder per item.

Source: DA/T 93-2022, appendix B (secondary).  UNVERIFIED: the element names of 目录文件.XML and the
lines of 说明文件.TXT; ours say what they mean, and foreign ones are read by the names of fields.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from pathlib import Path

from liandong.kernel.checks import Finding
from liandong.kernel.codes import normalise_code_text
from liandong.kernel.digests import digest_file
from liandong.kernel.metadata import Description, fields, match_headers, read_dat46_xml
from liandong.kernel.names import inner_path, safe_name
from liandong.kernel.xml import BrokenXml, Element, HostileXml, XmlWriter, read_tree

from .packet import (
    DAT46_FILE,
    PackedFile,
    PackedItem,
    Packet,
    content_files,
    copy_checked,
    item_folders,
    item_from_folder,
    metadata_of,
    walk,
)

NOTES, CATALOGUE, OTHERS = "说明文件.TXT", "目录文件.XML", "其他"


# Writing ------------------------------------------------------------------------------------------


def write(folder: Path, items: Sequence[PackedItem], *, made_on: date, sender: str) -> None:
    """Make a transfer package as a new folder: `<全宗>/<分类>/<档号>/…` for each item.

    Raises FileExistsError, BadPath, DigestMismatch, OSError.
    """
    folder.mkdir(parents=True)
    places = [
        str(inner_path(f"{_fonds_folder(item)}/{_class_folder(item)}/{name}"))
        for item, name in zip(items, item_folders(items), strict=True)
    ]
    size = count = 0
    for place, item in zip(places, items, strict=True):
        for file in content_files(item):
            size += copy_checked(file, folder / place / file.place).size
            count += 1
        metadata = folder / place / DAT46_FILE
        metadata.parent.mkdir(parents=True, exist_ok=True)
        metadata.write_bytes(metadata_of(item))
    lines = {
        "说明": "移交信息包，依据DA/T 93-2022附录B设计",
        "移交单位": sender,
        "制作日期": made_on.isoformat(),
        "件数": str(len(items)),
        "文件数": str(count),
        "字节数": str(size),
    }
    text = "".join(f"{name}：{value}\r\n" for name, value in lines.items())
    (folder / NOTES).write_bytes(text.encode("utf-8-sig"))
    (folder / CATALOGUE).write_bytes(_catalogue(places, items))


def _fonds_folder(item: PackedItem) -> str:
    return safe_name(item.description.get("fonds_number", "") or "未定全宗")


def _class_folder(item: PackedItem) -> str:
    keys = ("archival_category", "filing_year", "retention_period", "org_or_subject")
    parts = [item.description.get(key, "") for key in keys]
    return safe_name("·".join(part for part in parts if part) or "未分类")


def _catalogue(places: Sequence[str], items: Sequence[PackedItem]) -> bytes:
    out = BytesIO()
    xml = XmlWriter(out.write)
    xml.open("目录文件", 件数=str(len(items)))
    for number, (place, item) in enumerate(zip(places, items, strict=True), start=1):
        xml.open("条目", 序号=str(number), 路径=place)
        for identifier, value in item.description.items():
            known = fields().get(identifier)
            if value.strip():
                xml.leaf(
                    "字段", value, 名称=known.name_zh if known else identifier, 标识=identifier
                )
        xml.close()
    xml.close()
    return out.getvalue()


# Reading ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Package:
    """What is known of a package while it is read."""

    files: dict[str, Path]
    findings: list[Finding] = field(default_factory=list)
    claimed: set[str] = field(default_factory=set)  # folders of items
    named: dict[str, dict[str, None]] = field(default_factory=dict)  # code → folders of that name
    below: dict[str, list[str]] = field(default_factory=dict)  # folder → paths of files below it

    def __post_init__(self) -> None:
        for path in self.files:
            parts = path.split("/")[:-1]
            for at, part in enumerate(parts):
                folder = "/".join(parts[: at + 1])
                if folder not in self.below and parts[0] != OTHERS:
                    self.named.setdefault(normalise_code_text(part), {})[folder] = None
                self.below.setdefault(folder, []).append(path)

    def found(self, code: str, where: str = "", row: int | None = None, /, **facts: str) -> None:
        self.findings.append(Finding(code, where, row=row, facts=facts))


def validate(folder: Path) -> list[Finding]:
    """Every finding of a transfer package."""
    return list(read(folder).findings)


def read(folder: Path, *, check_digests: bool = True) -> Packet:
    """Read a transfer package from its folder or from the one folder above it."""
    tree = walk(_root_of(folder))
    package = _Package(dict(tree.files), list(tree.findings))
    about = _read_notes(package)
    name = _top_file(package.files, CATALOGUE)
    if name is None:
        package.found("T93-NO-CATALOGUE")
        return Packet("dat93", (), tuple(package.findings), about)
    entries = _read_catalogue(package, name)
    items = []
    for number, description in enumerate(entries, start=1):
        item = _read_item(package, number, description, check_digests=check_digests)
        if item is not None:
            items.append(item)
    _check_strays(package)
    if entries and (promised := about.get("件数", "")) and promised != str(len(entries)):
        package.found("T93-COUNT", NOTES, expected=promised, actual=str(len(entries)))
    return Packet("dat93", tuple(items), tuple(package.findings), about)


def is_root(folder: Path) -> bool:
    """Whether the folder, or the one folder in it, has 目录文件.XML or 说明文件.TXT."""
    root = _root_of(folder)
    return any(_named(root, name) for name in (CATALOGUE, NOTES))


def _root_of(folder: Path) -> Path:
    if any(_named(folder, name) for name in (CATALOGUE, NOTES)):
        return folder
    below = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink()]
    if len(below) == 1 and any(_named(below[0], name) for name in (CATALOGUE, NOTES)):
        return below[0]
    return folder


def _named(folder: Path, name: str) -> bool:
    return any(entry.name.casefold() == name.casefold() for entry in folder.iterdir())


def _top_file(files: Mapping[str, Path], name: str) -> str | None:
    return next((path for path in files if path.casefold() == name.casefold()), None)


def _read_notes(package: _Package) -> dict[str, str]:
    name = _top_file(package.files, NOTES)
    if name is None:
        package.found("T93-NO-NOTES")
        return {}
    with package.files[name].open("rb") as stream:
        content = stream.read(1 << 20)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", "replace")
    pairs = (re.match(r"([^：:]{1,40})[：:]", line.strip()) for line in text.splitlines())
    return {pair[1]: pair.string[pair.end() :].strip() for pair in pairs if pair}


def _read_catalogue(package: _Package, name: str) -> list[Description]:
    try:
        root = read_tree(package.files[name])
    except HostileXml as error:
        package.found("PKG-XML-HOSTILE", name, reason=str(error))
        return []
    except BrokenXml as error:
        package.found("PKG-XML-BROKEN", name, reason=str(error))
        return []
    entries = [entry for element in root.walk() if (entry := _entry(element))]
    if not entries:
        package.found("T93-CATALOGUE-EMPTY", name)
    return entries


def _entry(element: Element) -> Description:
    """The description that an element's children hold, {} when they hold none."""
    leaves = [child for child in element.children if not child.children]
    names = [
        child.attributes.get("标识") or child.attributes.get("名称") or child.name
        for child in leaves
    ]
    columns = match_headers(names)
    held = {key: leaves[at].text.strip() for at, key in columns.items() if leaves[at].text.strip()}
    return held if {"archival_code", "title"} & held.keys() else {}


def _read_item(
    package: _Package, number: int, description: Description, *, check_digests: bool
) -> PackedItem | None:
    code = description.get("archival_code", "")
    if not code:
        package.found("T93-NO-CODE", CATALOGUE, number, title=description.get("title", "")[:60])
        return None
    folders = _folders_named(package, code)
    if not folders:
        package.found("T93-NO-FOLDER", CATALOGUE, number, code=code)
        return None
    if len(folders) > 1:
        package.found("T93-TWO-FOLDERS", " ".join(folders), number, code=code)
        package.claimed.update(folders)
        return None
    folder = folders[0]
    if folder in package.claimed:
        package.found("T93-DUPLICATE-CODE", folder, number, code=code)
        return None
    package.claimed.add(folder)
    inside = {
        path.removeprefix(f"{folder}/"): package.files[path] for path in package.below[folder]
    }
    return _item_of(package, folder, number, description, inside, check_digests=check_digests)


def _folders_named(package: _Package, code: str) -> list[str]:
    found = package.named.get(normalise_code_text(safe_name(code)), {})
    return [one for one in found if not any(_is_below(one, other) for other in found)]


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/")


def _item_of(
    package: _Package,
    folder: str,
    number: int,
    description: Description,
    inside: Mapping[str, Path],
    *,
    check_digests: bool,
) -> PackedItem | None:
    metadata = [path for path in inside if path.casefold().endswith(".xml")]
    if not [path for path in inside if path not in metadata] and len(metadata) < 2:
        package.found("T93-NO-CONTENT", folder, number)
    if not metadata:
        package.found("T93-NO-METADATA", folder, number)
    if DAT46_FILE not in inside:
        files = tuple(PackedFile(path, file) for path, file in inside.items())
        return PackedItem(description, files, folder, number)
    try:
        item = item_from_folder(inside, where=folder)
    except HostileXml as error:
        package.found("PKG-XML-HOSTILE", f"{folder}/{DAT46_FILE}", number, reason=str(error))
        return None
    except BrokenXml as error:
        package.found("PKG-XML-BROKEN", f"{folder}/{DAT46_FILE}", number, reason=str(error))
        return None
    _compare(package, folder, number, description, item)
    _check_files(package, folder, number, item, inside, check_digests=check_digests)
    merged = item.description | description
    return PackedItem(merged, item.files, folder, number, item.events, item.agents)


def _compare(
    package: _Package, folder: str, number: int, description: Description, item: PackedItem
) -> None:
    for key, value in description.items():
        other = item.description.get(key, "")
        if other and other != value:
            facts = {
                "field": fields()[key].name_zh,
                "catalogue": value[:60],
                "metadata": other[:60],
            }
            package.found("T93-METADATA-DIFFERS", folder, number, **facts)


def _check_files(
    package: _Package,
    folder: str,
    number: int,
    item: PackedItem,
    inside: Mapping[str, Path],
    *,
    check_digests: bool,
) -> None:
    for fact in read_dat46_xml(inside[DAT46_FILE].read_bytes()).files:
        if fact.path not in inside:
            package.found("T93-FILE-MISSING", f"{folder}/{fact.path}", number)
    for file in item.files if check_digests else ():
        if not file.digests:
            continue
        actual = digest_file(file.source)
        for algorithm, digest in file.digests.items():
            if (other := getattr(actual, algorithm)) != digest:
                facts = {"expected": digest, "actual": other, "algorithm": algorithm}
                package.found("T93-DIGEST-MISMATCH", f"{folder}/{file.place}", number, **facts)


def _check_strays(package: _Package) -> None:
    strays: dict[str, None] = {}
    for path in package.files:
        folder, _, _ = path.rpartition("/")
        parents = (path[:at] for at, sign in enumerate(path) if sign == "/")
        inside = any(parent in package.claimed for parent in parents)
        if folder and not inside and path.split("/")[0] != OTHERS:
            strays[folder] = None
    for folder in strays:
        package.found("T93-STRAY-FOLDER", folder)
