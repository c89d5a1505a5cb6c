"""Rows of another system as reports: a mapping of columns, and what is wrong with a row.

A mapping is rows of `field, column, value`: a field is filled from a column (several columns are
joined), or from a constant value.  Nothing is guessed: a row that cannot be read is refused with
its reason.  Source: catalog/case_import_profiles.csv; GeoReport Bulk (proposed) for the fields.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from math import isfinite
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from . import catalog
from .casework import kinds

CONSTANTS: Final = frozenset({"source", "kind", "zone", "time"})
COLUMNS: Final = frozenset({
    "source_id", "title", "text", "address", "lat", "lon", "category", "submitted_at", "closed_at",
})  # fmt: skip
_JOINED: Final = "；"
_LONGEST: Final = {"title": 120, "text": 4000, "address": 200, "source_id": 100}


class BadMapping(Exception):
    """A mapping that cannot be used: `code` and the field it is about."""

    def __init__(self, code: str, name: str) -> None:
        super().__init__(f"{code}: {name}")
        self.code, self.name = code, name


class BadRow(Exception):
    """A row that is refused: `code` is missing, not-a-time, not-a-place, off-the-earth, too-long,
    unknown-category, unprintable, closed-before-it-began, in-the-future, or twice.
    """  # fmt: skip

    def __init__(self, code: str, name: str, text: str = "") -> None:
        super().__init__(f"{code}: {name} {text[:60]}".strip())
        self.code, self.name, self.text = code, name, text[:60]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of another system, read; places in WGS 84, times aware."""

    source_id: str
    title: str
    text: str
    submitted_at: datetime
    closed_at: datetime | None = None
    address: str = ""
    lat: float | None = None
    lon: float | None = None
    category: str = ""


@dataclass(slots=True)
class Layout:
    """How the columns of one layout are read; remembers which rows it has seen."""

    source: str
    kind: str
    zone: ZoneInfo
    time: str  # of strptime; "" for ISO 8601
    columns: Mapping[str, Sequence[str]]
    seen: set[str] = field(default_factory=set)
    alike: Counter[str] = field(default_factory=Counter)

    def missing(self, header: Iterable[str]) -> list[str]:
        """Columns that the file lacks."""
        known = set(header)
        return sorted({one for names in self.columns.values() for one in names} - known)

    def read(self, row: Mapping[str, str], *, now: datetime) -> SourceRow:
        """The row.  Raises BadRow."""
        said = {name: self._text(name, row) for name in self.columns}
        for name, text in said.items():
            if len(text) > _LONGEST.get(name, 200):
                raise BadRow("too-long", name, text)
        title = said.get("title", "") or said.get("text", "")[:40]
        if not title:
            raise BadRow("missing", "title")
        begun = self._moment("submitted_at", said.get("submitted_at", ""))
        if begun is None:
            raise BadRow("missing", "submitted_at")
        closed = self._moment("closed_at", said.get("closed_at", ""))
        if closed is not None and closed < begun:
            raise BadRow("closed-before-it-began", "closed_at", said["closed_at"])
        if begun > now or (closed is not None and closed > now):
            raise BadRow("in-the-future", "submitted_at", said["submitted_at"])
        lat, lon = _place(said.get("lat", ""), said.get("lon", ""))
        category = said.get("category", "")
        if category and category not in _categories():
            raise BadRow("unknown-category", "category", category)
        return SourceRow(
            self._id(said, row), title, said.get("text", "") or title, begun, closed,
            said.get("address", ""), lat, lon, category,
        )  # fmt: skip

    def _text(self, name: str, row: Mapping[str, str]) -> str:
        parts = (" ".join((row.get(one) or "").split()) for one in self.columns[name])
        text = (_JOINED if name == "text" else " ").join(dict.fromkeys(filter(None, parts)))
        if not text.isprintable():
            raise BadRow("unprintable", name, ascii(text))
        return text

    def _moment(self, name: str, text: str) -> datetime | None:
        if not text:
            return None
        try:
            read = (
                datetime.strptime(text, self.time) if self.time  # noqa: DTZ007 - zone set below
                else datetime.fromisoformat(text)
            )  # fmt: skip
        except ValueError:
            raise BadRow("not-a-time", name, text) from None
        return read if read.tzinfo else read.replace(tzinfo=self.zone)

    def _id(self, said: Mapping[str, str], row: Mapping[str, str]) -> str:
        """The id in the source; of a source without ids the digest of the row and which it is."""
        if "source_id" not in self.columns:
            digest = hashlib.sha256("\x1f".join(map(str, row.values())).encode()).hexdigest()[:32]
            self.alike[digest] += 1
            return f"{digest}:{self.alike[digest]}"
        found = said["source_id"]
        if not found:
            raise BadRow("missing", "source_id")
        if found in self.seen:
            raise BadRow("twice", "source_id", found)
        self.seen.add(found)
        return found


def _place(lat: str, lon: str) -> tuple[float | None, float | None]:
    if not lat and not lon:
        return None, None
    try:
        north, east = float(lat), float(lon)
    except ValueError:
        raise BadRow("not-a-place", "lat", f"{lat} {lon}") from None
    if not (isfinite(north) and isfinite(east) and abs(north) <= 90 and abs(east) <= 180):
        raise BadRow("off-the-earth", "lat", f"{lat} {lon}")
    return north, east


@cache
def _categories() -> frozenset[str]:
    return frozenset(row["local_code"] for row in catalog.rows("problem_categories"))


def profiles() -> list[str]:
    """Names of the layouts that come with the product."""
    return list(dict.fromkeys(row["profile"] for row in catalog.rows("case_import_profiles")))


def profile(name: str) -> Layout:
    """The mapping of a layout that comes with the product.  Raises BadMapping."""
    rows = [row for row in catalog.rows("case_import_profiles") if row["profile"] == name]
    if not rows:
        raise BadMapping("unknown-profile", name)
    return mapping_of(rows)


def mapping_of(rows: Iterable[Mapping[str, str]]) -> Layout:
    """A mapping from rows of field, column, value.  Raises BadMapping."""
    columns: dict[str, list[str]] = {}
    values: dict[str, str] = {}
    for row in rows:
        name, column, value = ((row.get(one) or "").strip() for one in ("field", "column", "value"))
        if name in CONSTANTS and value and not column:
            values[name] = value
        elif name in COLUMNS and column:
            columns.setdefault(name, []).append(column)
        else:
            raise BadMapping("bad-row", name)
    if missing := sorted(
        ({"source", "kind"} - values.keys()) | ({"submitted_at"} - columns.keys())
    ):
        raise BadMapping("missing", missing[0])
    kind = kinds().get(values["kind"])
    if kind is None or "import" not in kind.channels:
        raise BadMapping("unknown-kind", values["kind"])
    zone = _zone(values.get("zone", "Asia/Shanghai"))
    return Layout(values["source"], kind.code, zone, values.get("time", ""), columns)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadMapping("unknown-zone", name) from None
