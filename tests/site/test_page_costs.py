"""Pages of cases ask the database as often for one row as for twenty."""

from collections import defaultdict

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.cases.build import SAID, cell, client, opened, people, step

pytestmark = pytest.mark.django_db
PAGES = (
    ("desk", "/cases/"), ("desk", "/cases/?q=窨井盖"), ("desk", "/cases/inbox/"),
    ("leader", "/cases/"), ("ledger", "/ledger/"),
    ("desk", "/me/notices/"), ("firm", "/biz/"),
)  # fmt: skip


def _report(number: int) -> None:
    said = {"text": f"第{number}处窨井盖破损"}
    opened("snap_report", form=said)
    verified = opened("snap_report", form=said).case
    step(verified, "accept_for_verification", "desk", **SAID)
    step(verified, "confirm", "grid")
    opened("enterprise_demand", by="firm")


def test_lists_of_cases_cost_the_same_for_one_row_and_for_twenty() -> None:
    people()
    cell()
    costs = defaultdict(list)
    for numbers in (range(1), range(1, 20)):
        for number in numbers:
            _report(number)
        for who, path in PAGES:
            browser = client(who)
            browser.get(path)  # what is computed once for all is there
            with CaptureQueriesContext(connection) as asked:
                assert browser.get(path).status_code == 200, path
            costs[who, path].append(len(asked))
    assert {page: cost for page, cost in costs.items() if cost[0] != cost[1]} == {}
