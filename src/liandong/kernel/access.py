"""Access rules as data: what a rule means.  Compilers to SQL and to search engines live elsewhere.

A rule is made only of grants.  There is no negation: a forgotten clause hides a record, it never
shows one.  `holds` is the definition; every compiler must agree with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

Fact = str | int | frozenset[str]


@dataclass(frozen=True, slots=True)
class Eq:
    """The fact equals `value`; a many-valued fact contains it."""

    field: str
    value: str | int


@dataclass(frozen=True, slots=True)
class AtMost:
    """The whole-number fact is at most `most`."""

    field: str
    most: int


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every rule holds; with no rules: everyone."""

    rules: "tuple[Rule, ...]" = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one rule holds; with no rules: no one."""

    rules: "tuple[Rule, ...]" = ()


Rule = Eq | AtMost | AllOf | AnyOf

EVERYONE = AllOf()
NO_ONE = AnyOf()


def holds(rule: Rule, facts: Mapping[str, Fact]) -> bool:
    """Tell whether `rule` grants access to a record with these facts.

    Raises KeyError when a fact that the rule names is missing: a record always carries all facts.
    """
    match rule:
        case Eq(field, value):
            fact = facts[field]
            return value in fact if isinstance(fact, frozenset) else fact == value
        case AtMost(field, most):
            fact = facts[field]
            if not isinstance(fact, int):
                raise TypeError(f"fact {field!r} is no whole number: {fact!r}")
            return fact <= most
        case AllOf(rules):
            return all(holds(part, facts) for part in rules)
        case AnyOf(rules):
            return any(holds(part, facts) for part in rules)
    assert_never(rule)
