"""The ledger month by month: what is open, due, missing, stuck, told from events alone."""

from datetime import datetime
from typing import Any

import pytest

from liandong.kernel.ledger_months import FIGURES, LedgerEvent, Month, figures, months_of

CASE = 7


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def told(*rows: tuple[str, str, str, str], case: int = CASE, **facts: Any) -> list[LedgerEvent]:
    """Events from (moment, axis, action, after); facts go to the last of them."""
    made = [
        LedgerEvent(case, number, at(when), axis, action, after, "CGJ", {"lead_unit": "CGJ"})
        for number, (when, axis, action, after) in enumerate(rows, start=1)
    ]
    return [*made[:-1], LedgerEvent(*[getattr(made[-1], name) for name in (
        "case", "number", "at", "axis", "action", "after", "unit", "sets")], facts)]  # fmt: skip


LISTED = ("2026-08-10T10:00", "ledger", "list", "listed")
IN_PROGRESS = ("2026-08-10T09:00", "state", "sign_in", "in_progress")


def codes(events: list[LedgerEvent], month: str, now: str = "2026-12-31T00:00") -> set[str]:
    """The figures that count the one item."""
    (items,) = months_of(events, [Month.parse(month)], now=at(now))
    return {code for code, counted in figures(items).items() if counted}


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-00", "26-01", "2026-1",
                                  "２０２６-01", "2026-01-01", "9999-01"])  # fmt: skip
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no month"):
        Month.parse(text)


def test_a_month_knows_its_neighbours_over_the_year() -> None:
    month = Month.parse("2026-12")
    assert (str(month.before), str(month), str(month.after)) == ("2026-11", "2026-12", "2027-01")
    assert month.end == at("2027-01-01T00:00")
    assert Month.of(at("2026-11-30T23:59")) == Month.parse("2026-11")


def test_the_month_of_listing_owes_nothing_and_the_next_does() -> None:
    events = told(IN_PROGRESS, LISTED)
    assert codes(events, "2026-07") == set()
    assert codes(events, "2026-08") == {"listed", "open"}
    assert codes(events, "2026-09") == {"open_before", "open", "due", "missing", "stuck"}


def test_an_entry_or_the_answer_that_nothing_moved_is_enough() -> None:
    moved = told(IN_PROGRESS, LISTED, ("2026-09-20T10:00", "state", "log_progress", "in_progress"))
    assert codes(moved, "2026-09") == {"open_before", "open", "due", "moved"}
    none = told(
        IN_PROGRESS, LISTED, ("2026-09-20T10:00", "state", "no_progress", "in_progress"),
        no_progress="resource",
    )  # fmt: skip
    assert codes(none, "2026-09") == {"open_before", "open", "due", "no_progress"}
    (items,) = months_of(none, [Month.parse("2026-11")], now=at("2026-12-31T00:00"))
    assert (items[0].after.reason, items[0].is_missing) == ("resource", True)


def test_what_comes_later_changes_no_month_that_is_over() -> None:
    events = told(IN_PROGRESS, LISTED)
    before = codes(events, "2026-09")
    later = told(
        IN_PROGRESS, LISTED, ("2026-10-02T10:00", "state", "log_progress", "in_progress"),
        ("2026-10-03T10:00", "state", "hand_in", "handled"),
        ("2026-10-03T10:00", "ledger", "propose_clear", "proposed"),
        ("2026-10-20T10:00", "ledger", "clear", "cleared"),
    )  # fmt: skip
    assert codes(later, "2026-09") == before
    assert codes(later, "2026-10") == {"open_before", "proposed", "cleared", "moved"}
    assert codes(later, "2026-11") == set()


def test_a_parked_item_still_owes_its_entry_and_a_filed_one_does_not() -> None:
    parked = told(
        IN_PROGRESS, LISTED, ("2026-08-20T10:00", "state", "park", "parked"),
        reason_class="policy", until="2026-11-20",
    )  # fmt: skip
    assert codes(parked, "2026-09") == {
        "open_before", "open", "due", "missing", "parked", "stuck"
    }  # fmt: skip
    (items,) = months_of(parked, [Month.parse("2026-09")], now=at("2026-12-31T00:00"))
    assert (items[0].after.parked_for, items[0].after.review_on) == ("policy", "2026-11-20")
    filed = told(IN_PROGRESS, LISTED, ("2026-08-21T10:00", "state", "file", "filed"))
    assert codes(filed, "2026-09") == {"open_before", "open"}


def test_a_month_that_runs_ends_now_and_one_to_come_is_as_today() -> None:
    events = told(IN_PROGRESS, LISTED, ("2026-09-20T10:00", "state", "log_progress", "in_progress"))
    assert "missing" in codes(events, "2026-09", now="2026-09-15T00:00")
    assert "moved" in codes(events, "2026-09", now="2026-09-20T10:00")


def test_what_changed_and_the_target_that_passed() -> None:
    events = told(
        IN_PROGRESS, LISTED, ("2026-09-03T10:00", "ledger", "relist", "relisted"),
        until="2026-09-10",
    )  # fmt: skip
    (items,) = months_of(events, [Month.parse("2026-09")], now=at("2026-12-31T00:00"))
    assert items[0].changes == [("ledger", "listed", "relisted"), ("target", "", "2026-09-10")]
    assert items[0].is_past_target
    assert set(figures(items)) == set(FIGURES)
