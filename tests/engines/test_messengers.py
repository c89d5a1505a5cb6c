"""The messenger on a real socket: it goes to the address that was judged, and nowhere else."""

import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.portal.messengers import KeepingMessenger

from liandong.engines.messages.pinned import PinnedMessenger
from liandong.kernel.endpoints import BadEndpoint
from liandong.kernel.ports import Letter, Messenger

NAME = "oa.example.cn"


class _Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what it gets and answers as its server was told."""

    server: "_Server"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        self.server.got.append((self.path, dict(self.headers), self.rfile.read(length)))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.server.drip(self.wfile)

    def log_message(self, *_args: Any) -> None:
        return


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status, self.headers = 204, {"Content-Length": "0"}
        self.endless = False
        self.ended = threading.Event()

    def drip(self, out: Any) -> None:
        while self.endless and not self.ended.wait(0.05):
            out.write(b"x")
            out.flush()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


@pytest.fixture
def server(socket_enabled: None) -> Iterator[_Server]:
    receiver = _Server()
    thread = threading.Thread(target=receiver.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield receiver
    receiver.ended.set()
    receiver.shutdown()
    receiver.server_close()


@pytest.fixture
def trust(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A context for the server with a certificate of NAME, and one that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)  # noqa: TID251 - a certificate lives by the clock of the machine
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = tmp_path / "certificate.pem"
    plain = serialization.NoEncryption()
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*pem))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    return serving, ssl.create_default_context(cafile=file)


def _letter(url: str) -> Letter:
    return Letter(url, {"Content-Type": "application/json", "webhook-id": "1"}, b'{"a":1}')


def _trial(server: _Server, **options: Any) -> PinnedMessenger:
    return PinnedMessenger(loopback=True, resolver=lambda host, port: ["127.0.0.1"], **options)


def _url(server: _Server, path: str = "/in?x=1") -> str:
    return f"http://localhost:{server.port}{path}"


# The port -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [PinnedMessenger, KeepingMessenger])
def test_every_messenger_judges_alike(make: Any) -> None:
    messenger: Messenger = make()
    for url in ("http://example.cn/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/"):
        with pytest.raises(BadEndpoint):
            messenger.judge(url)
    messenger.judge("https://8.8.8.8/")


# Sending ------------------------------------------------------------------------------------------


def test_a_letter_arrives_with_its_headers_and_bytes(server: _Server) -> None:
    [reply] = _trial(server).send([_letter(_url(server))])

    assert (reply.status, reply.trouble, reply.is_taken) == (204, "", True)
    [(path, headers, body)] = server.got
    assert (path, body) == ("/in?x=1", b'{"a":1}')
    assert headers["Host"] == f"localhost:{server.port}"
    assert headers["webhook-id"] == "1"


def test_replies_come_in_the_order_of_the_letters(server: _Server) -> None:
    letters = [_letter(_url(server, f"/{at}")) for at in range(20)]
    letters[7] = _letter("ftp://x/")

    replies = _trial(server).send(letters)

    assert [reply.status for reply in replies] == [204] * 7 + [0] + [204] * 12
    assert replies[7].trouble == "refused:scheme"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(server: _Server, status: int) -> None:
    server.status = status
    server.headers = {"Location": f"http://127.0.0.1:{server.port}/secret", "Content-Length": "0"}

    [reply] = _trial(server).send([_letter(_url(server))])

    assert (reply.status, reply.is_taken) == (status, False)
    assert [path for path, _, _ in server.got] == ["/in?x=1"]


def test_a_receiver_that_drips_for_ever_is_left(server: _Server) -> None:
    server.status, server.endless, server.headers = 200, True, {}

    [reply] = _trial(server, deadline_s=0.3).send([_letter(_url(server))])  # else it never ends

    assert reply.status == 200  # that had come before the dripping


def test_a_receiver_that_never_answers_is_left(socket_enabled: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        messenger = PinnedMessenger(
            loopback=True, resolver=lambda host, port: ["127.0.0.1"], deadline_s=0.3
        )
        port = silent.getsockname()[1]
        [reply] = messenger.send([_letter(f"http://localhost:{port}/")])
    assert reply.trouble == "timeout"


def test_nobody_there_is_a_reply(socket_enabled: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    messenger = PinnedMessenger(loopback=True, resolver=lambda host, port: ["127.0.0.1"])
    [reply] = messenger.send([_letter(f"http://localhost:{port}/")])
    assert reply.trouble == "ConnectionRefusedError"


def test_no_proxy_of_the_environment_is_asked(
    server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert _trial(server).send([_letter(_url(server))])[0].is_taken


# Names that change --------------------------------------------------------------------------------


class _Rebinding:
    """A name server that gives a public address first, and this machine afterwards."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return ["93.184.216.34"] if self.asked == 1 else ["127.0.0.1"]


def test_a_name_that_changes_after_it_was_judged_leads_nowhere(
    server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[Any] = []

    def refuse(address: Any, timeout: float) -> socket.socket:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    names = _Rebinding()
    messenger = PinnedMessenger(ports=[443], resolver=names)

    messenger.send([_letter(f"https://{NAME}/")])
    [second] = messenger.send([_letter(f"https://{NAME}/")])

    assert called == [("93.184.216.34", 443)]  # the address that was judged, asked for once
    assert names.asked == 2
    assert second.trouble == "refused:address"
    assert server.got == []


def test_a_name_with_an_inner_address_beside_a_public_one_is_refused(server: _Server) -> None:
    messenger = PinnedMessenger(
        ports=[server.port], resolver=lambda host, port: ["93.184.216.34", "127.0.0.1"]
    )
    [reply] = messenger.send([_letter(f"https://{NAME}:{server.port}/")])
    assert reply.trouble == "refused:address"
    assert server.got == []


# TLS ----------------------------------------------------------------------------------------------


def _secured(server: _Server, serving: ssl.SSLContext) -> None:
    server.socket = serving.wrap_socket(server.socket, server_side=True)


class _Anywhere(PinnedMessenger):
    """Judges as usual, and connects to the receiver of the test whatever the address."""

    port = 0

    def _connect(self, endpoint: Any, addresses: Any) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        return self._secured(plain, endpoint.host)


def _anywhere(server: _Server, trusted: ssl.SSLContext | None) -> PinnedMessenger:
    messenger = _Anywhere(resolver=lambda host, port: ["93.184.216.34"], trust=trusted)
    messenger.port = server.port
    return messenger


def test_the_name_and_not_the_address_is_proved_by_the_certificate(
    server: _Server, trust: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    _secured(server, trust[0])
    good, bad = _anywhere(server, trust[1]).send(
        [_letter(f"https://{NAME}/"), _letter("https://other.example.cn/")]
    )
    assert good.status == 204
    assert bad.trouble == "tls:CERTIFICATE_VERIFY_FAILED"
    assert server.got[0][1]["Host"] == NAME


def test_a_certificate_that_nobody_vouches_for_is_refused(
    server: _Server, trust: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    _secured(server, trust[0])
    [reply] = _anywhere(server, None).send([_letter(f"https://{NAME}/")])
    assert reply.trouble == "tls:CERTIFICATE_VERIFY_FAILED"
    assert server.got == []
