"""Real browser against a real server with its worker, on a data folder of its own.

Wants a browser and a Chinese font (Debian: chromium, fonts-noto-cjk).
"""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs an event loop in this thread

CHROMIUM_ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
OUTSIDE = re.compile(r"the server responded with a status of|net::ERR_")  # not of the page
PASSWORD = "liandong-demo"
DEMO_ACCOUNTS = (
    "archivist", "archivist2", "director", "clerk", "clerk2", "reader", "sysadmin", "secadmin",
    "auditadmin", "desk", "desk2", "grid", "dispatcher", "handler", "handler2", "inspector",
    "firm", "chamber", "leader", "ledger", "station", "discipline", "discipline2",
)  # fmt: skip
START_S = 60
expect.set_options(timeout=15_000)

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = {"executable_path": os.environ.get("CHROMIUM", "/usr/bin/chromium")}
    return {**browser_type_launch_args, **chromium, "args": CHROMIUM_ARGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any], base_url: str) -> dict[str, Any]:
    size = {"width": 1366, "height": 768}
    mine = {"locale": "zh-CN", "viewport": size, "base_url": base_url}
    return {**browser_context_args, **mine}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)  # the only wait of the suite that is not an expectation
    raise RuntimeError("the server did not start")


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running installation with the demonstration, web server and worker.

    E2E_URL names one that runs already, fresh from `demo load`, while tests are written.
    """
    if running := os.environ.get("E2E_URL"):
        yield running
        return
    home = tmp_path_factory.mktemp("home")
    known = {
        "LIANDONG_SECOND_FACTOR": "", "LIANDONG_SESSIONS": "0",  # many sign in at once
        "LIANDONG_SESSION_IDLE_MINUTES": "600",  # and do nothing while the others act
    }  # fmt: skip
    environment = {**os.environ, **known, "LIANDONG_HOME": str(home)}
    command = [sys.executable, "-m", "liandong.site"]
    subprocess.run([*command, "demo", "load"], env=environment, check=True, capture_output=True)
    port = _free_port()
    with (home / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "serve", "--port", str(port)], env=environment, stdout=log, stderr=log
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(f"{address}/healthz/", server)
            yield address
        finally:
            server.terminate()
            server.wait(30)
    faults = re.findall(r"Traceback.*", (home / "serve.log").read_text("utf-8", "replace"))
    assert faults == []


class States(dict[str, Path]):
    """Where the cookies of each account lie; an account signs in when it is first asked for."""

    def __init__(self, browser: Browser, base_url: str, folder: Path) -> None:
        super().__init__()
        self._browser, self._base_url, self._folder = browser, base_url, folder

    def __missing__(self, who: str) -> Path:
        context = self._browser.new_context(base_url=self._base_url, locale="zh-CN")
        page = context.new_page()
        page.goto("/login/")
        page.get_by_label("用户名").fill(who)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="登录", exact=True).click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text("登录")
        self[who] = self._folder / f"{who}.json"
        context.storage_state(path=self[who])
        context.close()
        return self[who]


@pytest.fixture(scope="session")
def states(browser: Browser, base_url: str, tmp_path_factory: pytest.TempPathFactory) -> States:
    """Cookies of the demonstration accounts."""
    return States(browser, base_url, tmp_path_factory.mktemp("states"))


@pytest.fixture
def open_as(
    browser: Browser, browser_context_args: dict[str, Any], states: States
) -> Iterator[Open]:
    """Open a page as somebody: `open_as("archivist", "/desk/", theme="dark")`.

    Afterwards no page may have broken the content security policy or thrown an error.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_page(who: str, path: str = "", *, context: Any = None, **modes: str) -> Page:
        signed = {"storage_state": states[who]} if who in DEMO_ACCOUNTS else {}
        made = browser.new_context(**{**browser_context_args, **signed, **(context or {})})
        contexts.append(made)
        page = made.new_page()
        page.on("console", lambda message: _note(message.type, message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        if modes:
            set_modes(page, **modes)
        if path:
            page.goto(path)
        return page

    def _note(kind: str, text: str) -> None:
        if "Content Security Policy" in text or (kind == "error" and not OUTSIDE.search(text)):
            faults.append(text)

    yield open_page
    for made in contexts:
        made.close()
    assert faults == []


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures of the way go: the folder that E2E_PICTURES names, else that of the test."""
    place = Path(os.environ.get("E2E_PICTURES", tmp_path))
    place.mkdir(parents=True, exist_ok=True)
    return place


def set_modes(page: Page, **modes: str) -> None:
    """Choose display modes on their page, as a person does."""
    page.goto("/modes/")
    for name, value in modes.items():
        page.locator(f'input[name="{name}"][value="{value}"]').check()
    page.locator("main form button.btn-primary").click()
    page.wait_for_load_state()


def violations(page: Page, rules: Sequence[str] = ()) -> list[tuple[str, str, str]]:
    """What axe finds: rule, impact and the first element of every violation; `rules` narrow it."""
    asked = {"type": "rule", "values": [*rules]} if rules else {"type": "tag", "values": WCAG}
    options = {"runOnly": asked, "resultTypes": ["violations"]}  # what passes takes longer to tell
    found = Axe().run(page, options=options).response["violations"]
    return [(one["id"], one["impact"], one["nodes"][0]["html"][:140]) for one in found]


LOOKS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "light": ({}, ()),
    "dark": ({"data-bs-theme": "dark"}, ("color-contrast",)),
    "elder": ({"data-size": "elder"}, ("color-contrast", "scrollable-region-focusable")),
    "phone": ({}, ()),
}
"""How a page may look: what the server would write on <html>, and the rules of axe that this can
touch (none named: all of them)."""
PHONE: ViewportSize = {"width": 390, "height": 844}


def faults_of_looks(page: Page) -> dict[str, Any]:
    """What is wrong with this page in each look: what axe finds, and a page wider than its window.

    The page is loaded once: looks are attributes of <html>, which the server writes likewise
    (`test_modes_are_kept_and_rendered_by_the_server`).
    """
    wide = page.viewport_size
    assert wide
    faults: dict[str, Any] = {}
    page.emulate_media(reduced_motion="reduce")  # a colour on its way is neither of the two
    for name, (attributes, rules) in LOOKS.items():
        page.set_viewport_size(PHONE if name == "phone" else wide)
        given = {"data-bs-theme": "light", "data-size": "normal", **attributes}
        page.evaluate(
            "(all) => { for (const [k, v] of Object.entries(all))"
            " document.documentElement.setAttribute(k, v); }",
            given,
        )
        found: list[Any] = [*violations(page, rules)]
        width = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        if width > 0:
            found.append(("wider than the window", f"{width} px", name))
        if found:
            faults[name] = found
    page.set_viewport_size(wide)
    return faults


class Transfer:
    """Counts bytes on the wire and requests of a page, by the DevTools protocol."""

    def __init__(self, page: Page) -> None:
        self.sizes: list[float] = []
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.on(
            "Network.loadingFinished", lambda event: self.sizes.append(event["encodedDataLength"])
        )

    @property
    def bytes(self) -> int:
        return round(sum(self.sizes))
