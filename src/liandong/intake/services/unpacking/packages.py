"""Bags, DA/T 93 transfer packages and EEP packages as drafts of items.

The readers of the kernel want a folder: the staged files are linked into one, which takes no
space, and thrown away after reading.
"""

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from django.conf import settings

from liandong.intake.models import Batch, HandedFile
from liandong.kernel.checks import Finding, Severity
from liandong.kernel.digests import digest_file
from liandong.kernel.findings import severity_of
from liandong.kernel.names import BadPath, inner_path
from liandong.kernel.packages import bagit, eep, transfer
from liandong.kernel.packages.packet import PackedFile, PackedItem, Packet

from .draft import Draft
from .expand import suffix_of

Tree = Mapping[Path, HandedFile]


@dataclass(slots=True)
class Taken:
    """What a package gave."""

    drafts: list[Draft] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    fresh: list[HandedFile] = field(default_factory=list)
    about: dict[str, str] = field(default_factory=dict)
    declared_items: int | None = None


def read_bag(batch: Batch, files: Sequence[HandedFile], root: str) -> Taken:
    """The items of a bag; everything outside `data/` is no content."""
    taken = _read_tree(batch, files, root, bagit.read)
    for file in files:
        if not file.path.removeprefix(root).startswith("data/"):
            file.is_content = False
    return taken


def read_transfer(batch: Batch, files: Sequence[HandedFile], root: str) -> Taken:
    """The items of a transfer package.  Source: DA/T 93-2022, appendix B (secondary)."""
    taken = _read_tree(batch, files, root, transfer.read)
    for file in files:
        if "/" not in file.path.removeprefix(root):
            file.is_content = False
    return taken


def _read_tree(
    batch: Batch, files: Sequence[HandedFile], root: str, read: Callable[[Path], Packet]
) -> Taken:
    folder = settings.STAGING / str(batch.uuid) / "tree"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        tree = _lay_out(files, root, folder)
        packet = read(folder)
        taken = Taken(about=dict(packet.about), declared_items=len(packet.items))
        by_path = {file.path: file for file in tree.values()}
        taken.drafts = [_draft(item, tree, by_path, root) for item in packet.items]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _place_findings(taken, packet.findings, root)
    return taken


def _lay_out(files: Sequence[HandedFile], root: str, folder: Path) -> dict[Path, HandedFile]:
    tree: dict[Path, HandedFile] = {}
    folder.mkdir(parents=True)
    for file in files:
        try:
            path = folder / inner_path(file.path.removeprefix(root))
        except BadPath:
            continue  # stays a stray: held with a finding
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(settings.STAGING / file.staged, path)
        except OSError as error:
            if error.errno not in {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}:
                raise
            continue  # a file and a folder of one name: a stray as well
        tree[path] = file
    return tree


def _draft(item: PackedItem, tree: Tree, by_path: Mapping[str, HandedFile], root: str) -> Draft:
    draft = Draft(
        key=item.code or f"{root}{item.where}".strip("/") or "data",
        row=item.row,
        description={name: text for name, text in item.description.items() if text},
    )
    for file in item.files:
        if handed := tree.get(file.source):
            (draft.files if file.role == "original" else draft.companions).append(handed)
    if not draft.description.get("title") and len(draft.files) == 1:
        draft.description["title"] = PurePosixPath(draft.files[0].path).stem
    _take_metadata_files(draft, by_path)
    return draft


def _take_metadata_files(draft: Draft, by_path: Mapping[str, HandedFile]) -> None:
    """The metadata file in the folder of an item belongs to it and is no content."""
    known = {id(file) for file in [*draft.files, *draft.companions]}
    folders = dict.fromkeys(file.path.rpartition("/original/")[0] for file in draft.files)
    for folder in folders:
        file = by_path.get(f"{folder}/metadata/dat46.xml") if folder else None
        if file is not None and id(file) not in known:
            draft.companions.append(file)


def _place_findings(taken: Taken, findings: Sequence[Finding], root: str) -> None:
    """Findings about a file go to its item; a fault of the whole package holds every item."""
    by_path: dict[str, Draft] = {}
    for draft in taken.drafts:
        for file in [*draft.files, *draft.companions]:
            by_path[file.path.removeprefix(root)] = draft
    whole: dict[str, None] = {}
    for finding in findings:
        draft_found = by_path.get(finding.where)
        if draft_found is not None:
            draft_found.findings.append(finding)
            continue
        taken.findings.append(finding)
        if severity_of(finding.code) is Severity.BLOCK:
            whole[finding.code] = None
    for draft in taken.drafts if whole else []:
        draft.find("PKG-FAULTY", codes="、".join(whole)[:200])


# EEP ----------------------------------------------------------------------------------------------


def read_eep(batch: Batch, files: Sequence[HandedFile], root: str) -> Taken:
    """One item per encapsulation package; its files are stored beside it."""
    taken = Taken(declared_items=len(files))
    base = settings.STAGING / str(batch.uuid) / "eep"
    shutil.rmtree(base, ignore_errors=True)
    names: dict[str, int] = defaultdict(int)
    for number, file in enumerate(files):
        folder = base / f"{number:06d}"
        folder.mkdir(parents=True)
        packet = eep.read(settings.STAGING / file.staged, folder)
        draft = _eep_draft(batch, file, packet, taken)
        names[draft.key] += 1
        taken.drafts.append(draft)
        taken.about |= packet.about
    return taken


def _eep_draft(batch: Batch, file: HandedFile, packet: Packet, taken: Taken) -> Draft:
    findings = [
        Finding(one.code, file.path, one.row, one.column or one.where, one.page, one.facts)
        for one in packet.findings
    ]
    if not packet.items:  # unreadable: the package itself is what is kept
        return Draft(key=file.path, files=[file], findings=findings)
    item = packet.items[0]
    draft = Draft(
        key=item.code or file.path,
        description={name: text for name, text in item.description.items() if text},
        companions=[file],
        findings=findings,
    )
    for one in item.files:
        if one.role == "original":
            handed = _store(batch, file, one)
            taken.fresh.append(handed)
            draft.files.append(handed)
    return draft


def _store(batch: Batch, package: HandedFile, file: PackedFile) -> HandedFile:
    """A row for a file that came out of a package; its bytes are in the staging folder already."""
    target = file.source
    suffix = suffix_of(file.path)
    if suffix and target.suffix.lower() != suffix:
        target = target.rename(target.with_name(f"{target.name}{suffix}"))
    digests = digest_file(target)
    return HandedFile(
        batch=batch, path=f"{package.path}/{file.path}"[:1000],
        staged=target.relative_to(settings.STAGING).as_posix(), size_bytes=digests.size,
        sha512=digests.sha512, sha256=digests.sha256, sm3=digests.sm3,
    )  # fmt: skip
