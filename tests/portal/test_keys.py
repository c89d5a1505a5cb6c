"""Interface keys: never more than their account, shown once, ended at once."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from tests.portal.calling import NOW, account_of, key_of, unit_of

from liandong.base.models import Account, AuditRow, Role
from liandong.kernel.viewer import Viewer
from liandong.portal.models import ApiKey
from liandong.portal.queries.keys import viewer_of_key
from liandong.portal.services.keys import (
    OVERLAP,
    BadKey,
    BadTerms,
    TooMany,
    issue_key,
    let_in,
    revoke_key,
    room_left,
    rotate_key,
)

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


def _terms(**more: object) -> dict[str, object]:
    known = {
        "name": "办公系统", "unit": unit_of(), "account": account_of(), "scopes": ["records:read"],
        "expires_at": NOW + MONTH, "by": "officer", "now": NOW,
    }  # fmt: skip
    return known | more


def _let_in(token: str, origin: str = "10.0.0.1", minutes: float = 0) -> ApiKey:
    return let_in(token, origin=origin, now=NOW + timedelta(minutes=minutes))


def _reason(token: str, **more: object) -> str:
    with pytest.raises(BadKey) as refused:
        _let_in(token, **more)  # type: ignore[arg-type]
    return refused.value.reason


# Giving out ---------------------------------------------------------------------------------------


def test_a_key_lets_in_and_its_secret_is_kept_nowhere() -> None:
    issued = key_of(now=NOW, expires_at=NOW + MONTH)

    key = _let_in(issued.token)

    secret = issued.token.split("_", 2)[2]  # it may have such a sign itself
    assert key == issued.key
    assert len(secret) >= 20
    row = ApiKey.objects.values().get(pk=key.pk)
    assert secret not in str(row)
    assert all(secret not in (audit.facts + audit.object) for audit in AuditRow.objects.all())


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"scopes": []}, "scope"),
        ({"scopes": ["records:delete"]}, "scope"),
        ({"networks": ["10.0.0.1/8"]}, "network"),
        ({"networks": ["nonsense"]}, "network"),
        ({"networks": [f"10.{at}.0.0/16" for at in range(60)]}, "network"),
        ({"expires_at": NOW}, "expiry"),
        ({"expires_at": NOW + timedelta(days=400)}, "expiry"),
        ({"name": "  "}, "name"),
        ({"per_minute": -1}, "limit"),
    ],
)
def test_terms_that_cannot_be_are_refused(more: dict[str, object], reason: str) -> None:
    with pytest.raises(BadTerms) as refused:
        issue_key(**_terms(**more))  # type: ignore[arg-type]
    assert refused.value.reason == reason
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("change", [{"is_active": False}, {"officer": "sys_admin", "clearance": 0}])
def test_an_account_that_may_not_answer_gets_no_key(change: dict[str, object]) -> None:
    account = account_of()
    terms = _terms(account=account)
    account.posts.all().delete()  # an officer holds none
    Account.objects.filter(pk=account.pk).update(**change)
    account.refresh_from_db()
    with pytest.raises(BadTerms, match="account"):
        issue_key(**terms)  # type: ignore[arg-type]


def test_an_account_of_another_department_gets_no_key() -> None:
    with pytest.raises(BadTerms, match="account"):
        issue_key(**_terms(account=account_of("zhao", "CZJ")))  # type: ignore[arg-type]


def test_every_act_on_a_key_leaves_a_row() -> None:
    issued = key_of(now=NOW, expires_at=NOW + MONTH)
    fresh = rotate_key(issued.key.code, by="officer", now=NOW)
    revoke_key(fresh.key.code, by="officer", now=NOW)
    revoke_key(fresh.key.code, by="officer", now=NOW)
    acts = list(AuditRow.objects.order_by("number").values_list("act", flat=True))
    assert acts == ["issue_api_key", "rotate_api_key", "revoke_api_key"]


# Rotation and end ---------------------------------------------------------------------------------


def test_a_rotated_key_goes_on_for_a_day_and_the_new_one_is_of_the_same_line() -> None:
    old = key_of(now=NOW, expires_at=NOW + MONTH)

    fresh = rotate_key(old.key.code, by="officer", now=NOW)

    later = OVERLAP.total_seconds() / 60
    assert (_let_in(old.token), _let_in(fresh.token)) == (old.key, fresh.key)
    assert fresh.key.line == old.key.line
    assert fresh.key.scopes == old.key.scopes
    assert _reason(old.token, minutes=later) == "expired"
    assert _let_in(fresh.token, minutes=later)


def test_a_rotated_key_never_lives_longer_than_it_would_have() -> None:
    old = key_of(now=NOW, expires_at=NOW + timedelta(hours=2))
    rotate_key(old.key.code, by="officer", now=NOW)
    old.key.refresh_from_db()
    assert old.key.expires_at == NOW + timedelta(hours=2)


def test_a_revoked_key_is_ended_at_once_and_is_not_rotated() -> None:
    issued = key_of(now=NOW, expires_at=NOW + MONTH)
    revoke_key(issued.key.code, by="officer", now=NOW)
    assert _reason(issued.token) == "revoked"
    with pytest.raises(ApiKey.DoesNotExist):
        rotate_key(issued.key.code, by="officer", now=NOW)


# Letting in ---------------------------------------------------------------------------------------


def test_a_wrong_secret_and_an_unknown_key_are_refused_alike() -> None:
    issued = key_of(now=NOW, expires_at=NOW + MONTH)
    mark, code, secret = issued.token.split("_", 2)
    for token in (
        f"{mark}_{code}_{secret}x", f"{mark}_{code}_", f"{mark}_0000000000000000_{secret}",
        f"xxx_{code}_{secret}", code, secret, "é" * 20, "x" * 5000,
    ):  # fmt: skip
        assert _reason(token) == "unknown", token
    assert _reason("") == "none"


@given(st.text(max_size=80))
def test_no_text_lets_in_or_breaks(text: str) -> None:
    with pytest.raises(BadKey):
        _let_in(text)


@pytest.mark.parametrize(
    ("networks", "origin", "is_in"),
    [
        ([], "203.0.113.9", True),
        (["10.1.0.0/16"], "10.1.2.3", True),
        (["10.1.0.0/16"], "10.2.2.3", False),
        (["10.1.0.0/16"], "::ffff:10.1.2.3", True),
        (["10.1.0.0/16", "fd00::/8"], "fd00::1", True),
        (["10.1.0.0/16"], "", False),
        (["10.1.0.0/16"], "unix:", False),
    ],
)
def test_a_key_of_networks_lets_in_from_them_alone(
    networks: list[str], origin: str, is_in: bool
) -> None:
    issued = key_of(now=NOW, expires_at=NOW + MONTH, networks=networks)
    if is_in:
        assert _let_in(issued.token, origin)
    else:
        assert _reason(issued.token, origin=origin) == "network"


def test_the_last_use_is_known() -> None:
    issued = key_of(now=NOW, expires_at=NOW + MONTH)
    _let_in(issued.token, "10.9.8.7", minutes=3)
    issued.key.refresh_from_db()
    assert issued.key.last_used_at == NOW + timedelta(minutes=3)
    assert issued.key.last_origin == "10.9.8.7"


# The limit ----------------------------------------------------------------------------------------


def test_a_key_may_spend_its_minute_at_once_and_then_waits() -> None:
    issued = key_of(now=NOW, expires_at=NOW + MONTH, per_minute=6)
    left = [room_left(_let_in(issued.token), now=NOW)[0] for _ in range(6)]
    assert left == [5, 4, 3, 2, 1, 0]
    with pytest.raises(TooMany) as refused:
        _let_in(issued.token)
    assert 9 < refused.value.wait_s <= 10
    assert _let_in(issued.token, minutes=10 / 60)  # a sixth of a minute later: one more
    with pytest.raises(TooMany):
        _let_in(issued.token, minutes=10 / 60)


@pytest.mark.parametrize("minutes", [-2, -60, -24 * 60])
def test_a_clock_that_is_set_back_locks_nobody_out(minutes: int) -> None:
    issued = key_of(now=NOW, expires_at=NOW + MONTH, per_minute=6)
    for _ in range(6):
        _let_in(issued.token)
    left = [room_left(_let_in(issued.token, minutes=minutes), now=NOW + timedelta(minutes=minutes))]
    assert left[0][0] == 5
    for _ in range(5):
        _let_in(issued.token, minutes=minutes)
    with pytest.raises(TooMany) as refused:
        _let_in(issued.token, minutes=minutes)
    assert 9 < refused.value.wait_s <= 10


def test_a_request_that_waited_does_not_renew_the_limit() -> None:
    issued = key_of(now=NOW, expires_at=NOW + MONTH, per_minute=6)
    for _ in range(6):
        _let_in(issued.token)
    with pytest.raises(TooMany):
        _let_in(issued.token, minutes=-50 / 60)


def test_two_keys_do_not_share_a_limit() -> None:
    one, other = (key_of(now=NOW, expires_at=NOW + MONTH, per_minute=1) for _ in range(2))
    _let_in(one.token)
    assert _let_in(other.token)


# Who acts -----------------------------------------------------------------------------------------


def test_the_viewer_of_a_key_is_its_account_as_a_member_of_the_department() -> None:
    account = account_of("qian", "BGS", Role.ARCHIVIST, Role.CLERK, Role.DIRECTOR, clearance=2)
    key = key_of(account=account).key

    viewer = viewer_of_key(key, now=timezone.now())

    assert viewer == Viewer("qian", "BGS", 2, frozenset({"clerk"}))


@pytest.mark.parametrize(
    "change",
    [{"is_active": False}, {"unit": None}, {"officer": "audit_admin", "clearance": 0}],
)
def test_a_key_whose_account_may_no_longer_answer_is_a_stranger(change: dict[str, object]) -> None:
    account = account_of("qian")
    key = key_of(account=account).key
    account.posts.all().delete()  # an officer holds none
    Account.objects.filter(pk=account.pk).update(**change)
    fresh = ApiKey.objects.get(pk=key.pk)
    assert viewer_of_key(fresh, now=timezone.now()) == Viewer()


def test_less_clearance_of_the_account_is_less_for_the_key_at_once() -> None:
    account = account_of("qian", clearance=2)
    key = key_of(account=account).key
    Account.objects.filter(pk=account.pk).update(clearance=0)
    fresh = ApiKey.objects.get(pk=key.pk)
    assert viewer_of_key(fresh, now=timezone.now()).clearance == 0


# The table ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [{"scopes": ""}, {"expires_at": NOW - MONTH}, {"revoked_at": NOW}, {"revoked_by": "x"}],
)
def test_the_database_refuses_a_key_that_cannot_be(wrong: dict[str, object]) -> None:
    key = key_of(now=NOW, expires_at=NOW + MONTH).key
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(**wrong)


# The page -----------------------------------------------------------------------------------------


def _officer() -> Client:
    client = Client()
    account, _ = Account.objects.get_or_create(username="officer", officer="sec_admin")
    client.force_login(account)
    return client


def _form(**more: object) -> dict[str, object]:
    return {
        "name": "办公系统", "unit": unit_of().pk, "account": account_of().username,
        "scopes": ["filing:write", "webhooks:manage"], "days": 90,
        "networks": "10.1.0.0/16，fd00::/8",
    } | more  # fmt: skip


def test_the_security_officer_issues_a_key_and_sees_it_once() -> None:
    client = _officer()

    answer = client.post("/admin/apikeys/", _form())

    key = ApiKey.objects.get()
    assert f"ldk_{key.code}_" in answer.content.decode()
    assert (key.scopes, key.networks) == ("filing:write,webhooks:manage", "10.1.0.0/16,fd00::/8")
    assert key.issued_by == "officer"
    assert f"ldk_{key.code}_" not in client.get("/admin/apikeys/").content.decode()
    assert "no-store" in answer.headers["Cache-Control"]


def test_the_form_says_what_is_wrong() -> None:
    client = _officer()
    other = account_of("zhao", "CZJ").username
    for more, words in (
        ({"account": other}, "不属于这个机构"), ({"networks": "x"}, "不是网段"),
        ({"days": 900}, "days"), ({"scopes": []}, "scopes"),
    ):  # fmt: skip
        answer = client.post("/admin/apikeys/", _form(**more))
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_the_officer_rotates_and_revokes_on_the_page() -> None:
    client, key = _officer(), key_of().key
    rotated = client.post(f"/admin/apikeys/{key.code}/rotate/")
    assert ApiKey.objects.count() == 2
    assert "ldk_" in rotated.content.decode()
    client.post(f"/admin/apikeys/{key.code}/revoke/")
    key.refresh_from_db()
    assert key.revoked_by == "officer"
    assert client.post(f"/admin/apikeys/{key.code}/rotate/").status_code == 404
    assert client.post("/admin/apikeys/nothing/revoke/").status_code == 404


@pytest.mark.parametrize("who", [Role.CLERK, Role.ARCHIVIST, Role.DIRECTOR, Role.READER])
def test_nobody_else_opens_the_page(who: Role) -> None:
    client = Client()
    client.force_login(account_of(f"one-{who}", "BGS", who))
    assert client.get("/admin/apikeys/").status_code == 403
    assert client.post("/admin/apikeys/", _form()).status_code == 403
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("officer", ["sys_admin", "audit_admin"])
def test_the_other_officers_do_not_open_it_either(officer: str) -> None:
    client = Client()
    client.force_login(Account.objects.create(username="x", officer=officer))
    assert client.get("/admin/apikeys/").status_code == 403


def test_a_form_of_another_site_is_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(Account.objects.create(username="officer", officer="sec_admin"))
    assert client.post("/admin/apikeys/", _form()).status_code == 403
    assert not ApiKey.objects.exists()
