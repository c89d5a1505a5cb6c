"""Acts that need two persons: asked by one, decided by another, done once and together."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from liandong.base import approvals
from liandong.base.approvals import Act, ActRefused, NotForYou, NotWaiting, ask, decide, spend
from liandong.base.models import Account, Approval, AuditRow, Officer, Unit
from liandong.base.viewers import viewer_of_account

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
pytestmark = pytest.mark.django_db


def _preview(params):
    if params["code"] == "impossible":
        raise ActRefused("做不到")
    return [f"新建 {params['code']}"]


def _run(params, *, by, asked_by, now):
    Unit.objects.create(code=params["code"], name=f"{asked_by}+{by}")
    if Unit.objects.filter(code="fail").exists():
        raise ActRefused("中途不成")
    return "只显示一次"


@pytest.fixture(autouse=True)
def acts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two acts of the tests: one that runs at once, one that a command carries out."""
    monkeypatch.setattr(approvals, "_acts", {})
    for code, run in (("now", _run), ("later", None)):
        approvals.register(
            Act(
                code=code,
                name=code,
                may_ask=lambda viewer: viewer.officer == Officer.SYSTEM,
                may_decide=lambda viewer, asker: viewer.officer != Officer.AUDIT,
                preview=_preview,
                run=run,
                object_of=lambda params: f"unit:{params['code']}",
            )
        )


@pytest.fixture
def officers() -> None:
    for name, officer in (
        ("sys", Officer.SYSTEM),
        ("sys2", Officer.SYSTEM),
        ("sec", Officer.SECURITY),
        ("aud", Officer.AUDIT),
    ):
        Account.objects.create(username=name, officer=officer)


def _asked(act: str = "now", code: str = "A") -> Approval:
    return ask(act, {"code": code}, why="需要", by="sys", now=NOW)


def test_a_request_changes_nothing_until_another_person_agrees(officers) -> None:
    approval = _asked()
    assert Unit.objects.count() == 0
    approval, words = decide(approval.pk, approve=True, by="sec", now=LATER)
    assert (approval.outcome, words) == ("done", "只显示一次")
    assert Unit.objects.get().name == "sys+sec"


def test_what_is_shown_once_is_kept_nowhere(officers) -> None:
    decide(_asked().pk, approve=True, by="sec", now=LATER)
    rows = str(list(Approval.objects.values())) + str(list(AuditRow.objects.values()))
    assert "只显示一次" not in rows


def test_the_one_who_asked_may_not_decide(officers) -> None:
    approval = _asked()
    with pytest.raises(NotForYou):
        decide(approval.pk, approve=True, by="sys", now=LATER)
    assert Approval.objects.get().outcome == "waiting"


def test_the_database_refuses_one_person_as_both(officers) -> None:
    approval = _asked()
    with pytest.raises(IntegrityError, match="approval_two_people"), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(
            decided_by=approval.asked_by, decided_at=LATER, outcome="done"
        )


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "done"},
        {"outcome": "done", "decided_at": LATER},
        {"decided_at": LATER},
        {"outcome": "dance"},
    ],
)
def test_the_database_refuses_an_outcome_that_nobody_decided(officers, change) -> None:
    approval = _asked()
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(**change)


def test_whom_it_is_about_may_not_decide(officers, monkeypatch) -> None:
    about = approvals.act_of("now")
    monkeypatch.setitem(
        approvals._acts,
        "now",
        Act(
            **{f: getattr(about, f) for f in about.__slots__}
            | {"object_of": lambda p: "account:sec"}
        ),
    )
    approval = _asked()
    assert not approvals.may_decide(
        approval, viewer_of_account(Account.objects.get(username="sec"))
    )
    assert approvals.may_decide(approval, viewer_of_account(Account.objects.get(username="sys2")))


def test_others_may_neither_ask_nor_decide(officers) -> None:
    with pytest.raises(NotForYou):
        ask("now", {"code": "A"}, why="需要", by="sec", now=NOW)
    with pytest.raises(NotForYou):
        decide(_asked().pk, approve=True, by="aud", now=LATER)


