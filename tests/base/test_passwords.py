"""Passwords: which are refused, when one is due, what a change ends."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from tests.base.people import GOOD, NEW, is_in, person, sign_in

from liandong.base.models import Account, AuditRow, PasswordBefore
from liandong.base.people.passwords import classes_of, is_due, one_time_password
from liandong.base.people.services.passwords import WrongPassword, change_password, give_password

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.base.room_urls")]


@pytest.fixture
def wang() -> Account:
    return person("wang", full_name="wang-xiaoming")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("Short-12345", "password_too_short"),
        ("only-small-and-signs", "password_classes"),
        ("ONLYCAPITALS1234", "password_classes"),
        ("密码密码密码密码密码密码abc", "password_classes"),
        ("Wang-Xiaoming1", "password_too_similar"),
        ("A1-" + "x" * 300, "password_too_long"),
        (GOOD, "password_used_before"),
    ],
)
def test_a_weak_password_is_refused(wang: Account, password: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password, wang)
    assert code in {one.code for one in refused.value.error_list}


def test_a_common_password_is_refused(wang: Account, settings: Settings) -> None:
    settings.AUTH_PASSWORD_VALIDATORS = settings.AUTH_PASSWORD_VALIDATORS[2:3]
    with pytest.raises(ValidationError) as refused:
        validate_password("Password1", wang)
    assert refused.value.error_list[0].code == "password_too_common"


@pytest.mark.parametrize("password", [NEW, "汉字也算一类，共四类-Aa", "aB3" * 4])
def test_a_good_password_is_taken(wang: Account, password: str) -> None:
    validate_password(password, wang)


@pytest.mark.parametrize(
    ("text", "classes"),
    [("", 0), ("a", 1), ("aA", 2), ("aA1", 3), ("aA1 ", 4), ("中", 1), ("a中１", 3)],
)
def test_classes_of_characters(text: str, classes: int) -> None:
    assert classes_of(text) == classes


def test_none_of_the_last_five_is_used_again(wang: Account, settings: Settings) -> None:
    now, used = timezone.now(), [GOOD, *(f"Another-pass-{n}" for n in range(5))]
    for old, new in pairwise(used):
        change_password(wang, old=old, new=new, by="wang", now=now)
        wang.refresh_from_db()
    for password in used[1:]:
        with pytest.raises(ValidationError):
            validate_password(password, wang)
    validate_password(GOOD, wang)  # six ago
    assert PasswordBefore.objects.count() == settings.PASSWORD_HISTORY
    settings.PASSWORD_HISTORY = 0
    validate_password(used[-1], wang)


def test_the_history_holds_no_password_in_words(wang: Account) -> None:
    change_password(wang, old=GOOD, new=NEW, by="wang", now=timezone.now())
    assert GOOD not in str(list(PasswordBefore.objects.values()))


def test_a_password_is_due_when_old_unknown_or_set_by_another(wang: Account) -> None:
    now = timezone.now()
    assert not is_due(wang, now + timedelta(days=89))
    assert is_due(wang, now + timedelta(days=90))
    wang.password_set_at = None
    assert is_due(wang, now)
    wang.password_set_at, wang.password_by_other = now, True
    assert is_due(wang, now)


def test_without_a_limit_none_grows_old(wang: Account, settings: Settings) -> None:
    settings.PASSWORD_DAYS = 0
    assert not is_due(wang, timezone.now() + timedelta(days=9999))


def test_passwords_for_one_use_are_strong_and_never_the_same() -> None:
    made = {one_time_password() for _ in range(50)}
    assert len(made) == 50
    assert {(len(one), classes_of(one)) for one in made} == {(19, 4)}


def test_a_password_that_another_set_is_changed_before_anything_else(
    client: Client, wang: Account
) -> None:
    given = give_password(wang, by="sys", now=timezone.now())
    sign_in(client, "wang", given)
    assert client.get("/search/")["Location"] == "/me/password/"
    assert client.get("/me/")["Location"] == "/me/password/"
    assert "别人设的" in client.get("/me/password/").content.decode()
    assert client.get("/modes/").status_code == 200
    script = client.get("/search/", headers={"Accept": "application/json"})
    assert script.status_code == 403
    answer = client.post("/me/password/", {"old": given, "new": NEW, "again": NEW})
    assert answer.status_code == 302
    assert is_in(client)


def test_an_old_password_is_changed_at_the_next_sign_in(client: Client, wang: Account) -> None:
    Account.objects.update(password_set_at=timezone.now() - timedelta(days=91))
    sign_in(client)
    assert client.get("/me/")["Location"] == "/me/password/"
    client.post("/me/password/", {"old": GOOD, "new": NEW, "again": NEW})
    assert is_in(client)


def test_changing_it_ends_the_other_sessions_and_keeps_this_one(
    client: Client, wang: Account
) -> None:
    other = Client()
    sign_in(other)
    sign_in(client)
    client.post("/me/password/", {"old": GOOD, "new": NEW, "again": NEW})
    assert is_in(client)
    assert not is_in(other)
    assert AuditRow.objects.filter(act="change_password", by="wang").count() == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"old": "no", "new": NEW, "again": NEW}, "现在的密码不对"),
        ({"old": GOOD, "new": NEW, "again": "other"}, "不一样"),
        ({"old": GOOD, "new": "short", "again": "short"}, "12"),
        ({"old": GOOD, "new": GOOD, "again": GOOD}, "最近"),
        ({}, "必填"),
    ],
)
def test_a_refused_change_says_why_and_changes_nothing(
    client: Client, wang: Account, given: dict, words: str
) -> None:
    sign_in(client)
    page = client.post("/me/password/", given).content.decode()
    assert words in page
    wang.refresh_from_db()
    assert wang.check_password(GOOD)


def test_the_present_password_cannot_be_guessed_from_inside(wang: Account) -> None:
    for _ in range(5):
        with pytest.raises(WrongPassword):
            change_password(wang, old="no", new=NEW, by="wang", now=timezone.now())
    with pytest.raises(WrongPassword):
        change_password(wang, old=GOOD, new=NEW, by="wang", now=timezone.now())
    wang.refresh_from_db()
    assert wang.check_password(GOOD)


def test_a_form_changes_nothing_but_the_password(client: Client, wang: Account) -> None:
    sign_in(client)
    more = {"officer": "sec_admin", "role": "archivist", "clearance": "2", "is_superuser": "1"}
    client.post("/me/password/", {"old": GOOD, "new": NEW, "again": NEW, **more})
    wang.refresh_from_db()
    assert wang.check_password(NEW)
    assert (wang.officer, wang.clearance, wang.is_superuser) == ("", 0, False)
    assert not wang.posts.exists()
