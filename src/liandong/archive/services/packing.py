"""One OCFL object per record: originals untouched, derivatives and metadata beside them.

Bytes go into the store here, before any row names them.  Killed at any point, packing again gives
the same object.  Originals are linked or copied, never read again: intake knows their digests.
Source: OCFL 1.1; DA/T 46-2009; PREMIS 3.
"""

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

import liandong
from liandong.base.engines import engine
from liandong.kernel.digests import digest_file
from liandong.kernel.packages.ocfl import (
    Content,
    files_of,
    object_path,
    prepare_root,
    write_object,
)
from liandong.kernel.pages import Method, Page
from liandong.kernel.sealed import DataKey

from . import objects
from .admission import Admission, Event, OriginalFile, ReadPage
from .contents import seal_contents
from .keyring import algorithm_in_use, ensure_keys
from .objects import BrokenObject, LockedObject, Packed, PackedFile, blob_store, record_urn

logger = logging.getLogger(__name__)
TOOL = f"liandong {liandong.__version__}"


@dataclass(frozen=True, slots=True)
class _Part:
    """A file that will be in the object, with its bytes."""

    file: PackedFile  # its content path comes from the inventory
    source: Path | bytes


def pack(admission: Admission) -> Packed:
    """Build and place the object of one record; see `pack_many`."""
    return pack_many([admission])[0]


def pack_many(admissions: Sequence[Admission]) -> list[Packed]:
    """Build and place one object per record; what stands in the store, in the order given.

    An object that is in the store already is returned as it stands.  With ENCRYPTION the others
    are sealed, each with a key that is durable before any of its bytes is.  Raises BrokenObject
    when one in the store cannot be read, CannotOpen when a key that is there cannot be had,
    OSError (full disk: no object is half in the store).
    """
    store = blob_store()
    prepare_root(store)
    found: dict[UUID, Packed] = {}
    for admission in admissions:
        if (kept := find_object(admission.object_id)) is not None:
            found[admission.object_id] = kept
    with workspace() as folder:
        fresh = {one.object_id: one for one in admissions if one.object_id not in found}
        locks = _data_keys(fresh)
        built = {
            object_id: _build(one, folder / str(object_id), locks.get(record_urn(object_id)))
            for object_id, one in fresh.items()
        }
        keys = {object_path(record_urn(object_id)): object_id for object_id in built}
        places = {key: folder / str(object_id) / "object" for key, object_id in keys.items()}
        present = store.place_many(places) if places else frozenset()
        for key, object_id in keys.items():  # present: another worker was first with the record
            there = key in present
            found[object_id] = objects.read_object(object_id) if there else built[object_id]
    return [found[admission.object_id] for admission in admissions]


def find_object(object_id: UUID) -> Packed | None:
    """What stands in the store of this record, an interrupted version finished; None if nothing.

    Raises BrokenObject.
    """
    try:
        return objects.read_object(object_id)
    except FileNotFoundError:
        return None
    except LockedObject:
        raise
    except BrokenObject:
        objects.repair_object(object_id)
        return objects.read_object(object_id)


def _data_keys(fresh: Mapping[UUID, Admission]) -> Mapping[str, DataKey]:
    """The keys of the objects to be, none without encryption."""
    algorithm = algorithm_in_use()
    if algorithm is None or not fresh:
        return {}
    now = max(one.at for one in fresh.values())
    return ensure_keys([record_urn(object_id) for object_id in fresh], algorithm, now=now)


@contextmanager
def workspace() -> Iterator[Path]:
    """A folder for building, on the disk of the staging folder; gone afterwards."""
    parent = Path(settings.STAGING) / "packing"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_workspaces() -> int:
    """Remove the folders of processes that were killed while building; returns how many."""
    parent, removed = Path(settings.STAGING) / "packing", 0
    for folder in parent.iterdir() if parent.is_dir() else ():
        process = folder.name.partition("-")[0]
        if not process.isdecimal() or not Path("/proc", process).exists():
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _build(admission: Admission, folder: Path, key: DataKey | None) -> Packed:
    """The object as `folder`/object, and what its rows are made of."""
    folder.mkdir()
    pages, images = _pages_and_images(admission)
    bound, bind_event = _double_layer(admission, folder / "double-layer.pdf")
    parts = [
        *_original_parts(admission.originals),
        *images,
        *bound,
        _part(objects.TEXT, objects.text_json(pages)),
    ]
    packed = Packed(
        object_id=admission.object_id,
        version=1,
        description=_clean(dict(admission.description)),
        level=admission.level,
        open_from=admission.open_from,
        unit=admission.unit,
        looked_at=admission.looked_at,
        admitted_at=admission.at,
        admitted_by=admission.by,
        files=tuple(part.file for part in parts),
        pages=pages,
        events=(*admission.events, *bind_event, _ingestion(admission)),
    )
    parts += [_part(path, content) for path, content in _metadata(packed, admission).items()]
    urn, originals = record_urn(admission.object_id), len(admission.originals)
    if key is None:
        names = {part.file.path: part.file.path for part in parts}
        contents: Mapping[str, Content] = {part.file.path: _content(part) for part in parts}
    else:
        packed = replace(packed, encryption=key.algorithm.name)
        plain = {part.file.path: (part.source, part.file.sha512) for part in parts}
        sealed = seal_contents(urn, "v1", key, plain, folder / "sealed")
        contents, names = sealed.contents, {path: at for path, (at, *_) in sealed.facts.items()}
    inventory = write_object(
        folder / "object", urn, contents,
        message="入库", user=admission.by, created=admission.at, keep_sources=key is None,
    )  # fmt: skip
    places = files_of(inventory)
    files = [replace(part.file, content_path=places[names[part.file.path]]) for part in parts]
    files[originals:] = sorted(files[originals:], key=lambda file: file.path)
    return replace(packed, files=tuple(files))