def test_a_closed_account_decides_nothing(officers) -> None:
    approval = _asked()
    Account.objects.filter(username="sec").update(is_active=False)
    with pytest.raises(NotForYou):
        decide(approval.pk, approve=True, by="sec", now=LATER)


def test_a_request_is_decided_once(officers) -> None:
    approval = _asked()
    decide(approval.pk, approve=True, by="sec", now=LATER)
    with pytest.raises(NotWaiting):
        decide(approval.pk, approve=True, by="sec", now=LATER)
    assert Unit.objects.count() == 1


def test_a_request_expires(officers) -> None:
    approval = _asked()
    with pytest.raises(NotWaiting):
        decide(approval.pk, approve=True, by="sec", now=NOW + approvals.LIVES)
    assert Unit.objects.count() == 0


def test_a_request_needs_a_reason_and_an_act_that_is_possible(officers) -> None:
    with pytest.raises(ActRefused, match="事由"):
        ask("now", {"code": "A"}, why="  ", by="sys", now=NOW)
    with pytest.raises(ActRefused, match="做不到"):
        ask("now", {"code": "impossible"}, why="需要", by="sys", now=NOW)
    assert (Approval.objects.count(), AuditRow.objects.count()) == (0, 0)


def test_the_same_request_waits_only_once(officers) -> None:
    _asked()
    with pytest.raises(ActRefused, match="等待"):
        _asked()
    _asked(code="B")


def test_an_act_that_became_impossible_fails_without_a_trace_of_it(officers) -> None:
    approval = _asked(code="fail")
    approval, _ = decide(approval.pk, approve=True, by="sec", now=LATER)
    assert (approval.outcome, approval.answer) == ("failed", "中途不成")
    assert Unit.objects.count() == 0


def test_refusing_and_withdrawing_change_nothing(officers) -> None:
    refused, _ = decide(_asked().pk, approve=False, answer="不必", by="sec", now=LATER)
    withdrawn = approvals.withdraw(_asked().pk, by="sys", now=LATER)
    assert (refused.outcome, refused.answer, withdrawn.outcome) == ("refused", "不必", "withdrawn")
    assert Unit.objects.count() == 0


def test_only_the_own_request_is_withdrawn(officers) -> None:
    approval = _asked()
    with pytest.raises(NotForYou):
        approvals.withdraw(approval.pk, by="sys2", now=LATER)


def test_every_step_is_in_the_audit(officers) -> None:
    decide(_asked().pk, approve=False, answer="不必", by="sec", now=LATER)
    rows = list(AuditRow.objects.values_list("act", "by", "why", "outcome"))
    assert rows == [
        ("ask_approval", "sys", "需要", "done"),
        ("decide_approval", "sec", "不必", "refused"),
    ]


def test_a_command_spends_an_approval_once(officers) -> None:
    approval, _ = decide(_asked("later").pk, approve=True, by="sec", now=LATER)
    assert approval.outcome == "approved"
    assert spend(approval.pk, "later", by="cli", now=LATER).params == {"code": "A"}
    with pytest.raises(NotWaiting):
        spend(approval.pk, "later", by="cli", now=LATER)


def test_a_command_cannot_spend_what_was_not_approved_for_it(officers) -> None:
    waiting = _asked("later")
    with pytest.raises(NotWaiting):
        spend(waiting.pk, "later", by="cli", now=LATER)
    decide(waiting.pk, approve=True, by="sec", now=LATER)
    with pytest.raises(NotWaiting):
        spend(waiting.pk, "now", by="cli", now=LATER)
    with pytest.raises(NotWaiting):
        spend(waiting.pk, "later", by="cli", now=LATER + approvals.LIVES)


@pytest.mark.django_db(transaction=True)
def test_an_approval_is_spent_only_inside_a_transaction(officers) -> None:
    with pytest.raises(RuntimeError):
        spend(1, "later", by="cli", now=NOW)


def test_each_sees_what_waits_for_the_own_decision(officers) -> None:
    approval = _asked()
    seen = {
        name: [one.pk for one in approvals.approvals(viewer=viewer_of_account(who), now=LATER)]
        for name, who in ((a.username, a) for a in Account.objects.all())
    }
    assert seen == {"sys": [], "sys2": [approval.pk], "sec": [approval.pk], "aud": []}
