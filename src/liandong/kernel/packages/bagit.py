"""BagIt bags: written as 1.0, read and validated as 0.93 to 1.0, strictly.

A path that leaves the bag on any system makes the bag invalid on every system: an archive hands
its bags on.  Nothing is ever fetched.  Source: RFC 8493; BagIt 0.97 draft for older bags.
"""

import codecs
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from liandong.kernel.checks import Finding
from liandong.kernel.digests import Digests, digest_bytes, new_sm3
from liandong.kernel.names import BadPath, clashes, inner_path
from liandong.kernel.xml import BrokenXml, HostileXml

from .packet import (
    DAT46_FILE,
    PackedFile,
    PackedItem,
    Packet,
    Tree,
    content_files,
    copy_checked,
    item_folders,
    item_from_folder,
    metadata_of,
    walk,
)

_DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_WRITTEN = ("sha512", "sha256")
_KNOWN = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sm3"})
_VERSIONS = frozenset({"0.93", "0.94", "0.95", "0.96", "0.97", "1.0"})
_MOST_TAG_BYTES = 64 << 20
_MOST_INFO_BYTES = 1 << 20  # of bag-info.txt
_MOST_FINDINGS = 20_000  # a manifest of nothing but faults gives no more
_ENCODINGS = re.compile(
    r"(?i)utf-?(8|16|16[bl]e|32|32[bl]e)|(us-)?ascii|gb(18030|k|2312)|hz-gb-2312|big5(-?hkscs)?"
    r"|iso-?8859-[0-9]{1,2}|windows-[0-9]{3,4}|shift_?jis|euc-(jp|kr|cn)|latin-?1"
)  # Python knows more, and some of them take for ever or are no text


# Writing ------------------------------------------------------------------------------------------


SIGNED = "manifest-sha512.txt"  # what stands for the whole payload
SIGNATURE = "signature.json"


def write(
    folder: Path,
    items: Sequence[PackedItem],
    *,
    bagged_on: date,
    organisation: str = "",
    sign: Callable[[bytes], bytes] | None = None,
) -> None:
    """Make a bag of items as a new folder: `data/<档号>/{original,derivative,metadata}/…`.

    Manifests are SHA-512 and SHA-256.  `sign` gives the tag file `signature.json` for the bytes of
    the SHA-512 manifest.  Raises FileExistsError, BadPath, DigestMismatch, OSError.
    """
    folder.mkdir(parents=True)
    listed: dict[str, Digests] = {}
    for name, item in zip(item_folders(items), items, strict=True):
        for file in content_files(item):
            path = inner_path(f"data/{name}/{file.place}")
            listed[path] = copy_checked(file, folder / path)
        metadata = f"data/{name}/{DAT46_FILE}"
        listed[metadata] = _put(folder / metadata, metadata_of(item))
    (folder / "data").mkdir(exist_ok=True)
    tags = {
        "bagit.txt": _DECLARATION,
        "bag-info.txt": _bag_info(listed, items, bagged_on, organisation),
    }
    tags |= {f"manifest-{name}.txt": _manifest(listed, name) for name in _WRITTEN}
    if sign is not None:
        tags[SIGNATURE] = sign(tags[SIGNED])
    written = {name: _put(folder / name, content) for name, content in tags.items()}
    for name in _WRITTEN:
        _put(folder / f"tagmanifest-{name}.txt", _manifest(written, name))


def _put(path: Path, content: bytes) -> Digests:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        stream.write(content)
    return digest_bytes(content)


def _manifest(listed: Mapping[str, Digests], algorithm: str) -> bytes:
    lines = (f"{getattr(listed[path], algorithm)}  {_encode(path)}\n" for path in sorted(listed))
    return "".join(lines).encode()


def _encode(path: str) -> str:
    """Source: RFC 8493, 2.1.3: only %, CR and LF."""
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _bag_info(
    listed: Mapping[str, Digests], items: Sequence[PackedItem], bagged_on: date, organisation: str
) -> bytes:
    size = sum(digests.size for digests in listed.values())
    lines = [f"Source-Organization: {_one_line(organisation)}"] if organisation else []
    lines += [
        f"Bagging-Date: {bagged_on.isoformat()}",
        "Bag-Software-Agent: liandong",
        f"Payload-Oxum: {size}.{len(listed)}",
    ]
    lines += [f"External-Identifier: {_one_line(item.code)}" for item in items if item.code]
    return "".join(f"{line}\n" for line in lines).encode()


