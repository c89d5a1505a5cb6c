"""Rights and the three officers: given by two persons, kept apart by the database itself."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from liandong.base.approvals import ActRefused, NotForYou, ask, decide, may_decide, preview
from liandong.base.models import Account, Approval, AuditRow, Officer, Post, Role, Session, Unit
from liandong.base.people.acts import ON_ACCOUNTS
from liandong.base.people.services.accounts import open_account
from liandong.base.viewers import viewer_of_account
from liandong.kernel import catalog

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people() -> None:
    for name, officer in (
        ("sys", Officer.SYSTEM),
        ("sec", Officer.SECURITY),
        ("aud", Officer.AUDIT),
    ):
        Account.objects.create(username=name, officer=officer)
    for name, role in (("boss", Role.DIRECTOR), ("arch", Role.ARCHIVIST)):
        Post.objects.create(account=Account.objects.create(username=name), role=role)
    Account.objects.create(username="wang", full_name="王芳")


def of(name: str) -> Account:
    return Account.objects.get(username=name)


def asked(code: str, by: str = "sys", **params) -> Approval:
    return ask(code, {"account": "wang", **params}, why="工作需要", by=by, now=NOW)


def agreed(approval: Approval, by: str = "sec") -> tuple[str, str]:
    done, words = decide(approval.pk, approve=True, by=by, now=NOW)
    return done.outcome, words


def test_a_new_account_has_no_right_at_all() -> None:
    account, password = open_account("li", full_name="李强", by="sys", now=NOW)
    viewer = viewer_of_account(account)
    assert (viewer.roles, viewer.officer, viewer.clearance, viewer.unit) == (frozenset(), "", 0, "")
    assert account.check_password(password)
    assert account.password_by_other


@pytest.mark.parametrize("name", ["", "a", "有 空格", "a/b", "x" * 33, "WANG", "ｗａｎｇ", "<b>"])
def test_a_name_that_is_taken_or_none_opens_nothing(name: str) -> None:
    before = Account.objects.count()
    with pytest.raises(ActRefused):
        open_account(name, full_name="", by="sys", now=NOW)
    assert Account.objects.count() == before


def test_a_role_is_asked_for_by_one_and_given_by_another() -> None:
    approval = asked("grant_role", role="clerk")
    assert not of("wang").posts.exists()
    assert agreed(approval) == ("done", "")
    assert viewer_of_account(of("wang")).is_clerk


@pytest.mark.parametrize("name", ["boss", "arch", "aud", "wang"])
def test_nobody_else_asks_for_rights(name: str) -> None:
    with pytest.raises(NotForYou):
        asked("grant_role", by=name, role="clerk")


@pytest.mark.parametrize(
    ("asker", "security_officers", "deciders"),
    [
        ("sys", 1, {"sec"}),
        ("sec", 1, {"boss"}),
        ("sys", 2, {"sec", "sec2"}),
        ("sec", 2, {"sec2"}),
    ],
)
def test_who_decides_depends_on_who_asked(
    asker: str, security_officers: int, deciders: set[str]
) -> None:
    if security_officers == 2:
        Account.objects.create(username="sec2", officer=Officer.SECURITY)
    approval = asked("grant_role", by=asker, role="clerk")
    may = {
        one.username
        for one in Account.objects.all()
        if may_decide(approval, viewer_of_account(one))
    }
    assert may == deciders


def test_a_director_does_not_decide_about_the_own_account() -> None:
    approval = ask(
        "set_clearance", {"account": "boss", "clearance": 2}, why="需要", by="sec", now=NOW
    )
    assert not may_decide(approval, viewer_of_account(of("boss")))


def test_a_locked_second_security_officer_does_not_count() -> None:
    Account.objects.create(
        username="sec2", officer=Officer.SECURITY, locked_at=NOW, locked_by="sec"
    )
    assert may_decide(asked("grant_role", by="sec", role="clerk"), viewer_of_account(of("boss")))


def test_every_right_goes_the_same_way() -> None:
    Unit.objects.create(code="CGJ", name="城管局")
    for code, params in (
        ("grant_role", {"role": "archivist"}),
        ("set_clearance", {"clearance": 2}),
        ("move_account", {"unit": "CGJ"}),
    ):
        assert agreed(asked(code, **params))[0] == "done"
    viewer = viewer_of_account(of("wang"))
    assert (viewer.is_archivist, viewer.clearance, viewer.unit) == (True, 2, "CGJ")
    assert agreed(asked("withdraw_role", role="archivist"))[0] == "done"
    assert agreed(asked("close_account"))[0] == "done"
    closed = of("wang")
    assert (closed.is_active, closed.clearance, closed.posts.count()) == (False, 0, 0)


def test_changed_rights_end_the_sessions() -> None:
    Session.objects.create(
        pk="k", account=of("wang"), seen_at=NOW, expire_date=NOW + timedelta(days=1)
    )
    agreed(asked("grant_role", role="clerk"))
    assert not Session.objects.exists()


def test_a_reset_password_is_shown_once_and_changed_at_the_next_sign_in() -> None:
    outcome, words = agreed(asked("reset_password"))
    assert outcome == "done"
    assert of("wang").check_password(words)
    assert of("wang").password_by_other
    assert words not in str(list(AuditRow.objects.values()) + list(Approval.objects.values()))


def test_every_preview_says_what_changes_and_what_is() -> None:
    lines = preview("grant_role", {"account": "wang", "role": "clerk"})
    assert lines[0] == "王芳（wang）将成为兼职档案员。"
    assert lines[1].startswith("现在：没有角色；可阅密级 公开")
    assert "还没有登录" in lines[2]


NONSENSE = [{}, {"account": "nobody"}, {"account": "wang"}, {"account": "wang", "role": "king"},
            {"account": "wang", "clearance": 9}, {"account": "wang", "clearance": "2"},
            {"account": "wang", "clearance": -1}, {"account": "wang", "unit": "NONE"},
            {"account": "wang", "officer": "emperor"}, {"account": ["wang"]}]  # fmt: skip


@pytest.mark.parametrize("code", sorted(ON_ACCOUNTS))
@pytest.mark.parametrize("params", NONSENSE)
def test_nonsense_is_refused_or_told(code: str, params: dict) -> None:
    try:
        preview(code, params)
    except ActRefused:
        return
    assert code in {"reset_password", "close_account"}  # possible with the account alone
    assert params["account"] == "wang"


def test_an_act_refused_is_asked_for_by_nobody() -> None:
    with pytest.raises(ActRefused, match="不得兼任"):
        ask("grant_role", {"account": "sec", "role": "clerk"}, why="需要", by="sys", now=NOW)
    with pytest.raises(ActRefused, match="不得兼任"):
        ask(
            "appoint_officer",
            {"account": "arch", "officer": "sys_admin"},
            why="a",
            by="sys",
            now=NOW,
        )
    with pytest.raises(ActRefused, match="已是"):
        ask(
            "appoint_officer",
            {"account": "sec", "officer": "sys_admin"},
            why="a",
            by="sys",
            now=NOW,
        )


@pytest.mark.parametrize("act", ["dismiss_officer", "close_account"])
def test_the_last_officer_of_a_kind_stays(act: str) -> None:
    with pytest.raises(ActRefused, match="唯一"):
        ask(act, {"account": "aud"}, why="换岗", by="sys", now=NOW)
    Account.objects.create(username="aud2", officer=Officer.AUDIT)
    approval = ask(act, {"account": "aud"}, why="换岗", by="sys", now=NOW)
    assert agreed(approval)[0] == "done"
    assert of("aud").officer == ""


def test_between_asking_and_deciding_the_world_may_change() -> None:
    approval = asked("appoint_officer", officer="audit_admin")
    Post.objects.create(account=of("wang"), role=Role.READER)
    decided, _ = decide(approval.pk, approve=True, by="sec", now=NOW)
    assert (decided.outcome, of("wang").officer) == ("failed", "")


def test_the_database_refuses_a_post_for_an_officer() -> None:
    with pytest.raises(DatabaseError, match="holds no post"), transaction.atomic():
        Post.objects.create(account=of("sec"), role=Role.READER)
    post = Post.objects.create(account=of("wang"), role=Role.READER)
    with pytest.raises(DatabaseError, match="holds no post"), transaction.atomic():
        Post.objects.filter(pk=post.pk).update(account=of("sec"))


def test_the_database_refuses_an_officer_with_posts() -> None:
    with pytest.raises(DatabaseError, match="holds no post"), transaction.atomic():
        Account.objects.filter(username="arch").update(officer=Officer.AUDIT)
    with pytest.raises(DatabaseError, match="officer_not_cleared"), transaction.atomic():
        Account.objects.filter(username="wang").update(officer=Officer.AUDIT, clearance=1)
    with pytest.raises(DatabaseError, match="officer_known"), transaction.atomic():
        Account.objects.filter(username="wang").update(officer="emperor")


def test_the_database_refuses_a_superuser() -> None:
    for flag in ("is_superuser", "is_staff"):
        with pytest.raises(DatabaseError, match="account_no_superuser"), transaction.atomic():
            Account.objects.filter(username="wang").update(**{flag: True})


@pytest.mark.parametrize("change", [{"locked_at": NOW}, {"locked_by": "sec"}])
def test_the_database_refuses_a_lock_without_person_or_time(change: dict) -> None:
    with pytest.raises(DatabaseError, match="account_locked_at_and_by"), transaction.atomic():
        Account.objects.filter(username="wang").update(**change)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_make_an_officer_with_a_post() -> None:
    """On PostgreSQL neither sees what the other has not committed: the triggers make them wait."""
    start = threading.Barrier(2)
    wang = of("wang")

    def attempt(change) -> None:
        try:
            with transaction.atomic():
                start.wait(5)
                change()
        except DatabaseError:
            pass  # one of the two is refused, whichever came second
        finally:
            connection.close()

    changes = (
        lambda: Post.objects.create(account=wang, role=Role.READER),
        lambda: Account.objects.filter(pk=wang.pk).update(officer=Officer.AUDIT),
    )
    if connection.vendor == "sqlite":
        start = threading.Barrier(1)  # a transaction there has the whole database
    threads = [threading.Thread(target=attempt, args=(change,)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wang.refresh_from_db()
    assert (wang.officer != "") + wang.posts.count() == 1


def test_the_officers_are_those_of_the_catalogue_and_exclude_each_other() -> None:
    table = catalog.by_key("roles_three_officers", "code")
    assert set(table) == set(Officer.values)
    for code, row in table.items():
        assert set(row["incompatible_with"].split("|")) == set(Officer.values) - {code}
        assert row["name_zh"] == Officer(code).label
