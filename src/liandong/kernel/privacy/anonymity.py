"""Two modes that must not be mixed up: de-identified rows (去标识化) and anonymous ones (匿名化).

De-identified rows carry pseudonyms: whoever holds the key can say who is meant, so they stay
personal information.  Anonymous rows can be restored by nobody: direct identifiers are gone, the
others are coarse, each combination occurs `k` times, and sums that tell of few are hidden.  Only
these may become open data, and `refusals` is the gate.
Source: 个人信息保护法 (2021) arts. 4, 73; GB/T 37964-2019.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from .finding import find_hits
from .generalising import ladder
from .kinds import kinds
from .masking import mask_text

LEAST_K = 5  # rows that look the same.  standards digest 7.2, open-data gate
_PSEUDONYM_LETTERS = 16  # hex digits of a keyed digest
_CELLS = 200  # read at once
_SHARE_SUPPRESSED = 0.05  # of the rows: beyond that, values are made coarser instead
_PERSON_COLUMNS = (
    "姓名", "name", "身份证", "证件号", "电话", "手机", "住址", "地址", "邮箱", "银行卡", "卡号",
    "护照", "车牌", "微信", "账号",
)  # fmt: skip

Row = Mapping[str, str]


class Mode(StrEnum):
    """What was done to a table."""

    RAW = "raw"
    DEIDENTIFIED = "de-identified"  # 去标识化: still personal information
    ANONYMISED = "anonymised"  # 匿名化


@dataclass(frozen=True, slots=True)
class Report:
    """What was done to a table, as it is published beside it."""

    mode: Mode
    rows_before: int = 0
    rows_after: int = 0
    columns_dropped: tuple[str, ...] = ()
    quasi: tuple[str, ...] = ()  # columns that tell people apart when combined
    rungs: Mapping[str, int] = field(default_factory=dict)  # how coarse each became
    k_wanted: int = 0
    k_before: int = 0
    k_after: int = 0  # the smallest group; 0 for an empty table
    rows_suppressed: int = 0
    cells_masked: int = 0  # free text in which personal information was found
    pseudonyms: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The report as JSON-ready values."""
        return {
            "mode": self.mode.value, "rows_before": self.rows_before, "rows_after": self.rows_after,
            "columns_dropped": list(self.columns_dropped), "quasi": list(self.quasi),
            "rungs": dict(self.rungs), "k_wanted": self.k_wanted, "k_before": self.k_before,
            "k_after": self.k_after, "rows_suppressed": self.rows_suppressed,
            "cells_masked": self.cells_masked, "pseudonyms": list(self.pseudonyms),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with the report of what was done to them."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    report: Report


class UnknownColumn(KeyError):
    """The table has no column of this name."""


# De-identified ------------------------------------------------------------------------------------


def deidentify(
    columns: Sequence[str], rows: Sequence[Row], *, key: bytes, people: Sequence[str], today: date
) -> Table:
    """Replace the values of the columns `people` by pseudonyms, mask what else is found.

    The same value gets the same pseudonym under the same key.  Still personal information: never
    open data.  Raises UnknownColumn, ValueError (no key).
    """
    if not key:
        raise ValueError("no key")
    _need(columns, people)
    done, masked = [], 0
    for row in rows:
        new = {}
        for name in columns:
            if name in people:
                new[name] = pseudonym(row[name], key) if row[name] else ""
            else:
                new[name] = _masked(row[name], today)
                masked += new[name] != row[name]
        done.append(new)
    report = Report(
        Mode.DEIDENTIFIED, rows_before=len(rows), rows_after=len(rows), cells_masked=masked,
        pseudonyms=tuple(people),
    )  # fmt: skip
    return Table(tuple(columns), tuple(done), report)


def pseudonym(value: str, key: bytes) -> str:
    """A pseudonym (假名): a keyed digest, which nobody can try out without the key."""
    plain = "".join(value.split()).upper()
    return hmac.new(key, plain.encode(), hashlib.sha256).hexdigest()[:_PSEUDONYM_LETTERS]


def _masked(text: str, today: date) -> str:
    return mask_text(text, find_hits(text, today=today))


# Anonymous ----------------------------------------------------------------------------------------


def anonymise(
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    quasi: Mapping[str, str],
    k: int = LEAST_K,
    drop: Sequence[str] = (),
    today: date,
) -> Table:
    """Drop direct identifiers, make the columns `quasi` coarser until every group has `k` rows.

    `quasi` maps a column to a ladder: place, age, month, category, drop.  Columns are dropped when
    named, when their heading names a person, or when personal information is found in them.  Rows
    of groups that stay small are left out.  Raises UnknownColumn, KeyError (unknown ladder),
    ValueError (`k` below LEAST_K).
    """
    if k < LEAST_K:
        raise ValueError(f"k must be at least {LEAST_K}")
    _need(columns, [*quasi, *drop])
    gone = _dropped(columns, rows, quasi, drop, today)
    kept = [name for name in columns if name not in gone]
    rungs = _rungs(rows, quasi, k, today)
    coarse = [_coarser(row, kept, quasi, rungs, today) for row in rows]
    sizes = Counter(_group(row, quasi) for row in coarse)
    left = [row for row in coarse if sizes[_group(row, quasi)] >= k]
    report = Report(
        Mode.ANONYMISED, rows_before=len(rows), rows_after=len(left), columns_dropped=tuple(gone),
        quasi=tuple(quasi), rungs=rungs, k_wanted=k, k_before=smallest_group(rows, quasi),
        k_after=smallest_group(left, quasi), rows_suppressed=len(rows) - len(left),
    )  # fmt: skip
    return Table(tuple(kept), tuple(left), report)


def _need(columns: Sequence[str], wanted: Sequence[str]) -> None:
    for name in wanted:
        if name not in columns:
            raise UnknownColumn(name)


def _dropped(
    columns: Sequence[str], rows: Sequence[Row], quasi: Mapping[str, str], drop: Sequence[str],
    today: date,
) -> list[str]:  # fmt: skip
    """Columns that name people by themselves."""
    return [
        name
        for name in columns
        if name in drop
        or (
            name not in quasi
            and (
                _names_people(name) or _tells_apart(name, rows) or _holds_people(name, rows, today)
            )
        )
    ]


def _names_people(heading: str) -> bool:
    return any(word in heading.lower() for word in _PERSON_COLUMNS)


def _tells_apart(name: str, rows: Sequence[Row]) -> bool:
    """Whether every row has its own value, such as a number by which it can be looked up."""
    return len(rows) >= LEAST_K and len({row[name] for row in rows}) == len(rows)


def _holds_people(name: str, rows: Sequence[Row], today: date) -> bool:
    """Whether personal information is found in any cell; the heading is read as its label."""
    direct = {code for code, kind in kinds().items() if kind.direct}
    values = sorted({row[name] for row in rows})
    return any(
        hit.kind in direct for text in _joined(name, values) for hit in find_hits(text, today=today)
    )


def _joined(name: str, values: Sequence[str]) -> Iterator[str]:
    """Cells as texts of many, far enough apart that no number runs from one into the next."""
    for at in range(0, len(values), _CELLS):
        yield "\n\n".join(f"{name}：{value}" for value in values[at : at + _CELLS])


def _rungs(rows: Sequence[Row], quasi: Mapping[str, str], k: int, today: date) -> dict[str, int]:
    """The lowest rungs on which few enough rows stand in groups below `k`.

    Step by step the column with the most different values is made coarser.
    """
    ladders = {name: ladder(rule, today=today) for name, rule in quasi.items()}
    rungs = dict.fromkeys(quasi, 0)
    while True:
        values = [
            {name: ladders[name][0](row[name], rungs[name]) for name in quasi} for row in rows
        ]
        sizes = Counter(_group(row, quasi) for row in values)
        small = sum(size for size in sizes.values() if size < k)
        open_ones = [name for name in quasi if rungs[name] < ladders[name][1]]
        if small <= _SHARE_SUPPRESSED * len(rows) or not open_ones:
            return rungs
        most = max(open_ones, key=lambda name: len({row[name] for row in values}))
        rungs[most] += 1


def _coarser(
    row: Row, kept: Sequence[str], quasi: Mapping[str, str], rungs: Mapping[str, int], today: date
) -> dict[str, str]:
    return {
        name: ladder(quasi[name], today=today)[0](row[name], rungs[name])
        if name in quasi
        else row[name]
        for name in kept
    }


def _group(row: Row, quasi: Mapping[str, str] | Sequence[str]) -> tuple[str, ...]:
    return tuple(row[name] for name in quasi)


def smallest_group(rows: Sequence[Row], quasi: Mapping[str, str] | Sequence[str]) -> int:
    """The k of k-anonymity: rows of the smallest group over these columns; 0 without rows."""
    return min(Counter(_group(row, quasi) for row in rows).values(), default=0)


# The gate -----------------------------------------------------------------------------------------


class Refusal(StrEnum):
    """Why a table may not become open data."""

    NOT_ANONYMISED = "not-anonymised"  # raw, or de-identified only
    NO_QUASI = "no-quasi-identifiers"
    GROUP_TOO_SMALL = "group-too-small"
    PERSONAL_LEFT = "personal-information-left"
    ROWS_TOLD_APART = "rows-told-apart"  # a column has its own value in every row
    REPORT_WRONG = "report-wrong"  # the rows are not those that the report tells of


def refusals(table: Table, *, k: int = LEAST_K, today: date) -> list[tuple[Refusal, str]]:
    """Why the table may not become open data, each with its column or number; empty: it may.

    Nothing of the report is believed: groups are counted and cells read again.
    """
    return list(_refusals(table, max(k, LEAST_K), today))


def _refusals(table: Table, k: int, today: date) -> Iterator[tuple[Refusal, str]]:
    report = table.report
    if report.mode != Mode.ANONYMISED:
        yield Refusal.NOT_ANONYMISED, report.mode.value
    if not report.quasi:
        yield Refusal.NO_QUASI, ""
    if report.rows_after != len(table.rows) or set(report.quasi) - set(table.columns):
        yield Refusal.REPORT_WRONG, ""
    elif report.quasi and 0 < (smallest := smallest_group(table.rows, report.quasi)) < k:
        yield Refusal.GROUP_TOO_SMALL, str(smallest)
    for name in table.columns:
        if (name not in report.quasi and _names_people(name)) or _holds_people(
            name, table.rows, today
        ):
            yield Refusal.PERSONAL_LEFT, name
        elif _tells_apart(name, table.rows):
            yield Refusal.ROWS_TOLD_APART, name
