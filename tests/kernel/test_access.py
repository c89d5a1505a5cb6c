"""What a rule means, and that the ORM condition means the same."""

from typing import Any

import pytest
from django.db import connection, models
from django.db.models import Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liandong.base.access import to_q
from liandong.kernel.access import (
    EVERYONE,
    NO_ONE,
    AllOf,
    Among,
    AnyOf,
    AtMost,
    Eq,
    Rule,
    gathered,
    holds,
    ways,
)


class Sample(models.Model):  # noqa: DJ008 - never shown
    """A table with the facts of a rule; it lives inside one test."""

    level = models.IntegerField()
    open_from = models.IntegerField()
    unit = models.CharField(max_length=8)

    class Meta:
        app_label = "access_sample"
        managed = False


class Named(models.Model):  # noqa: DJ008 - never shown
    """A many-valued fact of samples: one row per value."""

    sample = models.IntegerField()
    code = models.CharField(max_length=8)

    class Meta:
        app_label = "access_sample"
        managed = False


LOOKUPS = {"shares": lambda codes: Q(pk__in=Named.objects.filter(code__in=codes).values("sample"))}
TABLES = (
    "CREATE TEMPORARY TABLE access_sample_sample"
    " (id integer PRIMARY KEY, level integer, open_from integer, unit varchar(8))",
    "CREATE TEMPORARY TABLE access_sample_named"
    " (id integer PRIMARY KEY, sample integer, code varchar(8))",
)
RULES = st.recursive(
    st.builds(AtMost, st.sampled_from(["level", "open_from"]), st.integers(-1, 4))
    | st.builds(AtMost, st.just("level"), st.sampled_from([2**63 - 1, 2**70, -(2**70)]))
    | st.builds(Eq, st.just("unit"), st.sampled_from(["", "A", "B", "a", "AB"]))
    | st.builds(Eq, st.just("shares"), st.sampled_from(["A", "B", "C", "AB"]))
    | st.builds(Eq, st.just("level"), st.integers(0, 3) | st.just(2**64)),
    lambda inner: (
        st.lists(inner, max_size=4)
        .map(tuple)
        .flatmap(lambda parts: st.sampled_from([AllOf(parts), AnyOf(parts)]))
    ),
    max_leaves=8,
)
FACTS = st.fixed_dictionaries(
    {
        "level": st.integers(0, 3),
        "open_from": st.integers(0, 3),
        "unit": st.sampled_from(["", "A", "B", "AB"]),
        "shares": st.frozensets(st.sampled_from(["A", "B", "C", "AB"]), max_size=2),
    }
)


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FACTS, max_size=8), st.lists(RULES, min_size=1, max_size=8))
def test_the_orm_condition_agrees_with_the_rule(
    rows: list[dict[str, Any]], rules: list[Rule]
) -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS {table.split()[3]}")
            cursor.execute(table)
    Sample.objects.bulk_create(
        Sample(id=n, level=facts["level"], open_from=facts["open_from"], unit=facts["unit"])
        for n, facts in enumerate(rows)
    )
    pairs = [(n, code) for n, facts in enumerate(rows) for code in facts["shares"]]
    Named.objects.bulk_create(
        Named(id=at, sample=n, code=code) for at, (n, code) in enumerate(pairs)
    )
    for rule in [*rules, EVERYONE, NO_ONE]:
        granted = [n for n, facts in enumerate(rows) if holds(rule, facts)]
        found = Sample.objects.filter(to_q(rule, LOOKUPS)).order_by("id")
        assert list(found.values_list("id", flat=True)) == granted
        assert found.count() == len(granted)


@given(st.lists(RULES, max_size=6), FACTS)
def test_gathered_alternatives_mean_the_same(rules: list[Rule], facts: dict[str, Any]) -> None:
    def fits(part: Rule | Among) -> bool:
        if isinstance(part, Among):
            return any(holds(Eq(part.field, value), facts) for value in part.values)
        return holds(part, facts)

    assert any(map(fits, gathered(rules))) == holds(AnyOf(tuple(rules)), facts)


@given(RULES, FACTS)
def test_a_rule_holds_where_one_of_its_ways_does(rule: Rule, facts: dict[str, Any]) -> None:
    found = ways(rule)
    assert any(holds(way, facts) for way in found) == holds(rule, facts)
    assert all(_is_of_one_field(part) for way in found for part in way.rules)


def _is_of_one_field(rule: Rule) -> bool:
    if isinstance(rule, AnyOf):
        return (
            all(isinstance(one, Eq) for one in rule.rules)
            and len({one.field for one in rule.rules if isinstance(one, Eq)}) == 1
        )
    return isinstance(rule, Eq | AtMost)


def test_the_ways_of_a_rule_are_the_product_of_its_alternatives() -> None:
    level, one, two = AtMost("level", 1), Eq("unit", "甲"), Eq("unit", "乙")
    shared, units = Eq("shares", "G1"), AnyOf((one, two))
    assert ways(AnyOf((shared, AllOf((level, units))))) == (
        AllOf((shared,)), AllOf((level, units)),
    )  # fmt: skip
    assert ways(AllOf((level, AnyOf((one, shared))))) == (
        AllOf((level, one)), AllOf((level, shared)),
    )  # fmt: skip
    assert (ways(EVERYONE), ways(NO_ONE)) == ((AllOf(),), ())


def test_many_grants_are_one_condition() -> None:
    rules = (Eq("shares", "A"), AtMost("level", 0), Eq("shares", "B"), Eq("level", 1))
    assert gathered(rules) == [
        Among("shares", frozenset({"A", "B"})),
        AtMost("level", 0),
        Eq("level", 1),
    ]
    many = AnyOf(tuple(Eq("shares", f"G{number}") for number in range(50)))
    assert str(Sample.objects.filter(to_q(many, LOOKUPS)).query).count(" IN (SELECT") == 1


def test_no_grant_is_no_access_and_no_condition_is_all() -> None:
    assert holds(EVERYONE, {})
    assert not holds(NO_ONE, {})


def test_a_many_valued_fact_grants_by_any_of_its_values() -> None:
    facts = {"shares": frozenset({"A", "B"})}
    assert holds(Eq("shares", "A"), facts)
    assert not holds(Eq("shares", "AB"), facts)


def test_a_missing_fact_and_a_text_bound_are_mistakes() -> None:
    with pytest.raises(KeyError):
        holds(Eq("unit", "A"), {})
    with pytest.raises(TypeError):
        holds(AtMost("unit", 1), {"unit": "A"})
