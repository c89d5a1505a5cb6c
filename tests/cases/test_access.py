"""Who sees which case: the rule, the database and the list say the same of everybody."""

import random
from itertools import product
from typing import Any

import pytest
from tests.cases.build import (
    CENTRE,
    CITY,
    FIRM,
    NOW,
    PEOPLE,
    ROADS,
    WATER,
    cell,
    opened,
    people,
    unit_of,
)  # fmt: skip

from liandong.base.models import Account, Officer, Role
from liandong.base.viewers import may
from liandong.cases.models import Case, SubTask
from liandong.cases.policies import may_see
from liandong.cases.queries.cases import Filters, listed, visible
from liandong.kernel.viewer import Viewer

pytestmark = pytest.mark.django_db
KINDS = ("snap_report", "enterprise_demand", "employee_demand", "suggestion")
STATES = ("submitted", "verifying", "in_progress", "inspecting", "closed", "filed", "rejected")
UNITS = ("", CITY, WATER, ROADS, CENTRE, "SQ01", FIRM)


@pytest.fixture
def cases() -> list[Case]:
    """Cases of every kind, state, level and unit, by random choice that is the same each time."""
    dice = random.Random(7)  # noqa: S311 - a corpus
    made = people()
    grid = cell()
    for number in range(60):
        case = opened(KINDS[number % len(KINDS)]).case
        unit = dice.choice(UNITS)
        Case.objects.filter(pk=case.pk).update(
            state=dice.choice(STATES), level=dice.randint(0, 3),
            lead_unit=unit_of(unit) if unit else None,
            grid=grid if dice.random() < 0.4 else None,
            requester=made[dice.choice(list(PEOPLE))] if dice.random() < 0.3 else None,
            enterprise=unit_of(FIRM) if dice.random() < 0.3 else None,
        )  # fmt: skip
        if dice.random() < 0.3:
            SubTask.objects.create(
                case=case, unit=unit_of(dice.choice(UNITS[1:])), round=1, text="请协办",
                asked_at=NOW, asked_by="city",
            )  # fmt: skip
    return list(Case.objects.select_related("requester", "enterprise", "lead_unit", "grid__unit"))


def viewers() -> list[Viewer]:
    """Nobody, officers, and everybody of every role in every unit."""
    names = list(Account.objects.values_list("username", flat=True))
    roles = [frozenset({str(role)}) for role in Role]
    found = [Viewer()]
    found += [Viewer("officer", "", 3, frozenset(), officer=str(one)) for one in Officer]
    found += [
        Viewer(names[number % len(names)], unit, number % 4, held)
        for number, (held, unit) in enumerate(product([*roles, frozenset()], UNITS))
    ]
    found.append(Viewer("city", CITY, 2, frozenset({Role.HANDLER, Role.GRID_WORKER})))
    return found


def test_rule_database_and_list_agree(cases: list[Case]) -> None:
    seen = 0
    for viewer in viewers():
        rule = may_see(viewer)
        granted = {one.pk for one in cases if may(rule, one)}
        assert set(visible(viewer).values_list("pk", flat=True)) == granted, viewer
        page = listed(Filters(), viewer=viewer, now=NOW)
        assert [one.pk for one in page] == sorted(granted, reverse=True)[:51], viewer
        seen += bool(granted) and granted != {one.pk for one in cases}
    assert seen > 20  # the corpus tells most of them apart


def test_pages_of_the_list_join_without_a_gap(
    cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liandong.cases.queries.cases.PAGE", 3)
    viewer = Viewer("city", CITY, 2, frozenset({Role.HANDLER, Role.GRID_WORKER}))
    found: list[int] = []
    before = 0
    while page := [one.pk for one in listed(Filters(), viewer=viewer, now=NOW, before=before)][:3]:
        found += page
        before = page[-1]
    assert found == sorted(visible(viewer).values_list("pk", flat=True), reverse=True)
    assert len(found) > 6  # more than two pages


@pytest.mark.parametrize(
    "filters",
    [
        Filters(state="in_progress"), Filters(kind="suggestion"), Filters(unit=CITY),
        Filters(late="1"), Filters(words="路"), Filters(unit="NOBODY"),
    ],
)  # fmt: skip
def test_filters_narrow_and_never_widen(cases: list[Case], filters: Filters) -> None:
    for viewer in viewers():
        page = {one.pk for one in listed(filters, viewer=viewer, now=NOW)}
        assert page <= set(visible(viewer).values_list("pk", flat=True))


def test_many_rows_cost_the_same_questions(
    cases: list[Case], django_assert_num_queries: Any
) -> None:
    viewer = Viewer("city", CITY, 2, frozenset({Role.HANDLER}))
    with django_assert_num_queries(6):
        listed(Filters(), viewer=viewer, now=NOW)