def _one_line(text: str) -> str:
    return " ".join(text.split())


# Reading ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Bag:
    """What is known of a bag while it is read."""

    tree: Tree
    version: str = "1.0"
    encoding: str = "utf-8"
    findings: list[Finding] = field(default_factory=list)
    manifests: dict[str, dict[str, str]] = field(default_factory=dict)  # algorithm → path → digest
    fetched: set[str] = field(default_factory=set)
    about: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)  # NFC of a name → the name on the disk

    def found(self, code: str, where: str = "", /, **facts: str) -> None:
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(Finding(code, where, facts=facts))
        elif len(self.findings) == _MOST_FINDINGS:
            most = str(_MOST_FINDINGS)
            self.findings.append(Finding("PKG-TOO-MANY", facts={"most": most}))


def validate(folder: Path) -> list[Finding]:
    """Every finding of a bag; the bag is valid when none of them blocks."""
    return list(read(folder).findings)


def read(folder: Path, *, check_digests: bool = True) -> Packet:
    """Read a bag; without `check_digests` the caller compares with the declared digests later.

    A bag of ours gives its items.  Any other gives one item without description, with every
    payload file.
    """
    bag = _Bag(walk(folder))
    bag.findings.extend(bag.tree.findings)
    bag.renamed = {unicodedata.normalize("NFC", path): path for path in bag.tree.files}
    for one, other in clashes(bag.tree.files):
        bag.found("PKG-NAME-CLASH", one, other=other)
    if _read_declaration(bag):
        _read_tag_files(bag)
        if not (folder / "data").is_dir():
            bag.found("BAG-NO-PAYLOAD")
        _check_completeness(bag)
        _check_oxum(bag)
        if check_digests:
            _check_digests(bag)
    return Packet("bagit", _items(bag), tuple(bag.findings), bag.about)


def _read_declaration(bag: _Bag) -> bool:
    path = bag.tree.files.get("bagit.txt")
    if path is None:
        bag.found("BAG-NO-DECLARATION")
        return False
    with path.open("rb") as stream:
        text = stream.read(1024).decode("utf-8", "replace")
    lines = [line for line in re.split(r"\r\n|\n|\r", text) if line]
    loose = (r"BagIt-Version\s*:\s*([0-9.]+)\s*", r"Tag-File-Character-Encoding\s*:\s*(\S+)\s*")
    known = [re.fullmatch(form, line) for form, line in zip(loose, lines, strict=False)]
    values = [match[1] for match in known if match]
    if len(values) != len(loose) or values[0] not in _VERSIONS:
        bag.found("BAG-BAD-DECLARATION", "bagit.txt", text=text[:120])
        return False
    bag.version, bag.encoding = values
    expected = [f"BagIt-Version: {values[0]}", f"Tag-File-Character-Encoding: {values[1]}"]
    if lines != expected:  # still readable: what else is wrong is told too
        bag.found("BAG-BAD-DECLARATION", "bagit.txt", text=text[:120])
    try:
        codecs.lookup(bag.encoding)
        is_known = _ENCODINGS.fullmatch(bag.encoding) is not None
    except (LookupError, ValueError):
        is_known = False
    if not is_known:
        bag.found("BAG-ENCODING", "bagit.txt", encoding=bag.encoding)
        return False
    return True


def _read_tag_files(bag: _Bag) -> None:
    payload = [path for path in bag.tree.files if re.fullmatch(r"manifest-[^/]+\.txt", path)]
    if not payload:
        bag.found("BAG-NO-MANIFEST")
    for name in payload:
        algorithm = name[len("manifest-") : -len(".txt")].lower()
        if algorithm not in _KNOWN:
            bag.found("BAG-UNKNOWN-ALGORITHM", name, algorithm=algorithm)
            continue
        bag.manifests[algorithm] = _read_manifest(bag, name, payload=True)
    _read_bag_info(bag)
    _read_fetch(bag)


