"""Rows and seals as the plain values that hashes cover, read in chunks: memory stays flat."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import QuerySet

from liandong.base.models import AuditRow, AuditSeal
from liandong.kernel.audit import ALGORITHMS, SEAL_FIELDS, code_of
from liandong.kernel.verify_audit import FIELDS, encode

from .heads import keys

CHUNK: Final = 2000
_AT = FIELDS.index("at")


def rows_between(first: int, last: int) -> Iterator[list[Any]]:
    """Rows with numbers from `first` to `last`, as lists of FIELDS, in order."""
    return rows_of(AuditRow.objects.filter(number__lte=last), after=first - 1)


def rows_of(chosen: QuerySet[AuditRow], *, after: int = 0) -> Iterator[list[Any]]:
    """The chosen rows after a number, as lists of FIELDS, in order; a query for each chunk."""
    ordered = chosen.order_by("number").values_list(*FIELDS)
    while chunk := list(ordered.filter(number__gt=after)[:CHUNK]):
        for values in chunk:
            row = list(values)
            row[_AT] = at_text(row[_AT])
            yield row
        after = chunk[-1][0]


def at_text(at: datetime) -> str:
    """A time as hashes cover it: ISO 8601 in UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def plain_seal(seal: AuditSeal) -> dict[str, Any]:
    """A seal as the plain values that its hash covers."""
    counted = {"count": seal.last - seal.first + 1, "at": at_text(seal.at)}
    known = counted | {"day": seal.day.isoformat()}
    return {name: known.get(name, getattr(seal, name, None)) for name in SEAL_FIELDS}


def seal_values(seal: AuditSeal) -> list[Any]:
    """A seal as the list that the verifier takes."""
    return [*plain_seal(seal).values(), seal.hash]


def seals_from(number: int = 1) -> Iterator[AuditSeal]:
    """The seals of the table, in order."""
    return AuditSeal.objects.filter(number__gte=number).order_by("number").iterator(CHUNK)


def knower() -> Callable[[Sequence[Any]], bool]:
    """Tells whether a row, or a seal, has the code that one of our keys gives."""
    ours = keys()

    def is_ours(values: Sequence[Any]) -> bool:
        told, algorithm = values[-2], str(values[-1]).partition(":")[0]
        content = encode(values[:-2]).encode("utf-8", "replace")
        known = algorithm in ALGORITHMS
        return known and any(code_of(content, key, algorithm) == told for key in ours)

    return is_ours
