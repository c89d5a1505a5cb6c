"""What every package reader gives and every package writer takes: items with files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from liandong.kernel.checks import Finding, Severity
from liandong.kernel.digests import Digests, copy_with_digests
from liandong.kernel.findings import severity_of
from liandong.kernel.metadata import (
    Agent,
    Description,
    Event,
    FileFact,
    dat46_xml,
    read_dat46_xml,
)
from liandong.kernel.names import safe_name

METADATA = "metadata"
ROLES = ("original", "derivative", METADATA)
DAT46_FILE = f"{METADATA}/dat46.xml"


@dataclass(frozen=True, slots=True)
class PackedFile:
    """One file of an item."""

    path: str  # inside its role: `正文.pdf`, not `original/正文.pdf`
    source: Path  # where its bytes are now
    role: str = "original"
    digests: Mapping[str, str] = field(
        default_factory=dict
    )  # declared by the package, by algorithm
    facts: FileFact | None = None  # what the metadata says of it
    opened: Callable[[], BinaryIO] | None = None  # gives the bytes when `source` is encrypted

    def open(self) -> BinaryIO:
        """The plain bytes."""
        return self.opened() if self.opened else self.source.open("rb")

    @property
    def place(self) -> str:
        """Path below the folder of the item in packages of ours."""
        return f"{self.role}/{self.path}"


@dataclass(frozen=True, slots=True)
class PackedItem:
    """One item (件) with its description and files, in reading order."""

    description: Description
    files: tuple[PackedFile, ...]
    where: str = ""  # folder or element in the package, for findings
    row: int | None = None  # row of the catalogue, header is row 1
    events: tuple[Event, ...] = ()
    agents: tuple[Agent, ...] = ()

    @property
    def code(self) -> str:
        """The archival code, "" while it has none."""
        return self.description.get("archival_code", "")


@dataclass(frozen=True, slots=True)
class Packet:
    """A package that was read.  It may have both items and findings."""

    kind: str  # bagit, ocfl-object, eep, dat93, folder
    items: tuple[PackedItem, ...] = ()
    findings: tuple[Finding, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)  # bag-info, 说明文件, …


def item_folders(items: Sequence[PackedItem]) -> list[str]:
    """A folder name for each item: its archival code as a safe name, numbered when not alone."""
    taken: set[str] = set()
    folders = []
    for number, item in enumerate(items, start=1):
        name = safe_name(item.code or f"item-{number:04d}")
        while name.casefold() in taken:
            name = f"{name}_{number}"
        taken.add(name.casefold())
        folders.append(name)
    return folders


def metadata_of(item: PackedItem) -> bytes:
    """The description of an item as the `metadata/dat46.xml` of packages of ours."""
    facts = [
        file.facts or FileFact(path=file.place, role=file.role) for file in content_files(item)
    ]
    return dat46_xml(item.description, facts, item.events, item.agents)


def content_files(item: PackedItem) -> list[PackedFile]:
    """The files of an item without `metadata/dat46.xml`, which each export writes anew."""
    return [file for file in item.files if file.place != DAT46_FILE]


def item_from_folder(
    files: Mapping[str, Path],
    *,
    where: str,
    digests: Callable[[str], Mapping[str, str]] = lambda _: {},
) -> PackedItem:
    """An item from files by path below its folder, read by `metadata/dat46.xml`.

    Raises KeyError without that file, HostileXml and BrokenXml.
    """
    known = read_dat46_xml(files[DAT46_FILE].read_bytes())
    facts = {fact.path: fact for fact in known.files}
    order = {path: at for at, path in enumerate(facts)}
    packed = [
        PackedFile(
            path=path.split("/", 1)[1] if path.split("/", 1)[0] in ROLES else path,
            source=source,
            role=path.split("/", 1)[0] if path.split("/", 1)[0] in ROLES else "original",
            digests=digests(path) or declared_digests(facts.get(path)),
            facts=facts.get(path),
        )
        for path, source in sorted(
            files.items(), key=lambda pair: (order.get(pair[0], len(order)), pair[0])
        )
        if path != DAT46_FILE
    ]
    return PackedItem(known.description, tuple(packed), where, None, known.events, known.agents)


def declared_digests(fact: FileFact | None) -> dict[str, str]:
    """Digests that the metadata declares of a file, by algorithm."""
    if fact is None:
        return {}
    known = {"sha512": fact.sha512, "sha256": fact.sha256, "sm3": fact.sm3}
    return {name: digest for name, digest in known.items() if digest}


class DigestMismatch(Exception):
    """Bytes that were copied are not those that the record promises."""

    def __init__(self, path: str, algorithm: str, expected: str, found: str) -> None:
        super().__init__(f"{algorithm} of {path}: {found}, not {expected}")
        self.path, self.algorithm, self.expected, self.found = path, algorithm, expected, found


def copy_checked(file: PackedFile, target: Path) -> Digests:
    """Copy a file into an export and return its digests.

    Raises DigestMismatch when they are not the declared ones: damage is never exported.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.opened is None:
        found = copy_with_digests(file.source, target)
    else:
        with file.open() as stream:
            found = copy_with_digests(stream, target)
    refuse_other_digests(file, found)
    return found


def refuse_other_digests(file: PackedFile, found: Digests) -> None:
    """Raises DigestMismatch when one of the declared digests is another."""
    for algorithm, expected in (file.digests or declared_digests(file.facts)).items():
        actual = getattr(found, algorithm, expected)
        if actual != expected.lower():
            raise DigestMismatch(file.path, algorithm, expected, actual)


def is_valid(findings: Iterable[Finding]) -> bool:
    """Nothing among the findings blocks."""
    return all(severity_of(finding.code) is not Severity.BLOCK for finding in findings)


@dataclass(frozen=True, slots=True)
class Tree:
    """The files below a folder by their path, and what must not be there."""

    files: Mapping[str, Path]
    findings: tuple[Finding, ...]


def walk(root: Path) -> Tree:
    """Every regular file below `root`, sorted by path.

    Links and special files are findings, and so are names that could not be packed; they are
    never followed or opened.
    """
    files: dict[str, Path] = {}
    findings: list[Finding] = []
    stack = [root]
    while stack:
        for entry in sorted(stack.pop().iterdir()):
            path = entry.relative_to(root).as_posix()
            if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
                findings.append(Finding("PKG-LINK", _printable(path)))
            elif entry.is_dir():
                stack.append(entry)
            else:
                files[path] = entry
    return Tree(dict(sorted(files.items())), tuple(findings))


def _printable(path: str) -> str:
    return path.encode("utf-8", "replace").decode("utf-8")
