"""The structure of an OFD file: documents, pages, templates, resources, signatures.

The container, its paths and its often broken XML are read with ofdkit; what is drawn where is
decided in `drawing`.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ofdkit.errors import OFDError
from ofdkit.package import Package

from liandong.engines.reading.containers import check_zip
from liandong.kernel.ports import Unreadable

from .geometry import numbers

A4 = (0.0, 0.0, 210.0, 297.0)
_MOST_PAGES = 100_000
_ENCRYPTION = frozenset({"encryptions.xml", "decryptseed.dat", "entriesmap.dat"})  # GM/T 0099-2020

Area = tuple[float, float, float, float]  # x, y, width, height in millimetres


@dataclass(frozen=True, slots=True)
class Font:
    """A font of the file's resources."""

    name: str
    entry: str = ""  # of the font embedded in the package, "" when it is only named


@dataclass(slots=True)
class Resources:
    """What pages refer to by number."""

    fonts: dict[str, Font] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)  # entries of the package
    styles: dict[str, ET.Element] = field(default_factory=dict)  # DrawParam
    units: dict[str, ET.Element] = field(default_factory=dict)  # CompositeGraphicUnit
    left: list[int] = field(default_factory=lambda: [0])  # elements that may still be drawn

    def joined(self, other: "Resources") -> "Resources":
        """Both; `other` wins."""
        return Resources(
            self.fonts | other.fonts,
            self.images | other.images,
            self.styles | other.styles,
            self.units | other.units,
            self.left,
        )


@dataclass(frozen=True, slots=True)
class Seal:
    """The picture of a signature's seal on a page."""

    box: Area
    signed_value: str  # entry of the package that holds the seal


@dataclass(frozen=True, slots=True)
class PageEntry:
    """Where a page is in the package."""

    page_id: str
    entry: str | None  # None when the content is missing
    document: "Document"


@dataclass(slots=True)
class Document:
    """One document (版式文档) of the file."""

    entry: str
    area: Area
    resources: Resources
    templates: dict[str, tuple[str, str]]  # id → entry, order of drawing
    annotations: dict[str, list[str]]  # page id → entries
    seals: dict[str, list[Seal]]  # page id → seals


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that the file says it has; nothing is verified here."""

    signature_id: str
    kind: str  # Seal or Sign
    provider: str
    method: str  # of the signature, an OID or a name
    time: str  # as written in the file
    signed_parts: int


def open_package(file: Path) -> Package:
    """The package within its limits; raises Unreadable."""
    names = {name.rpartition("/")[2].lower() for name in check_zip(file)}
    if names & _ENCRYPTION:
        raise Unreadable("FILE-ENCRYPTED")
    try:
        return Package(file)
    except (OFDError, OSError) as error:
        raise Unreadable("FILE-DAMAGED", reason="OFD 容器无法打开") from error


def read_pages(package: Package) -> list[PageEntry]:
    """The pages of all documents in the file, in order; raises Unreadable."""
    entry = package.find("OFD.xml")
    if entry is None:
        raise Unreadable("FILE-DAMAGED", reason="缺少 OFD.xml")
    pages: list[PageEntry] = []
    for body in named(read_xml(package, entry), "DocBody"):
        root = package.resolve(entry, text_of(body, "DocRoot"))
        if root is not None:
            signatures = package.resolve(entry, text_of(body, "Signatures"))
            pages.extend(_document_pages(package, root, signatures))
    if not pages:
        raise Unreadable("FILE-DAMAGED", reason="OFD 中没有可读的页")
    return pages[:_MOST_PAGES]


def signatures_of(file: Path) -> tuple[Signature, ...]:
    """The signatures present in an OFD file, in order; raises Unreadable."""
    package = open_package(file)
    try:
        entry = package.find("OFD.xml")
        if entry is None:
            raise Unreadable("FILE-DAMAGED", reason="缺少 OFD.xml")
        found: list[Signature] = []
        for body in named(read_xml(package, entry), "DocBody"):
            for place, element in _signatures(
                package, package.resolve(entry, text_of(body, "Signatures"))
            ):
                found.append(_signature(element, place[1]))
        return tuple(found)
    finally:
        package.close()


def read_xml(package: Package, entry: str) -> ET.Element:
    """An XML part; raises Unreadable FILE-DAMAGED, also for DTDs and entities."""
    try:
        root: ET.Element = package.read_xml(entry)
    except (OFDError, ValueError, RecursionError) as error:
        raise Unreadable("FILE-DAMAGED", reason=f"{entry[:80]} 无法解析") from error
    return root


def read_xml_or_none(package: Package, entry: str | None) -> ET.Element | None:
    """An XML part that may be missing or broken without harm to the rest."""
    if entry is None:
        return None
    try:
        return read_xml(package, entry)
    except Unreadable:
        return None


def read_resources(package: Package, entries: Iterable[str | None]) -> Resources:
    """Fonts, images, styles and composite units of resource files; missing ones are left out."""
    resources = Resources()
    for entry in entries:
        root = read_xml_or_none(package, entry)
        if entry is None or root is None:
            continue
        base = root.get("BaseLoc") or ""
        for element in root.iter():
            _add_resource(resources, package, entry, base, element)
    return resources


def tag(element: ET.Element) -> str:
    """The name without its namespace: producers use several or none."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def named(element: ET.Element | None, name: str) -> Iterator[ET.Element]:
    """Direct children of this name."""
    if element is not None:
        yield from (child for child in element if tag(child) == name)


