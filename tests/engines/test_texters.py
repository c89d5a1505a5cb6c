"""Texters: one contract for every adapter, and the gateway on a real socket."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liandong.engines.messages.gateway import GatewayTexter
from liandong.engines.messages.kept import NAME, KeptTexts, masked
from liandong.kernel.ports import ShortMessage, Texter

pytestmark = pytest.mark.enable_socket  # the gateway runs on the loopback

PHONE = "13800138000"
ONE = ShortMessage("letter-1", PHONE, "事项已办结，请评价。")
TWO = ShortMessage("letter-2", "13900139000", "两行\n文字")


class _Gateway(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        self.got: list[tuple[str, dict[str, str], Any]] = []
        self.status, self.headers = 200, {"Content-Length": "0"}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/send?app=1"


class _Taker(http.server.BaseHTTPRequestHandler):
    server: _Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), json.loads(body)))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        return


@pytest.fixture
def gateway() -> Iterator[_Gateway]:
    with _Gateway() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(params=["kept", "gateway"])
def texter(request: pytest.FixtureRequest, tmp_path: Path, gateway: _Gateway) -> Texter:
    make: dict[str, Callable[[], Texter]] = {
        "kept": lambda: KeptTexts(folder=tmp_path),
        "gateway": lambda: GatewayTexter(url=gateway.url, key="k"),
    }
    return make[request.param]()


# The contract -------------------------------------------------------------------------------------


def test_there_is_one_reply_for_each_message_in_order(texter: Texter) -> None:
    replies = texter.send([ONE, TWO])
    assert [reply.is_taken for reply in replies] == [True, True]
    assert texter.send([]) == []


def test_a_failure_is_a_reply_and_no_exception(tmp_path: Path, gateway: _Gateway) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("x")
    address = gateway.url
    gateway.shutdown()
    gateway.server_close()
    broken: list[Texter] = [KeptTexts(folder=in_the_way), GatewayTexter(url=address)]
    for one in broken:
        (reply,) = one.send([ONE])
        assert (reply.status, reply.is_taken) == (0, False)
        assert reply.trouble


def test_nothing_on_this_machine_keeps_the_number(texter: Texter, tmp_path: Path) -> None:
    texter.send([ONE, TWO])
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert PHONE.encode() not in kept


# The adapters -------------------------------------------------------------------------------------


def test_without_a_gateway_one_sees_what_would_have_been_sent(tmp_path: Path) -> None:
    KeptTexts(folder=tmp_path).send([ONE, TWO])
    lines = (tmp_path / NAME).read_text("utf-8").splitlines()
    assert lines == ["letter-1 *********00 事项已办结，请评价。", "letter-2 *********00 两行 文字"]
    assert masked("1") == "1"


def test_the_gateway_gets_its_own_names_and_the_key(gateway: _Gateway) -> None:
    names = ("mobile", "content", "msgid")
    GatewayTexter(url=gateway.url, key="secret", fields=names).send([ONE])
    ((path, headers, body),) = gateway.got
    assert path == "/send?app=1"
    assert headers["Authorization"] == "Bearer secret"
    assert body == {"mobile": PHONE, "content": ONE.text, "msgid": "letter-1"}


@pytest.mark.parametrize("status", [302, 400, 401, 500])
def test_what_the_gateway_refuses_is_not_taken_and_no_redirect_is_followed(
    gateway: _Gateway, status: int
) -> None:
    gateway.status = status
    gateway.headers = {"Content-Length": "0", "Location": gateway.url}
    (reply,) = GatewayTexter(url=gateway.url).send([ONE])
    assert (reply.status, reply.is_taken, len(gateway.got)) == (status, False, 1)


@pytest.mark.parametrize("url", ["", "ftp://x/", "https:///x", "gateway"])
def test_an_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        GatewayTexter(url=url)
