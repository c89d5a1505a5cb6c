"""A messenger that keeps its letters; `tests/engines/test_messengers.py` holds it to the port."""

from collections.abc import Sequence
from typing import ClassVar

from liandong.kernel.endpoints import Reach, judged_addresses, parse_endpoint
from liandong.kernel.ports import Letter, Reply

PUBLIC = "93.184.216.34"


class KeepingMessenger:
    """Judges as the real one does, with names that it makes up; answers what it was told to."""

    sent: ClassVar[list[Letter]] = []
    replies: ClassVar[list[Reply]] = []  # the next ones; afterwards everything is taken

    def __init__(self, names: dict[str, str] | None = None) -> None:
        self._names = names or {}

    def judge(self, url: str) -> None:
        reach = Reach()
        judged_addresses(parse_endpoint(url, reach), reach, self._resolve)

    def _resolve(self, host: str, _port: int) -> list[str]:
        return [self._names.get(host, PUBLIC)]

    def send(self, letters: Sequence[Letter]) -> list[Reply]:
        self.sent.extend(letters)
        return [self.replies.pop(0) if self.replies else Reply(204) for _ in letters]
