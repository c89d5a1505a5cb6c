"""A running installation on the loopback: the sample client, and one request sent by many at once.

Web processes and worker run as in production, on a data folder of their own; on PostgreSQL too
where TEST_POSTGRES names a server.
"""

import base64
import http.server
import importlib
import importlib.util
import io
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from PIL import Image
from tests.corpus.contents import zipped
from tests.corpus.handovers import catalogued, row
from tests.homes import database_with_tables, environment
from tests.intake.running import letter, liandong
from tests.portal.open311_schemas import check

from liandong.portal.policies import SCOPES

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]
ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
AT_ONCE = 8


@dataclass(frozen=True)
class Installation:
    """A server that runs, with a key of the department BGS."""

    address: str
    token: str
    client: Any
    module: ModuleType
    issue: Callable[..., str]  # another key, with more words of the command line


def _module() -> ModuleType:
    """The sample client, loaded from the documents as anybody would copy it."""
    spec = importlib.util.spec_from_file_location(
        "liandong_client", ROOT / "docs" / "api" / "liandong_client.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _databases() -> list[str]:
    return ["sqlite", *(["postgresql"] if os.environ.get("TEST_POSTGRES") else [])]


@contextmanager
def _settings(kind: str) -> Iterator[dict[str, str]]:
    """Settings of an installation of its own, on a fresh database."""
    known = {
        "LIANDONG_WEBHOOK_LOOPBACK": "1", "LIANDONG_WEB_WORKERS": "2",
        "LIANDONG_API_PER_MINUTE": "60000", "LIANDONG_OPEN311_EXTENSIONS": "1",
        "PYTHONPATH": str(ROOT / "src"),
    }  # fmt: skip
    with ExitStack() as stack:
        if kind == "postgresql":
            known["LIANDONG_DATABASE"] = stack.enter_context(database_with_tables("liandong_live"))
        yield known


@pytest.fixture(scope="module", params=_databases())
def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    home, port = tmp_path_factory.mktemp("home"), _free_port()
    with _settings(request.param) as more:
        who = ("account", "add", "wang", "--role", "clerk", "--unit", "BGS=办公室")
        _run(home, *who, "--clearance", "1", NEW_PASSWORD=f"{uuid4().hex}-Aa1", **more)
        token = _issue(home, more)
        command = [sys.executable, "-m", "liandong.site", "serve", "--port", str(port)]
        with (home / "serve.log").open("wb") as log:
            server = subprocess.Popen(
                command, env=environment(home, **more), stdout=log, stderr=log
            )
        address, module = f"http://127.0.0.1:{port}", _module()
        try:
            _wait_for(address, server)
            yield Installation(
                address, token, module.Client(address, token), module,
                lambda *words: _issue(home, more, *words),
            )  # fmt: skip
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
    log_text = (home / "serve.log").read_text("utf-8", "replace")
    assert "Traceback" not in log_text, log_text[-3000:]


def _run(home: Path, *words: str, **more: str) -> str:
    done = liandong(home, *words, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _issue(home: Path, more: Mapping[str, str], *words: str) -> str:
    """A key with every scope."""
    scopes = [word for one in SCOPES for word in ("--scope", one)]
    return _run(home, "apikey", "create", "试用", "--account", "wang", *scopes, *words, **more)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/healthz/", timeout=5):  # noqa: S310 - our own
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise RuntimeError("the server did not start")


# The sample client --------------------------------------------------------------------------------


class _Receiver(http.server.BaseHTTPRequestHandler):
    """The other side of a subscription: keeps what comes."""

    got: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append(({name.lower(): text for name, text in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    got: list[tuple[dict[str, str], bytes]] = []
    handler = type("Handler", (_Receiver,), {"got": got})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/events", got
    server.shutdown()
    server.server_close()


def test_the_client_hands_over_follows_and_gets_its_receipt(installation: Installation) -> None:
    client = installation.client
    files = catalogued([row(1), row(2)])

    transfer = client.hand_over("二〇二六年二季度", files)

    assert client.wait_for(transfer["id"], PATIENCE_S)["items"] == {"waiting": 2}
    assert [one["state"] for one in client.items(transfer["id"])] == ["waiting", "waiting"]
    assert {one["path"] for one in client.receipt(transfer["id"])} == set(files)


def test_the_client_goes_on_with_the_same_token(installation: Installation) -> None:
    client, token = installation.client, uuid4().hex
    files = {"a.txt": letter(1) * 100}
    transfers = [client.hand_over("一批", files, token=token)["id"] for _ in range(2)]
    assert len(set(transfers)) == 1


def test_the_client_is_told_of_what_happens_by_a_notice_that_it_can_check(
    installation: Installation, receiver: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    url, got = receiver
    client, module = installation.client, installation.module
    secret = client.subscribe(url, ["transfer.received"], "hmac-sm3")["secret"]

    transfer = client.hand_over_package("包.zip", zipped(catalogued([row(7)])))

    until = time.monotonic() + PATIENCE_S
    while not got and time.monotonic() < until:
        time.sleep(0.2)
    [(headers, body)] = got
    assert module.is_genuine([secret], headers, body)
    assert not module.is_genuine([secret], headers, body + b" ")
    assert not module.is_genuine(["whsec_" + base64.b64encode(b"x").decode()], headers, body)
    assert not module.is_genuine([secret], headers, body, now=time.time() + 600)
    told = json.loads(body)
    assert (told["type"], told["data"]["batch"]) == ("transfer.received", transfer["id"])


def test_the_client_files_and_searches_and_says_why_it_was_refused(
    installation: Installation,
) -> None:
    client, module = installation.client, installation.module
    document = {"title": "关于防汛的通知", "author": "办公室", "document_date": "2026-05-06"}
    filing = client.file("oa", "1", document, [("正文.txt", letter(3))])
    assert client.filing(filing["id"])["document_id"] == "1"
    assert client.file("oa", "1", document, [("正文.txt", letter(3))])["id"] == filing["id"]
    with pytest.raises(module.Refused) as refused:
        client.file("oa", "1", document | {"title": "另一份"}, [("正文.txt", letter(3))])
    assert (refused.value.status, refused.value.code) == (409, "already-filed")
    assert list(client.search("没有这样的词")) == []


# Open311 by a client of others --------------------------------------------------------------------


@pytest.fixture
def three(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`three` at the address that discovery names, with a key that may report.

    It was written for Python 2, whose `itertools.ifilter` it gets back, and speaks JSON here: its
    own reading of XML takes the first of `dict.keys()` by index.
    """
    monkeypatch.setattr(itertools, "ifilter", filter, raising=False)
    module = importlib.import_module("three")
    first = module.Three(f"{installation.address}/open311/v2")
    found = first.discovery()
    first.session.close()
    check("discovery", found)
    address = next(one["url"] for one in found["endpoints"] if one["type"] == "production")
    made = module.Three(address, api_key=installation.token)
    yield made
    made.session.close()


def _photo() -> io.BytesIO:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (37.0, 22.0, 30.0), 3: "E", 4: (118.0, 1.0, 5.0)}
    Image.new("RGB", (640, 480), (90, 140, 90)).save(out, "JPEG", exif=exif)
    return io.BytesIO(out.getvalue())


HEAP: Mapping[str, str] = {"attribute[SIZE]": "S"}


def test_another_client_finds_services_and_their_questions(three: Any) -> None:
    services = three.services()
    check("services", services)
    assert [one["metadata"] for one in services if one["service_code"] == "E0101"] == [True]
    told = three.services("E0101")
    check("definition", told)
    assert [one["code"] for one in told["attributes"]] == ["SIZE"]


def test_another_client_reports_with_a_photo_and_finds_its_request_again(three: Any) -> None:
    (told,) = three.post(
        "E0101", lat=37.381, long=118.017, name="小 明", phone="13800138000",
        description="路口有一堆垃圾", media=_photo(), **HEAP,
    )  # fmt: skip
    assert three.post_response.status_code == 201
    number = told["service_request_id"]
    (request,) = three.request(number)
    check("requests", [request])
    assert (request["service_request_id"], request["status"]) == (number, "open")
    assert (request["lat"], request["description"]) == (37.381, None)  # nobody has read it yet
    assert number in [one["service_request_id"] for one in three.requests("E0101")]
    assert three.requests("E0102") == []
    (unknown,) = three.token(str(uuid4()))
    assert unknown == {"code": "404", "description": "token was not found"}


def test_another_client_asks_by_its_own_dates(three: Any) -> None:
    (told,) = three.post("E0101", address="黄河五路", description="垃圾", **HEAP)
    today = timezone.localdate()
    week = three.requests(between=[today - timedelta(days=7), today + timedelta(days=2)])
    check("requests", week)
    assert told["service_request_id"] in [one["service_request_id"] for one in week]
    assert three.requests(between=[today - timedelta(60), today - timedelta(30)]) == []


def test_another_client_is_told_of_errors_as_the_standard_has_them(three: Any) -> None:
    refused = three.post("E0101", description="没有地点", **HEAP)
    check("errors", refused)
    assert refused[0]["code"] == "400"
    (refused,) = three.post("E9999", lat=37.0, long=118.0, description="没有这一类")
    assert refused["code"] == "404"
    (refused,) = three.post("E0101", api_key="wrong", lat=37.0, long=118.0, description="没有密钥")
    assert (refused["code"], three.post_response.status_code) == ("403", 403)


# Many at once -------------------------------------------------------------------------------------


def _raw(installation: Installation, path: str, body: Any, token: str) -> tuple[int, Any]:
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{installation.address}/api/v1{path}", json.dumps(body).encode(), method="POST",
        headers={
            "Authorization": f"Bearer {installation.token}", "Idempotency-Key": token,
            "Content-Type": "application/json",
        },
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def _at_once(work: Callable[[int], tuple[int, Any]]) -> list[tuple[int, Any]]:
    gate = threading.Barrier(AT_ONCE)

    def one(number: int) -> tuple[int, Any]:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, range(AT_ONCE)))


def test_one_request_sent_by_many_at_once_is_done_once(installation: Installation) -> None:
    token, name = uuid4().hex, uuid4().hex

    answers = _at_once(lambda _: _raw(installation, "/transfers", {"name": name}, token))

    assert {status for status, _ in answers} <= {201, 409}
    made = {body["id"] for status, body in answers if status == 201}
    assert len(made) == 1
    again = _raw(installation, "/transfers", {"name": name}, token)
    assert (again[0], again[1]["id"]) == (201, made.pop())
    listed = [one for one in installation.client.pages("/transfers") if one["name"] == name]
    assert len(listed) == 1


def test_one_document_filed_by_many_at_once_is_one_filing(installation: Installation) -> None:
    number = uuid4().hex
    document = {"title": "关于防汛的通知", "author": "办公室", "document_date": "2026-05-06"}
    content = base64.b64encode(letter(9, number)).decode()
    body = {
        "system": "oa", "document_id": number, "document": document,
        "files": [{"name": "正文.txt", "content": content}],
    }  # fmt: skip

    answers = _at_once(lambda _: _raw(installation, "/filings", body, uuid4().hex))

    assert sorted(status for status, _ in answers) == [200] * (AT_ONCE - 1) + [202]
    assert len({body["id"] for _, body in answers}) == 1


def test_a_limit_holds_over_all_processes(installation: Installation) -> None:
    small = replace(installation, token=installation.issue("--per-minute", "5"))

    answers = _at_once(lambda _: _raw(small, "/transfers", {"name": "x"}, uuid4().hex))

    assert sorted(status for status, _ in answers) == [201] * 5 + [429] * (AT_ONCE - 5)
