"""Signing in by name and password: who gets in, what a refusal tells, what begins and ends."""

import json
import re
import threading
from datetime import timedelta

import pytest
from django.contrib.auth import hashers
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from tests.base.people import GOOD, is_in, person, sign_in

from liandong.base.models import Account, AuditRow, Session, Throttle
from liandong.base.people.services import throttle
from liandong.base.people.services.accounts import lock_account, unlock_account
from liandong.base.people.services.throttle import Refusal, take_turn, try_password

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.base.room_urls")]


@pytest.fixture
def wang() -> Account:
    return person("wang")


def test_the_right_password_lets_in(client: Client, wang: Account) -> None:
    assert sign_in(client).status_code == 302
    assert is_in(client)


def test_a_sign_in_goes_where_the_person_wanted(client: Client, wang: Account) -> None:
    assert sign_in(client, next="/modes/")["Location"] == "/modes/"


@pytest.mark.parametrize(
    "place",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)",
     "http:evil.example", "https://localhost.evil.example/", "\x00//evil.example"],
)  # fmt: skip
def test_a_sign_in_never_leads_to_another_site(
    client: Client, wang: Account, place: str, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "other.example"]
    assert sign_in(client, next=place)["Location"] == "/"


def test_another_host_of_ours_is_another_site(
    client: Client, wang: Account, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "other.example"]
    assert sign_in(client, next="https://other.example/")["Location"] == "/"


def test_a_wrong_name_and_a_wrong_password_answer_alike(client: Client, wang: Account) -> None:
    answers = [sign_in(client, "wang", "no"), sign_in(client, "nobody", "no")]
    pages = [_without_what_differs(answer.content.decode()) for answer in answers]
    assert pages[0].replace("wang", "nobody") == pages[1]
    assert [answer.status_code for answer in answers] == [200, 200]


def _without_what_differs(page: str) -> str:
    page = re.sub(r'"?csrfmiddlewaretoken"? value="[^"]+"', "", page)
    return re.sub(r'X-CSRFToken":"[^"]+"', "", page)