def first(element: ET.Element | None, *path: str) -> ET.Element | None:
    """The first child along the path, or None."""
    for name in path:
        element = next(named(element, name), None)
    return element


def text_of(element: ET.Element | None, *path: str) -> str | None:
    """The text of the first child along the path, or None."""
    found = first(element, *path)
    return found.text.strip() if found is not None and found.text else None


def area_of(element: ET.Element | None) -> Area | None:
    """The physical box of an area, if it is one."""
    box = numbers(text_of(element, "PhysicalBox"), 4)
    if box is None or not (1 <= box[2] <= 10_000 and 1 <= box[3] <= 10_000):
        return None
    return (box[0], box[1], box[2], box[3])


def _document_pages(package: Package, entry: str, signatures: str | None) -> Iterator[PageEntry]:
    root = read_xml(package, entry)
    common = first(root, "CommonData")
    files = [
        package.resolve(entry, e.text)
        for n in ("PublicRes", "DocumentRes")
        for e in named(common, n)
    ]
    templates: dict[str, tuple[str, str]] = {}
    for template in named(common, "TemplatePage"):
        place = package.resolve(entry, template.get("BaseLoc"))
        if place is not None:
            templates[template.get("ID", "")] = (place, template.get("ZOrder") or "Background")
    document = Document(
        entry,
        area_of(first(common, "PageArea")) or A4,
        read_resources(package, files),
        templates,
        _annotations(package, package.resolve(entry, text_of(root, "Annotations"))),
        _seals(package, signatures),
    )
    for page in named(first(root, "Pages"), "Page"):
        place = package.resolve(entry, page.get("BaseLoc"))
        yield PageEntry((page.get("ID") or "").strip(), place, document)


def _annotations(package: Package, entry: str | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    root = read_xml_or_none(package, entry)
    for page in named(root, "Page"):
        place = package.resolve(entry, text_of(page, "FileLoc"))
        if place is not None:
            found.setdefault((page.get("PageID") or "").strip(), []).append(place)
    return found


def _signatures(
    package: Package, entry: str | None
) -> Iterator[tuple[tuple[str, ET.Element], ET.Element]]:
    """Entry and list row of each signature, and its own element."""
    for row in named(read_xml_or_none(package, entry), "Signature"):
        place = package.resolve(entry, row.get("BaseLoc"))
        element = read_xml_or_none(package, place)
        if place is not None and element is not None:
            yield (place, row), element


def _signature(element: ET.Element, row: ET.Element) -> Signature:
    info = first(element, "SignedInfo")
    provider = first(info, "Provider")
    return Signature(
        signature_id=row.get("ID", ""),
        kind=row.get("Type") or "Seal",
        provider=(provider.get("ProviderName") or "") if provider is not None else "",
        method=text_of(info, "SignatureMethod") or "",
        time=text_of(info, "SignatureDateTime") or "",
        signed_parts=sum(1 for _ in named(first(info, "References"), "Reference")),
    )


def _seals(package: Package, entry: str | None) -> dict[str, list[Seal]]:
    found: dict[str, list[Seal]] = {}
    for (place, _row), element in _signatures(package, entry):
        info = first(element, "SignedInfo")
        value = package.resolve(place, text_of(element, "SignedValue"))
        base = package.resolve(place, text_of(info, "Seal", "BaseLoc"))
        source = base or value
        for stamp in named(info, "StampAnnot"):
            box = numbers(stamp.get("Boundary"), 4)
            if source is not None and box is not None:
                seal = Seal((box[0], box[1], box[2], box[3]), source)
                found.setdefault((stamp.get("PageRef") or "").strip(), []).append(seal)
    return found


def _add_resource(
    resources: Resources, package: Package, entry: str, base: str, element: ET.Element
) -> None:
    number = (element.get("ID") or "").strip()
    match tag(element):
        case "Font":
            name = element.get("FontName") or element.get("FamilyName") or ""
            embedded = _placed(package, entry, base, text_of(element, "FontFile"))
            resources.fonts[number] = Font(name, embedded or "")
        case "MultiMedia":
            place = _placed(package, entry, base, text_of(element, "MediaFile"))
            if place is not None:
                resources.images[number] = place
        case "DrawParam":
            resources.styles[number] = element
        case "CompositeGraphicUnit":
            resources.units[number] = element
        case _:
            return


def _placed(package: Package, entry: str, base: str, location: str | None) -> str | None:
    if not location:
        return None
    folder = re.sub(r"/+$", "", base)
    inside: str | None = package.resolve(entry, f"{folder}/{location}") if folder else None
    beside: str | None = package.resolve(entry, location)
    return inside or beside


def style_value(
    element: ET.Element, styles: Mapping[str, ET.Element], name: str, depth: int = 8
) -> ET.Element | str | None:
    """A value of a drawn object or of its DrawParam chain: a child element or an attribute."""
    child = first(element, name)
    if child is not None:
        return child
    if element.get(name) is not None:
        return element.get(name)
    parent = styles.get((element.get("DrawParam") or element.get("Relative") or "").strip())
    return style_value(parent, styles, name, depth - 1) if parent is not None and depth else None
