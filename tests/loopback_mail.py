"""A mail server on this machine that keeps what it gets: RFC 5321 as far as a client needs it."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class _Talk(socketserver.StreamRequestHandler):
    server: "MailServer"

    def handle(self) -> None:
        self._say(220)
        to: list[str] = []
        while line := self.rfile.readline():
            verb = line.decode("utf-8", "replace").strip()
            match verb[:4].upper():
                case "QUIT":
                    self._say(221)
                    return
                case "RCPT":
                    to.append(verb.partition("<")[2].partition(">")[0])
                    self._say(550 if to[-1] in self.server.refused else 250)
                case "DATA":
                    self._say(354)
                    self._keep(to)
                    to = []
                case _:
                    self._say(250)

    def _say(self, code: int) -> None:
        self.wfile.write(f"{code} ok\r\n".encode())

    def _keep(self, to: list[str]) -> None:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        made = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(made, EmailMessage)
        self.server.got.append((to, made))
        self._say(250)


class MailServer(socketserver.ThreadingTCPServer):
    """`got` has receivers and mail of each that came; who is in `refused` gets none."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.got: list[tuple[list[str], EmailMessage]] = []
        self.refused: set[str] = set()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def texts(self) -> list[str]:
        return [mail.get_content() for _to, mail in self.got]


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server that runs until the end of the block."""
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
