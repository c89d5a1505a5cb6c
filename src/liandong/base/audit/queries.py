"""Every read of the audit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from liandong.base.models import Account, AuditRow, Outcome
from liandong.kernel import catalog

SHOWING: Final = frozenset({
    "look_record", "open_viewer", "read_part", "print_image", "download_file", "export_record",
})  # fmt: skip
"""Acts that show somebody what an object holds.  A room that adds such an act adds it here."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at an object."""

    number: int  # of the audit row
    at: datetime
    by: str  # account name, "" for a stranger
    name: str  # of the person; as `by` where the account is gone
    unit: str  # code, as it was then
    act: str  # code of `audit_acts.csv`


def who_has_seen(
    object: str, *, before: int = 0, limit: int = 20, by: str | None = None
) -> list[Seen]:
    """Who was shown an object ("record:<code>"), newest first; `before` a row number.

    With `by`, only the looks of this account.

    Whoever calls it decides who may know.  Two queries, however many rows there are.
    """
    rows = AuditRow.objects.filter(object=object, act__in=SHOWING, outcome=Outcome.DONE)
    if before:
        rows = rows.filter(number__lt=before)
    if by is not None:
        rows = rows.filter(by=by)
    found = list(rows.order_by("-number")[:limit])
    people = Account.objects.filter(username__in={row.by for row in found})
    names = {one.username: str(one) for one in people}
    return [
        Seen(row.number, row.at, row.by, names.get(row.by, row.by), row.unit, row.act)
        for row in found
    ]


def act_word(act: str, language: str) -> str:
    """An act as a person reads it; `language` is zh or en."""
    row = catalog.by_key("audit_acts", "code").get(act)
    return row[f"name_{language}"] if row else act
