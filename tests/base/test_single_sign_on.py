"""The single sign-on of the city, against a real issuer over HTTP on this machine.

It says who somebody is.  It opens no account with rights, and asks nobody but the issuer.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from pytest_django import Settings
from tests.base.people import code_of, is_in, person, with_app

from liandong.base.models import Account, AuditRow, Officer
from liandong.site.knobs import BadKnob, read_knobs

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls("tests.base.room_urls"),
    pytest.mark.enable_socket,
]
START_S = 30
USERS = [
    {"sub": "100", "preferred_username": "wang", "name": "王芳", "email": "wang@example.org"},
    {"sub": "200", "preferred_username": "wang"},  # says to be wang as well
    {"sub": "300", "preferred_username": "stranger"},
    {"sub": "400"},
    {"sub": "500", "preferred_username": ["wang"]},
    {"sub": "600", "preferred_username": "../admin"},
]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider that runs in a process of its own."""
    port = _free_port()
    claims = [part for user in USERS for part in ("--user-claims", json.dumps(user))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port), *claims]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ})
    address = f"http://127.0.0.1:{port}"
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{address}/jwks", timeout=2).close()  # noqa: S310
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    yield address
    server.terminate()
    server.wait(10)


def use(settings: Settings, address: str) -> None:
    """Set the issuer as the knobs do."""
    settings.OIDC_ISSUER = address
    app = {
        "provider_id": "sso", "name": "统一身份认证", "client_id": "liandong", "secret": "s3cret",
        "settings": {"server_url": address},
    }  # fmt: skip
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
    }


@pytest.fixture
def city(settings: Settings, issuer: str) -> None:
    use(settings, issuer)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args, **_kwargs) -> None:
        return None


def approve(address: str, **form: str) -> str:
    """What the person does at the issuer; where it sends the browser."""
    request = urllib.request.Request(address, urllib.parse.urlencode(form).encode())  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as sent:
        urllib.request.build_opener(_Stay).open(request, timeout=10)
    sent.value.close()
    return str(sent.value.headers["Location"])


def come_in(client: Client, sub: str, **form: str):
    """The whole way: our button, the issuer, and back."""
    away = client.post("/login/sso/", form)["Location"]
    back = approve(away, sub=sub)
    return client.get(back.replace("http://testserver", ""))


def words(client: Client, answer) -> str:
    return client.get(answer["Location"]).content.decode()


def test_a_person_is_found_by_the_claim(client: Client, city) -> None:
    wang = person("wang")
    assert come_in(client, "100", next="/modes/")["Location"] == "/modes/"
    assert is_in(client)
    assert SocialAccount.objects.get().user == wang
    assert AuditRow.objects.get(act="sign_in").facts == '{"by": "sso"}'


def test_the_second_time_the_subject_counts(client: Client, city) -> None:
    wang = person("wang")
    come_in(client, "100")
    Account.objects.filter(pk=wang.pk).update(username="wang.fang")
    other = Client()
    come_in(other, "100")
    assert other.get("/me/").context["user"] == wang


@pytest.mark.parametrize("sub", ["300", "400", "500", "600"])
def test_an_unknown_person_gets_nothing(client: Client, city, sub: str) -> None:
    person("wang")
    answer = come_in(client, sub)
    assert "没有您的账号" in words(client, answer)
    assert not is_in(client)
    assert list(Account.objects.values_list("username", flat=True)) == ["wang"]


def test_where_the_setting_says_so_an_unknown_person_gets_an_account_without_rights(
    client: Client, city, settings: Settings
) -> None:
    settings.OIDC_UNKNOWN = "account"
    come_in(client, "300")
    assert is_in(client)
    fresh = Account.objects.get(username="stranger")
    assert (fresh.officer, fresh.clearance, fresh.unit, fresh.posts.count()) == ("", 0, None, 0)


@pytest.mark.parametrize("sub", ["400", "600"])
def test_a_claim_that_is_no_name_opens_no_account(
    client: Client, city, settings: Settings, sub: str
) -> None:
    settings.OIDC_UNKNOWN = "account"
    come_in(client, sub)
    assert not Account.objects.exists()


def test_a_second_subject_does_not_get_the_account_of_the_first(client: Client, city) -> None:
    person("wang")
    come_in(client, "100")
    other = Client()
    assert "没有您的账号" in words(other, come_in(other, "200"))
    assert not is_in(other)


def test_the_second_factor_is_asked_as_well(client: Client, city) -> None:
    secret = with_app(person("wang"))
    assert come_in(client, "100")["Location"] == "/login/code/"
    assert not is_in(client)
    client.post("/login/code/", {"code": code_of(secret)})
    assert is_in(client)


def test_an_officer_needs_one_here(client: Client, city) -> None:
    person("wang", officer=Officer.AUDIT)
    come_in(client, "100")
    assert client.get("/me/")["Location"] == "/me/factors/"


def test_a_closed_account_stays_closed(client: Client, city) -> None:
    person("wang")
    Account.objects.update(is_active=False)
    come_in(client, "100")
    assert not is_in(client)


