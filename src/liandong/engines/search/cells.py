"""Cells: documents with alike whole-number facts, gathered under one term each.

A rule asks for levels and days by bounds.  A bound is a range over every document; a cell is one
list of documents that the index has ready.  Which cells a rule grants is worked out once per rule,
with three answers: yes, no, and None where the cell alone does not tell.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from liandong.kernel.access import AllOf, Among, AnyOf, AtMost, Eq, Fact

from .grants import Grant, Need, Part

Cell = tuple[str, ...]  # a bucket of each whole-number fact, in the order of their names
Residue = tuple[Grant, tuple[Grant, ...]]  # what is left to ask: of the grant, of each exception

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

    def _bucket(self, name: str, value: Fact) -> str:
        if not isinstance(value, int):
            raise TypeError(f"fact {name!r} is no whole number: {value!r}")
        if name in self._dated:
            return _BEFORE if value <= self._day else f"{value // _YEAR}"
        return f"{value}" if 0 <= value < _FEW_VALUES else _OTHER

    # Three answers --------------------------------------------------------------------------------

    def residues(self, part: Part, terms: Iterable[str]) -> dict[Residue, list[str]]:
        """The cells that may hold documents of the part, by what is left to ask of these."""
        found: dict[Residue, list[str]] = {}
        for term in terms:
            residue = self._residue(part, tuple(term.split(";")))
            if residue is not None:
                found.setdefault(residue, []).append(term)
        return found

    def _residue(self, part: Part, cell: Cell) -> Residue | None:
        left = self._left(part.grant, cell)
        if left is None:
            return None
        others = [self._left(other, cell) for other in part.except_for]
        if () in others:  # all of the cell is in another part
            return None
        return left, tuple(other for other in others if other is not None)

    def _left(self, grant: Grant, cell: Cell) -> Grant | None:
        """What of the grant the cell does not tell; None when the cell has none of it."""
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