@pytest.mark.parametrize("state", ["unknown", "wrong", "closed", "locked", "no password"])
def test_every_refusal_costs_one_hash(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    account = person("wang")
    if state == "closed":
        Account.objects.update(is_active=False)
    if state == "locked":
        lock_account(account, why="", by="sec", now=timezone.now())
    if state == "no password":
        account.set_unusable_password()
        account.save()
    hashed = []
    encode, verify = hashers.Argon2PasswordHasher.encode, hashers.Argon2PasswordHasher.verify
    monkeypatch.setattr(
        hashers.Argon2PasswordHasher, "encode", lambda *a: hashed.append("e") or encode(*a)
    )
    monkeypatch.setattr(
        hashers.Argon2PasswordHasher, "verify", lambda *a: hashed.append("v") or verify(*a)
    )
    name = "nobody" if state == "unknown" else "wang"
    password = "wrong" if state in {"unknown", "wrong"} else GOOD
    attempt = try_password(name, password, origin="192.0.2.1", now=timezone.now())
    assert attempt.account is None
    assert len(hashed) == 1


def test_known_and_unknown_names_cost_the_same_queries(wang: Account) -> None:
    now = timezone.now()
    counts: dict[str, list[int]] = {}
    for name in ("wang", "nobody"):
        for _ in range(6):  # the fifth failure locks, the sixth is refused unseen
            with CaptureQueriesContext(connection) as asked:
                try_password(name, "no", origin=name, now=now)
            counts.setdefault(name, []).append(len(asked))
    assert counts["wang"] == counts["nobody"]


def test_five_failures_lock_for_half_an_hour(client: Client, wang: Account) -> None:
    now = timezone.now()
    for _ in range(5):
        assert try_password("wang", "no", origin="x", now=now).refusal == Refusal.WRONG
    assert try_password("wang", GOOD, origin="x", now=now).refusal == Refusal.LOCKED
    later = now + timedelta(minutes=29)
    assert try_password("wang", GOOD, origin="x", now=later).refusal == Refusal.LOCKED
    later = now + timedelta(minutes=31)
    assert try_password("wang", GOOD, origin="x", now=later).account == wang


def test_a_clock_that_is_set_back_locks_nobody_out_for_longer(wang: Account) -> None:
    now = timezone.now()
    for _ in range(5):
        try_password("wang", "wrong", origin="x", now=now)
    back = now - timedelta(days=1)
    assert try_password("wang", GOOD, origin="x", now=back).refusal == Refusal.LOCKED
    later = back + timedelta(minutes=29)
    assert try_password("wang", GOOD, origin="x", now=later).refusal == Refusal.LOCKED
    assert try_password("wang", GOOD, origin="x", now=back + timedelta(minutes=31)).account == wang


def test_a_clock_that_is_set_back_begins_the_window_anew_and_keeps_the_count() -> None:
    now = timezone.now()
    assert [take_turn("report:x", 3, now=now) for _ in range(2)] == [True, True]
    back = now - timedelta(days=1)
    assert [take_turn("report:x", 3, now=back) for _ in range(2)] == [True, False]
    assert take_turn("report:x", 3, now=back + timedelta(minutes=31))


def test_failures_long_ago_do_not_add_up(wang: Account) -> None:
    start = timezone.now()
    for hour in range(8):
        attempt = try_password("wang", "no", origin="x", now=start + timedelta(hours=hour))
        assert attempt.refusal == Refusal.WRONG


def test_a_right_password_forgets_the_failures_before(wang: Account) -> None:
    now = timezone.now()
    for _ in range(3):
        for _ in range(4):
            try_password("wang", "no", origin="x", now=now)
        assert try_password("wang", GOOD, origin="x", now=now).account == wang


def test_a_name_that_nobody_has_locks_as_well() -> None:
    now = timezone.now()
    refusals = [try_password("nobody", "no", origin="x", now=now).refusal for _ in range(7)]
    assert refusals == [Refusal.WRONG] * 5 + [Refusal.LOCKED] * 2


def test_what_was_typed_as_a_name_is_kept_nowhere() -> None:
    try_password("My-Secret-Password-1", "", origin="x", now=timezone.now())
    kept = str(list(Throttle.objects.values())) + str(list(AuditRow.objects.values()))
    assert "My-Secret" not in kept


def test_an_address_that_fails_too_often_is_told_to_wait(
    client: Client, wang: Account, settings: Settings
) -> None:
    settings.ADDRESS_FAILURES = 3
    for number in range(3):
        assert sign_in(client, f"name{number}", "no").status_code == 200
    assert sign_in(client).status_code == 429
    other = Client(REMOTE_ADDR="192.0.2.9")
    assert sign_in(other).status_code == 302


def test_a_security_officer_unlocks(wang: Account) -> None:
    now = timezone.now()
    for _ in range(6):
        try_password("wang", "no", origin="x", now=now)
    unlock_account(wang, why="本人已确认", by="sec", now=now)
    assert try_password("wang", GOOD, origin="x", now=now).account == wang


@pytest.mark.django_db(transaction=True)
def test_many_guesses_at_once_are_answered_no_oftener_than_five(
    wang: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    check = throttle.check_password
    monkeypatch.setattr(throttle, "check_password", lambda *a: looked.append("") or check(*a))
    now = timezone.now()

    def guess() -> None:
        """In memory, connections that share the cache do not wait for each other: ask again."""
        try:
            while True:
                try:
                    try_password("wang", "no", origin="x", now=now)
                    return
                except OperationalError as error:
                    if "locked" not in str(error):
                        raise
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked) == 5


def test_the_session_key_is_another_after_signing_in(client: Client, wang: Account) -> None:
    client.get("/login/")
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    sign_in(client)
    assert client.cookies["sessionid"].value != planted
    assert not Session.objects.filter(pk=planted).exists()
    other = Client()
    other.cookies["sessionid"] = planted
    assert not is_in(other)


@pytest.mark.parametrize("path", ["/login/", "/login/code/", "/login/passkey/", "/login/again/",
    "/login/again/code/", "/login/again/passkey/", "/login/sso/", "/logout/", "/me/password/",
    "/me/sessions/abc/end/", "/me/factors/app/", "/me/factors/app/remove/", "/me/factors/passkey/",
    "/me/factors/passkey/1/remove/", "/me/factors/codes/new/"])  # fmt: skip
def test_every_form_wants_its_token(wang: Account, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(wang)
    assert client.post(path).status_code == 403


def test_signing_out_ends_the_session_and_clears_the_browser(client: Client, wang: Account) -> None:
    sign_in(client)
    key = client.cookies["sessionid"].value
    answer = client.post("/logout/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert not Session.objects.filter(pk=key).exists()
    assert not is_in(client)


def test_a_link_cannot_sign_anybody_out(client: Client, wang: Account) -> None:
    sign_in(client)
    assert client.get("/logout/").status_code == 405
    assert is_in(client)


def test_signing_in_and_out_and_failing_are_in_the_audit(client: Client, wang: Account) -> None:
    sign_in(client, password="no")
    sign_in(client)
    client.post("/logout/")
    rows = AuditRow.objects.values_list("act", "by", "object", "outcome", "origin")
    assert list(rows) == [
        ("sign_in", "", "account:wang", "refused", "127.0.0.1"),
        ("sign_in", "wang", "account:wang", "done", "127.0.0.1"),
        ("sign_out", "wang", "account:wang", "done", "127.0.0.1"),
    ]
    assert json.loads(AuditRow.objects.get(number=2).facts) == {"by": "password"}


def test_locks_are_in_the_audit(wang: Account) -> None:
    for _ in range(5):
        try_password("wang", "no", origin="x", now=timezone.now())
    assert AuditRow.objects.filter(act="lock_account", object="account:wang").count() == 1


def test_nobody_signs_up(client: Client) -> None:
    for path in ("/signup/", "/login/signup/", "/accounts/signup/", "/3rdparty/signup/"):
        assert client.get(path).status_code == 404


def test_a_closed_or_locked_account_is_out_at_once(client: Client, wang: Account) -> None:
    sign_in(client)
    Account.objects.update(is_active=False)
    assert not is_in(client)
    Account.objects.update(is_active=True)
    sign_in(client)
    lock_account(wang, why="离岗", by="sec", now=timezone.now())
    assert not is_in(client)
    assert sign_in(client).status_code == 200
    assert not is_in(client)


@pytest.mark.parametrize("text", ["\x00", "a" * 100_000, "', --", "王" * 300, "\ud83d"])
def test_nonsense_is_refused_like_anything_else(client: Client, text: str) -> None:
    given = text.encode("utf-8", "replace").decode()
    assert sign_in(client, given, given).status_code == 200
