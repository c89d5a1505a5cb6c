"""Encrypting what was admitted in plain, record by record; stopped at any point, it goes on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from liandong.archive.models import Record
from liandong.base.audit import record_act
from liandong.base.models import Outcome
from liandong.kernel.packages import DigestMismatch
from liandong.kernel.sealed import Algorithm, CannotOpen

from .objects import BrokenObject
from .rewriting import encrypt_record

Progress = Callable[[int, int], None]  # done, total


@dataclass(slots=True)
class Encrypted:
    """What a run did."""

    done: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)  # archival code, reason


def plain_records(code: str = "") -> QuerySet[Record]:
    """Records whose objects are not encrypted; only the one with this code, if one is given."""
    records = Record.objects.filter(encryption="").order_by("pk")
    return records.filter(code=code) if code else records


def encrypt_records(
    records: QuerySet[Record],
    algorithm: Algorithm,
    *,
    by: str,
    now: Callable[[], datetime],
    progress: Progress,
) -> Encrypted:
    """Encrypt records; a damaged one is named and stops no other.

    Raises OSError when the machine cannot go on.
    """
    outcome, total = Encrypted(), records.count()
    for at, record in enumerate(records.iterator(chunk_size=100), 1):
        try:
            encrypt_record(record, algorithm, by=by, now=now())
        except (BrokenObject, CannotOpen, DigestMismatch, FileNotFoundError) as error:
            outcome.refused.append((record.code, str(error)))
            _note(record, by=by, now=now(), failed=str(error))
        else:
            outcome.done += 1
            _note(record, by=by, now=now())
        progress(at, total)
    return outcome


def _note(record: Record, *, by: str, now: datetime, failed: str = "") -> None:
    outcome = Outcome.FAILED if failed else Outcome.DONE
    record_act("encrypt_record", by=by, now=now, object=f"record:{record.code}", outcome=outcome,
               why=failed)  # fmt: skip
