"""Overall evaluation: a figure is a list of rows; silence is no reply; few persons are hidden."""

import csv
import io
from datetime import datetime

import pytest
from openpyxl import load_workbook
from tests.cases.build import CITY, ROADS, WATER, bearer, cell, client, opened, people, step
from tests.cases.ledger_build import (
    body,
    clear,
    day,
    demand,
    listed,
    no_progress,
    note,
    to_confirmed,
)

from liandong.base.models import Account, AuditRow, Post, Role
from liandong.cases.models import Case
from liandong.cases.queries.evaluation import Asked, Evaluation, evaluate, score_counts
from liandong.kernel import catalog
from liandong.kernel.evaluation import METRICS
from liandong.kernel.ledger_months import Month

pytestmark = pytest.mark.django_db
NOW = day(12, 1)


@pytest.fixture(autouse=True)
def _people() -> None:
    people()
    cell()


def evaluated(
    first: str = "2026-09", last: str = "", *, now: datetime = NOW, **asked: str
) -> Evaluation:
    period = Asked(Month.parse(first), Month.parse(last or first), **asked)
    return evaluate(period, viewer=bearer("leader").viewer, now=now)


def value(found: Evaluation, code: str) -> tuple[float, int]:
    """Numerator and denominator."""
    measure = found.measure(code)
    assert measure is not None
    assert measure.value is not None
    return measure.value.part, measure.value.whole


def test_every_metric_of_the_catalogue_is_computed_or_says_why_not() -> None:
    rows = catalog.by_key("statistics_metrics", "code")
    assert METRICS.keys() <= rows.keys()
    for code, row in rows.items():
        assert (code in METRICS) != bool(row["missing_zh"] and row["missing_en"]), code
    found = evaluated()
    assert [one.row["code"] for one in found.measures] == list(rows)
    assert all(one.value is None for one in found.measures if one.row["missing_zh"])


def test_the_way_of_a_demand_gives_its_figures() -> None:
    case = demand(at=day(9, 1))
    step(case, "contact", "city", now=day(9, 1, 5))
    case = step(case, "hand_in", "city", now=day(9, 3))
    case = step(case, "fail", "inspector", now=day(9, 4))
    case = step(case, "hand_in", "city", now=day(9, 7))
    case = step(case, "pass", "inspector", now=day(9, 8))
    step(case, "rate", "firm", now=day(9, 9), score="3")
    found = evaluated()
    for code, counts in {
        "registered": (1, 1), "dispatched": (1, 1), "dispatch_accuracy": (1, 1), "closed": (1, 1),
        "rework_count": (1, 1), "rework_rate": (1, 1), "response_rate": (1, 1),
        "resolution_rate": (1, 1), "satisfaction_rate": (0.8, 1), "reply_rate": (1, 1),
        "reopen_rate": (0, 1), "inspection_independence": (2, 2), "overdue_handled": (0, 0),
        "on_time_register_rate": (1, 1), "due_handling": (1, 1), "on_time_handled_rate": (1, 1),
        "avg_intake_time": (1, 1), "duplicate_rate": (0, 1), "self_handled": (0, 0),
    }.items():  # fmt: skip
        assert value(found, code) == counts, code
    assert {code: len(hits) for code, hits in found.outcomes.items() if hits} == {"solved": 1}
    (handled,) = [one for one in found.measures if one.row["code"] == "avg_handling_time"]
    assert handled.value is not None
    assert handled.value.whole == 2
    assert value(evaluated("2026-08"), "registered") == (0, 0)
    assert value(evaluated("2026-10"), "closed") == (0, 0)


def test_silence_is_no_reply_and_never_satisfied() -> None:
    for score in ("5", "", "1"):
        case = step(demand(at=day(9, 1)), "hand_in", "city", now=day(9, 2))
        case = step(case, "pass", "inspector", now=day(9, 3))
        if score:
            step(case, "rate", "firm", now=day(9, 4), score=score)
        else:
            step(case, "silence", "system", now=day(9, 25))
    found = evaluated()
    assert value(found, "satisfaction_rate") == (1, 2)
    assert value(found, "resolution_rate") == (1, 2)
    assert value(found, "reply_rate") == (2, 3)


def test_explained_and_content_is_satisfied_but_not_solved() -> None:
    case = step(demand(at=day(9, 1)), "hand_in", "city", now=day(9, 2), outcome="explained")
    step(step(case, "pass", "inspector", now=day(9, 3)), "rate", "firm", now=day(9, 4), score="5")
    found = evaluated()
    assert value(found, "satisfaction_rate") == (1, 1)
    assert value(found, "resolution_rate") == (0, 1)
    assert len(found.outcomes["explained"]) == 1


def test_a_dispute_is_a_reply_that_is_not_satisfied() -> None:
    case = step(demand(at=day(9, 1)), "hand_in", "city", now=day(9, 2))
    case = step(step(case, "pass", "inspector", now=day(9, 3)), "dispute", "firm", now=day(9, 4))
    step(case, "accept_reopen", "desk2", now=day(9, 5), lead_unit=CITY)
    found = evaluated()
    assert value(found, "satisfaction_rate") == (0, 1)
    assert value(found, "reopen_rate") == (1, 1)


