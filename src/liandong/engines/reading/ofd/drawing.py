"""What a page of an OFD file draws, in order, as plain shapes: characters, paths, pictures."""

import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from ofdkit.package import Package

from .geometry import Matrix, Point, deltas, matrix, number, numbers, outlines
from .structure import (
    Area,
    Document,
    Font,
    PageEntry,
    Resources,
    area_of,
    first,
    named,
    read_resources,
    read_xml,
    read_xml_or_none,
    style_value,
    tag,
    text_of,
)

_DEEPEST = 24  # nesting of blocks and composite objects
_MOST_SHAPES = 200_000
_MOST_ELEMENTS = 200_000  # looked at for one page: units within units multiply
_LINE_WIDTH = 0.353  # mm; GB/T 33190-2016, 8.2: default of LineWidth

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Letter:
    """A character with the matrix from its own space (baseline origin, size 1 mm) to the page."""

    text: str
    at: Point  # baseline origin in the space of the matrix
    advance: float  # to the next character, in the same space
    size: float


@dataclass(frozen=True, slots=True)
class Text:
    """A run of characters."""

    letters: tuple[Letter, ...]
    matrix: Matrix
    font: Font
    colour: Colour
    alpha: float
    visible: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """A path of straight pieces on the page, in millimetres."""

    chains: list[list[Point]]
    fill: Colour | None
    stroke: Colour | None
    width: float
    alpha: float
    even_odd: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """An image whose unit square is placed by the matrix."""

    entry: str
    matrix: Matrix
    alpha: float


@dataclass(frozen=True, slots=True)
class SealPicture:
    """The picture inside a seal, drawn into the box."""

    entry: str
    box: Area


Shape = Text | Outline | Picture | SealPicture


@dataclass(slots=True)
class Drawn:
    """A page: its area in millimetres and its shapes from the bottom to the top."""

    area: Area
    shapes: list[Shape] = field(default_factory=list)


def draw(package: Package, page: PageEntry) -> Drawn:
    """Everything the page shows; raises Unreadable when its content cannot be parsed."""
    document = page.document
    if page.entry is None:
        return Drawn(document.area)
    root = read_xml(package, page.entry)
    shared = replace(document.resources, left=[_MOST_ELEMENTS])
    resources = _page_resources(package, page.entry, root, shared)
    drawn = Drawn(area_of(first(root, "Area")) or document.area)
    shapes = list(_templates(package, document, resources, root, ("Background", "Body")))
    shapes.extend(_content(root, resources))
    shapes.extend(_templates(package, document, resources, root, ("Foreground",)))
    for entry in document.annotations.get(page.page_id, []):
        shapes.extend(_annotation(package, entry, resources))
    shapes.extend(SealPicture(s.signed_value, s.box) for s in document.seals.get(page.page_id, []))
    drawn.shapes = shapes[:_MOST_SHAPES]
    return drawn


def _page_resources(package: Package, entry: str, root: ET.Element, shared: Resources) -> Resources:
    files = [package.resolve(entry, element.text) for element in named(root, "PageRes")]
    return shared.joined(read_resources(package, files)) if files else shared


def _templates(
    package: Package,
    document: Document,
    resources: Resources,
    root: ET.Element,
    orders: tuple[str, ...],
) -> Iterator[Shape]:
    for reference in named(root, "Template"):
        entry, order = document.templates.get(reference.get("TemplateID", ""), ("", ""))
        template = read_xml_or_none(package, entry or None)
        if template is not None and (reference.get("ZOrder") or order) in orders:
            yield from _content(template, _page_resources(package, entry, template, resources))


def _content(root: ET.Element, resources: Resources) -> Iterator[Shape]:
    for layer in named(first(root, "Content"), "Layer"):
        yield from _shapes(layer, Matrix(), resources, 0)


def _annotation(package: Package, entry: str, resources: Resources) -> Iterator[Shape]:
    for annotation in named(read_xml_or_none(package, entry), "Annot"):
        appearance = first(annotation, "Appearance")
        if appearance is not None and annotation.get("Visible", "true").lower() != "false":
            yield from _shapes(appearance, _place(appearance), resources, 0)


def _place(element: ET.Element) -> Matrix:
    """From the space inside the object to the space around it: CTM, then its boundary's corner."""
    box = numbers(element.get("Boundary"), 4) or (0.0, 0.0, 0.0, 0.0)
    inner = matrix(element.get("CTM"))
    return inner._replace(e=inner.e + box[0], f=inner.f + box[1])


