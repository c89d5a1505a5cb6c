"""The alternatives of an access rule: what an engine can ask one after the other."""

from collections.abc import Iterable, Sequence
from itertools import product

from liandong.kernel.access import AllOf, Among, AnyOf, AtMost, Eq, Rule, gathered

Need = Rule | Among
Grant = tuple[Need, ...]  # all of these
MOST_ALTERNATIVES = 6  # more are asked as one


def sides(visible: Rule, whole: Rule) -> tuple[list[Grant], list[Grant]]:
    """Grants of the documents within both rules, and grants of those within `visible`.

    Of the latter those are left out that give nothing beyond the former.
    """
    inside = alternatives(AllOf((visible, whole)))
    return inside, beyond(alternatives(visible), inside)


def beyond(grants: Iterable[Grant], others: Sequence[Grant]) -> list[Grant]:
    """The grants that may give something that none of the others does."""
    return [grant for grant in grants if not any(_within(grant, other) for other in others)]


def alternatives(rule: Rule) -> list[Grant]:
    """Grants of which at least one holds exactly when the rule holds; none: no one.

    A grant that implies another is left out.  Wide ones come first.
    """
    grants = reduced(_expanded(rule))
    if len(grants) > MOST_ALTERNATIVES:
        return [(rule,)]
    return sorted(grants, key=lambda grant: sum(not isinstance(part, AtMost) for part in grant))


def _expanded(rule: Need) -> list[Grant]:
    """The rule as alternatives; the rule itself as the only one where these would be many."""
    match rule:
        case AnyOf(rules):
            return [grant for part in gathered(rules) for grant in _expanded(part)]
        case AllOf(rules):
            parts = [_expanded(part) for part in rules]
            many = 1
            for part in parts:
                many *= len(part)
            if many > MOST_ALTERNATIVES**2:
                return [(rule,)]
            return [_joined(grants) for grants in product(*parts)]
        case _:
            return [(rule,)]


def _joined(grants: Iterable[Grant]) -> Grant:
    parts = list(dict.fromkeys(part for grant in grants for part in grant))
    return tuple(
        part
        for part in parts
        if not any(other != part and _implies(other, part) for other in parts)
    )


def reduced(grants: Iterable[Grant]) -> list[Grant]:
    """The grants without those that another one implies."""
    kept: list[Grant] = []
    for grant in grants:
        if any(_within(grant, other) for other in kept):
            continue
        kept = [other for other in kept if not _within(other, grant)]
        kept.append(grant)
    return kept


def _within(narrow: Grant, wide: Grant) -> bool:
    """Tell whether the narrow grant surely gives nothing that the wide one does not."""
    return all(any(_implies(part, need) for part in narrow) for need in wide)


def _implies(part: Need, need: Need) -> bool:
    match part, need:
        case AtMost(), AtMost():
            return part.field == need.field and part.most <= need.most
        case ((Eq() | Among()), (Eq() | Among())):
            return part.field == need.field and _values(part) <= _values(need)
        case _:
            return part == need


def _values(part: Eq | Among) -> set[tuple[type, str | int]]:
    values = part.values if isinstance(part, Among) else {part.value}
    return {(type(value), value) for value in values}  # True is not 1 here
