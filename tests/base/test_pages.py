"""The frame of pages: bars by role, headers, errors, signing in."""

import json
import re

import pytest
from django.test import Client, RequestFactory, override_settings

from liandong.base import views
from liandong.base.front_end import built_files, island_words
from liandong.base.models import Account, Post, Role

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.base.room_urls")]


@pytest.fixture
def sign_in_as(client: Client):
    def sign_in(role: Role | None) -> Client:
        account = Account.objects.create(username="wang", full_name="王五")
        if role:
            Post.objects.create(account=account, role=role)
        client.force_login(account)
        return client

    return sign_in


def _links(page: str, name: str) -> list[str]:
    nav = re.search(rf'<nav[^>]*aria-label="{name}".*?</nav>', page, re.S)
    return re.findall(r'href="([^"]+)"', nav.group()) if nav else []


def test_a_visitor_sees_only_links_of_the_public_bar_that_exist(client: Client) -> None:
    assert _links(client.get("/archive/").content.decode(), "主导航") == ["/search/"]


def test_an_archivist_sees_the_rows_of_archive_work(sign_in_as) -> None:
    page = sign_in_as(Role.ARCHIVIST).get("/archive/").content.decode()
    assert _links(page, "主导航") == ["/archive/", "/search/", "/admin/approvals/"]
    assert _links(page, "档案工作") == ["/transfers/", "/archive/", "/preservation/"]


def test_a_clerk_does_not_see_what_only_archivists_do(sign_in_as) -> None:
    page = sign_in_as(Role.CLERK).get("/archive/").content.decode()
    assert _links(page, "档案工作") == ["/transfers/", "/archive/"]


@pytest.mark.parametrize(
    ("officer", "row"),
    [
        ("sys_admin", ["accounts", "approvals", "units", "review"]),
        ("sec_admin", ["accounts", "approvals", "units", "review"]),
        ("audit_admin", ["accounts", "approvals", "review"]),
    ],
)
def test_an_officer_sees_the_rows_of_administration(
    client: Client, officer: str, row: list[str]
) -> None:
    client.force_login(Account.objects.create(username="wang", officer=officer))
    page = client.get("/admin/accounts/").content.decode()
    assert _links(page, "主导航")[:1] == ["/admin/accounts/"]
    assert _links(page, "管理工作") == [f"/admin/{name}/" for name in row]
    assert "/archive/" not in _links(page, "主导航")


def test_a_reader_has_the_public_bar(sign_in_as) -> None:
    page = sign_in_as(Role.READER).get("/archive/").content.decode()
    assert 'data-face="public"' in page
    assert _links(page, "主导航") == ["/search/"]


def test_every_page_has_a_skip_link_one_search_box_and_a_main(client: Client) -> None:
    page = client.get("/modes/").content.decode()
    assert page.index('class="ld-skip"') < page.index("<header")
    assert (page.count('role="search"'), page.count("<main"), page.count("<h1")) == (1, 1, 1)


def test_the_headers_allow_no_foreign_or_inline_script(client: Client) -> None:
    answer = client.get("/login/")
    policy = dict(
        part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";")
    )
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert (answer["X-Content-Type-Options"], answer["Referrer-Policy"]) == (
        "nosniff",
        "same-origin",
    )


def test_no_page_holds_inline_script_or_handlers(client: Client) -> None:
    page = client.get("/modes/").content.decode()
    scripts = re.findall(r"<script[^>]*>", page)
    assert [tag for tag in scripts if "src=" not in tag and "application/json" not in tag] == []
    assert re.findall(r"\son\w+=", page) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-12345678", True), ("short", False), ("a b<script>c", False), ("", False)],
)
def test_a_harmless_request_id_is_taken_over_and_any_other_replaced(
    client: Client, given: str, kept: bool
) -> None:
    answer = client.get("/login/", headers={"x-request-id": given})
    assert (answer["X-Request-ID"] == given) is kept
    assert re.fullmatch(r"[0-9A-Za-z-]{8,64}", answer["X-Request-ID"])


def test_a_hidden_page_answers_in_our_look_with_its_trace_id(client: Client) -> None:
    answer = client.get("/hide/")
    assert answer.status_code == 404
    assert f"<code>{answer['X-Request-ID']}</code>" in answer.content.decode()


def test_a_crash_shows_the_trace_id_and_no_detail(client: Client) -> None:
    client.raise_request_exception = False
    answer = client.get("/fail/")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert answer["X-Request-ID"] in page
    assert "secret detail" not in page


@pytest.mark.parametrize(
    ("view", "status"),
    [(views.bad_request, 400), (views.forbidden, 403), (views.form_expired, 403)],
)
def test_refusals_have_their_status_and_a_way_home(view, status: int) -> None:
    answer = view(RequestFactory().get("/"))
    assert answer.status_code == status
    assert 'href="/"' in answer.content.decode()


def test_the_account_menu_has_a_name_where_its_words_are_hidden(sign_in_as) -> None:
    page = sign_in_as(Role.ARCHIVIST).get("/modes/").content.decode()
    assert re.search(r'<summary aria-label="([^"]+)"[^>]*>.*?<span class="ld-wide">\1<', page)


def test_a_program_is_refused_in_json() -> None:
    answer = views.forbidden(RequestFactory().get("/", headers={"Accept": "application/json"}))
    assert (answer.status_code, set(json.loads(answer.content))) == (403, {"message"})


def test_a_page_costs_four_queries_for_who_asks(sign_in_as, django_assert_num_queries) -> None:
    client = sign_in_as(Role.ARCHIVIST)
    with django_assert_num_queries(4):  # session, account, posts, unseen notices
        client.get("/modes/")


def test_the_gallery_exists_only_while_debugging(client: Client) -> None:
    assert client.get("/gallery/").status_code == 404
    with override_settings(DEBUG=True):
        assert client.get("/gallery/").status_code == 200


def test_pages_work_where_no_front_end_was_built(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setattr("liandong.base.front_end.MANIFEST", tmp_path / "manifest.json")
    assert built_files() == ([], [])
    assert "<script" not in client.get("/modes/").content.decode()


def test_built_files_name_the_entry_its_style_and_its_imports(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(
        '{"src/main.ts": {"file": "assets/main-1.js", "css": ["assets/main-2.css"],'
        ' "imports": ["_part"]}, "_part": {"file": "assets/part-3.js"}}'
    )
    monkeypatch.setattr("liandong.base.front_end.MANIFEST", manifest)
    assert built_files() == (
        ["dist/assets/main-2.css"],
        ["dist/assets/main-1.js", "dist/assets/part-3.js"],
    )


def test_an_island_that_does_not_exist_has_no_words() -> None:
    with pytest.raises(KeyError):
        island_words("nothing")
