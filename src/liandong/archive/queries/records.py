"""Records one by one and in lists, with their files, pages and events."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils.translation import get_language

from liandong.archive.models import (
    FixityRun,
    LineCorrection,
    PreservationEvent,
    Record,
    RecordFile,
    RecordPage,
)
from liandong.kernel import catalog
from liandong.kernel.codes import normalise_code_text
from liandong.kernel.viewer import Viewer

from .granting import changeable as changeable
from .granting import granted as granted
from .granting import readable as readable
from .sight import as_seen, files_as_seen, page_as_seen


def record_by_id(record_id: int, *, viewer: Viewer, today: int) -> Record | None:
    """The record as the viewer sees it; None when there is none or it may not be read."""
    rows = readable(viewer, today).select_related("fonds").filter(pk=record_id)
    return next(iter(as_seen(rows, viewer=viewer, today=today)), None)


def record_by_code(code: str, *, viewer: Viewer, today: int) -> Record | None:
    """The record with this archival code in any common writing, or None."""
    wanted = {code, normalise_code_text(code)}
    found = readable(viewer, today).select_related("fonds").filter(code__in=wanted)
    return next(iter(as_seen(found.order_by("pk")[:1], viewer=viewer, today=today)), None)


def newest_records(*, viewer: Viewer, today: int, limit: int = 8) -> list[Record]:
    """Records admitted last, newest first."""
    rows = readable(viewer, today).select_related("fonds").order_by("-pk")[:limit]
    return as_seen(rows, viewer=viewer, today=today)


def files_of(record: Record, *, viewer: Viewer, today: int) -> list[RecordFile]:
    """Files of the head of the object: originals in reading order, then the others.

    In the masked view without their names and digests.
    """
    rows = RecordFile.objects.filter(record__in=_one(record, viewer, today))
    order = {"original": 0, "derivative": 1, "metadata": 2}
    files = sorted(rows, key=lambda row: (order[row.role], row.order, row.path))
    return files_as_seen(files, record)


def pages_of(
    record: Record, *, viewer: Viewer, today: int, after: int = 0, limit: int = 200
) -> list[RecordPage]:
    """Pages numbered above `after`, without text and lines (asked for one page at a time)."""
    pages = RecordPage.objects.filter(record__in=_one(record, viewer, today), number__gt=after)
    return list(pages.defer("text", "lines").order_by("number")[:limit])


def page_of_record(record_id: int, number: int, *, viewer: Viewer, today: int) -> RecordPage | None:
    """One page with its lines and its record as the viewer sees them.

    None when there is none or it may not be read.
    """
    pages = RecordPage.objects.select_related("record", "record__fonds")
    found = pages.filter(record__in=readable(viewer, today), record_id=record_id, number=number)
    page = found.first()
    return page_as_seen(page, viewer=viewer, today=today) if page else None


def events_of(
    record: Record, *, viewer: Viewer, today: int, limit: int = 200
) -> list[PreservationEvent]:
    """What happened to the record, newest first."""
    rows = PreservationEvent.objects.filter(record__in=_one(record, viewer, today))
    return list(rows.order_by("-pk")[:limit])


def corrections_of(page: RecordPage, *, viewer: Viewer) -> list[LineCorrection]:
    """Corrections of a page, newest first, for whoever may correct it."""
    rows = LineCorrection.objects.filter(page=page, page__record__in=changeable(viewer))
    return list(rows.order_by("-pk"))


def doubtful_lines(page: RecordPage, *, below: float = 0.9, limit: int = 500) -> list[int]:
    """Indexes of the lines of a page read with the least confidence, worst first."""
    known = [
        (line["confidence"], at)
        for at, line in enumerate(page.lines)
        if line["confidence"] < below and not line.get("corrected")
    ]
    return [at for _confidence, at in sorted(known)[:limit]]


def _one(record: Record, viewer: Viewer, today: int) -> QuerySet[Record]:
    return readable(viewer, today).filter(pk=record.pk)


def record_json(record: Record) -> dict[str, Any]:
    """A record that was read under a rule, JSON-ready, for the command line."""
    return {
        "code": record.code,
        "title": record.title,
        "object": f"urn:uuid:{record.object_id}",
        "version": record.version,
        "fonds": record.fonds.number,
        "category": record.category,
        "year": record.year,
        "retention": record.retention,
        "document_number": record.document_number,
        "author": record.author,
        "date": record.document_date,
        "level": record.level,
        "open_from": record.open_from,
        "unit": record.unit,
        "pages": record.page_count,
        "bytes": record.size_bytes,
        "admitted_at": record.admitted_at.isoformat(),
        "admitted_by": record.admitted_by,
        "looked_at": record.looked_at,
        "verified_at": record.verified_at.isoformat() if record.verified_at else None,
        "verified_ok": record.verified_ok,
        "description": record.description,
        "files": [
            {
                "path": row.path,
                "content_path": row.content_path,
                "bytes": row.size_bytes,
                "puid": row.puid,
                "mime": row.mime,
                "sha512": row.sha512,
                "sha256": row.sha256,
                "sm3": row.sm3,
            }
            for row in record.files.order_by("role", "order", "path")
        ],
        "events": [
            {"kind": row.kind, "at": row.at.isoformat(), "by": row.by, "outcome": row.outcome}
            for row in record.events.order_by("pk")
        ],
    }


# Preservation -------------------------------------------------------------------------------------


def fixity_runs(*, limit: int = 30) -> list[FixityRun]:
    """Runs of verification, newest first; they name codes, so pages show them to archivists."""
    return list(FixityRun.objects.order_by("-pk")[:limit])


def verification_state(*, now: datetime) -> dict[str, Any]:
    """Counts for the preservation page: all, never verified, late, failed, and the oldest check."""
    limit = now - timedelta(days=settings.VERIFY_DAYS)
    return Record.objects.aggregate(
        records=Count("pk"),
        never=Count("pk", filter=Q(verified_at__isnull=True)),
        late=Count("pk", filter=Q(verified_at__lt=limit)),
        failed=Count("pk", filter=Q(verified_ok=False)),
        oldest=Min("verified_at"),
    )


def formats_held(*, limit: int = 100) -> list[dict[str, Any]]:
    """Formats of originals with counts and bytes, most first: {"puid","files","size_bytes"}."""
    originals = RecordFile.objects.filter(role="original").values("puid")
    rows = originals.annotate(files=Count("pk"), size_bytes=Sum("size_bytes")).order_by("-files")
    names = {row["puid"]: row for row in catalog.rows("allowed_formats")}
    return [
        {
            **row,
            "name": names.get(row["puid"], {}).get("name", ""),
            "long_term": names.get(row["puid"], {}).get("long_term", ""),
        }
        for row in rows[:limit]
    ]


# A record in words --------------------------------------------------------------------------------


def description_rows(record: Record) -> list[dict[str, Any]]:
    """The description of a record in the order of the catalogue.

    Each row: {"identifier","label","value","code"}.
    """
    column = "name_en" if (get_language() or "").startswith("en") else "name_zh"
    return [
        {
            "identifier": row["identifier"],
            "label": row[column],
            "value": record.description[row["identifier"]],
            "code": row["type"] == "code",
        }
        for row in catalog.rows("description_fields")
        if record.description.get(row["identifier"])
    ]
