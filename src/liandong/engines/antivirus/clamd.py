"""Scans with the ClamAV daemon over its socket, by the INSTREAM command of clamd(8)."""

import re
import socket
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

_CHUNK = 65536
_ANSWER_LIMIT = 4096
_MAX_AGE_DAYS = 7  # older definitions are not trusted
_VERSION = re.compile(r"^ClamAV [^/]+/(?P<number>\d+)/(?P<date>.+)$")


class ClamdScanner:
    """The daemon at a unix socket path (`/run/clamav/clamd.ctl`) or `host:port`.

    `clock` gives seconds since 1970: the age of the definitions is measured with it.
    """

    def __init__(
        self,
        address: str = "/run/clamav/clamd.ctl",
        *,
        timeout_s: float = 60.0,
        max_age_days: int = _MAX_AGE_DAYS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._max_age_days = max_age_days
        self._clock = clock

    def state(self) -> tuple[bool, str]:
        """Whether it can be trusted now, and why: version and age of the definitions in days.

        Not trusted: no daemon, no definitions, or definitions older than `max_age_days`.
        """
        try:
            version = self._ask(b"VERSION")
        except OSError as error:
            return False, f"ClamAV 未连接（{self._address}）：{error.strerror or error}"
        found = _VERSION.match(version)
        if found is None:
            return False, f"{version}；未装病毒库"
        try:
            made = datetime.strptime(found["date"].strip(), "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007 - set below
        except ValueError:
            return False, f"{version}；病毒库日期无法识别"
        days = int(self._clock() - made.replace(tzinfo=UTC).timestamp()) // 86400
        return days <= self._max_age_days, f"{version}；病毒库已 {max(days, 0)} 天"

    def scan(self, file: Path) -> str:
        """The name of what was found, or "".

        Raises OSError when the daemon is away, refuses the file (too large) or answers oddly.
        """
        with self._connect() as link, file.open("rb") as stream:
            refused: OSError | None = None
            try:
                link.sendall(b"zINSTREAM\0")
                while chunk := stream.read(_CHUNK):
                    link.sendall(struct.pack("!I", len(chunk)) + chunk)
                link.sendall(struct.pack("!I", 0))
            except (BrokenPipeError, ConnectionResetError) as error:
                refused = error  # over StreamMaxLength the daemon answers, then closes
            answer = _answer(link)
        if answer == "stream: OK":
            return ""
        if answer.startswith("stream: ") and answer.endswith(" FOUND"):
            return answer.removeprefix("stream: ").removesuffix(" FOUND")
        raise OSError(f"clamd: {answer or refused or 'no answer'}")

    def _ask(self, command: bytes) -> str:
        with self._connect() as link:
            link.sendall(b"z" + command + b"\0")
            return _answer(link)

    def _connect(self) -> socket.socket:
        host, _, port = self._address.rpartition(":")
        if host and port.isdigit():
            return socket.create_connection((host.strip("[]"), int(port)), self._timeout_s)
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(self._timeout_s)
        try:
            link.connect(self._address)
        except OSError:
            link.close()
            raise
        return link


def _answer(link: socket.socket) -> str:
    answer = b""
    while b"\0" not in answer and len(answer) < _ANSWER_LIMIT:
        part = link.recv(_ANSWER_LIMIT)
        if not part:
            break
        answer += part
    return answer.split(b"\0")[0].decode("utf-8", "replace").strip()