def _shapes(
    parent: Iterable[ET.Element], space: Matrix, resources: Resources, depth: int
) -> Iterator[Shape]:
    if depth > _DEEPEST:
        return
    for element in _visible(parent, resources.left):
        inner = space.after(_place(element))
        match tag(element):
            case "TextObject":
                yield from _texts(element, inner, resources)
            case "PathObject":
                yield from _outline(element, inner, resources)
            case "ImageObject":
                yield from _picture(element, inner, resources)
            case "PageBlock":
                yield from _shapes(element, space, resources, depth + 1)
            case "CompositeObject":
                unit = resources.units.get((element.get("ResourceID") or "").strip())
                content = first(unit, "Content")
                yield from _shapes(() if content is None else content, inner, resources, depth + 1)
            case _:
                continue


def _visible(parent: Iterable[ET.Element], left: list[int]) -> Iterator[ET.Element]:
    """The children to draw, as long as `left[0]` has not been used up."""
    for child in parent:
        if left[0] <= 0:
            return
        left[0] -= 1
        if child.get("Visible", "true").lower() != "false":
            yield child


def _picture(element: ET.Element, space: Matrix, resources: Resources) -> Iterator[Shape]:
    entry = resources.images.get((element.get("ResourceID") or "").strip())
    if entry is not None:
        yield Picture(entry, space, number(element.get("Alpha"), 255.0) / 255)


def _texts(element: ET.Element, space: Matrix, resources: Resources) -> Iterator[Shape]:
    size = number(element.get("Size"), 0.0)
    if size <= 0:
        return
    stretch = number(element.get("HScale"), 1.0)
    font = resources.fonts.get((element.get("Font") or "").strip(), Font(""))
    colour, alpha = _colour(style_value(element, resources.styles, "FillColor"))
    alpha *= number(element.get("Alpha"), 255.0) / 255
    visible = element.get("Fill", "true").lower() != "false" or element.get("Stroke") == "true"
    x = y = 0.0
    for code in named(element, "TextCode"):
        text = code.text or ""
        x, y = number(code.get("X"), x), number(code.get("Y"), y)
        letters = tuple(_letters(text, (x, y), code, size, stretch))
        if letters:
            yield Text(letters, space, font, colour or (0, 0, 0), alpha, visible)


def _letters(
    text: str, start: Point, code: ET.Element, size: float, stretch: float
) -> Iterator[Letter]:
    across, down = deltas(code.get("DeltaX"), len(text)), deltas(code.get("DeltaY"), len(text))
    x, y = start
    for index, letter in enumerate(text):
        natural = size * stretch * (1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.5)
        step_x = across[index] if index < len(across) else (0.0 if down else natural)
        step_y = down[index] if index < len(down) else 0.0
        if letter not in "\r\n":
            yield Letter(letter, (x, y), min(abs(step_x) or natural, natural * 1.2), size)
        x, y = x + step_x, y + step_y


def _outline(element: ET.Element, space: Matrix, resources: Resources) -> Iterator[Shape]:
    chains = outlines(text_of(element, "AbbreviatedData") or "")
    if not chains:
        return
    filled = element.get("Fill", "false").lower() == "true"
    stroked = element.get("Stroke", "true").lower() == "true"
    fill, alpha = _colour(style_value(element, resources.styles, "FillColor"))
    stroke, stroke_alpha = _colour(style_value(element, resources.styles, "StrokeColor"))
    width = style_value(element, resources.styles, "LineWidth")
    yield Outline(
        chains=[[space(*point) for point in chain] for chain in chains],
        fill=(fill or (0, 0, 0)) if filled and alpha > 0 else None,
        stroke=(stroke or (0, 0, 0)) if stroked and stroke_alpha > 0 else None,
        width=number(width if isinstance(width, str) else None, _LINE_WIDTH) * space.size,
        alpha=number(element.get("Alpha"), 255.0) / 255 * (alpha if filled else stroke_alpha),
        even_odd=element.get("Rule", "NonZero") == "Even-Odd",
    )


def _colour(element: ET.Element | str | None) -> tuple[Colour | None, float]:
    """RGB and opacity; grey and CMYK are told by the count of values."""
    if element is None or isinstance(element, str):
        return None, 1.0
    alpha = max(0.0, min(number(element.get("Alpha"), 255.0) / 255, 1.0))
    values = [_component(word) for word in (element.get("Value") or "").split()]
    match values:
        case [red, green, blue]:
            return (red, green, blue), alpha
        case [grey]:
            return (grey, grey, grey), alpha
        case [cyan, magenta, yellow, black]:
            rest = 255 - black
            red, green, blue = ((255 - ink) * rest // 255 for ink in (cyan, magenta, yellow))
            return (red, green, blue), alpha
        case _:
            shading = next((child for child in element.iter() if tag(child) == "Color"), None)
            return _colour(shading) if shading is not None else (None, alpha)


def _component(word: str) -> int:
    try:
        value = int(word[1:], 16) if word.startswith("#") else int(float(word))
    except (ValueError, OverflowError):
        return 0
    return max(0, min(value, 255))
