"""Accounts are opened and changed by name."""

import pytest
from django.core.exceptions import ValidationError

from liandong.base.accounts import keep_account
from liandong.base.models import Account, Post, Role, Unit

pytestmark = pytest.mark.django_db
GOOD = "long enough to keep"


def test_a_new_account_has_its_unit_role_and_level() -> None:
    account, fresh = keep_account(
        "wang",
        password=GOOD,
        full_name="王芳",
        role=Role.CLERK,
        unit=("CGJ", "城管局"),
        clearance=1,
    )
    assert fresh
    assert account.check_password(GOOD)
    assert (account.unit, account.clearance) == (Unit.objects.get(code="CGJ"), 1)
    assert list(account.posts.values_list("role", flat=True)) == [Role.CLERK]


def test_a_second_call_changes_only_what_is_said() -> None:
    keep_account("wang", password=GOOD, full_name="王芳", role=Role.CLERK, clearance=1)
    account, fresh = keep_account("wang", password="", role=Role.ARCHIVIST)
    assert not fresh
    assert (account.full_name, account.clearance) == ("王芳", 1)
    assert account.check_password(GOOD)
    assert Post.objects.filter(account=account).count() == 2


def test_a_weak_password_opens_nothing() -> None:
    with pytest.raises(ValidationError):
        keep_account("wang", password="12345678")
    assert not Account.objects.exists()
