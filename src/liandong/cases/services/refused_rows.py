"""The table of rows that an import refused: line, reason, field, value, and the row as it was."""

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from liandong.base.tables import harmless

from .importing import Refused


@contextmanager
def refused_rows(path: Path) -> Iterator[Callable[[Refused], None]]:
    """Writes refused rows to a new file, which opens in a spreadsheet without running anything.

    There is no file without a refusal.  Raises FileExistsError at the first one.
    """
    tables: list[Any] = []
    with ExitStack() as opened:

        def write(bad: Refused) -> None:
            if not tables:
                file = path.open("x", encoding="utf-8-sig", newline="")
                tables.append(csv.writer(opened.enter_context(file)))
                names = [harmless(name) for name in bad.row if name is not None]
                tables[0].writerow(["line", "reason", "field", "value", *names])
            values = [value for value in bad.row.values() if value is not None]
            told = [bad.line, bad.code, bad.name, bad.text, *values]
            tables[0].writerow([harmless(str(value)) for value in told])

        yield write
