"""Information packages (信息包): what kind one is, and what is wrong with it."""

import zipfile
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from liandong.kernel.checks import Finding
from liandong.kernel.findings import to_json
from liandong.kernel.names import BadPath, clashes, inner_path, zip_entry_name
from liandong.kernel.ports import PackageValidator
from liandong.kernel.xml import BrokenXml, HostileXml, scan

from . import bagit, eep, folder, transfer
from .packet import (
    DAT46_FILE,
    ROLES,
    DigestMismatch,
    PackedFile,
    PackedItem,
    Packet,
    is_valid,
)

__all__ = [
    "DAT46_FILE",
    "ROLES",
    "DigestMismatch",
    "Kind",
    "PackedFile",
    "PackedItem",
    "Packet",
    "Report",
    "bagit",
    "detect_kind",
    "eep",
    "folder",
    "is_valid",
    "transfer",
    "validate",
]

_MOST_ENTRIES = 1_000_000


class Kind(StrEnum):
    """Kinds of package; the values are what the command line prints."""

    BAGIT = "bagit"
    OCFL_OBJECT = "ocfl-object"
    OCFL_ROOT = "ocfl-root"
    EEP = "eep"
    TRANSFER = "dat93"
    FOLDER = "folder"  # with a catalogue
    BARE = "bare"  # a folder without one
    ZIP = "zip"
    FILE = "file"  # one file that is no package


def detect_kind(path: Path) -> Kind:
    """The kind of package at a path, by what is in it.  Raises FileNotFoundError."""
    if path.is_dir():
        return _kind_of_folder(path)
    with path.open("rb") as stream:
        start = stream.read(4)
    if start[:4] in {b"PK\x03\x04", b"PK\x05\x06"} and path.suffix.casefold() == ".zip":
        return Kind.ZIP
    return Kind.EEP if path.suffix.casefold() == ".eep" or _is_eep(path) else Kind.FILE


def _kind_of_folder(path: Path) -> Kind:
    names = {entry.name for entry in path.iterdir()}
    if any(name.startswith("0=ocfl_object_") for name in names):
        return Kind.OCFL_OBJECT
    if any(name.startswith("0=ocfl_") for name in names):
        return Kind.OCFL_ROOT
    if "bagit.txt" in names or any(name.startswith("manifest-") for name in names):
        return Kind.BAGIT
    if "inventory.json" in names:
        return Kind.OCFL_OBJECT  # without its declaration: the validator says so
    if transfer.is_root(path):
        return Kind.TRANSFER
    return Kind.FOLDER if folder.catalogue_of(path) is not None else Kind.BARE


class _Seen(Exception):
    """The root element is known."""


def _is_eep(path: Path) -> bool:
    if path.suffix.casefold() != ".xml":
        return False
    roots: list[str] = []

    def start(name: str, namespace: str, attributes: dict[str, str]) -> None:
        roots.append(name)
        raise _Seen

    try:
        with path.open("rb") as stream:
            scan(stream, start=start, end=lambda _: None, text=lambda _: None)
    except (_Seen, HostileXml, BrokenXml):
        pass
    return roots == ["电子文件封装包"]


class Report(NamedTuple):
    """What `validate` says of a package."""

    kind: Kind
    findings: list[Finding]
    path: str

    @property
    def is_valid(self) -> bool:
        """No finding blocks."""
        return is_valid(self.findings)

    def to_json(self, language: str = "zh") -> dict[str, Any]:
        """The report as the command line prints it, messages in `language` (zh or en).

        A finding about OCFL also has `ocfl_code`, the code of the specification.
        """
        return {
            "path": self.path,
            "kind": self.kind.value,
            "verdict": "valid" if self.is_valid else "invalid",
            "findings": [
                to_json(finding, language)
                | ({"ocfl_code": finding.facts["code"]} if finding.code[:5] == "OCFL-" else {})
                for finding in self.findings
            ],
        }


def validate(
    path: Path, ocfl: PackageValidator | None = None, *, check_digests: bool = True
) -> Report:
    """The kind of a package and every finding.

    OCFL is checked by the validator that is passed in; without one the package is not called valid.
    Raises FileNotFoundError.
    """
    kind = detect_kind(path)
    return Report(kind, _findings(path, kind, ocfl, check_digests), str(path))


def _findings(
    path: Path, kind: Kind, ocfl: PackageValidator | None, check_digests: bool
) -> list[Finding]:
    match kind:
        case Kind.BAGIT:
            return list(bagit.read(path, check_digests=check_digests).findings)
        case Kind.EEP:
            return eep.validate(path)
        case Kind.TRANSFER:
            return list(transfer.read(path, check_digests=check_digests).findings)
        case Kind.FOLDER | Kind.BARE:
            return folder.validate(path)
        case Kind.ZIP:
            return zip_faults(path)
        case Kind.OCFL_OBJECT | Kind.OCFL_ROOT if ocfl is not None:
            return [
                Finding(
                    "OCFL-ERROR" if fault.is_error else "OCFL-WARNING",
                    fault.where,
                    facts={"code": fault.code, "text": fault.text},
                )
                for fault in ocfl.validate(path, check_digests=check_digests)
            ]
    return [Finding("PKG-UNKNOWN", path.name)]


def zip_faults(path: Path) -> list[Finding]:
    """What is wrong with the names in a zip, without unpacking: damage, escapes, clashes, locks."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()[:_MOST_ENTRIES]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        return [Finding("PKG-DAMAGED", path.name, facts={"reason": str(error)[:120]})]
    findings, names = [], []
    if any(entry.flag_bits & 1 for entry in entries):
        findings.append(Finding("PKG-ENCRYPTED", path.name))
    for entry in entries:
        try:
            name = zip_entry_name(entry.orig_filename, entry.flag_bits)
            names.append(inner_path(name.removesuffix("/")))
        except (BadPath, UnicodeError) as error:
            facts = {"reason": str(error)[:200]}
            findings.append(Finding("PKG-PATH-ESCAPE", ascii(entry.filename)[:200], facts=facts))
        if entry.external_attr >> 28 == 0xA:  # S_IFLNK
            findings.append(Finding("PKG-LINK", ascii(entry.filename)[:200]))
    twice = [(name, name) for name, count in Counter(names).items() if count > 1]
    findings += [
        Finding("PKG-NAME-CLASH", one, facts={"other": other})
        for one, other in (*twice, *clashes(names))
    ]
    return findings
