"""What a rule means, and that the ORM condition means the same."""

from typing import Any

import pytest
from django.db import connection, models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liandong.base.access import to_q
from liandong.kernel.access import EVERYONE, NO_ONE, AllOf, AnyOf, AtMost, Eq, Rule, holds


class Sample(models.Model):  # noqa: DJ008 - never shown
    """A table with the facts of a rule; it lives inside one test."""

    level = models.IntegerField()
    open_from = models.IntegerField()
    unit = models.CharField(max_length=8)

    class Meta:
        app_label = "access_sample"
        managed = False


RULES = st.recursive(
    st.builds(AtMost, st.sampled_from(["level", "open_from"]), st.integers(-1, 4))
    | st.builds(AtMost, st.just("level"), st.sampled_from([2**63 - 1, 2**70, -(2**70)]))
    | st.builds(Eq, st.just("unit"), st.sampled_from(["", "A", "B", "a", "AB"]))
    | st.builds(Eq, st.just("level"), st.integers(0, 3) | st.just(2**64)),
    lambda inner: (
        st.lists(inner, max_size=3)
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
    }
)


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FACTS, max_size=8), st.lists(RULES, min_size=1, max_size=8))
def test_the_orm_condition_agrees_with_the_rule(
    rows: list[dict[str, Any]], rules: list[Rule]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS access_sample_sample")
        cursor.execute(
            "CREATE TEMPORARY TABLE access_sample_sample"
            " (id integer PRIMARY KEY, level integer, open_from integer, unit varchar(8))"
        )
    Sample.objects.bulk_create(Sample(id=n, **facts) for n, facts in enumerate(rows))
    for rule in [*rules, EVERYONE, NO_ONE]:
        granted = [n for n, facts in enumerate(rows) if holds(rule, facts)]
        found = Sample.objects.filter(to_q(rule)).order_by("id")
        assert list(found.values_list("id", flat=True)) == granted
        assert found.count() == len(granted)


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
