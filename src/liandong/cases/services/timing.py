"""Clocks of a case, computed from its events; the row keeps what lists sort by."""

from datetime import datetime

from liandong.cases.models import Case


def set_clocks(case: Case, *, now: datetime) -> None:
    """Put on the case whose time runs out next, and when; the caller saves."""
    del now
    case.clock, case.due_at, case.handle_by = "", None, None
