"""The way into the API: scope, policy, limit, once, body, headers, trace."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from tests.portal.calling import (
    ALL,
    Caller,
    account_of,
    caller,
    code_of,
    fonds_of,
    fresh_token,
    key_of,
)

from liandong.base.gates import Policy, policy_of
from liandong.base.models import Account, AuditRow, Outcome, Role
from liandong.portal.api import operations
from liandong.portal.api.contract import Contract, Undeclared, operations_of
from liandong.portal.models import ApiKey, KeptAnswer, Transfer
from liandong.portal.policies import SCOPES
from liandong.portal.services import answers
from liandong.portal.services.keys import revoke_key
from liandong.portal.urls import urlpatterns

pytestmark = pytest.mark.django_db
ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
PATHS = {
    "{transfer_id}": ID, "{file_id}": ID, "{filing_id}": ID, "{upload_id}": ID,
    "{subscription_id}": ID, "{delivery_id}": ID, "{code}": "Z109-WS", "{number}": "1",
    "{file_number}": "1",
}  # fmt: skip


def _path(path: str) -> str:
    for part, value in PATHS.items():
        path = path.replace(part, value)
    return path.removeprefix("/api/v1")


def _call(who: Caller, method: str, path: str) -> Any:
    match method:
        case "GET":
            return who.get(path)
        case "POST":
            return who.post(path, {}, **({"content_type": "x/y"} if "packages" in path else {}))
        case "PATCH":
            return who.patch(path, {})
        case "PUT":
            return who.put(path, b"x")
    return who.delete(path)


# Declared -----------------------------------------------------------------------------------------


def test_every_operation_declares_policy_and_scope() -> None:
    listed = operations()
    assert len(listed) > 25
    assert all(isinstance(one.policy, Policy) for one in listed)
    assert {one.scope for one in listed} <= set(SCOPES)
    assert all(one.path.startswith("/api/v1/") for one in listed)


def test_an_operation_without_a_declaration_fails_the_build() -> None:
    api = Contract(urls_namespace="portal:api-1", docs_url=None)

    @api.get("/forgotten")
    def forgotten(request: Any) -> dict[str, str]:
        return {}

    with pytest.raises(Undeclared, match="forgotten"):
        operations_of(api)


def test_every_address_of_the_room_declares_a_policy() -> None:
    for one in urlpatterns:
        for pattern in getattr(one, "url_patterns", [one]):
            assert policy_of(pattern.callback) is not None, pattern


# Scopes -------------------------------------------------------------------------------------------


def test_each_operation_answers_to_its_scope_alone() -> None:
    fonds_of()
    keys = {scope: caller(scopes=[scope]) for scope in SCOPES}
    wrong = {}
    for one in operations():
        for scope, who in keys.items():
            status = _call(who, one.method, _path(one.path)).status_code
            if (status == 403) == (scope == one.scope):
                wrong[one.method, one.path, scope] = status
    assert wrong == {}


def test_a_scope_gives_nothing_that_the_account_may_not() -> None:
    reader = caller(account=account_of("reader", "BGS", Role.READER))
    refused = {one.path for one in operations()
               if _call(reader, one.method, _path(one.path)).status_code == 403}  # fmt: skip
    handing = {one.path for one in operations() if one.scope in
               {"transfers:write", "transfers:read", "filing:write", "shares:request",
                "shares:read"}}  # fmt: skip
    assert refused == handing


@pytest.mark.parametrize("token", ["", "nonsense", "ldk_0000000000000000_" + "x" * 43])
def test_without_a_key_every_operation_answers_401(token: str) -> None:
    who = Caller(token)
    for one in operations():
        answer = _call(who, one.method, _path(one.path))
        assert answer.status_code == 401
        assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_a_session_of_the_pages_counts_for_nothing() -> None:
    client = Client()
    client.force_login(account_of("qian", "BGS", Role.ARCHIVIST, clearance=2))
    answer = client.get("/api/v1/transfers")
    assert (answer.status_code, code_of(answer)) == (401, "no-key")


def test_a_key_opens_no_page() -> None:
    token = key_of().token
    answer = Client().get("/transfers/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 302


@pytest.mark.parametrize("change", [{"is_active": False}, {"unit": None}])
def test_a_key_whose_account_left_is_refused_at_once(change: dict[str, object]) -> None:
    issued = key_of(account=account_of("qian"))
    who = Caller(issued.token)
    assert who.get("/transfers").status_code == 200
    Account.objects.filter(username="qian").update(**change)
    assert code_of(who.get("/transfers")) == "bad-key"


def test_a_revoked_key_is_refused_at_once_and_says_why() -> None:
    issued = key_of()
    who = Caller(issued.token)
    assert who.get("/transfers").status_code == 200
    revoke_key(issued.key.code, by="officer", now=timezone.now())
    answer = who.get("/transfers")
    assert (answer.status_code, answer.json()["detail"]) == (401, "已停用")


def test_a_refusal_of_a_known_key_leaves_a_row_and_of_an_unknown_one_does_not() -> None:
    caller(scopes=["records:search"]).get("/transfers")
    row = AuditRow.objects.get(act="use_api_key")
    assert (row.by, row.outcome, row.why) == ("clerk-BGS", Outcome.REFUSED, "transfers:read")
    before = AuditRow.objects.count()
    Caller("ldk_0000000000000000_" + "x" * 43).get("/transfers")
    assert AuditRow.objects.count() == before


# The limit ----------------------------------------------------------------------------------------


def test_a_key_over_its_limit_is_told_when_to_come_again() -> None:
    who = caller(per_minute=2)
    first, second, third = (who.get("/transfers") for _ in range(3))
    assert [first.status_code, second.status_code, third.status_code] == [200, 200, 429]
    assert first.headers["RateLimit-Policy"] == '"key";q=2;w=60'
    assert first.headers["RateLimit"].startswith('"key";r=1;t=')
    assert code_of(third) == "too-many"
    assert 1 <= int(third.headers["Retry-After"]) <= 30


def test_the_limit_counts_refused_requests_too() -> None:
    who = caller(scopes=["records:search"], per_minute=2)
    statuses = [who.get("/transfers").status_code for _ in range(3)]
    assert statuses == [403, 403, 429]
    assert AuditRow.objects.filter(act="use_api_key").count() == 2  # no flood of the audit


# Once ---------------------------------------------------------------------------------------------


def test_a_repeated_post_gets_the_same_answer_and_is_done_once() -> None:
    who, token = caller(), fresh_token()
    first = who.post("/transfers", {"name": "一批"}, token=token)
    again = who.post("/transfers", {"name": "一批"}, token=token)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert Transfer.objects.count() == 1


def test_the_same_token_with_another_body_is_refused() -> None:
    who, token = caller(), fresh_token()
    who.post("/transfers", {"name": "一批"}, token=token)
    answer = who.post("/transfers", {"name": "另一批"}, token=token)
    assert (answer.status_code, code_of(answer)) == (422, "token-reused")
    other = who.post("/uploads", {"name": "一批", "size": 3}, token=token)
    assert code_of(other) == "token-reused"
    assert Transfer.objects.count() == 1


@pytest.mark.parametrize(
    "token", ["short", "x" * 65, "a b c d e f", "令牌令牌令牌令牌", "a\tbcdefgh"]
)
def test_a_post_without_a_proper_token_is_refused(token: str) -> None:
    headers = {"Authorization": f"Bearer {key_of().token}"}
    plain = {"content_type": "application/json", "data": b'{"name": "x"}'}
    assert code_of(Client().post("/api/v1/transfers", headers=headers, **plain)) == "token-missing"
    answer = Client().post(
        "/api/v1/transfers", headers=headers | {"Idempotency-Key": token}, **plain
    )
    assert code_of(answer) == "token-missing"


def test_tokens_of_two_departments_do_not_meet() -> None:
    token = fresh_token()
    one = caller("BGS").post("/transfers", {"name": "一批"}, token=token).json()
    other = caller("CZJ").post("/transfers", {"name": "另一批"}, token=token).json()
    assert one["id"] != other["id"]
    assert other["name"] == "另一批"


def test_a_refused_post_may_be_sent_again_with_the_same_token() -> None:
    who, token = caller(), fresh_token()
    assert who.post("/transfers", {"name": "x", "fonds": "Z109"}, token=token).status_code == 422
    fonds_of()
    assert who.post("/transfers", {"name": "x", "fonds": "Z109"}, token=token).status_code == 201


def test_a_request_that_is_at_work_is_not_begun_again(home: Path) -> None:
    issued, token = key_of(), fresh_token()
    who = Caller(issued.token)
    _at_work(who, issued.key, token)
    with answers.answering(issued.key.line, token):
        answer = who.post("/transfers", {"name": "一批"}, token=token)
    assert (answer.status_code, code_of(answer)) == (409, "at-work")
    assert "Retry-After" in answer.headers
    assert who.post("/transfers", {"name": "一批"}, token=token).status_code == 201  # it had died
    assert list((home / "locks").glob("answer-*")) == []


def _at_work(who: Caller, key: ApiKey, token: str) -> KeptAnswer:
    """The row of a request that another process is answering."""
    who.post("/transfers", {"name": "一批"}, token=token)
    row = KeptAnswer.objects.get(token=token)
    KeptAnswer.objects.filter(pk=row.pk).update(status=0, body="")
    return row


def test_a_day_later_a_token_is_free_again_and_old_answers_are_swept() -> None:
    who, token = caller(), fresh_token()
    who.post("/transfers", {"name": "一批"}, token=token)
    KeptAnswer.objects.update(begun_at=timezone.now() - timedelta(hours=25))
    assert who.post("/transfers", {"name": "另一批"}, token=token).status_code == 201
    assert answers.sweep(now=timezone.now() + timedelta(hours=25)) == 1


def test_what_a_killed_process_left_of_its_lock_is_swept_and_a_held_lock_stays(home: Path) -> None:
    locks = home / "locks"
    with answers.answering("line", "held"):
        (held,) = locks.iterdir()
        (locks / "answer-left.lock").touch()
        (locks / "batch-1.lock").touch()  # of another kind, whose file is for good
        answers.sweep(now=timezone.now())
        assert sorted(locks.iterdir()) == sorted([held, locks / "batch-1.lock"])


# Bodies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b'{"name": "\xe4"}', b'{"name": NaN}',
        b'{"name": "a", "name": "b"}', b'{"name": "\\ud800"}', b'{"\\udfff": 1, "name": "a"}',
        b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000,
    ],
)  # fmt: skip
def test_a_body_that_is_no_proper_json_is_refused(body: bytes) -> None:
    answer = caller().post("/transfers", body)
    assert answer.status_code in (400, 422)
    assert code_of(answer) in ("bad-request", "invalid")
    assert not Transfer.objects.exists()


@pytest.mark.parametrize("name", ["a\x00b", "\x00", "a\nb", "", "x" * 201, "\x7f"])
def test_control_signs_and_endless_texts_are_refused_with_their_place(name: str) -> None:
    answer = caller().post("/transfers", {"name": name})
    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert answer.json()["where"][0]["field"] == "body.name"


@pytest.mark.parametrize(
    "more",
    [
        {"unit": "CZJ"}, {"opened_by": "boss"}, {"batch": 1}, {"state": "accepted"},
        {"uuid": ID}, {"accept": True}, {"id": ID},
    ],
)  # fmt: skip
def test_a_field_that_is_not_in_the_contract_is_refused(more: dict[str, object]) -> None:
    answer = caller().post("/transfers", {"name": "一批"} | more)
    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert answer.json()["where"][0]["code"] == "extra_forbidden"
    assert not Transfer.objects.exists()


@pytest.mark.parametrize("value", [1, 1.5, True, None, ["x"], {"a": 1}])
def test_a_value_of_another_type_is_refused_and_not_bent(value: object) -> None:
    assert code_of(caller().post("/transfers", {"name": value})) == "invalid"


def test_a_parameter_that_means_nothing_is_refused() -> None:
    answer = caller().get("/transfers?limt=3")
    assert answer.json()["where"] == [{"field": "limt", "message": "没有这个参数"}]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/xml"])
def test_another_kind_of_body_is_refused(kind: str) -> None:
    answer = caller().post("/transfers", b'{"name": "x"}', content_type=kind)
    assert (answer.status_code, code_of(answer)) == (415, "bad-media-type")


def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    answer = caller().post("/transfers", b'{"name": "' + b"x" * (1 << 20) + b'"}')
    assert (answer.status_code, code_of(answer)) == (413, "too-large")


def test_a_piece_over_the_limit_is_refused(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    who = caller()
    transfer = who.post("/transfers", {"name": "一批"}).json()["id"]
    file = who.post(f"/transfers/{transfer}/files", {"path": "a", "size": 2000}).json()["id"]
    answer = who.put(f"/transfers/{transfer}/files/{file}", b"x" * 1001)
    assert (answer.status_code, code_of(answer)) == (413, "too-large")


# Answers ------------------------------------------------------------------------------------------


def test_answers_are_kept_by_nobody_on_the_way() -> None:
    for answer in (caller().get("/transfers"), Caller("").get("/transfers"), caller().get("/x")):
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "Authorization" in answer.headers["Vary"]


def test_an_unchanged_answer_is_304_and_still_a_read() -> None:
    who = caller()
    first = who.get("/search?q=x")
    reads = AuditRow.objects.filter(act="search").count()
    again = who.get("/search?q=x", If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert AuditRow.objects.filter(act="search").count() == reads + 1
    who.post("/transfers", {"name": "一批"})
    changed = who.get("/transfers", If_None_Match=first.headers["ETag"])
    assert changed.status_code == 200


def test_a_problem_has_its_shape_in_both_languages() -> None:
    for language, title in (("zh-CN", "请求没有接口密钥"), ("en", "The request has no key")):
        answer = Caller("", **{"Accept-Language": language}).get("/transfers")
        body = answer.json()
        assert body["title"].startswith(title)
        assert body["type"] == "/open/api/#no-key"
        assert body["trace_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/nothing", "/transfers/", "/../admin", "/transfers/x/y/z", ""])
def test_an_unknown_address_is_a_problem(path: str) -> None:
    answer = caller().get(path)
    assert (answer.status_code, code_of(answer)) == (404, "not-found")


def test_another_method_is_a_problem_that_names_the_right_ones() -> None:
    answer = caller().delete("/transfers")
    assert (answer.status_code, code_of(answer)) == (405, "bad-method")
    assert answer.headers["Allow"] == "GET, POST"


class BrokenSearch:
    """A search engine whose disk is gone."""

    def find(self, *_args: object, **_more: object) -> None:
        raise RuntimeError("the secret of the installation")


def test_a_fault_of_ours_is_told_to_the_log_and_not_to_the_caller(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {"class": f"{__name__}.BrokenSearch", "options": {}}
    settings.ENGINES = {**settings.ENGINES, "search": broken}
    answer = caller().get("/search?q=x")
    assert (answer.status_code, code_of(answer)) == (500, "fault")
    assert "secret" not in answer.content.decode()
    assert "the secret of the installation" in caplog.text


def test_a_mark_of_another_question_or_of_nobody_is_refused() -> None:
    who = caller()
    for at in range(3):
        who.post("/transfers", {"name": f"批次{at}"})
    mark = who.get("/transfers?limit=1").json()["next"]
    assert who.get(f"/transfers?limit=1&cursor={mark}").status_code == 200
    assert code_of(caller("CZJ").get(f"/transfers?cursor={mark}")) == "bad-cursor"
    assert code_of(who.get(f"/filings?cursor={mark}")) == "bad-cursor"
    assert code_of(who.get(f"/transfers?cursor={mark}x")) == "bad-cursor"
    assert code_of(who.get("/transfers?cursor=1")) == "bad-cursor"


def test_pages_of_a_list_give_every_row_once() -> None:
    who = caller()
    made = [who.post("/transfers", {"name": f"批次{at}"}).json()["id"] for at in range(7)]
    found: list[str] = []
    cursor = ""
    for _ in range(4):
        page = who.get(f"/transfers?limit=2&cursor={cursor}").json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert found == made[::-1]
    assert cursor == ""


def test_the_contract_is_open_and_has_every_operation() -> None:
    contract = Client().get("/api/v1/openapi.json").json()
    named = {(method.upper(), path) for path, ways in contract["paths"].items() for method in ways}
    assert named == {(one.method, one.path) for one in operations()}
    posts = [ways["post"] for ways in contract["paths"].values() if "post" in ways]
    assert all(
        any(row["name"] == "Idempotency-Key" and row["required"] for row in one["parameters"])
        for one in posts
    )
    assert json.dumps(contract)


def _words(part: Any) -> Iterator[str]:
    """Everything in a contract that people read."""
    if isinstance(part, list):
        for one in part:
            yield from _words(one)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name in ("summary", "description") and isinstance(value, str):
                yield value
            else:
                yield from _words(value)


def test_the_contract_is_whole_in_english() -> None:
    contract = Client().get("/api/v1/openapi.json", headers={"Accept-Language": "en"}).json()
    found = list(_words(contract))
    assert len(found) > 200
    assert [text for text in found if re.search("[\u4e00-\u9fff]", text)] == []


def test_all_scopes_are_those_of_the_contract() -> None:
    assert set(ALL) == set(SCOPES)
