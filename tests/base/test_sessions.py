"""Sessions: limited in time and number, listed, ended."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from tests.base.people import is_in, person, sign_in

from liandong.base.models import Account, AuditRow, Session
from liandong.base.people.services.sessions import session_code

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.base.room_urls")]


@pytest.fixture
def wang() -> Account:
    return person("wang")


def _row(client: Client) -> Session:
    return Session.objects.get(pk=client.cookies["sessionid"].value)


def test_a_session_knows_its_account_time_address_and_device(client: Client, wang: Account) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
    client.post(
        "/login/", {"login": "wang", "password": "Correct-horse-7"}, headers={"User-Agent": agent}
    )
    row = _row(client)
    assert (row.account, row.origin, row.device) == (wang, "127.0.0.1", "Chrome · Linux")
    assert row.started_at is not None


def test_an_idle_session_ends(client: Client, wang: Account) -> None:
    sign_in(client)
    assert _row(client).expire_date <= timezone.now() + timedelta(minutes=20)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not is_in(client)


def test_use_prolongs_a_session_but_not_beyond_its_longest_time(
    client: Client, wang: Account
) -> None:
    sign_in(client)
    now = timezone.now()
    Session.objects.update(
        seen_at=now - timedelta(minutes=10), expire_date=now + timedelta(minutes=10)
    )
    client.get("/me/")
    assert _row(client).expire_date > now + timedelta(minutes=19)
    Session.objects.update(
        started_at=now - timedelta(hours=11, minutes=55), seen_at=now - timedelta(minutes=10)
    )
    client.get("/me/")
    assert _row(client).expire_date <= now + timedelta(minutes=6)


def test_a_page_that_asks_by_itself_does_not_prolong(client: Client, wang: Account) -> None:
    sign_in(client)
    before = timezone.now() - timedelta(minutes=10)
    Session.objects.update(seen_at=before)
    client.get("/me/", headers={"X-Unattended": "1"})
    assert _row(client).seen_at == before


def test_use_is_written_at_most_once_a_minute(
    client: Client, wang: Account, django_assert_num_queries
) -> None:
    sign_in(client)
    with django_assert_num_queries(4):  # session, account, posts, count of notices
        client.get("/modes/")
    Session.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
    with django_assert_num_queries(5):
        client.get("/modes/")


def test_the_cookie_ends_with_the_browser_and_no_script_reads_it(
    client: Client, wang: Account
) -> None:
    sign_in(client)
    cookie = client.cookies["sessionid"]
    assert (cookie["expires"], cookie["max-age"]) == ("", "")
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_beyond_the_limit_the_oldest_session_ends(client: Client, wang: Account) -> None:
    browsers = [Client() for _ in range(3)]
    for number, browser in enumerate(browsers):
        sign_in(browser)
        Session.objects.filter(pk=browser.cookies["sessionid"].value).update(
            started_at=timezone.now() - timedelta(minutes=10 - number)
        )
    assert [is_in(browser) for browser in browsers] == [False, True, True]
    assert AuditRow.objects.filter(act="end_session", by="system").count() == 1


def test_without_a_limit_all_stay(wang: Account, settings: Settings) -> None:
    settings.SESSIONS = 0
    browsers = [Client() for _ in range(4)]
    for browser in browsers:
        sign_in(browser)
    assert all(is_in(browser) for browser in browsers)


def test_one_of_the_own_sessions_can_be_ended(client: Client, wang: Account) -> None:
    other = Client()
    sign_in(other)
    sign_in(client)
    code = session_code(other.cookies["sessionid"].value)
    page = client.get("/me/").content.decode()
    assert code in page
    assert other.cookies["sessionid"].value not in page
    client.post(f"/me/sessions/{code}/end/")
    assert not is_in(other)
    assert is_in(client)


def test_a_session_of_somebody_else_cannot_be_ended(client: Client, wang: Account) -> None:
    person("li")
    other = Client()
    sign_in(other, "li")
    sign_in(client)
    code = session_code(other.cookies["sessionid"].value)
    assert client.post(f"/me/sessions/{code}/end/").status_code == 404
    assert is_in(other)


def test_an_ended_session_stays_ended_whatever_is_still_on_its_way(
    client: Client, wang: Account
) -> None:
    sign_in(client)
    session = client.session
    assert session["started"]  # loaded
    Session.objects.all().delete()
    session["late"] = "answer"
    with pytest.raises(UpdateError):
        session.save()
    assert not Session.objects.exists()
