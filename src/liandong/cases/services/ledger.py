"""Monthly entries of the ledger (台账): one by one, or a sheet (xlsx) that a unit sends back.

Every entry goes through `take_step`.  A sheet is read, shown with the outcome of each row, and only
then taken; a row that is refused says why and the others are taken all the same.  A sheet that
comes twice gives no second entry.  Source: the monthly sheets of the published five-ledger practice
(五本台账); format by design.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from liandong.base.tables import Cell, sheet_rows, xlsx_bytes
from liandong.cases.models import Case, CaseEvent
from liandong.cases.policies import Bearer
from liandong.cases.queries.cases import seen_case
from liandong.cases.queries.ledger import Row
from liandong.kernel import catalog
from liandong.kernel.case_events import payload_digest
from liandong.kernel.casework import STATE
from liandong.kernel.flows import StepRefused
from liandong.kernel.ledger_months import ENTRIES, Month

from .stepping import Given, check_step, take_step

PROGRESS, NO_PROGRESS = "log_progress", "no_progress"
COLUMNS: Final = (
    "编号", "标题", "企业", "主办单位", "台账", "办理状态", "目标日期", "上次填报", "月份",
    "本月进展", "无进展原因", "说明",
)  # fmt: skip
"""Of a sheet in either direction; Chinese in every language, for it is a paper of the office."""
_ASKED: Final = ("编号", "月份", "本月进展", "无进展原因", "说明")
_WIDTHS: Final = (20, 36, 24, 22, 12, 12, 12, 40, 10, 50, 24, 30)
MOST_ROWS: Final = 500
MOST_BYTES: Final = 5 << 20
LONGEST: Final = 1000  # characters of a note in a sheet
TAKEN, READY, KNOWN, EMPTY, REFUSED = "taken", "ready", "known", "empty", "refused"


class BadSheet(Exception):
    """A sheet that cannot be read: `code` is too-large, not-xlsx, columns or too-many."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(f"{code} {text}".strip())
        self.code, self.text = code, text


@dataclass(frozen=True, slots=True)
class SheetRow:
    """What one row says.  `line` as a person counts them; the head is line 1."""

    line: int
    number: str
    month: str
    progress: str
    reason: str  # code or name of catalog/case_reasons.csv, no_progress
    note: str


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What becomes, or would become, of a row: one of TAKEN, READY, KNOWN, EMPTY, REFUSED.

    `why` and `detail` are those of a refusal: of StepRefused, or month, both, long, number.
    """

    row: SheetRow
    outcome: str
    why: str = ""
    detail: str = ""
    case: Case | None = None


def enter(case: Case, given: Given, action: str, *, by: Bearer, now: datetime) -> Case:
    """Enter the progress of this month, or that there was none.  Raises what `take_step` raises."""
    return take_step(case.pk, action, by=by, now=now, given=given)


# Sheets -------------------------------------------------------------------------------------------


def sheet_of(rows: Sequence[Row], month: Month, words: Sequence[Sequence[str]]) -> bytes:
    """The sheet of these items: what is known, and three columns to fill in.

    `words` are the names of ledger value and state of each row.
    """
    cells = [_cells(one, month, *said) for one, said in zip(rows, words, strict=True)]
    return xlsx_bytes(f"台账 {month}", COLUMNS, cells, _WIDTHS)


def _cells(one: Row, month: Month, ledger: str, state: str) -> list[Cell]:
    case, entered = one.case, one.stand.entered_at
    last = f"{timezone.localtime(entered):%Y-%m-%d} {one.last_note}" if entered else ""
    return [
        case.number, case.title, str(case.enterprise or ""), str(case.lead_unit or ""), ledger,
        state, one.stand.target, last, str(month), "", "", "",
    ]  # fmt: skip


def read_sheet(content: bytes) -> list[SheetRow]:
    """The rows of a sheet.  Raises BadSheet."""
    if len(content) > MOST_BYTES:
        raise BadSheet("too-large")
    try:
        rows = sheet_rows(content, most_rows=MOST_ROWS + 1)
    except ValueError as error:
        raise BadSheet("not-xlsx", str(error)) from None
    head, *lines = rows or [[]]
    if missing := [name for name in _ASKED if name not in head]:
        raise BadSheet("columns", "、".join(missing))
    if len(lines) > MOST_ROWS:
        raise BadSheet("too-many", str(MOST_ROWS))
    at = [head.index(name) for name in _ASKED]
    return [
        SheetRow(line, *(cells[one].strip() if one < len(cells) else "" for one in at))
        for line, cells in enumerate(lines, start=2)
        if any(cell.strip() for cell in cells)
    ]


def preview_sheet(rows: Sequence[SheetRow], *, by: Bearer, now: datetime) -> list[RowOutcome]:
    """What would become of each row; nothing is written."""
    return [_outcome(one, by=by, now=now, dry_run=True) for one in rows]


def take_sheet(rows: Sequence[SheetRow], *, by: Bearer, now: datetime) -> list[RowOutcome]:
    """Enter each row, each in its own transaction; what became of it."""
    return [_outcome(one, by=by, now=now, dry_run=False) for one in rows]


def _outcome(row: SheetRow, *, by: Bearer, now: datetime, dry_run: bool) -> RowOutcome:
    if not (row.progress or row.reason or row.note):
        return RowOutcome(row, EMPTY)
    case = seen_case(row.number, viewer=by.viewer)
    if case is None:
        return RowOutcome(row, REFUSED, "number")
    if why := _fault(row, now):
        return RowOutcome(row, REFUSED, why, case=case)
    action, given = _step_of(row)
    if _is_known(case, action, given, now):
        return RowOutcome(row, KNOWN, case=case)
    try:
        if dry_run:
            check_step(case, action, by=by, now=now, given=given)
        else:
            enter(case, given, action, by=by, now=now)
    except StepRefused as refused:
        return RowOutcome(row, REFUSED, refused.reason, refused.detail, case)
    return RowOutcome(row, READY if dry_run else TAKEN, case=case)


def _fault(row: SheetRow, now: datetime) -> str:
    """An entry counts in the month in which it is made, so a sheet of another month is late."""
    if row.month != str(Month.of(now)):
        return "month"
    if row.progress and row.reason:
        return "both"
    if not row.progress and not row.reason:
        return "alone"
    return "long" if max(len(row.progress), len(row.note)) > LONGEST else ""


def _step_of(row: SheetRow) -> tuple[str, Given]:
    if row.reason:
        said = {"no_progress": reason_code(row.reason), "note": row.note}
        return NO_PROGRESS, Given(said)
    note = f"{row.progress}\n{row.note}" if row.note else row.progress
    return PROGRESS, Given({"note": note})


def reason_code(text: str) -> str:
    """The code of a reason that is given by code or by name; the text itself if it is neither."""
    for row in catalog.rows("case_reasons"):
        if row["action"] == NO_PROGRESS and text in {row["code"], row["name_zh"], row["name_en"]}:
            return row["code"]
    return text


def _is_known(case: Case, action: str, given: Given, now: datetime) -> bool:
    """Whether this very entry was made this month: the digest stays when the words are erased."""
    said: dict[str, Any] = {name: text.strip() for name, text in given.said.items() if text.strip()}
    events = CaseEvent.objects.filter(
        case=case, axis=STATE, action__in=sorted(ENTRIES), at__gte=Month.of(now).start,
        payload=payload_digest(said, settings.AUDIT_DIGEST),
    )  # fmt: skip
    return events.filter(action=action).exists()
