"""Second factors: asked at sign-in, required of whom the setting says, changed with care."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from tests.base.people import GOOD, code_of, is_in, kinds, person, sign_in, with_app

from liandong.base.models import Account, AuditRow, Officer, Post, Role, Session
from liandong.base.people.services.factors import must_have_factor, reset_factors
from liandong.base.people.signing.secrets import seal, unseal

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.base.room_urls")]


@pytest.fixture
def wang() -> Account:
    return person("wang")


def _code(client: Client, code: str):
    return client.post("/login/code/", {"code": code})


def test_with_an_app_the_password_alone_lets_nobody_in(client: Client, wang: Account) -> None:
    secret = with_app(wang)
    assert sign_in(client)["Location"] == "/login/code/"
    assert not is_in(client)
    assert _code(client, code_of(secret)).status_code == 302
    assert is_in(client)
    row = AuditRow.objects.get(act="sign_in")
    assert row.facts == '{"by": "password+totp"}'


def test_after_the_code_the_person_gets_where_the_person_wanted(
    client: Client, wang: Account
) -> None:
    secret = with_app(wang)
    sign_in(client, next="/modes/")
    assert _code(client, code_of(secret))["Location"] == "/modes/"


def test_a_code_works_once(wang: Account) -> None:
    secret = with_app(wang)
    code = code_of(secret)
    first, second = Client(), Client()
    sign_in(first)
    _code(first, code)
    sign_in(second)
    assert "验证码不对" in _code(second, code).content.decode()
    assert not is_in(second)


def test_a_used_code_is_refused_by_any_process(
    client: Client, wang: Account, settings: Settings
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    test_a_code_works_once(wang)


def test_an_older_code_is_refused_after_a_newer(client: Client, wang: Account) -> None:
    secret = with_app(wang)
    sign_in(client)
    _code(client, code_of(secret, later=1))
    other = Client()
    sign_in(other)
    _code(other, code_of(secret))
    assert not is_in(other)


def test_five_wrong_codes_lock(client: Client, wang: Account) -> None:
    secret = with_app(wang)
    sign_in(client)
    for _ in range(5):
        assert "验证码不对" in _code(client, "000000").content.decode()
    assert "失败次数太多" in _code(client, code_of(secret)).content.decode()
    assert not is_in(client)
    assert AuditRow.objects.filter(act="check_code", outcome="refused").count() == 5


def test_wrong_codes_count_over_several_sign_ins(wang: Account) -> None:
    secret = with_app(wang)
    for _ in range(5):
        client = Client()
        sign_in(client)
        _code(client, "000000")
    client = Client()
    sign_in(client)
    _code(client, code_of(secret))
    assert not is_in(client)


def test_a_recovery_code_stands_in_once(wang: Account) -> None:
    with_app(wang)
    codes = RecoveryCodes.activate(wang).get_unused_codes()
    first, second = Client(), Client()
    sign_in(first)
    _code(first, codes[0])
    assert is_in(first)
    sign_in(second)
    _code(second, codes[0])
    assert not is_in(second)


def test_without_the_password_there_is_no_page_for_codes(client: Client, wang: Account) -> None:
    with_app(wang)
    assert client.get("/login/code/")["Location"] == "/login/"


def test_a_sign_in_can_be_broken_off(client: Client, wang: Account) -> None:
    with_app(wang)
    sign_in(client)
    client.post("/logout/", {"next": "/login/"})
    assert client.get("/login/").status_code == 200
    assert client.get("/login/code/")["Location"] == "/login/"


def test_an_account_locked_between_password_and_code_stays_out(
    client: Client, wang: Account
) -> None:
    secret = with_app(wang)
    sign_in(client)
    Account.objects.update(is_active=False)
    _code(client, code_of(secret))
    assert not is_in(client)


@pytest.mark.parametrize(
    ("knob", "officer", "role", "required"),
    [
        ("", "sec_admin", None, False),
        ("officers", "sec_admin", None, True),
        ("officers", "", Role.DIRECTOR, False),
        ("staff", "audit_admin", None, True),
        ("staff", "", Role.DIRECTOR, True),
        ("staff", "", Role.ARCHIVIST, True),
        ("staff", "", Role.CLERK, False),
        ("staff", "", None, False),
    ],
)
def test_the_setting_says_who_must_have_one(
    knob: str, officer: str, role: Role | None, required: bool, settings: Settings
) -> None:
    settings.SECOND_FACTOR = knob
    account = Account.objects.create(username="wang", officer=officer)
    if role:
        Post.objects.create(account=account, role=role)
    assert must_have_factor(account) is required


def _add_app(client: Client) -> tuple[str, str]:
    page = client.get("/me/factors/app/").content.decode()
    secret = re.search(r'ld-secret">([A-Z2-7]+)<', page).group(1)
    answer = client.post("/me/factors/app/", {"code": code_of(secret)})
    return secret, answer["Location"]


def test_an_officer_adds_one_before_anything_else(client: Client) -> None:
    account = person("sec", officer=Officer.SECURITY)
    sign_in(client, "sec")
    assert client.get("/search/")["Location"] == "/me/factors/"
    assert "请先添加一个" in client.get("/me/factors/").content.decode()
    _secret, then = _add_app(client)
    codes = re.findall(r"<li><code>(\d{8})</code>", client.get(then).content.decode())
    assert len(codes) == 10
    assert is_in(client)
    assert kinds(account) == {"totp", "recovery_codes"}
    assert AuditRow.objects.filter(act="add_factor", by="sec").count() == 1


def test_recovery_codes_are_shown_once(client: Client) -> None:
    person("wang")
    sign_in(client)
    _secret, then = _add_app(client)
    first, second = (client.get(then).content.decode() for _ in range(2))
    assert re.findall(r"<code>\d{8}</code>", first)
    assert not re.findall(r"\d{8}", re.search(r"<main.*</main>", second, re.S).group())


def test_the_code_that_added_an_app_does_not_sign_in(client: Client, wang: Account) -> None:
    sign_in(client)
    secret, _ = _add_app(client)
    other = Client()
    sign_in(other)
    _code(other, code_of(secret))
    assert not is_in(other)


def test_an_officer_does_not_lose_the_last_one(client: Client) -> None:
    account = person("sec", officer=Officer.SECURITY)
    secret = with_app(account)
    sign_in(client, "sec")
    _code(client, code_of(secret))
    page = client.post("/me/factors/app/remove/").content.decode()
    assert "请先添加另一个" in page
    assert kinds(account) == {"totp"}


def test_others_may_remove_it(client: Client, wang: Account) -> None:
    secret = with_app(wang)
    sign_in(client)
    _code(client, code_of(secret))
    assert client.post("/me/factors/app/remove/").status_code == 302
    assert kinds(wang) == set()
    assert AuditRow.objects.filter(act="remove_factor", by="wang").count() == 1


def test_long_after_the_sign_in_the_password_is_asked_again(client: Client, wang: Account) -> None:
    sign_in(client)
    session = client.session
    session["started"] -= 3600
    session.save()
    assert client.get("/me/factors/app/")["Location"].startswith("/login/again/")
    assert client.post("/me/factors/app/", {"code": "1"})["Location"].startswith("/login/again/")
    assert kinds(wang) == set()
    client.post("/login/again/?next=/me/factors/app/", {"password": GOOD})
    assert client.get("/me/factors/app/").status_code == 200


def test_a_stolen_session_cannot_guess_the_password(client: Client, wang: Account) -> None:
    sign_in(client)
    for _ in range(5):
        assert "密码不对" in client.post("/login/again/", {"password": "no"}).content.decode()
    assert "密码不对" in client.post("/login/again/", {"password": GOOD}).content.decode()


def test_a_factor_of_somebody_else_cannot_be_removed(client: Client, wang: Account) -> None:
    li = person("li")
    key = Authenticator.objects.create(
        user=li, type="webauthn", data={"name": "钥匙", "credential": {}}
    )
    sign_in(client)
    assert client.post(f"/me/factors/passkey/{key.pk}/remove/").status_code == 404
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_the_database_does_not_give_a_secret_away(wang: Account) -> None:
    secret = with_app(wang)
    RecoveryCodes.activate(wang)
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept
    assert unseal(Authenticator.objects.get(type="totp").data["secret"]) == secret


def test_under_another_key_a_sealed_secret_is_lost_and_not_guessable(settings: Settings) -> None:
    sealed = seal("JBSWY3DPEHPK3PXP")
    settings.SECRET_KEY = "another one, as after a restore without its key file"
    first, second = unseal(sealed), unseal(sealed)
    assert "JBSWY3DPEHPK3PXP" not in {first, second}
    assert first != second


def test_a_reset_removes_all_and_ends_the_sessions(client: Client, wang: Account) -> None:
    secret = with_app(wang)
    RecoveryCodes.activate(wang)
    sign_in(client)
    _code(client, code_of(secret))
    reset_factors(wang, by="sec", now=timezone.now())
    assert kinds(wang) == set()
    assert not Session.objects.filter(account=wang).exists()


@pytest.mark.parametrize("credential", ["", "{}", "[]", "null", "1", '"a"', "{", '{"id": 1}',
    '{"id":"a","rawId":"YQ","type":"public-key","response":{"clientDataJSON":"YQ"}}',
    '{"response":{"userHandle":"MQ"}}', '{"response":{"userHandle":null}}',
    '{"response":[]}', '{"response":{"userHandle":{"a":1}}}'])  # fmt: skip
@pytest.mark.parametrize("path", ["/login/passkey/", "/login/code/", "/me/factors/passkey/"])
def test_a_made_up_passkey_is_refused(
    client: Client, wang: Account, path: str, credential: str
) -> None:
    if path == "/login/code/":
        with_app(wang)
        sign_in(client)
    if path == "/me/factors/passkey/":
        sign_in(client)
    client.get("/login/passkey/", headers={"Accept": "application/json"})
    client.get(path)
    answer = client.post(path, {"credential": credential, "passwordless": "on"})
    assert answer.status_code in {200, 302}
    assert not Authenticator.objects.filter(type="webauthn").exists()
    if path != "/me/factors/passkey/":
        assert not is_in(client)


def test_a_passkey_is_offered_for_this_host(client: Client) -> None:
    told = client.get("/login/passkey/", headers={"Accept": "application/json"}).json()
    wanted = told["request_options"]["publicKey"]
    assert (wanted["rpId"], wanted["userVerification"]) == ("testserver", "required")
    assert wanted.get("allowCredentials", []) == []
