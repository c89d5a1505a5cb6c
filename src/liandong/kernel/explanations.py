"""Why a deadline is what it is, line by line: calendar, limit, start, pauses, result.

Source: casework rules, section 3, contract line 9; sentences are rows of `deadline_lines.csv`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from . import catalog
from .calendars import Calendar
from .clocks import ClockRun
from .deadlines import ROLLED_UNITS, WORK_UNITS, Pause, Unit, deadline, last_day

_UNITS = {
    Unit.WORK_MINUTE: ("工作分钟", "business minutes"),
    Unit.WORK_HOUR: ("工作小时", "business hours"),
    Unit.WORK_DAY: ("个工作日", "workdays"),
    Unit.MINUTE: ("分钟", "minutes"),
    Unit.HOUR: ("小时", "hours"),
    Unit.CALENDAR_DAY: ("日", "days"),
    Unit.CALENDAR_MONTH: ("个月", "months"),
}
_REASONS = {
    "needs_info": ("待补充", "needs information"),
    "parked": ("缓办", "parked"),
    "returned": ("退单审核", "returned"),
    "inspecting": ("核查", "inspection"),
}


def unit_words(unit: Unit) -> tuple[str, str]:
    """The name of a unit of time, in Chinese and in English, as it follows a number."""
    return _UNITS[unit]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the code of its sentence, and what goes into its places."""

    code: str
    params: Mapping[str, str | int]

    def text(self, language: str = "zh") -> str:
        """The sentence in a language (zh or en)."""
        row = catalog.by_key("deadline_lines", "code")[self.code]
        sentence = row[f"message_{language}"].format_map(self.params)
        return sentence if language == "zh" else sentence.replace("、", ", ")  # between list items

    def __str__(self) -> str:
        """The Chinese sentence."""
        return self.text()


def explain(run: ClockRun, calendar: Calendar) -> list[Line]:
    """The arithmetic of one clock of a case.

    Raises ValueError when the calendar is not of the version that the clock was computed with.
    """
    if calendar.version != run.calendar:
        raise ValueError(f"computed with calendar {run.calendar}, not {calendar.version}")
    return [Line(code, params) for code, params in _lines(run, calendar)]


def _lines(run: ClockRun, calendar: Calendar) -> Iterator[tuple[str, Mapping[str, str | int]]]:
    unit = run.limit.unit
    hours = "、".join(f"{_clock(opens)}–{_clock(closes)}" for opens, closes in calendar.intervals)
    yield (
        "calendar",
        {"calendar": calendar.version, "intervals": hours, "minutes": calendar.day_minutes},
    )
    unit_zh, unit_en = _UNITS[unit]
    yield (
        "policy",
        {
            "clock": run.code, "name_zh": run.kind.name["zh"], "name_en": run.kind.name["en"],
            "round": run.round, "policy": run.policy.version, "amount": run.limit.amount,
            "unit": unit.value, "unit_zh": unit_zh, "unit_en": unit_en,
        },
    )  # fmt: skip
    yield "start", {"start": _instant(run.started_at, calendar)}
    yield unit.value, {}
    yield from _odd_days(run, calendar)
    effective = [pause for pause in run.pauses if pause.start < run.due_at]
    if effective:
        due = deadline(run.started_at, run.limit.amount, unit, calendar)
        yield "unpaused", {"due": _due(due, run, calendar)}
    for pause in effective:
        yield _pause(pause, run, calendar)
    if run.until and run.extended_at:
        at, until = _instant(run.extended_at, calendar), _instant(run.until, calendar)
        yield "extended", {"at": at, "until": until}
    year = last_day(run.due_at, calendar).year
    if calendar.is_provisional(year):
        yield "provisional", {"year": year}
    yield "due", {"due": _due(run.due_at, run, calendar)}
    yield from _end(run, calendar)


def _odd_days(run: ClockRun, calendar: Calendar) -> Iterator[tuple[str, dict[str, str | int]]]:
    """Weekdays off and weekend days worked on the way, where the unit has to do with them."""
    if run.limit.unit not in WORK_UNITS | ROLLED_UNITS:
        return
    first, last = calendar.local(run.started_at).date(), last_day(run.due_at, calendar)
    days = calendar.exceptions(first, last)
    if run.limit.unit in ROLLED_UNITS:
        days = []  # every day counts; a last day that is moved is told by the rule of the unit
    for code, works in (("holiday", False), ("makeup", True)):
        if found := [day for day in days if calendar.is_workday(day) is works]:
            yield code, {"days": "、".join(_ranges(found))}


def _pause(pause: Pause, run: ClockRun, calendar: Calendar) -> tuple[str, dict[str, str | int]]:
    end = pause.end or run.now
    by_work = run.limit.unit in WORK_UNITS
    length = calendar.worked(pause.start, end) if by_work else end - pause.start
    zh, en = _REASONS.get(pause.reason, (pause.reason, pause.reason))
    code = ("pause" if pause.end else "pause-open") + ("" if by_work else "-wall")
    return code, {
        "start": _instant(pause.start, calendar), "end": _instant(end, calendar),
        "minutes": length // timedelta(minutes=1), "reason": pause.reason,
        "reason_zh": zh, "reason_en": en,
    }  # fmt: skip


def _end(run: ClockRun, calendar: Calendar) -> Iterator[tuple[str, dict[str, str | int]]]:
    if run.stopped_at:
        yield "missed" if run.overdue else "met", {"at": _instant(run.stopped_at, calendar)}
    elif run.overdue:
        yield "overdue", {"at": _instant(run.now, calendar)}


def _ranges(days: Sequence[date]) -> Iterator[str]:
    """Days in a row as first–last."""
    start = 0
    for at, day in enumerate(days):
        if at + 1 == len(days) or days[at + 1] - day > timedelta(1):
            yield f"{days[start]}" if start == at else f"{days[start]}–{day}"
            start = at + 1


def _due(due: datetime, run: ClockRun, calendar: Calendar) -> str:
    local = calendar.local(due)
    if run.limit.unit in ROLLED_UNITS and local == calendar.midnight(local.date()):
        return f"{last_day(due, calendar)} 24:00"
    return _instant(due, calendar)


def _instant(moment: datetime, calendar: Calendar) -> str:
    local = calendar.local(moment)
    return f"{local:%Y-%m-%d %H:%M:%S}" if local.second else f"{local:%Y-%m-%d %H:%M}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