def _ingestion(admission: Admission) -> Event:
    detail = {"looked_at": admission.looked_at}
    return Event("ingestion", admission.at, admission.by, TOOL, "success", detail)


def _content(part: _Part) -> Content:
    return Content(part.source, part.file.sha512, part.file.sha256)


def _part(path: str, source: Path | bytes) -> _Part:
    if isinstance(source, bytes):
        size, sha512 = len(source), hashlib.sha512(source).hexdigest()
    else:
        digests = digest_file(source)
        size, sha512 = digests.size, digests.sha512
    return _Part(PackedFile(path, "", size, sha512, mime=objects.mime_of(path)), source)


def _original_parts(originals: Sequence[OriginalFile]) -> Iterator[_Part]:
    for order, file in enumerate(originals):
        yield _Part(
            PackedFile(
                path=f"original/{file.name}",
                content_path="",
                size_bytes=file.size_bytes,
                sha512=file.sha512,
                order=order,
                sha256=file.sha256,
                sm3=file.sm3,
                puid=file.puid,
                mime=file.mime,
                format_name=file.format_name,
            ),
            file.source,
        )


# Pages --------------------------------------------------------------------------------------------


def _pages_and_images(
    admission: Admission,
) -> tuple[tuple[Mapping[str, Any], ...], list[_Part]]:
    """The pages as they are kept, and the rendered images, numbered through the record."""
    mimes = {file.name: file.mime for file in admission.originals}
    pages: list[Mapping[str, Any]] = []
    images: list[_Part] = []
    for number, read in enumerate(admission.pages, start=1):
        image = ""
        if read.image is not None:
            image = f"derivative/pages/{number:04d}{read.image.suffix.lower() or '.jpg'}"
            images.append(_part(image, read.image))
        elif read.page.width and mimes.get(read.file, "").startswith("image/"):
            image = f"original/{read.file}"  # the original is the image
        kept = read.page.to_json() | {"file": f"original/{read.file}", "image": image}
        pages.append(_clean(kept))
    return tuple(pages), images


def _clean(value: Any) -> Any:
    """The value without signs that no database and no JSON can keep: NUL and lone surrogates."""
    match value:
        case str():
            if "\0" in value:
                value = value.replace("\0", "")
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case dict():
            return {key: _clean(one) for key, one in value.items()}
        case list() | tuple():
            return [_clean(one) for one in value]
    return value


def _double_layer(admission: Admission, target: Path) -> tuple[list[_Part], list[Event]]:
    """The double-layer PDF (双层文件) when a page was recognised, and the event that says so."""
    sources = {file.name: file.source for file in admission.originals}
    pages = [
        (read.page, image)
        for read in admission.pages
        if (image := _image_of(read, sources)) is not None
    ]
    if not any(page.method == Method.OCR for page, _ in pages):
        return [], []
    outcome = bind_pages(pages, target, admission.description.get("title", ""))
    event = Event("creation", admission.at, "system", TOOL, outcome, {"path": objects.DOUBLE_LAYER})
    return ([_part(objects.DOUBLE_LAYER, target)] if target.exists() else []), [event]


def _image_of(read: ReadPage, sources: Mapping[str, Path]) -> Path | None:
    if read.image is not None:
        return read.image
    return sources.get(read.file) if read.page.width and read.page.method == Method.OCR else None


def bind_pages(pages: Sequence[tuple[Page, Path]], target: Path, title: str) -> str:
    """Write a double-layer PDF; `success`, or `failure` and no file.

    It is a convenience beside images and text: a page that cannot be bound stops no record.
    """
    try:
        engine("reader").bind(pages, target, title)
    except Exception as error:  # engine boundary: logged, recorded as an event  # noqa: BLE001
        logger.warning("record.bind_failed error=%s", type(error).__name__)
        target.unlink(missing_ok=True)
        return "failure"
    return "success"


# Metadata -----------------------------------------------------------------------------------------


def _metadata(packed: Packed, admission: Admission) -> dict[str, bytes]:
    return {
        objects.DESCRIPTION: objects.description_json(packed),
        **objects.standard_metadata(packed),
        objects.CHECKS: objects.to_json(_clean(dict(admission.checks))),
        objects.FIELDS: objects.to_json(_clean([dict(row) for row in admission.fields])),
        objects.FILES: objects.to_json([_file_fact(file) for file in admission.originals]),
        objects.EVENTS: objects.events_json(packed.events),
    }


def _file_fact(file: OriginalFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "original_name": file.original_name,
        "size": file.size_bytes,
        "puid": file.puid,
        "mime": file.mime,
        "format_name": file.format_name,
        "sha512": file.sha512,
        "sha256": file.sha256,
        "sm3": file.sm3,
        "modified": file.modified_at.isoformat() if file.modified_at else "",
    }
