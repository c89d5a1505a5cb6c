"""Display modes: one signed cookie, rendered by the server, set by a plain form."""

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from liandong.base.modes import CHOICES, COOKIE, Modes

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.base.room_urls")]
A_MODES = st.builds(Modes, **{name: st.sampled_from(values) for name, values in CHOICES.items()})


@given(A_MODES)
def test_what_is_written_is_read_back(modes: Modes) -> None:
    assert Modes.parse(str(modes)) == modes


@given(
    st.text() | st.lists(st.sampled_from(["dark", "elder", "high", "en", "", "x"])).map(".".join)
)
def test_any_text_gives_modes_that_exist(text: str) -> None:
    modes = Modes.parse(text)
    assert all(getattr(modes, name) in values for name, values in CHOICES.items())


def test_a_choice_is_rendered_by_the_server_on_the_next_page(client: Client) -> None:
    answer = client.post("/modes/", {"theme": "dark", "size": "elder", "next": "/login/"})
    assert (answer.status_code, answer["Location"]) == (303, "/login/")
    page = client.get("/login/").content.decode()
    assert 'data-bs-theme="dark" data-size="elder" data-contrast="normal"' in page


def test_one_choice_leaves_the_others_as_they_were(client: Client) -> None:
    client.post("/modes/", {"theme": "dark"})
    client.post("/modes/", {"size": "elder"})
    page = client.get("/login/").content.decode()
    assert 'data-bs-theme="dark" data-size="elder"' in page


def test_a_value_that_is_no_choice_changes_nothing(client: Client) -> None:
    client.post("/modes/", {"theme": '"><script>', "size": "elder"})
    page = client.get("/login/").content.decode()
    assert 'data-bs-theme="auto" data-size="elder"' in page


def test_a_forged_cookie_is_as_none(client: Client) -> None:
    client.cookies[COOKIE] = "dark.elder.high.en:forged"
    assert 'data-bs-theme="auto"' in client.get("/login/").content.decode()


def test_a_changed_cookie_is_as_none(client: Client) -> None:
    client.post("/modes/", {"theme": "light", "size": "elder"})
    client.cookies[COOKIE] = client.cookies[COOKIE].value.replace("light", "dark")
    assert 'data-bs-theme="auto" data-size="normal"' in client.get("/login/").content.decode()


def test_no_script_and_no_other_site_reads_the_cookie(client: Client) -> None:
    morsel = client.post("/modes/", {"theme": "light"}).cookies[COOKIE]
    assert (morsel["httponly"], morsel["samesite"]) == (True, "Lax")


@pytest.mark.parametrize(
    "away", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""]
)
def test_the_way_back_never_leaves_the_site(client: Client, away: str) -> None:
    assert client.post("/modes/", {"theme": "dark", "next": away})["Location"] == "/"


def test_the_language_is_chosen_and_never_guessed(client: Client) -> None:
    guessed = client.get("/login/", headers={"accept-language": "en"})
    assert '<html lang="zh-hans"' in guessed.content.decode()
    client.post("/modes/", {"language": "en"})
    chosen = client.get("/login/")
    assert '<html lang="en"' in chosen.content.decode()
    assert chosen["Content-Language"] == "en"


def test_pages_that_differ_by_cookie_say_so_to_caches(client: Client) -> None:
    assert "Cookie" in client.get("/login/")["Vary"]
