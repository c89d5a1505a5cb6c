"""The monthly report of the ledger (台账月报): its figures and lists, from events alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from liandong.base.models import Unit
from liandong.cases import ledger_words, wording
from liandong.cases.models import Case
from liandong.kernel.ledger_months import (
    FIGURES,
    ItemMonth,
    Month,
    figures,
    missing_by_unit,
)
from liandong.kernel.viewer import Viewer

from .ledger import cases_of, month_items, words_of


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the report, that of the month before, and the items behind it."""

    code: str
    name: str
    how: str
    items: Sequence[ItemMonth]
    before: int

    @property
    def count(self) -> int:
        """How many items."""
        return len(self.items)

    @property
    def change(self) -> int:
        """More (or less) than the month before."""
        return len(self.items) - self.before


@dataclass(frozen=True, slots=True)
class Section:
    """One list of the report as texts; `widths` in mm of a page of 178 mm."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[int]
    none: str  # said when there is no row


@dataclass(frozen=True, slots=True)
class Report:
    """A month of the ledger; `is_over` is false while it runs and figures may still change."""

    month: Month
    is_over: bool
    made_at: datetime
    figures: Sequence[Figure]
    missing: Mapping[str, Sequence[ItemMonth]]  # by code of the unit
    units: Mapping[str, str]  # names by code
    sections: Sequence[Section]
    scope: str  # whose ledger: the filters in words, "" for all


def report_of(
    month: Month, *, viewer: Viewer, now: datetime, kind: str = "", unit: str = ""
) -> Report:
    """The report of a month, of what `viewer` may see."""
    before, items = month_items([month.before, month], viewer=viewer, now=now, kind=kind, unit=unit)
    past, counted = figures(before), figures(items)
    units = dict(Unit.objects.values_list("code", "name"))
    rows = _Rows(items, {one.pk: one for one in cases_of(items, viewer=viewer)}, units)
    scope = [wording.kind_word(kind) if kind else "", units.get(unit, unit)]
    return Report(
        month, is_over=month.end <= now, made_at=now,
        figures=[
            Figure(
                code, str(ledger_words.FIGURES[code]), str(ledger_words.HOW[code]),
                counted[code], len(past[code]),
            )
            for code in FIGURES
        ],
        missing=missing_by_unit(items), units=units, sections=rows.sections(),
        scope=" · ".join(filter(None, scope)),
    )  # fmt: skip


class _Rows:
    """The lists of a report."""

    def __init__(
        self, items: Sequence[ItemMonth], cases: Mapping[int, Case], units: dict[str, str]
    ) -> None:
        self.items = [one for one in items if one.case in cases]
        self.cases, self.units = cases, units
        self.said = words_of([entry for one in self.items for entry in one.entries])

    def sections(self) -> list[Section]:
        """In the order of the paper."""
        number, title, unit = _("编号"), _("标题"), _("主办单位")
        return [
            Section(_("未报单位"), [unit, _("件数"), _("编号")], self._missing(), (58, 16, 104),
                    _("应报的都已填报。")),
            Section(_("与上月的差异"), [number, title, unit, _("差异")], self._changed(),
                    (34, 52, 36, 56), _("没有变化。")),
            Section(_("本月填报"), [number, title, unit, _("日期"), _("填报")], self._entries(),
                    (34, 40, 34, 20, 50), _("本月没有填报。")),
            Section(_("缓办"), [number, title, unit, _("原因")], self._held("parked"),
                    (34, 52, 36, 56), _("没有缓办的。")),
            Section(_("停滞"), [number, title, unit, _("原因")], self._held("stuck"),
                    (34, 52, 36, 56), _("没有停滞的。")),
        ]  # fmt: skip

    def _of(self, one: ItemMonth) -> list[str]:
        case = self.cases[one.case]
        lead = one.after.lead
        return [case.number, case.title, self.units.get(lead, lead) or "—"]

    def _missing(self) -> list[list[str]]:
        return [
            [
                self.units.get(code, code) or "—", str(len(rows)),
                "、".join(self.cases[one.case].number for one in rows),
            ]
            for code, rows in missing_by_unit(self.items).items()
        ]  # fmt: skip

    def _changed(self) -> list[list[str]]:
        told = [(one, ledger_words.change_words(one, self.units)) for one in self.items]
        return [[*self._of(one), "；".join(words)] for one, words in told if words]

    def _entries(self) -> list[list[str]]:
        return [
            [
                *self._of(one), f"{localtime(entry.at):%m-%d}",
                ledger_words.answer_words(entry, self.said.get((one.case, entry.number), "")),
            ]
            for one in self.items
            for entry in one.entries
        ]  # fmt: skip

    def _held(self, code: str) -> list[list[str]]:
        words = ledger_words.parked_words if code == "parked" else ledger_words.stuck_words
        return [[*self._of(one), words(one.after)] for one in self.items if FIGURES[code](one)]
