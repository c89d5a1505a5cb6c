"""Accounts are opened and changed by name on the command line, until there are officers."""

import json
from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from typer.testing import CliRunner

from liandong.base.approvals import ActRefused
from liandong.base.models import Account, AuditRow, Officer, Post, Role, Unit
from liandong.base.people.services.accounts import make_officers, missing_officers
from liandong.base.people.services.bootstrap import keep_account
from liandong.site import doctor
from liandong.site.cli import accounts as commands
from liandong.site.cli.accounts import app
from liandong.site.server import DEMO_PASSWORD

pytestmark = pytest.mark.django_db
GOOD = "Long enough 2 keep"
BY = {"by": "cli", "now": datetime(2026, 11, 26, 8, 0, tzinfo=UTC)}


def test_a_new_account_has_its_unit_role_and_level() -> None:
    account, fresh = keep_account(
        "wang",
        password=GOOD,
        full_name="王芳",
        role=Role.CLERK,
        unit=("CGJ", "城管局"),
        clearance=1,
        **BY,
    )
    assert fresh
    assert account.check_password(GOOD)
    assert (account.unit, account.clearance) == (Unit.objects.get(code="CGJ"), 1)
    assert list(account.posts.values_list("role", flat=True)) == [Role.CLERK]


def test_a_second_call_changes_only_what_is_said() -> None:
    keep_account("wang", password=GOOD, full_name="王芳", role=Role.CLERK, clearance=1, **BY)
    account, fresh = keep_account("wang", password="", role=Role.ARCHIVIST, **BY)
    assert not fresh
    assert (account.full_name, account.clearance) == ("王芳", 1)
    assert account.check_password(GOOD)
    assert Post.objects.filter(account=account).count() == 2


@pytest.mark.parametrize("weak", ["12345678", "long but of two classes", "Wang-wang-12"])
def test_a_weak_password_opens_nothing(weak: str) -> None:
    with pytest.raises(ValidationError):
        keep_account("wang-wang", password=weak, **BY)
    assert not Account.objects.exists()


def test_everything_is_in_the_audit() -> None:
    keep_account("wang", password=GOOD, role=Role.CLERK, unit=("A", ""), clearance=1, **BY)
    acts = list(AuditRow.objects.values_list("act", "by", "object"))
    assert acts == [
        (act, "cli", "account:wang")
        for act in ("set_password", "open_account", "move_account", "grant_role", "set_clearance")
    ]


def test_first_start_makes_three_officers_with_passwords_for_one_use() -> None:
    made = make_officers(**BY)
    assert set(made) == set(Officer)
    for officer, (name, password) in made.items():
        account = Account.objects.get(username=name)
        assert account.officer == officer
        assert account.check_password(password)
        assert account.password_by_other
    assert missing_officers() == []
    assert make_officers(**BY) == {}


def test_only_the_missing_officer_is_made_and_a_taken_name_gets_a_number() -> None:
    keep_account("secadmin", password=GOOD, **BY)
    make_officers(**BY)
    Account.objects.filter(officer=Officer.AUDIT).update(is_active=False)
    made = make_officers(**BY)
    assert [(officer, name) for officer, (name, _) in made.items()] == [
        (Officer.AUDIT, "auditadmin2")
    ]
    assert Account.objects.get(officer=Officer.SECURITY).username == "secadmin2"


def test_with_three_officers_the_command_line_gives_no_rights() -> None:
    make_officers(**BY)
    for rights in ({"role": Role.CLERK}, {"clearance": 1}, {"unit": ("A", "")}):
        with pytest.raises(ActRefused, match="三员"):
            keep_account("wang", password=GOOD, **rights, **BY)
    assert not Account.objects.filter(username="wang").exists()
    keep_account("wang", password=GOOD, **BY)


def test_an_officer_gets_no_post_from_the_command_line() -> None:
    make_officers(**BY)
    Account.objects.filter(officer=Officer.AUDIT).update(is_active=False)
    with pytest.raises(ActRefused, match="不得兼任"):
        keep_account("sysadmin", password="", role=Role.ARCHIVIST, **BY)


def run(*words: str):
    """What a command of accounts says and answers, in this process."""
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands use the database of the test."""
    monkeypatch.setattr(commands, "set_up_with_database", lambda: None)


def test_officers_are_made_once_by_the_command_line(command_line: None) -> None:
    first, second = run("officers"), run("officers")
    names = [line.split("\t")[0] for line in first.stdout.splitlines()]
    assert names == ["sysadmin", "secadmin", "auditadmin"]
    assert (second.exit_code, second.stdout) == (0, "")
    assert AuditRow.objects.filter(act="appoint_officer", by="cli").count() == 3


def test_an_account_is_locked_and_unlocked_by_the_command_line(command_line: None) -> None:
    keep_account("wang", password=GOOD, **BY)
    assert run("lock", "wang", "--why", "离岗").exit_code == 0
    assert not Account.objects.get(username="wang").is_open
    assert run("unlock", "wang").exit_code == 0
    assert Account.objects.get(username="wang").is_open
    assert run("lock", "nobody").exit_code == 2


def test_accounts_are_listed_a_line_each(command_line: None) -> None:
    keep_account("wang", password=GOOD, full_name="王芳", role=Role.CLERK, **BY)
    Account.objects.update(date_joined=datetime(2026, 1, 1, tzinfo=UTC))
    Account.objects.create(username="li", is_active=False)
    rows = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert [row["account"] for row in rows] == ["li", "wang"]
    (row,) = [json.loads(line) for line in run("review", "--json").stdout.splitlines()]
    assert row == {
        "account": "wang", "name": "王芳", "unit": "", "roles": ["兼职档案员"], "clearance": 0,
        "factors": [], "state": "open", "unused": True, "last_sign_in": "",
    }  # fmt: skip
    assert run("review").stdout == "wang\t王芳\t\t兼职档案员\t0\topen\t—\t▲\n"


def test_a_refusal_is_wrong_use_and_says_why(command_line: None) -> None:
    make_officers(**BY)
    refused = run("add", "wang", "--role", "clerk", "--password", GOOD)
    assert refused.exit_code == 2
    weak = run("add", "wang", "--password", "weak")
    assert weak.exit_code == 2
    assert not Account.objects.filter(username="wang").exists()


def test_doctor_tells_of_missing_officers_and_known_passwords() -> None:
    rows = {row["part"]: row for row in doctor.examine("zh")}
    assert (rows["officers"]["state"], rows["passwords"]["state"]) == ("optional", "ok")
    make_officers(**BY)
    account = Account.objects.get(username="sysadmin")
    account.set_password(DEMO_PASSWORD)
    account.save()
    rows = {row["part"]: row for row in doctor.examine("zh")}
    assert (rows["officers"]["state"], rows["passwords"]["found"]) == ("ok", "sysadmin")
