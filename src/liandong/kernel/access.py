"""Access rules as data: what a rule means.  Compilers to SQL and to search engines live elsewhere.

A rule is made only of grants.  There is no negation: a forgotten clause hides a record, it never
shows one.  `holds` is the definition; every compiler must agree with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
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


@dataclass(frozen=True, slots=True)
class Among:
    """What compilers make of several `Eq` on one field in an `AnyOf`; no part of a rule."""

    field: str
    values: frozenset[str | int]  # all texts, or all whole numbers


def gathered(rules: Iterable[Rule]) -> list[Rule | Among]:
    """Alternatives with those gathered that differ in the value alone, each group at its first.

    A person may have many grants of use; a database answers one list faster than many questions.
    """
    groups: dict[tuple[str, type], set[str | int]] = {}
    order: dict[Rule | tuple[str, type], None] = {}
    for rule in rules:
        key = (rule.field, type(rule.value)) if isinstance(rule, Eq) else rule
        order[key] = None
        if isinstance(rule, Eq):
            groups.setdefault((rule.field, type(rule.value)), set()).add(rule.value)
    return [_group(key[0], groups[key]) if isinstance(key, tuple) else key for key in order]


def _group(field: str, values: set[str | int]) -> Rule | Among:
    return Eq(field, *values) if len(values) == 1 else Among(field, frozenset(values))


def ways(rule: Rule) -> tuple[AllOf, ...]:
    """The rule as ways to be granted: it holds where one does.

    No way has an alternative in it but that of values of one field, which a database answers as
    one list.  A list that is long and sorted asks for each way by itself, so that each can use an
    index of its own.  Alternatives within what must hold together give their product.
    """
    match rule:
        case Eq() | AtMost():
            return (AllOf((rule,)),)
        case AnyOf(rules):
            values: dict[str, list[Eq]] = {}
            for part in rules:
                if isinstance(part, Eq):
                    values.setdefault(part.field, []).append(part)
            lists: list[Rule] = [
                one[0] if len(one) == 1 else AnyOf(tuple(one)) for one in values.values()
            ]
            others = [part for part in rules if not isinstance(part, Eq)]
            found = [AllOf((one,)) for one in lists]
            found += [way for part in others for way in ways(part)]
            return tuple(dict.fromkeys(found))
        case AllOf(rules):
            parts = product(*(ways(part) for part in rules))
            return tuple(
                AllOf(tuple(one for way in chosen for one in way.rules)) for chosen in parts
            )
    assert_never(rule)


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