def _tag_lines(bag: _Bag, name: str) -> Iterator[str]:
    """The lines of a tag file; what cannot be decoded is a finding and gives none."""
    path = bag.tree.files[name]
    most = _MOST_INFO_BYTES if name == "bag-info.txt" else _MOST_TAG_BYTES
    if path.stat().st_size > most:
        bag.found("BAG-ENCODING", name, encoding=f"> {most >> 20} MiB")
        return
    try:
        text = path.read_bytes().decode(bag.encoding)
    except UnicodeError:
        bag.found("BAG-ENCODING", name, encoding=bag.encoding)
        return
    for line in re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff")):
        if len(bag.findings) > _MOST_FINDINGS:
            return
        if line.strip():
            yield line


def _read_manifest(bag: _Bag, name: str, *, payload: bool) -> dict[str, str]:
    listed: dict[str, str] = {}
    for line in _tag_lines(bag, name):
        match = re.fullmatch(r"([0-9A-Fa-f]+)[ \t]+\*?(.+)", line)
        if match is None:
            bag.found("BAG-MANIFEST-LINE", name, text=line[:120])
            continue
        path = _safe_path(bag, name, match[2], payload=payload)
        if path is None:
            continue
        if path in listed:
            bag.found("BAG-DUPLICATE-ENTRY", path, manifest=name)
        listed[path] = match[1].lower()
    return listed


def _safe_path(bag: _Bag, name: str, text: str, *, payload: bool) -> str | None:
    """A path as it is on the disk; None, with a finding, when it could leave the bag."""
    text = text.removeprefix("./")
    text = re.sub("%0[Aa]", "\n", re.sub("%0[Dd]", "\r", text))
    if bag.version == "1.0":
        text = text.replace("%25", "%")
    plain = unicodedata.normalize("NFC", text)
    try:
        inner_path(plain)
    except BadPath as error:
        bag.found("BAG-PATH-ESCAPE", name, path=text[:200], reason=str(error)[:300])
        return None
    if plain.startswith("data/") is not payload:
        bag.found("BAG-PATH-ESCAPE", name, path=text[:200], reason="not the place of such a file")
        return None
    if text in bag.tree.files or plain not in bag.renamed:
        return text
    bag.found("BAG-NAME-NFC", bag.renamed[plain], manifest=name)
    return bag.renamed[plain]


