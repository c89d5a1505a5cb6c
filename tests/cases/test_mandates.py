"""Mandates of chambers: no mandate, no sight, no act; with one, every act says for whom."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from tests.cases.build import (
    CHAMBER,
    CITY,
    FIRM,
    NOW,
    OTHER_FIRM,
    PEOPLE,
    TO_DISPATCHED,
    bearer,
    cell,
    client,
    drive,
    opened,
    people,
    step,
    unit_of,
)

from liandong.base.models import Account, Officer, Post, Role
from liandong.base.viewers import may
from liandong.cases.models import Case, Mandate
from liandong.cases.policies import AUDITOR, OWN, WHEN_OVER, WORK, audience, may_see
from liandong.cases.policies import CHAMBER as BY_CHAMBER
from liandong.cases.policies import NOW as AT_ONCE
from liandong.cases.queries.cases import seen_case, visible
from liandong.cases.queries.enterprises import seen_enterprises
from liandong.cases.queries.mandates import may_raise_for
from liandong.cases.queries.portal import portal_cases, raised_by_mandate
from liandong.cases.services.mandates import BadMandate, give_mandate, withdraw_mandate
from liandong.cases.services.proving import faults_of
from liandong.kernel.access import holds
from liandong.kernel.casework import kinds
from liandong.kernel.flows import StepRefused
from liandong.kernel.viewer import Viewer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _people() -> None:
    people()
    cell()


def mandate(scope: str = "", *, starts: int = 0, ends: int = 30, **changes: Any) -> Mandate:
    """A mandate of the firm, its days counted from today."""
    today = timezone.localdate()
    facts: dict[str, Any] = {
        "enterprise": unit_of(FIRM), "chamber": unit_of(CHAMBER), "scope": scope,
        "valid_from": today + timedelta(starts), "valid_until": today + timedelta(ends),
        "given_at": NOW, "given_by": "firm",
    }  # fmt: skip
    return Mandate.objects.create(**{**facts, **changes})


def withdrawn() -> Mandate:
    return withdraw_mandate(mandate().pk, by="firm", now=NOW)


def test_without_a_mandate_a_chamber_sees_nothing_and_raises_nothing() -> None:
    case = opened("enterprise_demand").case
    viewer = bearer("chamber").viewer
    assert seen_case(case.number, viewer=viewer) is None
    assert not may_raise_for(viewer).exists()
    assert not seen_enterprises(viewer).exists()
    for path in (f"/cases/{case.number}/", f"/biz/{case.number}/", f"/enterprises/{FIRM}/"):
        assert client("chamber").get(path).status_code == 404, path


@pytest.mark.parametrize(
    ("make", "sees"),
    [
        (mandate, True),
        (lambda: mandate("enterprise_demand"), True),
        (lambda: mandate("service_request"), False),
        (lambda: mandate(starts=1), False),
        (lambda: mandate(starts=-9, ends=-1), False),
        (lambda: mandate(starts=-9, ends=0), True),
        (withdrawn, False),
        (lambda: mandate(chamber=unit_of("SH002")), False),
        (lambda: mandate(enterprise=unit_of(OTHER_FIRM)), False),
    ],
)
def test_a_chamber_sees_what_a_live_mandate_covers(make: Callable[[], Mandate], sees: bool) -> None:
    case = opened("enterprise_demand").case
    make()
    assert (seen_case(case.number, viewer=bearer("chamber").viewer) is not None) is sees
    assert bool(portal_cases(bearer("chamber").viewer)) is sees
    status = 200 if sees else 404
    assert client("chamber").get(f"/biz/{case.number}/").status_code == status


def test_a_withdrawn_mandate_ends_sight_and_steps_at_once_also_of_what_was_handed_in() -> None:
    given = mandate()
    case = opened("enterprise_demand", by="chamber").case
    assert raised_by_mandate(case) is not None
    withdraw_mandate(given.pk, by="firm", now=NOW)
    assert client("chamber").get(f"/biz/{case.number}/").status_code == 404
    with pytest.raises(StepRefused, match="wrong-role"):
        step(case, "withdraw", "chamber")
    assert client("firm").get(f"/biz/{case.number}/").status_code == 200


def test_every_act_of_a_chamber_says_for_whom_and_by_which_mandate() -> None:
    given = mandate()
    case = opened("enterprise_demand", by="chamber").case
    case = drive(case, (("ask", "desk"),))
    case = step(case, "answer", "chamber")
    first, _asked, answered = case.events.order_by("number")
    for event in (first, answered):
        assert (event.by, event.unit, event.role) == ("chamber", CHAMBER, "reporter")
        assert event.facts["on_behalf_of"] == FIRM
        assert event.facts["mandate"] == given.pk
    assert faults_of(Case.objects.get(pk=case.pk)) == []
    own = step(opened("enterprise_demand", by="firm").case, "withdraw", "firm")
    assert all("on_behalf_of" not in one.facts for one in own.events.all())


def test_both_sides_and_the_handlers_read_who_stood_in() -> None:
    mandate()
    case = drive(opened("enterprise_demand", by="chamber").case, ())
    line = f"由{unit_of(CHAMBER)}代{unit_of(FIRM)}提交"
    pages = (("firm", f"/biz/{case.number}/"), ("chamber", f"/biz/{case.number}/"),
             ("desk", f"/cases/{case.number}/"))  # fmt: skip
    for who, path in pages:
        assert line in client(who).get(path).content.decode(), who
    for who in ("firm", "chamber"):
        page = client(who).get("/biz/").content.decode()
        assert f"{unit_of(FIRM)}委托{unit_of(CHAMBER)}" in page
        assert f"{unit_of(CHAMBER)}代为提交" in page


def test_a_person_of_a_chamber_with_another_post_does_not_work_on_what_it_follows() -> None:
    mandate()
    case = opened("enterprise_demand").case
    account = Account.objects.get(username="chamber")
    Post.objects.create(account=account, role=Role.DESK)
    with pytest.raises(StepRefused, match="wrong-role"):
        step(case, "accept_for_verification", "chamber")


def test_the_rule_says_the_same_in_python_and_in_sql() -> None:
    """Every person against every case, with mandates of every standing."""
    for scope, starts, ends in (("enterprise_demand", 0, 5), ("service_request", -9, -1)):
        mandate(scope, starts=starts, ends=ends)
    mandate(enterprise=unit_of(OTHER_FIRM), starts=0)
    for code in kinds():
        opened(code)
        opened(code, enterprise=unit_of(OTHER_FIRM))
    opened("suggestion", requester=Account.objects.get(username="citizen"))
    drive(opened().case, TO_DISPATCHED)
    rejected = drive(opened().case, (("reject", "desk"),))
    Account.objects.create(username="audit", officer=Officer.AUDIT)
    Account.objects.create(username="system", officer=Officer.SYSTEM)
    seen = 0
    for who in (*PEOPLE, "audit", "system"):
        viewer = bearer(who).viewer if who != "system" else Viewer("system", officer="sys_admin")
        rule, shown = may_see(viewer), set(visible(viewer).values_list("pk", flat=True))
        for case in Case.objects.all():
            assert may(rule, case) is (case.pk in shown), (who, case.kind, case.firm)
        seen += len(shown)
    assert seen > 50
    assert rejected.pk in set(visible(bearer("case-archivist").viewer).values_list("pk", flat=True))


def test_who_will_see_a_case_is_read_from_the_rule() -> None:
    found = audience(kinds()["enterprise_demand"], FIRM, frozenset({CHAMBER}))
    assert {found[one] for one in (Role.DESK, Role.LEADER, Role.LEDGER, AUDITOR)} == {AT_ONCE}
    assert (found[Role.ENTERPRISE], found[Role.CHAMBER]) == (OWN, BY_CHAMBER)
    assert (found[Role.HANDLER], found[Role.ARCHIVIST]) == (WORK, WHEN_OVER)
    assert Role.READER not in found
    assert Role.CHAMBER not in audience(kinds()["enterprise_demand"], FIRM, frozenset())
    for kind, role in itertools.product(kinds().values(), Role.values):
        facts: dict[str, Any] = {
            "level": kind.level, "kind": kind.code, "state": "submitted", "requested_by": "x",
            "firm": FIRM, "chambers": frozenset(), "lead": "", "units": frozenset(),
            "grid_unit": "", "overseers": frozenset(),
        }  # fmt: skip
        person = Viewer("y", CITY, kind.level, frozenset({role}))
        told = audience(kind, FIRM, frozenset()).get(role) == AT_ONCE
        assert told is holds(may_see(person), facts), (kind.code, role)


# Giving and taking back ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"chamber": None}, ("chamber", "unknown")),
        ({"chamber": FIRM}, ("chamber", "unknown")),
        ({"scope": "snap_report"}, ("scope", "unknown")),
        ({"valid_from": None}, ("valid_from", "missing")),
        ({"valid_until": None}, ("valid_until", "missing")),
        ({"valid_until": NOW.date() - timedelta(days=1)}, ("valid_until", "past")),
    ],
)
def test_a_bad_mandate_is_refused_with_its_fields(
    changes: dict[str, Any], fault: tuple[str, str]
) -> None:
    day = NOW.date()
    said: dict[str, Any] = {"chamber": CHAMBER, "scope": "", "valid_from": day, "valid_until": day}
    said |= changes
    chamber = unit_of(said.pop("chamber")) if said["chamber"] else said.pop("chamber")
    with pytest.raises(BadMandate) as bad:
        give_mandate(unit_of(FIRM), chamber, **said, by="firm", now=NOW)
    assert fault in bad.value.faults
    assert not Mandate.objects.exists()


def test_the_database_keeps_a_mandate_whole() -> None:
    for changes in ({"ends": -1}, {"chamber": unit_of(FIRM)}, {"withdrawn_by": "x"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            mandate(**changes)


def test_an_enterprise_gives_a_mandate_and_takes_it_back_by_forms() -> None:
    today = timezone.localdate()
    firm = client("firm")
    page = firm.post("/biz/mandates/", {"chamber": CHAMBER, "valid_from": today})
    assert (page.status_code, "请填写终止日" in page.content.decode()) == (422, True)
    sent = {"chamber": CHAMBER, "scope": "enterprise_demand", "valid_from": today,
            "valid_until": today + timedelta(30)}  # fmt: skip
    assert firm.post("/biz/mandates/", sent).status_code == 302
    given = Mandate.objects.get()
    assert (given.enterprise.code, given.given_by, given.scope) == (
        FIRM, "firm", "enterprise_demand",
    )  # fmt: skip
    withdraw = f"/biz/mandates/{given.pk}/withdraw/"
    assert client("other-firm").post(withdraw).status_code == 404
    assert client("chamber").post(withdraw).status_code == 403
    assert firm.post(withdraw).status_code == 302
    given.refresh_from_db()
    assert given.withdrawn_by == "firm"