def test_who_says_no_at_the_issuer_is_back_at_the_sign_in(client: Client, city) -> None:
    away = client.post("/login/sso/")["Location"]
    back = approve(away, action="deny").replace("http://testserver", "")
    assert "没有完成" in words(client, client.get(back))


@pytest.mark.parametrize("query", ["", "?code=x", "?code=x&state=made-up", "?state=&error=%00",
    "?code=x&state=a&process=connect"])  # fmt: skip
def test_a_made_up_return_lets_nobody_in(client: Client, city, query: str) -> None:
    person("wang")
    assert "没有完成" in words(client, client.get(f"/login/sso/callback/{query}"))
    assert not is_in(client)


def test_the_return_belongs_to_the_browser_that_left(client: Client, city) -> None:
    person("wang")
    away = client.post("/login/sso/")["Location"]
    back = approve(away, sub="100").replace("http://testserver", "")
    other = Client()
    other.get(back)
    assert not is_in(other)


def test_the_request_carries_state_and_a_challenge(client: Client, city) -> None:
    away = client.post("/login/sso/")["Location"]
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(away).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 16
    assert asked["redirect_uri"] == ["http://testserver/login/sso/callback/"]


def test_nobody_is_sent_to_the_issuer_by_a_link(client: Client, city) -> None:
    assert client.get("/login/sso/")["Location"] == "/login/"


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example/x"])
def test_the_way_back_stays_here(client: Client, city, place: str) -> None:
    person("wang")
    assert come_in(client, "100", next=place)["Location"] == "/"


def test_without_an_issuer_there_is_no_such_page(client: Client) -> None:
    assert client.post("/login/sso/").status_code == 404
    assert client.get("/login/sso/callback/").status_code == 404
    assert "/login/sso/" not in client.get("/login/").content.decode()


def test_with_an_issuer_there_is_a_button(client: Client, city) -> None:
    assert "用统一身份认证" in client.get("/login/").content.decode()


class Trap:
    """A server of ours that plays a bad issuer, and one that must never be asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.told: dict[str, object] | None = None
        self.sends_to = ""
        trap = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                trap.asked.append(self.path)
                self.send_response(302 if trap.sends_to else 200)
                if trap.sends_to:
                    self.send_header("Location", trap.sends_to)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(trap.told).encode())

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def traps() -> Iterator[tuple[Trap, Trap]]:
    pair = Trap(), Trap()
    yield pair
    for trap in pair:
        trap.close()


def _endpoints(at: str, **others: str) -> dict[str, object]:
    names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    return {"issuer": at, **{name: f"{at}/{name}" for name in names}, **others}


def test_a_redirect_of_the_issuer_is_not_followed(
    client: Client, settings: Settings, traps: tuple[Trap, Trap]
) -> None:
    bad, inner = traps
    use(settings, bad.address)
    bad.sends_to = f"{inner.address}/latest/meta-data/"
    assert "没有完成" in words(client, client.post("/login/sso/"))
    assert len(bad.asked) == 1
    assert inner.asked == []


def test_an_address_elsewhere_is_not_asked(
    client: Client, settings: Settings, traps: tuple[Trap, Trap]
) -> None:
    bad, inner = traps
    use(settings, bad.address)
    bad.told = _endpoints(bad.address, token_endpoint=f"{inner.address}/token")
    away = client.post("/login/sso/")["Location"]
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(away).query)["state"][0]
    answer = client.get(f"/login/sso/callback/?code=x&state={state}")
    assert "没有完成" in words(client, answer)
    assert inner.asked == []


def test_the_browser_is_sent_nowhere_else(
    client: Client, settings: Settings, traps: tuple[Trap, Trap]
) -> None:
    bad, inner = traps
    use(settings, bad.address)
    bad.told = _endpoints(bad.address, authorization_endpoint=f"{inner.address}/phish")
    assert "没有完成" in words(client, client.post("/login/sso/"))


@pytest.mark.parametrize("told", [None, {}, [], {"issuer": "x"}])
def test_an_answer_that_makes_no_sense_is_no_fault_of_ours(
    client: Client, settings: Settings, traps: tuple[Trap, Trap], told
) -> None:
    bad, _inner = traps
    use(settings, bad.address)
    bad.told = told
    assert "没有完成" in words(client, client.post("/login/sso/"))


def test_an_issuer_that_does_not_answer_is_told(client: Client, settings: Settings) -> None:
    use(settings, f"http://127.0.0.1:{_free_port()}")
    assert "没有完成" in words(client, client.post("/login/sso/"))


@pytest.mark.parametrize("address", ["http://sso.example.gov.cn", "ftp://x", "file:///etc/passwd",
    "https://", "sso.example.gov.cn", "http://localhost.evil.example"])  # fmt: skip
def test_an_issuer_without_tls_is_a_wrong_setting(address: str) -> None:
    with pytest.raises(BadKnob):
        read_knobs({"LIANDONG_OIDC_ISSUER": address})


@pytest.mark.parametrize(
    "address", ["https://sso.example.gov.cn/realms/city", "http://localhost:9"]
)
def test_an_issuer_with_tls_or_on_this_machine_is_taken(address: str) -> None:
    assert read_knobs({"LIANDONG_OIDC_ISSUER": address})["OIDC_ISSUER"] == address
