"""Access rules as conditions of the ORM; `kernel.access.holds` says what a rule means."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import assert_never

from django.db.models import Q

from liandong.kernel.access import AllOf, Among, AnyOf, AtMost, Eq, Rule, gathered

_EVERYONE = Q(pk__isnull=False)
_NO_ONE = Q(pk__in=[])
Value = str | int
Lookup = str | Callable[[Sequence[Value]], Q]
INT64 = 2**63  # whole numbers beyond are no value of any column


def to_q(rule: Rule, lookups: Mapping[str, Lookup] | None = None) -> Q:
    """The rows that the rule grants; every fact is a NOT NULL column of that name.

    `lookups` maps a fact to another lookup path, or to a function of the values, any of which will
    do, that gives the condition: a many-valued fact (shares) must not be a join, which would give
    rows twice, so its function gives a `pk__in` subquery.
    """
    return _to_q(rule, lookups or {})


def _to_q(rule: Rule | Among, names: Mapping[str, Lookup]) -> Q:
    match rule:
        case Eq(field, value):
            return _equals(names.get(field, field), [value])
        case Among(field, values):
            return _equals(names.get(field, field), sorted(values, key=str))
        case AtMost(field, most):
            where = names.get(field, field)
            inside = most >= -INT64 and isinstance(where, str)
            return Q((f"{where}__lte", min(most, INT64 - 1))) if inside else _NO_ONE
        case AllOf(rules):
            return reduce(and_, (_to_q(part, names) for part in rules), _EVERYONE)
        case AnyOf(rules):
            return reduce(or_, (_to_q(part, names) for part in gathered(rules)), _NO_ONE)
    assert_never(rule)


def _equals(where: Lookup, values: Sequence[Value]) -> Q:
    if not isinstance(where, str):
        return where(values)
    known = [one for one in values if not isinstance(one, int) or -INT64 <= one < INT64]
    return Q((where, known[0])) if len(known) == 1 else Q((f"{where}__in", known))
