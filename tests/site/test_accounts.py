"""Accounts are opened and changed by name on the command line, until there are officers."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from liandong.base.approvals import ActRefused
from liandong.base.models import Account, AuditRow, Officer, Post, Role, Unit
from liandong.base.people.services.accounts import make_officers, missing_officers
from liandong.base.people.services.bootstrap import keep_account

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
