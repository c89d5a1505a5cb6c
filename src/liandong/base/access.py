"""Access rules as conditions of the ORM; `kernel.access.holds` says what a rule means."""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import and_, or_
from typing import assert_never

from django.db.models import Q

from liandong.kernel.access import AllOf, AnyOf, AtMost, Eq, Rule

_EVERYONE = Q(pk__isnull=False)
_NO_ONE = Q(pk__in=[])
Lookup = str | Callable[[str | int], Q]
INT64 = 2**63  # whole numbers beyond are no value of any column


def to_q(rule: Rule, lookups: Mapping[str, Lookup] | None = None) -> Q:
    """The rows that the rule grants; every fact is a NOT NULL column of that name.

    `lookups` maps a fact to another lookup path, or to a function of the value that gives the
    condition: a many-valued fact (shares) must not be a join, which would give rows twice, so its
    function gives a `pk__in` subquery.
    """
    names = lookups or {}
    match rule:
        case Eq(field, value):
            where = names.get(field, field)
            if not isinstance(where, str):
                return where(value)
            inside = not isinstance(value, int) or -INT64 <= value < INT64
            return Q((where, value)) if inside else _NO_ONE
        case AtMost(field, most):
            where = names.get(field, field)
            inside = most >= -INT64 and isinstance(where, str)
            return Q((f"{where}__lte", min(most, INT64 - 1))) if inside else _NO_ONE
        case AllOf(rules):
            return reduce(and_, (to_q(part, names) for part in rules), _EVERYONE)
        case AnyOf(rules):
            return reduce(or_, (to_q(part, names) for part in rules), _NO_ONE)
    assert_never(rule)
