"""Cells: documents with alike whole-number facts, gathered under one term each.

A rule asks for levels and days by bounds.  A bound is a range over every document; a cell is one
list of documents that the index has ready.  Which cells a rule grants is worked out once per rule,
with three answers: yes, no, and None where the cell alone does not tell.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from liandong.kernel.access import AllOf, Among, AnyOf, AtMost, Eq, Fact

from .grants import Grant, Need

Cell = tuple[str, ...]  # a bucket of each whole-number fact, in the order of their names

_FEW_VALUES = 100  # whole numbers below have a bucket each
_YEAR = 10_000  # of a day as YYYYMMDD
_BEFORE, _OTHER = "-", "x"


class Cells:
    """How documents are put into cells.

    `names` are the whole-number facts; those in `dated` are days, of which all up to `day` share
    a bucket, and later ones one per year.  The bucket of other numbers is their own value.
    """

    def __init__(self, names: Iterable[str], dated: Iterable[str], day: int) -> None:
        self._names = tuple(sorted(names))
        self._dated = frozenset(dated)
        self._day = day

    def term(self, facts: Mapping[str, Fact]) -> str:
        """The term of the cell of a document with these facts."""
        return ";".join(self._bucket(name, facts[name]) for name in self._names)

    def values(self, name: str, present: Mapping[str, int]) -> dict[int, int] | None:
        """The values of a fact among the cells present, with how many documents have them.

        None when the cells do not tell: of days, and where numbers are large.
        """
        if name in self._dated or name not in self._names:
            return None
        at, counts = self._names.index(name), dict[str, int]()
        for term, count in present.items():
            bucket = term.split(";")[at]
            counts[bucket] = counts.get(bucket, 0) + count
        if _OTHER in counts:
            return None
        return {int(bucket): count for bucket, count in counts.items()}

    def _bucket(self, name: str, value: Fact) -> str:
        if not isinstance(value, int):
            raise TypeError(f"fact {name!r} is no whole number: {value!r}")
        if name in self._dated:
            return _BEFORE if value <= self._day else f"{value // _YEAR}"
        return f"{value}" if 0 <= value < _FEW_VALUES else _OTHER

    # Three answers --------------------------------------------------------------------------------

    def granted(self, grants: Iterable[Grant], terms: Iterable[str]) -> frozenset[str]:
        """The cells of which some grant gives every document."""
        known = list(grants)
        return frozenset(
            term for term in terms if any(self._left(grant, term) == () for grant in known)
        )

    def undecided(self, grants: Iterable[Grant], terms: Iterable[str]) -> list[Grant]:
        """The grants that may give some documents of one of these cells, and not all."""
        cells = list(terms)
        return [grant for grant in grants if any(self._left(grant, term) for term in cells)]

    def _left(self, grant: Grant, term: str) -> Grant | None:
        """What of the grant the cell does not tell; None when the cell has none of it."""
        cell = tuple(term.split(";"))
        answers = [(need, self.says(cell, need)) for need in grant]
        if any(answer is False for _need, answer in answers):
            return None
        return tuple(need for need, answer in answers if answer is None)

    def says(self, cell: Cell, need: Need) -> bool | None:
        """Whether every document of the cell meets the need, none does, or one cannot tell."""
        match need:
            case AtMost(name, most):
                return self._at_most(name, cell, most)
            case Eq(name, value):
                return self._among(name, cell, [value])
            case Among(name, values):
                return self._among(name, cell, list(values))
            case AllOf(rules):
                return _all_of([self.says(cell, rule) for rule in rules])
            case AnyOf(rules):
                return _any_of([self.says(cell, rule) for rule in rules])
        assert_never(need)

    def _at_most(self, name: str, cell: Cell, most: int) -> bool | None:
        bounds = self._bounds(name, cell)
        if bounds is None:
            return None
        least, greatest = bounds
        if greatest <= most:
            return True
        return False if least is not None and least > most else None

    def _among(self, name: str, cell: Cell, values: Sequence[str | int]) -> bool | None:
        if name not in self._names:
            return None
        bounds = self._bounds(name, cell)
        if bounds is None:
            return None
        least, greatest = bounds
        numbers = [value for value in values if isinstance(value, int)]
        if least == greatest:
            return greatest in numbers
        inside = any((least is None or least <= one) and one <= greatest for one in numbers)
        return None if inside else False

    def _bounds(self, name: str, cell: Cell) -> tuple[int | None, int] | None:
        """The least (None: unbounded) and the greatest value in the cell; None: no telling."""
        bucket = cell[self._names.index(name)]
        if bucket == _OTHER:
            return None
        if name not in self._dated:
            return int(bucket), int(bucket)
        if bucket == _BEFORE:
            return None, self._day
        first = int(bucket) * _YEAR
        return max(first, self._day + 1), first + _YEAR - 1


def _all_of(answers: Sequence[bool | None]) -> bool | None:
    if any(answer is False for answer in answers):
        return False
    return None if None in answers else True


def _any_of(answers: Sequence[bool | None]) -> bool | None:
    if any(answer is True for answer in answers):
        return True
    return None if None in answers else False
