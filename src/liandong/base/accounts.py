"""Accounts: a person, the unit, the post and the level up to which the person may read."""

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from .models import Account, Post, Role, Unit


@transaction.atomic
def keep_account(
    username: str,
    *,
    password: str,
    full_name: str = "",
    role: Role | None = None,
    unit: tuple[str, str] | None = None,
    clearance: int | None = None,
) -> tuple[Account, bool]:
    """Open an account or change the one of that name; whether it is new.

    `unit` is code and name; one that is not known is opened.  None, "" leave what is there.
    Raises ValidationError, with the sentences for people, for a password that is too weak.
    """
    account, fresh = Account.objects.get_or_create(username=username)
    if full_name:
        account.full_name = full_name
    if unit:
        code, name = unit
        account.unit, _ = Unit.objects.get_or_create(code=code, defaults={"name": name or code})
    if clearance is not None:
        account.clearance = clearance
    if password:
        validate_password(password, account)
        account.set_password(password)
    account.save()
    if role:
        Post.objects.get_or_create(account=account, role=role)
    return account, fresh
