"""Tables of the catalogue: facts of the standards, read once.  Knows no rule of its own."""

import csv
import io
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_FOLDER = "liandong.catalog"


@cache
def rows(name: str) -> tuple[Mapping[str, str], ...]:
    """Every row of `catalog/<name>.csv` in file order, by column name; blanks are "".

    Raises FileNotFoundError for an unknown table and ValueError for a row whose number of cells
    differs from the header.
    """
    text = files(_FOLDER).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    header, *lines = list(csv.reader(io.StringIO(text)))
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise ValueError(f"{name}.csv row {number}: {len(line)} cells, not {len(header)}")
    return tuple(MappingProxyType(dict(zip(header, line, strict=True))) for line in lines)


def names() -> Iterator[str]:
    """The name of every table, without `.csv`, sorted."""
    found = (entry.name for entry in files(_FOLDER).iterdir())
    yield from sorted(name.removesuffix(".csv") for name in found if name.endswith(".csv"))


@cache
def by_key(name: str, column: str) -> Mapping[str, Mapping[str, str]]:
    """The rows of a table by the value of one column; raises ValueError when a value is twice."""
    table: dict[str, Mapping[str, str]] = {}
    for row in rows(name):
        if row[column] in table:
            raise ValueError(f"{name}.csv: {column} {row[column]!r} is there twice")
        table[row[column]] = row
    return MappingProxyType(table)
