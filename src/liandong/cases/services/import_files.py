"""A file of another system through the pages: kept, mapped, tried on its first rows, imported.

The import itself is `importing`: a row whose id is known is the case that is there, so that a job
that was cut off begins again and loses and repeats nothing.
"""

import csv
import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from liandong.archive.services.jobs import enqueue_after_commit
from liandong.base.audit import record_act
from liandong.base.locks import Busy, hold
from liandong.cases.models import CaseImport, ImportState
from liandong.kernel import catalog
from liandong.kernel.case_imports import BadMapping, mapping_of, profiles

from .importing import BadFile, Counts, Refused, import_rows
from .refused_rows import refused_rows

LARGEST_BYTES: Final = 2 * 1024**3
MOST_COLUMNS: Final = 200
TRIED: Final = 1000  # rows of a trial
SHOWN: Final = 20  # refused rows of a trial
JOB: Final = "liandong.cases.tasks.import_files"
Rows = Sequence[Mapping[str, str]]


def folder_of(one: CaseImport) -> Path:
    """Where the bytes of a file and its refused rows lie."""
    return Path(settings.STAGING) / "case-imports" / str(one.uuid)


def keep_file(chunks: Iterable[bytes], *, name: str, by: str, now: datetime) -> CaseImport:
    """Store a file and read its header.  Raises BadFile (empty, not-csv, not-utf-8, too-large,
    too-many-columns) and OSError; nothing is kept then."""  # fmt: skip
    one = CaseImport(uuid=uuid4(), name=name[:200], made_by=by, made_at=now)
    folder = folder_of(one)
    folder.mkdir(parents=True)
    try:
        digest = hashlib.sha256()
        with (folder / "source.csv").open("wb") as file:
            for chunk in chunks:
                one.size_bytes = (one.size_bytes or 0) + len(chunk)
                if one.size_bytes > LARGEST_BYTES:
                    raise BadFile("too-large")
                digest.update(chunk)
                file.write(chunk)
        one.sha256, one.size_bytes = digest.hexdigest(), one.size_bytes or 0
        one.header = _header(folder / "source.csv")
        one.save()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return one


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines, strict=True), [])
    except UnicodeDecodeError:
        raise BadFile("not-utf-8") from None
    except csv.Error as error:
        raise BadFile("not-csv", str(error)) from None
    if not any(header):
        raise BadFile("empty")
    if len(header) > MOST_COLUMNS:
        raise BadFile("too-many-columns", str(len(header)))
    return header


def rows_of_profile(name: str) -> list[dict[str, str]]:
    """The mapping of a layout that comes with the product.  Raises BadMapping."""
    if name not in profiles():
        raise BadMapping("unknown-profile", name)
    return [
        {key: row[key] for key in ("field", "column", "value")}
        for row in catalog.rows("case_import_profiles") if row["profile"] == name
    ]  # fmt: skip


def set_mapping(import_id: int, rows: Rows) -> CaseImport:
    """Name the columns anew.  Raises BadMapping; a file on its way keeps its mapping."""
    mapping_of(rows)
    with transaction.atomic():
        one = CaseImport.objects.select_for_update().get(pk=import_id)
        if one.state == ImportState.MAPPING:
            one.mapping = [dict(row) for row in rows]
            one.save(update_fields=["mapping"])
    return one


def try_out(one: CaseImport, *, now: datetime) -> tuple[Counts, list[Refused]]:
    """What the first TRIED rows would become, and the first refused; nothing is written.

    Raises BadFile and BadMapping.
    """
    refused: list[Refused] = []
    layout = mapping_of(one.mapping)
    with _lines(one) as lines:
        counts = import_rows(
            _first(lines), layout, by="", now=now, refuse=refused.append, dry_run=True
        )
    return counts, refused[:SHOWN]


def _first(lines: Iterable[str]) -> Iterator[str]:
    """Lines of the first TRIED rows or so, never half a quoted field."""
    quotes = 0
    for number, line in enumerate(lines):
        yield line
        quotes += line.count('"')
        if number >= TRIED and quotes % 2 == 0:
            return


def start(import_id: int, *, by: str, now: datetime) -> CaseImport:
    """Have it imported by a job; one on its way goes on as it was.  Raises BadMapping."""
    with transaction.atomic():
        one = CaseImport.objects.select_for_update().get(pk=import_id)
        mapping_of(one.mapping)
        if one.state == ImportState.MAPPING:
            one.state = ImportState.RUNNING
            one.save(update_fields=["state"])
            record_act("start_case_import", by=by, now=now, object=f"import:{one.uuid}",
                       facts={"name": one.name, "sha256": one.sha256})  # fmt: skip
        enqueue_after_commit(JOB)
    return one


def go_on(*, clock: Callable[[], datetime]) -> int:
    """Import every file that was started and has not ended; how many ended."""
    ended = 0
    for pk in CaseImport.objects.filter(state=ImportState.RUNNING).values_list("pk", flat=True):
        try:
            with hold(f"case-import-{pk}"):
                ended += _run(CaseImport.objects.get(pk=pk), clock=clock)
        except Busy:
            continue
    return ended


def _run(one: CaseImport, *, clock: Callable[[], datetime]) -> bool:
    if one.state != ImportState.RUNNING:
        return False

    def tell(done: int, _total: int) -> None:
        CaseImport.objects.filter(pk=one.pk).update(read=done)

    refused_path(one).unlink(missing_ok=True)  # what is begun again refuses the same rows again
    try:
        with _lines(one) as lines, refused_rows(refused_path(one)) as refuse:
            counts = import_rows(
                lines, mapping_of(one.mapping), by=one.made_by, now=clock(), refuse=refuse,
                progress=tell,
            )  # fmt: skip
    except UnicodeDecodeError:
        one.state, one.fault = ImportState.FAILED, "not-utf-8"
    except BadFile as bad:
        one.state, one.fault = ImportState.FAILED, f"{bad.code} {bad.text}".strip()[:300]
    else:
        one.state, one.fault = ImportState.DONE, ""
        for name in ("read", "imported", "closed", "known", "refused", "reasons"):
            setattr(one, name, getattr(counts, name))
    one.ended_at = clock()
    one.save()
    if one.state == ImportState.DONE:
        (folder_of(one) / "source.csv").unlink(missing_ok=True)
    return True


@contextmanager
def _lines(one: CaseImport) -> Iterator[TextIO]:
    with (folder_of(one) / "source.csv").open(encoding="utf-8-sig", newline="") as lines:
        yield lines


def refused_path(one: CaseImport) -> Path:
    """The table of refused rows: line, reason, field, value, and the row as it was."""
    return folder_of(one) / "refused.csv"