def _read_bag_info(bag: _Bag) -> None:
    if "bag-info.txt" not in bag.tree.files:
        return
    is_strict = bag.version == "1.0"
    parts: dict[str, list[str]] = {}
    label = ""
    for line in _tag_lines(bag, "bag-info.txt"):
        if line[0] in " \t" and label:
            parts[label].append(f" {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        name = name if is_strict else name.rstrip()
        is_loose = is_strict and value[:1] not in {" ", "\t"}
        if not colon or not name or name != name.strip() or is_loose:
            bag.found("BAG-TAG-LINE", "bag-info.txt", text=line[:120])
            continue
        label = name
        before = "; " if label in parts else ""
        parts.setdefault(label, []).append(f"{before}{value.strip()}")
    bag.about |= {name: "".join(texts) for name, texts in parts.items()}


def _read_fetch(bag: _Bag) -> None:
    if "fetch.txt" not in bag.tree.files:
        return
    for line in _tag_lines(bag, "fetch.txt"):
        match = re.fullmatch(r"(\S+)[ \t]+([0-9]+|-)[ \t]+(.+)", line)
        if match is None:
            bag.found("BAG-MANIFEST-LINE", "fetch.txt", text=line[:120])
            continue
        path = _safe_path(bag, "fetch.txt", match[3], payload=True)
        if path is not None:
            bag.fetched.add(path)


def _check_completeness(bag: _Bag) -> None:
    """Every listed file is there, every file that is there is listed."""
    listed = {path for manifest in bag.manifests.values() for path in manifest}
    for path in sorted(listed - bag.tree.files.keys()):
        bag.found("BAG-FETCH" if path in bag.fetched else "BAG-FILE-MISSING", path)
    for path in sorted(bag.fetched - listed):
        bag.found("BAG-FILE-UNLISTED", path, manifest="fetch.txt")
    payload = {path for path in bag.tree.files if path.startswith("data/")}
    if bag.version == "1.0":  # RFC 8493, 2.1.3: every manifest lists every file
        for algorithm, manifest in bag.manifests.items():
            for path in sorted(payload - manifest.keys()):
                bag.found("BAG-FILE-UNLISTED", path, manifest=f"manifest-{algorithm}.txt")
    elif bag.manifests:
        for path in sorted(payload - listed):
            bag.found("BAG-FILE-UNLISTED", path, manifest="manifest-*.txt")


def _check_oxum(bag: _Bag) -> None:
    promised = bag.about.get("Payload-Oxum", "")
    if not promised:
        return
    payload = [file for path, file in bag.tree.files.items() if path.startswith("data/")]
    actual = f"{sum(file.stat().st_size for file in payload)}.{len(payload)}"
    if promised != actual:
        bag.found("BAG-OXUM", "bag-info.txt", expected=promised, actual=actual)


def _check_digests(bag: _Bag) -> None:
    wanted: dict[str, dict[str, str]] = {}
    for algorithm, manifest in bag.manifests.items():
        for path, digest in manifest.items():
            wanted.setdefault(path, {})[algorithm] = digest
    _compare(bag, wanted, "BAG-DIGEST-MISMATCH")
    _compare(bag, _tag_digests(bag), "BAG-TAG-DIGEST-MISMATCH")


def _tag_digests(bag: _Bag) -> dict[str, dict[str, str]]:
    wanted: dict[str, dict[str, str]] = {}
    for name in [path for path in bag.tree.files if re.fullmatch(r"tagmanifest-[^/]+\.txt", path)]:
        algorithm = name[len("tagmanifest-") : -len(".txt")].lower()
        if algorithm not in _KNOWN:
            bag.found("BAG-UNKNOWN-ALGORITHM", name, algorithm=algorithm)
            continue
        for path, digest in _read_manifest(bag, name, payload=False).items():
            wanted.setdefault(path, {})[algorithm] = digest
            if path not in bag.tree.files:
                bag.found("BAG-TAG-FILE-MISSING", path, manifest=name)
    return wanted


def _compare(bag: _Bag, wanted: Mapping[str, Mapping[str, str]], code: str) -> None:
    for path, expected in sorted(wanted.items()):
        if path not in bag.tree.files:
            continue
        actual = _digests(bag.tree.files[path], expected)
        for algorithm, digest in expected.items():
            if actual[algorithm] != digest:
                facts = {"expected": digest, "actual": actual[algorithm], "algorithm": algorithm}
                bag.found(code, path, **facts)


def _digests(file: Path, algorithms: Iterable[str]) -> dict[str, str]:
    """All digests of a file in one read."""
    hashes = {
        name: new_sm3() if name == "sm3" else hashlib.new(name, usedforsecurity=False)
        for name in algorithms
    }
    with file.open("rb", buffering=0) as stream:
        while block := stream.read(1 << 20):
            for one in hashes.values():
                one.update(block)
    return {name: one.hexdigest() for name, one in hashes.items()}


def _items(bag: _Bag) -> tuple[PackedItem, ...]:
    payload = {path: file for path, file in bag.tree.files.items() if path.startswith("data/")}
    folders = [path[: -len(DAT46_FILE)] for path in payload if path.endswith(f"/{DAT46_FILE}")]
    ours = [folder for folder in folders if folder.count("/") == 2]
    inside: dict[str, dict[str, Path]] = {folder: {} for folder in ours}
    for path, file in payload.items():
        folder = "/".join(path.split("/", 2)[:2]) + "/"
        if folder in inside:
            inside[folder][path.removeprefix(folder)] = file
    items = []
    for folder in ours:
        item = _item_of(bag, folder, inside[folder])
        if item is not None:
            items.append(item)
    if ours or not payload:
        return tuple(items)
    loose = tuple(
        PackedFile(path.removeprefix("data/"), file, digests=_declared(bag, path))
        for path, file in payload.items()
    )
    return (PackedItem({}, loose, "data"),)


def _item_of(bag: _Bag, folder: str, inside: Mapping[str, Path]) -> PackedItem | None:
    try:
        return item_from_folder(
            inside, where=folder.rstrip("/"), digests=lambda path: _declared(bag, folder + path)
        )
    except HostileXml as error:
        bag.found("PKG-XML-HOSTILE", folder + DAT46_FILE, reason=str(error))
    except BrokenXml as error:
        bag.found("PKG-XML-BROKEN", folder + DAT46_FILE, reason=str(error))
    return None


def _declared(bag: _Bag, path: str) -> dict[str, str]:
    return {name: listed[path] for name, listed in bag.manifests.items() if path in listed}
