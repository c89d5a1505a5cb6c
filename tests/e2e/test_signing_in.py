"""Signing in as people do: by password, by passkey, with codes; and two persons for one act."""

import base64
import hashlib
import hmac
import re
import struct
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from .conftest import PASSWORD, Open, violations

pytestmark = pytest.mark.e2e
PERIOD_S = 30


@pytest.fixture
def local(base_url: str) -> str:
    """The server under a name: a passkey belongs to a name, never to an address."""
    return base_url.replace("127.0.0.1", "localhost")


@pytest.fixture
def fresh(browser: Browser, local: str) -> Any:
    """A browser that nobody signed in to, under the name."""
    context = browser.new_context(base_url=local, locale="zh-CN")
    yield context
    context.close()


def code_of(secret: str) -> str:
    """What the app on a phone shows now.  Source: RFC 6238."""
    counter = struct.pack(">Q", int(time.time()) // PERIOD_S)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def sign_in(page: Page, name: str) -> None:
    page.goto("/login/")
    page.get_by_label("用户名").fill(name)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="登录", exact=True).click()


def sign_out(page: Page) -> None:
    page.locator("details.ld-menu summary").last.click()
    page.get_by_role("button", name="退出").click()
    expect(page.get_by_role("link", name="登录")).to_be_visible()


def plug_in_key(context: BrowserContext, page: Page) -> None:
    """A passkey holder inside the browser that always confirms."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_is_added_signs_in_alone_and_confirms(fresh: BrowserContext) -> None:
    page = fresh.new_page()
    plug_in_key(fresh, page)
    sign_in(page, "clerk2")
    page.goto("/me/factors/passkey/")
    assert violations(page) == []
    page.get_by_label("名称").fill("办公室电脑")
    page.get_by_role("main").get_by_role("button", name="添加").click()
    expect(page.get_by_role("heading", name="恢复码")).to_be_visible()
    assert page.locator(".ld-codes li").count() == 10
    page.get_by_role("link", name="我已保存").click()
    expect(page.get_by_text("办公室电脑").first).to_be_visible()
    sign_out(page)

    page.goto("/login/?next=/me/")
    page.get_by_role("button", name="用通行密钥").click()
    expect(page.get_by_role("heading", name="我的账号")).to_be_visible()
    expect(page.get_by_text("clerk2", exact=True)).to_be_visible()
    sign_out(page)

    sign_in(page, "clerk2")  # as the second factor
    expect(page.get_by_role("heading", name="第二因素")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="用通行密钥").click()
    expect(page.get_by_role("heading", name="第二因素")).to_have_count(0)
    page.goto("/me/factors/")
    page.get_by_role("link", name="删除 办公室电脑").click()
    page.get_by_role("button", name="删除").click()
    expect(page.get_by_text("办公室电脑")).to_have_count(0)


def test_a_browser_without_the_key_says_so(fresh: BrowserContext) -> None:
    page = fresh.new_page()
    plug_in_key(fresh, page)  # an empty one
    page.goto("/login/")
    page.get_by_role("button", name="用通行密钥").click()
    expect(page.get_by_text("没有完成：")).to_be_visible()


def test_without_script_the_password_still_signs_in(browser: Browser, base_url: str) -> None:
    context = browser.new_context(base_url=base_url, locale="zh-CN", java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "reader")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("登录")
    page.goto("/login/")
    context.close()


def test_an_app_for_codes_is_added_and_asked_for(fresh: BrowserContext) -> None:
    page = fresh.new_page()
    sign_in(page, "auditadmin")
    page.goto("/me/factors/app/")
    assert violations(page) == []
    secret = page.locator(".ld-secret").inner_text()
    page.get_by_label("验证码").fill(code_of(secret))
    page.get_by_role("main").get_by_role("button", name="添加").click()
    codes = page.locator(".ld-codes code").all_inner_texts()
    assert len(codes) == 10
    sign_out(page)

    sign_in(page, "auditadmin")
    page.get_by_label("验证码").fill(codes[0])
    page.get_by_role("main").get_by_role("button", name="登录", exact=True).click()
    page.goto("/me/factors/app/remove/")
    page.get_by_role("button", name="删除").click()
    expect(page.get_by_role("link", name="添加动态口令")).to_be_visible()


def test_two_persons_give_a_role(open_as: Open) -> None:
    system = open_as("sysadmin", "/admin/open-account/")
    assert violations(system) == []
    system.get_by_label("用户名").fill("xinren")
    system.get_by_label("姓名").fill("新人（演示）")
    system.get_by_role("main").get_by_role("button", name="开立账号").click()
    given = system.locator(".ld-secret").inner_text()
    assert re.fullmatch(r"[\w-]{19}", given)
    system.get_by_role("link", name="完成").click()
    assert violations(system) == []
    system.get_by_label("授予角色").select_option("clerk")
    system.get_by_role("button", name="预览 授予角色").click()
    expect(system.get_by_text("新人（演示）（xinren）将成为兼职档案员。")).to_be_visible()
    assert violations(system) == []
    system.get_by_label("事由").fill("接任兼职档案员")
    system.get_by_role("button", name="提交申请").click()
    expect(system.get_by_role("button", name="批准", exact=True)).to_have_count(0)

    security = open_as("secadmin", "/admin/approvals/")
    assert violations(security) == []
    security.get_by_role("table").first.get_by_role("link").first.click()
    assert violations(security) == []
    security.get_by_role("button", name="批准", exact=True).click()
    expect(security.get_by_text("已执行").first).to_be_visible()

    newcomer = open_as("nobody", "/login/")
    newcomer.get_by_label("用户名").fill("xinren")
    newcomer.get_by_label("密码").fill(given)
    newcomer.get_by_role("main").get_by_role("button", name="登录", exact=True).click()
    expect(newcomer.get_by_role("heading", name="更换密码")).to_be_visible()
    assert violations(newcomer) == []
    newcomer.get_by_label("现在的密码").fill(given)
    newcomer.get_by_label("新密码", exact=True).fill("Jieren-2026-xin")
    newcomer.get_by_label("再输一次新密码").fill("Jieren-2026-xin")
    newcomer.get_by_role("button", name="更换密码").click()
    newcomer.goto("/me/")
    expect(newcomer.get_by_text("移交和著录本单位的档案")).to_be_visible()


PROTECTED = {"/desk/": "工作台", "/search/?q=座谈会": "座谈会纪要", "/retention/": "到期鉴定"}


def test_after_signing_out_the_back_button_shows_nothing_of_before(fresh: BrowserContext) -> None:
    page = fresh.new_page()
    sign_in(page, "archivist2")
    page.goto("/search/?q=座谈会")
    page.locator(".ld-hit h2 a").first.click()
    record = page.url
    reading = {record: "座谈会纪要", f"{record}view/": "开放18处驿站"}
    for path, words in (PROTECTED | reading).items():
        answer = page.goto(path)
        assert answer is not None
        assert "no-store" in answer.headers["cache-control"], path
        expect(page.locator("main")).to_contain_text(words)
    sign_out(page)
    for words in ("开放18处驿站", "座谈会纪要", "到期鉴定", "座谈会纪要"):
        page.go_back()
        expect(page.locator("h1")).to_have_text(re.compile("登录|没有找到|查档"))
        expect(page.get_by_role("main")).not_to_contain_text(words)
        expect(page.get_by_role("link", name="登录").first).to_be_visible()
