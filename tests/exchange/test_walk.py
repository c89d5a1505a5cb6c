"""Random walks: whatever people try, in whatever order, the laws of sharing hold."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.exchange.build import (
    ASKER,
    DIRECTOR,
    FORMER,
    HOLDER,
    NOW,
    OTHER,
    UNTIL,
    asked,
    people,
    records,
    yes,
)

from liandong.archive.models import Record, ShareGrant
from liandong.archive.policies import RESTRICTED
from liandong.exchange.flow import HAS_GRANT, LOAN_FLOW, SHARE_FLOW, VISIT_FLOW
from liandong.exchange.models import UseRequest
from liandong.exchange.policies import standings
from liandong.exchange.services import deciding, drafting, extending, opinions
from liandong.exchange.services.people import viewer_by
from liandong.exchange.wording import STEP_WORDS
from liandong.kernel import catalog
from liandong.kernel.flows import StepRefused

NAMES = (ASKER, HOLDER, DIRECTOR, FORMER, OTHER, "zhou", "du", "nobody")
STEPS = tuple(SHARE_FLOW.steps)
MOVES = st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(NAMES)), max_size=14)


def _take(step: str, request: UseRequest, found: list[Record], by: str, now: Any) -> None:
    pk, longer = request.pk, UNTIL + timedelta(days=9)
    acts = {
        "submit": lambda: drafting.submit(pk, by=by, now=now),
        "cancel": lambda: drafting.cancel(pk, by=by, now=now),
        "gather": lambda: deciding.gather(pk, [row.pk for row in found], by=by, now=now),
        "ask_opinion": lambda: opinions.ask_opinion(pk, ["BGS"], by=by, now=now),
        "give_opinion": lambda: opinions.give_opinion(pk, agrees=True, text="可", by=by, now=now),
        "grant": lambda: deciding.grant(pk, yes(found), by=by, now=now),
        "propose": lambda: deciding.propose(pk, yes(found), by=by, now=now),
        "confirm": lambda: deciding.confirm(pk, by=by, now=now),
        "send_back": lambda: deciding.send_back(pk, why="再看", by=by, now=now),
        "refuse": lambda: deciding.refuse(pk, ground="D14", answer="不", by=by, now=now),
        "ask_extension": lambda: extending.ask_extension(
            pk, until=longer, why="未完", by=by, now=now
        ),
        "extend": lambda: extending.extend(pk, by=by, now=now),
        "propose_extension": lambda: extending.propose_extension(pk, why="可", by=by, now=now),
        "confirm_extension": lambda: extending.confirm_extension(pk, by=by, now=now),
        "refuse_extension": lambda: extending.refuse_extension(pk, why="不", by=by, now=now),
        "withdraw": lambda: deciding.withdraw(pk, why="收", by=by, now=now),
        "give_up": lambda: deciding.give_up(pk, by=by, now=now),
    }
    acts[step]()


def _laws(request: UseRequest, level: int) -> None:
    request.refresh_from_db()
    events = list(request.events.values_list("step", "by"))
    decided = [by for step, by in events if step in {"grant", "confirm"}]
    has_grant = ShareGrant.objects.filter(code=request.number).exists() if request.number else False
    assert has_grant == (request.state in HAS_GRANT) == bool(decided)
    deciders = {by for step, by in events if step in SHARE_FLOW.steps and "asker" not in
                SHARE_FLOW.steps[step].roles}  # fmt: skip
    assert ASKER not in deciders
    assert deciders <= {HOLDER, "zhou", DIRECTOR, FORMER}
    if has_grant and level >= RESTRICTED:
        assert request.proposed_by not in {"", request.decided_by}
        assert request.decided_by == DIRECTOR
    if has_grant and level < RESTRICTED:  # its forming unit was asked and has agreed
        assert ("give_opinion", FORMER) in events


@pytest.mark.django_db
@pytest.mark.parametrize("level", [1, RESTRICTED])
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_no_walk_ends_with_a_grant_that_nobody_may_give(
    home: Path, level: int, data: st.DataObject
) -> None:
    people()
    found = list(Record.objects.all()) or records(home, 1, level=level)
    savepoint = transaction.savepoint()
    request = drafting.save_draft(asked(), by=ASKER, now=NOW)
    drafting.submit(request.pk, by=ASKER, now=NOW)
    straight = [("gather", HOLDER), ("ask_opinion", HOLDER), ("give_opinion", FORMER)]
    moves = data.draw(st.just(straight) | st.just([])) + data.draw(MOVES)
    for minute, (step, by) in enumerate(moves):
        before = list(request.events.values_list("pk", flat=True))
        try:
            _take(step, request, found, by, NOW + timedelta(minutes=minute))
        except StepRefused:
            assert list(request.events.values_list("pk", flat=True)) == before
        else:
            taken = request.events.latest("pk")
            assert taken.role in SHARE_FLOW.steps[step].roles
            held = standings(
                viewer_by(by, now=NOW), asker=ASKER, units=request.asked_units | {"BGS"}
            )
            assert taken.role in held
        _laws(request, level)
    transaction.savepoint_rollback(savepoint)


def test_every_step_of_the_flows_has_its_act_and_its_words() -> None:
    acts = catalog.by_key("audit_acts", "code")
    for kind, flow in (("request", SHARE_FLOW), ("visit", VISIT_FLOW), ("loan", LOAN_FLOW)):
        assert {f"{kind}_{step}" for step in flow.steps} <= acts.keys()
        assert flow.steps.keys() <= STEP_WORDS.keys()