def test_a_matter_wrongly_sent_down_to_the_grass_roots_is_shown() -> None:
    street = Account.objects.create(username="street", unit=cell().unit, clearance=2)
    Post.objects.create(account=street, role=Role.HANDLER)
    for moved_to in (WATER, cell().unit.code):
        case = opened("enterprise_demand", now=day(9, 1)).case
        for action, who in (
            ("accept_for_verification", "desk"), ("confirm", "desk"), ("dispatch", "dispatcher"),
        ):  # fmt: skip
            case = step(case, action, who, now=day(9, 1), lead_unit=cell().unit.code)
        case = step(case, "object", "street", now=day(9, 1, 4))
        step(case, "redispatch", "dispatcher", now=day(9, 2), lead_unit=moved_to)
    found = evaluated()
    assert value(found, "wrongly_sent_down")[1] == 1
    assert value(found, "returned_count") == (1, 2)
    assert value(found, "dispatch_accuracy") == (3, 4)
    sent = found.measure("wrongly_sent_down")
    assert sent is not None
    assert list(sent.by_unit) == [cell().unit.code]


def test_the_ledger_is_counted_at_the_end_of_the_period() -> None:
    one, other = listed(at=day(8, 10)), listed(at=day(8, 11), lead=WATER, by="water")
    note(one, at=day(9, 5))
    clear(to_confirmed(one, at=day(10, 5)), at=day(10, 6))
    no_progress(other, at=day(11, 20), by="water")
    step(other, "park", "leader", now=day(11, 21))
    september = evaluated("2026-09")
    assert value(september, "ledger_open")[1] == 2
    assert value(september, "ledger_cleared_rate") == (0, 2)
    assert value(september, "ledger_no_progress")[1] == 1
    october = evaluated("2026-10")
    assert value(october, "ledger_open")[1] == 1
    assert value(october, "ledger_cleared_rate") == (1, 2)
    assert value(evaluated("2026-11"), "parked")[1] == 1
    assert value(evaluated("2026-10"), "parked")[1] == 0


def test_an_escalation_waits_until_it_is_answered() -> None:
    case = demand(at=day(9, 1))
    step(case, "escalate", "leader", now=day(9, 2), until="2026-09-05")
    assert value(evaluated(), "escalation_unanswered")[1] == 1
    step(case, "answer_escalation", "city", now=day(10, 2))
    assert value(evaluated(), "escalation_unanswered")[1] == 1  # as it was at the end of September
    assert value(evaluated("2026-10"), "escalation_unanswered")[1] == 0


def test_few_persons_are_hidden_and_the_total_does_not_give_them_away() -> None:
    for lead, by, times in ((CITY, "city", 6), (WATER, "water", 7), (ROADS, "roads", 1)):
        for _time in range(times):
            to_confirmed(demand(at=day(9, 1), lead=lead, by=by), at=day(9, 2), by=by)
    found = evaluated()
    satisfied = found.measure("satisfaction_rate")
    assert satisfied is not None
    assert {unit: one.is_small for unit, one in satisfied.by_unit.items()} == {
        ROADS: True, CITY: True, WATER: False
    }  # fmt: skip
    assert satisfied.value is not None
    assert not satisfied.value.is_small
    assert score_counts(found) == {"5": 14}
    only = evaluated(unit=CITY).measure("satisfaction_rate")
    assert only is not None
    assert only.value is not None
    assert only.value.is_small  # as beside the others
    closed = found.measure("closed")
    assert closed is not None
    assert not any(one.is_small for one in closed.by_unit.values())  # not of persons


# Pages --------------------------------------------------------------------------------------------


def test_the_page_has_a_link_to_the_rows_behind_each_number() -> None:
    case = to_confirmed(demand(at=day(9, 1)), at=day(9, 2))
    period = "from=2026-09&to=2026-09"
    page = body(client("leader"), f"/cases/evaluation/?{period}")
    assert "metric=closed" in page
    assert "人数太少，不显示" in page
    assert "metric=satisfaction_rate" not in page
    assert "还不能算" in page
    assert case.number in body(client("leader"), f"/cases/evaluation/?{period}&metric=closed")
    assert case.number in body(client("leader"), f"/cases/evaluation/?{period}&outcome=solved")
    hidden = body(client("leader"), f"/cases/evaluation/?{period}&metric=satisfaction_rate")
    assert case.number not in hidden
    no = body(client("leader"), f"/cases/evaluation/?{period}&metric=rework_rate&part=yes")
    assert case.number not in no


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_the_figures_come_as_a_file_with_formula_and_source(form: str) -> None:
    to_confirmed(demand(at=day(9, 1)), at=day(9, 2))
    answer = client("leader").get(f"/cases/evaluation.{form}?from=2026-09&to=2026-09")
    if form == "csv":
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    else:
        sheet = load_workbook(io.BytesIO(answer.content)).active
        assert sheet is not None
        rows = [[str(one or "") for one in row] for row in sheet.iter_rows(values_only=True)]
    told = {(row[0], row[1]): row[2:] for row in rows}
    assert told["全部", "结案数"][0] == "1"
    assert told["全部", "满意率"][0] == "少于 5"
    assert "第三十二条" in told["全部", "满意率"][3]
    assert AuditRow.objects.filter(act="export_evaluation").count() == 1


def test_who_evaluates() -> None:
    for who, code in (("leader", 200), ("desk", 200), ("ledger", 200), ("city", 403),
                      ("firm", 403), ("inspector", 403)):  # fmt: skip
        assert client(who).get("/cases/evaluation/").status_code == code, who
    assert client("leader").get("/cases/evaluation.exe").status_code == 404


def test_bad_periods_are_read_as_this_month() -> None:
    for query in ("from=x&to=y", "from=2026-13", "from=2999-01&to=2001-01", "from=2001-01"):
        assert client("leader").get(f"/cases/evaluation/?{query}").status_code == 200, query
    assert Case.objects.count() == 0
