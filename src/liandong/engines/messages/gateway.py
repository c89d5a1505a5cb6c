"""Short messages by a gateway that takes JSON over HTTP, as most of them do.

One POST for each message: an object with the number, the text and the id under the names that the
gateway uses, and the key as a bearer token.  No redirect is followed, little of the answer is read.
"""

import http.client
import json
import ssl
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from liandong.kernel.ports import Reply, ShortMessage

MOST_READ = 64 << 10  # bytes of an answer; nothing in it counts


class GatewayTexter:
    """The gateway of one installation.

    `fields` are the names of number, text and id in the object, in this order.  Raises ValueError
    for an address that is not http or https, and for other than three names.
    """

    def __init__(
        self, *, url: str, key: str = "", fields: Sequence[str] = ("to", "text", "id"),
        deadline_s: float = 10,
    ) -> None:  # fmt: skip
        part = urlsplit(url)
        if part.scheme not in {"http", "https"} or not part.hostname or len(fields) != 3:
            raise ValueError(url)
        self._part, self._key, self._fields = part, key, tuple(fields)
        self._deadline_s = deadline_s

    def send(self, texts: Sequence[ShortMessage]) -> list[Reply]:
        """One reply per message, in order."""
        return [self._send_timed(one) for one in texts]

    def _send_timed(self, one: ShortMessage) -> Reply:
        started, status, trouble = time.monotonic(), 0, ""
        try:
            status = self._send(one)
        except TimeoutError:
            trouble = "timeout"
        except (OSError, http.client.HTTPException) as error:
            trouble = type(error).__name__
        return Reply(status, trouble, round((time.monotonic() - started) * 1000))

    def _send(self, one: ShortMessage) -> int:
        values = (one.phone, one.text, one.id)
        body = json.dumps(dict(zip(self._fields, values, strict=True)), ensure_ascii=False)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        connection = self._connection()
        try:
            path = self._part.path or "/"
            target = f"{path}?{self._part.query}" if self._part.query else path
            connection.request("POST", target, body.encode(), headers)
            answer = connection.getresponse()
            answer.read(MOST_READ)
            return answer.status
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = str(self._part.hostname), self._part.port
        if self._part.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._deadline_s)
        trust = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=self._deadline_s, context=trust)
